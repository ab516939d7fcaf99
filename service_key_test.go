package litekeep_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/litekeep/litekeep"
)

// transit is a stand-in of the transit engine of HashiCorp Vault. What it makes
// of a text is the text with the name of the key before it.
type transit struct {
	*httptest.Server
	calls atomic.Int32
	down  atomic.Bool
}

func newTransit(t *testing.T) *transit {
	t.Helper()
	v := &transit{}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	t.Setenv("VAULT_ADDR", v.URL)
	t.Setenv("VAULT_TOKEN", "a-token-that-must-not-show")
	t.Setenv("VAULT_MAX_RETRIES", "0")
	return v
}

func (v *transit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.calls.Add(1)
	parts := strings.Split(r.URL.Path, "/") // /v1/transit/encrypt/NAME
	var body struct{ Plaintext, Ciphertext string }
	if v.down.Load() || len(parts) != 5 || json.NewDecoder(r.Body).Decode(&body) != nil {
		http.Error(w, `{"errors":["sealed"]}`, http.StatusServiceUnavailable)
		return
	}
	before := parts[4] + ":"
	data := map[string]string{"ciphertext": "vault:v1:" + base64.StdEncoding.EncodeToString([]byte(before+body.Plaintext))}
	if parts[3] == "decrypt" {
		text, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(body.Ciphertext, "vault:v1:"))
		plain, ok := strings.CutPrefix(string(text), before)
		if !ok {
			http.Error(w, `{"errors":["cipher: message authentication failed"]}`, http.StatusBadRequest)
			return
		}
		data = map[string]string{"plaintext": plain}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
}

// TestServiceKey seals under a key of a key management service and a key file.
func TestServiceKey(t *testing.T) {
	v := newTransit(t)
	file := newKey(t)
	w := newWorld(t, smallSQL, withKeys("hashivault://one", file))
	b := w.backup()
	if n := v.calls.Load(); n != 1 {
		t.Errorf("%d calls for a backup that is read back", n)
	}
	for _, key := range []string{"hashivault://one", file} {
		if got, err := w.service(withKeys(key)).VerifyBackup(t.Context(), b.Path); err != nil || got.StoredOnly {
			t.Errorf("%s: %+v, %v", key, got, err)
		}
	}
	if _, err := w.service(withKeys("hashivault://two")).VerifyBackup(t.Context(), b.Path); !errors.Is(err, litekeep.ErrWrongKey) {
		t.Errorf("another key of the service: %v", err)
	}
	v.calls.Store(0)
	if _, err := w.service(nil).ListBackups(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := w.CleanupOldBackups(t.Context(), false); err != nil || v.calls.Load() != 0 {
		t.Errorf("listing and pruning called the service %d times, %v", v.calls.Load(), err)
	}

	v.down.Store(true)
	if got, err := w.VerifyBackup(t.Context(), b.Path); err != nil || got.StoredOnly {
		t.Errorf("with the key file, while the service is down: %+v, %v", got, err)
	}
	_, err := w.service(withKeys("hashivault://one")).VerifyBackup(t.Context(), b.Path)
	var e *litekeep.Error
	if err == nil || errors.Is(err, litekeep.ErrWrongKey) || errors.Is(err, litekeep.ErrDamaged) || !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("while the service is down: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "must-not-show") {
		t.Errorf("the token shows: %v", err)
	}
	before := tree(t, w.dir)
	if _, err := w.CreateBackup(t.Context()); err == nil {
		t.Error("backed up under a key that did not wrap")
	}
	unchanged(t, w.dir, before)
}
