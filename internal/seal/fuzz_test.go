package seal_test

import (
	"bufio"
	"bytes"
	"errors"
	"testing"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/seal"
)

// FuzzReadHeader reads anything. What is accepted is what would be written.
func FuzzReadHeader(f *testing.F) {
	h := sealer(f, fileKey(f), phrase(f, "pass")).Header()
	for _, seed := range []string{
		string(h.Text()), string(h.Text()) + "frames", `{"litekeep_sealed":2,` + "\n", `{"litekeep_sealed":`, "", "\n]}\n",
		`{"litekeep_sealed":1,` + "\n" + `"backup":"00","codec":"none"}` + "\n]}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := seal.ReadHeader(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			if !errors.Is(err, seal.ErrNotSealed) && !errors.Is(err, seal.ErrVersion) && !errors.Is(err, seal.ErrHeader) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		if !bytes.HasPrefix(text, h.Text()) || h.Len() > seal.MaxHeaderBytes {
			t.Errorf("accepted %q as %q", text, h.Text())
		}
		again, err := seal.ParseHeader(h.Text())
		if err != nil || again.Backup != h.Backup || len(again.Records()) != len(h.Records()) {
			t.Errorf("read again: %v", err)
		}
	})
}

// FuzzParseRewrap is the same for rewrapped keys.
func FuzzParseRewrap(f *testing.F) {
	k := fileKey(f)
	text, err := sealer(f, k).Header().Rewrap(f.Context(), []keys.Key{k}, []keys.Key{k, phrase(f, "pass")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"litekeep_sealed_keys":1,` + "\n" + `"keys":[` + "\n]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := seal.ParseRewrap(text)
		if err == nil && !bytes.Equal(r.Text(), text) {
			t.Errorf("accepted %q as %q", text, r.Text())
		}
	})
}

// FuzzOpenFrame opens anything. Nothing opens but what was sealed, in its
// place. The key is fixed, so that seeds stay what they are.
func FuzzOpenFrame(f *testing.F) {
	k := fileKey(f)
	s, err := seal.NewFixed(f.Context(), "none", []keys.Key{k}, make([]byte, 16), make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	o := opener(f, s, k)
	var sealed []byte
	for i := range 3 {
		frame, err := s.AppendFrame(nil, i, i == 2, []byte("frame"))
		if err != nil {
			f.Fatal(err)
		}
		sealed = append(sealed, frame...)
		f.Add(frame, i, i == 2)
		f.Add(frame[:len(frame)-1], i, i == 2)
		f.Add(sealed, 0, true)
	}
	f.Fuzz(func(t *testing.T, sealed []byte, number int, last bool) {
		stored, err := o.OpenFrame(nil, number, last, sealed)
		var frameErr *seal.FrameError
		switch {
		case err == nil && (string(stored) != "frame" || number < 0 || number > 2 || last != (number == 2)):
			t.Errorf("frame %d, last %v, opens to %q", number, last, stored)
		case err != nil && (!errors.As(err, &frameErr) || stored != nil):
			t.Errorf("%q and an error of no kind: %v", stored, err)
		}
	})
}
