package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/durable"
)

// service asks the service that runs here, if one does.
func (d *doctor) service() {
	url := d.Config.Server.LocalURL()
	code, body, err := 0, []byte(nil), error(nil)
	if url != "" {
		code, body, err = d.get(url + "/readyz")
	}
	running, holder, lockErr := d.running()
	switch {
	case lockErr != nil:
		d.add(Warn, d.Config.State, "whether a service runs cannot be told: "+lockErr.Error(), "", "run it as the user of the service")
	case !running && code == 0:
		d.add(Warn, "", "no service runs here", "nothing is backed up by itself", "systemctl enable --now litekeep")
	case !running:
		d.add(Fail, url, "something answers, but no service uses "+d.Config.State, "another program has the address, so that the service cannot start",
			"choose another server.listen, or name the state of the service that runs there")
	case url == "":
		d.ok("", "%s; it does not listen, so that it cannot be asked how it is", holder)
	case err != nil:
		d.add(Fail, url, holder+", but does not answer: "+err.Error(), "nobody can see it or restore through it", "systemctl restart litekeep")
	case code != http.StatusOK:
		d.add(Fail, url, "the service is not well: "+problems(code, body), "it backs up what it can without what is missing", "journalctl -u litekeep -n 50")
	case !d.troubled():
		d.ok(url, "%s, answers, and is well", holder)
	default:
		d.ok(url, "%s, and answers", holder)
	}
	if running {
		d.tellTroubles()
	}
}

// running tells whether a service uses the state, and which process it is. To find
// out, a lock that is free is taken for a moment: a service that starts in that very
// moment is refused, and started again by systemd.
func (d *doctor) running() (yes bool, holder string, err error) {
	path := daemon.LockPath(d.Config.State)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, "", nil
	}
	lock, err := durable.TryLock(path, durable.Self(d.now(), "doctor"))
	var held *durable.HeldError
	switch {
	case errors.As(err, &held):
		return true, fmt.Sprintf("the service runs (process %d)", held.Holder.PID), nil
	case err != nil:
		return false, "", err
	}
	return false, "", lock.Unlock()
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// get asks the service. No proxy is between: it is on this machine.
func (d *doctor) get(url string) (code int, body []byte, err error) {
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: d.trust()}
	client := &http.Client{Transport: transport, Timeout: d.Timeout}
	r, err := http.NewRequestWithContext(d.ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	return answer.StatusCode, body, err
}

// trust takes the certificate that the configuration names, and no other: it is for
// the name that others use, and perhaps of an authority that this machine does not know.
func (d *doctor) trust() *tls.Config {
	own := d.Config.Server.TLS
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the next line does it
		VerifyConnection: func(state tls.ConnectionState) error {
			pair, err := tls.LoadX509KeyPair(own.Certificate, own.Key)
			if err != nil {
				return err
			}
			var want *x509.Certificate = pair.Leaf
			if len(state.PeerCertificates) == 0 || !state.PeerCertificates[0].Equal(want) {
				return errors.New("its certificate is not the one in " + own.Certificate)
			}
			return nil
		},
	}
}

// problems are what /readyz says that is wrong, which it does not tell everybody.
func problems(code int, body []byte) string {
	var answer struct {
		Health struct {
			Problems []string `json:"problems"`
		} `json:"health"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Health.Problems) == 0 {
		return "it answers with " + strconv.Itoa(code)
	}
	return strings.Join(answer.Health.Problems, "; ")
}
