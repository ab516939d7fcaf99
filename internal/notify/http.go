package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of a request. A channel that takes longer is tried again later.
const (
	requestTime  = 10 * time.Second
	answerLimit  = 64 << 10 // bytes that are read of an answer
	excerptLimit = 200      // bytes of it that an error shows
	longestWait  = time.Hour
)

// poster sends requests to one address, which is a secret.
type poster struct {
	client  *http.Client
	address string
}

// newPoster checks the address. transport is nil except in tests.
func newPoster(address string, transport http.RoundTripper) (*poster, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("%w: the URL must be a whole one that begins with https:// or http://", ErrChannel)
	}
	if transport == nil {
		transport = &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: requestTime,
			DisableKeepAlives:     true, // messages are rare
			ForceAttemptHTTP2:     true,
		}
	}
	return &poster{address: address, client: &http.Client{
		Transport: transport,
		Timeout:   requestTime,
		// A redirect would take the secret address, or the signed body, to
		// whomever the answer names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// send sends a request and wants an answer of 200 to 299. The error names the
// host of the address and no more of it.
func (p *poster) send(ctx context.Context, method string, header http.Header, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, method, p.address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used") // the error would show it
	}
	for k, v := range header {
		r.Header[k] = v
	}
	r.Header.Set("User-Agent", "litekeep")
	answer, err := p.client.Do(r)
	if err != nil {
		return redacted(r.URL, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerLimit))
	if err != nil && answer.StatusCode/100 == 2 {
		return nil // it was accepted; what it says besides does not matter
	}
	return verdict(r.URL, answer, text)
}

// redacted takes the address out of the error of a request.
func redacted(u *url.URL, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		if outer.Timeout() {
			return fmt.Errorf("ask %s: no answer in time", u.Host)
		}
		err = outer.Err
	}
	return errors.New("ask " + u.Host + ": " + withoutSecrets(u, err.Error()))
}

// withoutSecrets replaces what is secret of an address in a text.
func withoutSecrets(u *url.URL, text string) string {
	secrets := []string{u.String(), u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery}
	if p, ok := u.User.Password(); ok {
		secrets = append(secrets, u.User.String(), p)
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 8 { // shorter ones are words: services, hooks
			secrets = append(secrets, part)
		}
	}
	for _, values := range u.Query() {
		secrets = append(secrets, values...)
	}
	for _, s := range secrets {
		if len(s) > 3 {
			text = strings.ReplaceAll(text, s, "(secret)")
		}
	}
	return text
}

// verdict makes an error of an answer, nil if it is a good one.
func verdict(u *url.URL, answer *http.Response, text []byte) error {
	if answer.StatusCode/100 == 2 {
		return nil
	}
	said := oneLine(withoutSecrets(u, string(text)))
	if len(said) > excerptLimit {
		said = strings.ToValidUTF8(said[:excerptLimit], "") + "…"
	}
	err := fmt.Errorf("%s answered %d %s", u.Host, answer.StatusCode, http.StatusText(answer.StatusCode))
	switch {
	case answer.StatusCode/100 == 3:
		err = fmt.Errorf("%w: redirects are not followed; configure the final address", err)
	case said != "":
		err = fmt.Errorf("%w: %s", err, said)
	}
	if after, ok := retryAfter(answer); ok {
		return &RetryError{After: after, Err: err}
	}
	return err
}

// retryAfter reads the header of that name, in seconds or as a date.
func retryAfter(answer *http.Response) (time.Duration, bool) {
	value := answer.Header.Get("Retry-After")
	if s, err := strconv.Atoi(value); err == nil && s >= 0 {
		return min(time.Duration(min(s, 1<<20))*time.Second, longestWait), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	sent, err := http.ParseTime(answer.Header.Get("Date")) // by the same clock
	if err != nil || at.Before(sent) {
		return 0, false
	}
	return min(at.Sub(sent), longestWait), true
}
