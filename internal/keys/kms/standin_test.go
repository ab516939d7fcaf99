package kms_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// token is what the stand-in of Vault asks for.
const token = "s.hunter2hunter2"

// vault is a stand-in of HashiCorp Vault that speaks the part of the transit
// engine's API that matters here: it makes a key when it is first used, and
// seals under it in earnest.
type vault struct {
	*httptest.Server
	keys map[string]cipher.AEAD
	fail atomic.Int32 // status to answer with, if not 0
	odd  atomic.Bool  // answer what is no answer
}

func newVault(t *testing.T) *vault {
	v := &vault{keys: map[string]cipher.AEAD{}}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Server.Close)
	return v
}

func (v *vault) lookup(name string) (string, bool) {
	value, ok := map[string]string{"VAULT_ADDR": v.URL, "VAULT_TOKEN": token}[name]
	return value, ok
}

func refuse(w http.ResponseWriter, status int, reason string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string][]string{"errors": {reason}})
}

// ServeHTTP answers /v1/ENGINE/encrypt/KEY and /v1/ENGINE/decrypt/KEY.
func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	var body struct{ Plaintext, Ciphertext string }
	switch status := int(v.fail.Load()); {
	case status != 0:
		refuse(w, status, "told to\nfail")
	case v.odd.Load():
		_, _ = w.Write([]byte(`{"data":{"plaintext":17,"ciphertext":null}}`))
	case r.Header.Get("X-Vault-Token") != token:
		refuse(w, http.StatusForbidden, "permission denied")
	case len(parts) != 3 || json.NewDecoder(r.Body).Decode(&body) != nil:
		refuse(w, http.StatusNotFound, "no handler")
	case parts[1] == "encrypt":
		v.encrypt(w, parts[0]+"/"+parts[2], body.Plaintext)
	case parts[1] == "decrypt":
		v.decrypt(w, parts[0]+"/"+parts[2], body.Ciphertext)
	default:
		refuse(w, http.StatusNotFound, "no handler")
	}
}

func (v *vault) key(name string) cipher.AEAD {
	if v.keys[name] == nil {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		block, _ := aes.NewCipher(key)
		v.keys[name], _ = cipher.NewGCMWithRandomNonce(block)
	}
	return v.keys[name]
}

func (v *vault) encrypt(w http.ResponseWriter, name, plaintext string) {
	text, err := base64.StdEncoding.DecodeString(plaintext)
	if err != nil {
		refuse(w, http.StatusBadRequest, "plaintext is not base64")
		return
	}
	sealed := v.key(name).Seal(nil, nil, text, nil)
	answer(w, "ciphertext", "vault:v1:"+base64.StdEncoding.EncodeToString(sealed))
}

func (v *vault) decrypt(w http.ResponseWriter, name, ciphertext string) {
	sealed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(ciphertext, "vault:v1:"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "invalid ciphertext: could not decode")
		return
	}
	text, err := v.key(name).Open(nil, nil, sealed, nil)
	if err != nil {
		refuse(w, http.StatusBadRequest, "cipher: message authentication failed")
		return
	}
	answer(w, "plaintext", base64.StdEncoding.EncodeToString(text))
}

func answer(w http.ResponseWriter, name, value string) {
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{name: value}})
}

// newAWS starts a stand-in of AWS KMS, with one key. It answers the two calls
// that matter here, and does not look at signatures.
func newAWS(t *testing.T) *httptest.Server {
	var v vault
	v.keys = map[string]cipher.AEAD{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			KeyId, Plaintext, CiphertextBlob string
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		err := json.NewDecoder(r.Body).Decode(&body)
		_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		switch {
		case err != nil || !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/kms/"):
			failAWS(w, "AccessDeniedException")
		case call == "Encrypt" && body.KeyId != "alias/x":
			failAWS(w, "NotFoundException")
		case call == "Encrypt":
			text, _ := base64.StdEncoding.DecodeString(body.Plaintext)
			sealed := v.key("x").Seal(nil, nil, text, nil)
			_ = json.NewEncoder(w).Encode(map[string]string{"CiphertextBlob": base64.StdEncoding.EncodeToString(sealed)})
		case call == "Decrypt":
			sealed, _ := base64.StdEncoding.DecodeString(body.CiphertextBlob)
			text, err := v.key("x").Open(nil, nil, sealed, nil)
			if err != nil {
				failAWS(w, "InvalidCiphertextException")
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"Plaintext": base64.StdEncoding.EncodeToString(text)})
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func failAWS(w http.ResponseWriter, code string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": "told to fail"})
}
