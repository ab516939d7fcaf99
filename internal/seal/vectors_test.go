package seal_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/seal"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew; its nonces and salts will be others")

const vectorsFile = "testdata/vectors.json"

// vectors is a backup with everything that it follows from. Other
// implementations may test against it.
type vectors struct {
	Backup     string   `json:"backup"`
	DataKey    hexBytes `json:"data_key"`
	Passphrase string   `json:"passphrase"`
	KeyFile    string   `json:"key_file"`
	Frames     []string `json:"frames"`      // the stored frames
	Object     []byte   `json:"object"`      // base64
	Purpose    string   `json:"purpose"`     // of the blob
	Blob       string   `json:"blob"`        // its text
	SealedBlob []byte   `json:"sealed_blob"` // base64
	NewKeyFile string   `json:"new_key_file"`
	Rewrapped  string   `json:"rewrapped"` // the header object that new_key_file opens
}

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%x", []byte(h)), nil }
func (h *hexBytes) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%x", (*[]byte)(h))
	return err
}

func makeVectors(t *testing.T) *vectors {
	t.Helper()
	file, next := fileKey(t).(*keys.FileKey), fileKey(t).(*keys.FileKey)
	v := &vectors{
		Passphrase: "correct horse battery staple", KeyFile: string(file.Text()), NewKeyFile: string(next.Text()),
		Purpose: "manifest", Blob: `{"rows":1}`, Frames: []string{
			"{\"litekeep\":1,\n\"source\":{},\n", "\"tables\":[\n", "\"end\":{}}\n",
		},
	}
	id := []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f")
	v.Backup, v.DataKey = fmt.Sprintf("%x", id), bytes.Repeat([]byte{0x42, 0x17}, 16)
	s, err := seal.NewFixed(t.Context(), "none", []keys.Key{file, phrase(t, v.Passphrase)}, id, v.DataKey)
	if err != nil {
		t.Fatal(err)
	}
	var list [][]byte
	for _, f := range v.Frames {
		list = append(list, []byte(f))
	}
	v.Object, _ = object(t, s, list...)
	if v.SealedBlob, err = s.SealBlob(v.Purpose, []byte(v.Blob)); err != nil {
		t.Fatal(err)
	}
	text, err := s.Header().Rewrap(t.Context(), []keys.Key{file}, []keys.Key{next})
	if err != nil {
		t.Fatal(err)
	}
	v.Rewrapped = string(text)
	return v
}

func loadVectors(t *testing.T) *vectors {
	t.Helper()
	if *update {
		text, err := json.MarshalIndent(makeVectors(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	v := new(vectors)
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVectors opens the published vectors with this package.
func TestVectors(t *testing.T) {
	v := loadVectors(t)
	file, err := keys.ParseFile([]byte(v.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []keys.Key{file, phrase(t, v.Passphrase)} {
		frames, err := readAll(v.Object, k)
		if err != nil || fmt.Sprintf("%s", frames) != fmt.Sprint(v.Frames) {
			t.Errorf("%s: %s, %v", k, frames, err)
		}
	}
	next, err := keys.ParseFile([]byte(v.NewKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.ParseRewrap([]byte(v.Rewrapped))
	if err != nil {
		t.Fatal(err)
	}
	h, err := seal.ParseHeader(v.Object[:bytes.Index(v.Object, []byte("\n]}\n"))+4])
	if err != nil || h.Backup != v.Backup {
		t.Fatalf("backup %s, %v", h.Backup, err)
	}
	o, err := h.Open(t.Context(), []keys.Key{next}, r)
	if err != nil {
		t.Fatal(err)
	}
	if blob, err := o.OpenBlob(v.Purpose, v.SealedBlob); err != nil || string(blob) != v.Blob {
		t.Errorf("blob: %s, %v", blob, err)
	}
}

// TestVectorsIndependently opens them with code that shares nothing with it.
func TestVectorsIndependently(t *testing.T) {
	v := loadVectors(t)
	header := v.Object[:bytes.Index(v.Object, []byte("\n]}\n"))+4]
	file, err := plainKeyFile(v.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	next, err := plainKeyFile(v.NewKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"key file":   func() ([]byte, error) { return plainUnwrap(header, file, "") },
		"passphrase": func() ([]byte, error) { return plainUnwrap(header, nil, v.Passphrase) },
		"rewrapped":  func() ([]byte, error) { return plainUnwrap([]byte(v.Rewrapped), next, "") },
	} {
		dataKey, err := open()
		if err != nil || !bytes.Equal(dataKey, v.DataKey) {
			t.Fatalf("%s: data key %x, %v", name, dataKey, err)
		}
	}
	frames, err := plainRead(v.Object, v.DataKey)
	if err != nil || fmt.Sprintf("%s", frames) != fmt.Sprint(v.Frames) {
		t.Errorf("frames: %s, %v", frames, err)
	}
	if blob, err := plainBlob(v.Object, v.DataKey, v.Purpose, v.SealedBlob); err != nil || string(blob) != v.Blob {
		t.Errorf("blob: %s, %v", blob, err)
	}
}

// TestPiecesIndependently does the same for a frame in several pieces, which is
// too long for a vector.
func TestPiecesIndependently(t *testing.T) {
	id, dataKey := bytes.Repeat([]byte{3}, 16), bytes.Repeat([]byte{4}, 32)
	s, err := seal.NewFixed(t.Context(), "gzip", []keys.Key{fileKey(t)}, id, dataKey)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{[]byte("small"), bytes.Repeat([]byte("large"), seal.PieceBytes/2), []byte("end")}
	obj, _ := object(t, s, want...)
	got, err := plainRead(obj, dataKey)
	if err != nil || len(got) != 3 || !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
		t.Errorf("%d frames, %v", len(got), err)
	}
}
