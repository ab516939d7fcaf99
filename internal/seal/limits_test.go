package seal_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/seal"
)

// TestBlob checks that blobs open for their purpose in their backup only.
func TestBlob(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	o := opener(t, s, k)
	sealed, err := s.SealBlob("manifest", []byte("rows: 17"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := o.OpenBlob("manifest", sealed); err != nil || string(got) != "rows: 17" {
		t.Errorf("blob is %q, %v", got, err)
	}
	bad := bytes.Clone(sealed)
	bad[len(bad)/2] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"purpose": func() ([]byte, error) { return o.OpenBlob("manifest2", sealed) },
		"backup":  func() ([]byte, error) { return opener(t, sealer(t, k), k).OpenBlob("manifest", sealed) },
		"byte":    func() ([]byte, error) { return o.OpenBlob("manifest", bad) },
		"empty":   func() ([]byte, error) { return o.OpenBlob("manifest", nil) },
		"a frame": func() ([]byte, error) { return o.OpenFrame(nil, 0, true, sealed) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("another %s: opens to %q", name, got)
		} else if name != "a frame" && !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

// TestLimits seals what the format has no place for.
func TestLimits(t *testing.T) {
	s := sealer(t, fileKey(t))
	for _, number := range []int{-1, seal.MaxFrames} {
		if _, err := s.AppendFrame(nil, number, false, []byte("x")); !errors.Is(err, seal.ErrLimit) {
			t.Errorf("frame %d: %v", number, err)
		}
	}
	if _, err := s.AppendFrame(nil, 0, false, nil); !errors.Is(err, seal.ErrLimit) {
		t.Errorf("an empty frame: %v", err)
	}
	if err := s.FrameWriter(io.Discard, 0, false).Close(); !errors.Is(err, seal.ErrLimit) {
		t.Errorf("an empty frame, as a stream: %v", err)
	}
	if _, err := s.AppendFrame(nil, seal.MaxFrames-1, true, []byte("x")); err != nil {
		t.Error(err)
	}
}

// TestFullDisk checks that a FrameWriter reports what its writer says.
func TestFullDisk(t *testing.T) {
	full := errors.New("disk full")
	w := sealer(t, fileKey(t)).FrameWriter(failing{full}, 0, true)
	if _, err := w.Write(make([]byte, 100)); err != nil {
		t.Error(err)
	}
	if err := w.Close(); !errors.Is(err, full) {
		t.Errorf("Close: %v", err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, full) {
		t.Errorf("Write after it: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

// TestReadFailure tells a failing disk from an object that is cut off.
func TestReadFailure(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	broken := errors.New("disk broken")
	obj, _ := object(t, s, texts(1)...)
	r := io.MultiReader(bytes.NewReader(obj[s.Header().Len():len(obj)-1]), failing{broken})
	_, err := io.ReadAll(opener(t, s, k).FrameReader(r, 0))
	if !errors.Is(err, broken) || errors.Is(err, seal.ErrCutOff) {
		t.Errorf("read: %v", err)
	}
	if _, err := seal.ReadHeader(bufio.NewReader(io.MultiReader(bytes.NewReader(obj[:40]), failing{broken}))); !errors.Is(err, broken) {
		t.Errorf("ReadHeader: %v", err)
	}
}

// TestRedacted prints what has secrets, in every way there is.
func TestRedacted(t *testing.T) {
	k := phrase(t, "hunter2-hunter2")
	s := sealer(t, k)
	for _, v := range []any{s, *s, opener(t, s, k), struct{ S any }{s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); !strings.HasSuffix(strings.TrimRight(got, "}"), keys.Redacted) {
				t.Errorf("%s of %T: %s", verb, v, got)
			}
		}
		text, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(text), keys.Redacted) {
			t.Errorf("JSON of %T: %s, %v", v, text, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		if !strings.Contains(log.String(), keys.Redacted) {
			t.Errorf("log of %T: %s", v, &log)
		}
	}
}
