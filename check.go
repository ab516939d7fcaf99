package litekeep

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
)

// readBack reads all of an object that was just written: the hash of each frame
// must be that of the text as it was encoded, the structure of the document and
// all counts must be right. It returns the hash of the object. What is wrong wraps
// archive.ErrDamaged.
func (s *Service) readBack(ctx context.Context, f *os.File, m *manifest.Manifest) (manifest.Hash, error) {
	return s.readAll(ctx, f, m, nil)
}

// check reads all of a stored object and compares it with its manifest: what
// readBack does, and besides the hash of the object and every value's syntax.
func (s *Service) check(ctx context.Context, f *os.File, m *manifest.Manifest) error {
	sum, err := s.readAll(ctx, f, m, checkText)
	if err == nil && sum != m.Stored.SHA256 {
		err = fmt.Errorf("the object's SHA-256 is %v, not %v: %w", sum, m.Stored.SHA256, archive.ErrDamaged)
	}
	return err
}

func (s *Service) readAll(ctx context.Context, f *os.File, m *manifest.Manifest, text func(int, []byte) (any, error)) (sum manifest.Hash, err error) {
	info, err := f.Stat()
	if err != nil {
		return sum, err
	}
	if info.Size() != m.Stored.Bytes {
		return sum, fmt.Errorf("the object has %d bytes, not %d: %w", info.Size(), m.Stored.Bytes, archive.ErrDamaged)
	}
	whole := sha256.New()
	c := checker{m: m}
	o := archive.ReadOptions{Workers: workers(), Check: text, Whole: whole}
	var read int64
	err = archive.Read(ctx, f, frame.Compression(m.Compression), m.Frames, 0, o, func(t archive.Text) error {
		read += m.Frames[t.Number].Stored
		s.progress(Progress{Phase: "verify", Bytes: read, Total: m.Stored.Bytes})
		return c.frame(t)
	})
	if err == nil {
		err = c.scanner.Close()
	}
	if err == nil {
		err = c.compare()
	}
	return manifest.Hash(whole.Sum(nil)), err
}

// checkText checks the items of one frame's text. It runs in parallel with
// others, so it does not know which table they belong to; it returns how many
// values the items of each run have.
func checkText(_ int, text []byte) (any, error) {
	var runs []int
	for len(text) > 0 {
		n := 0
		for n < len(text) && text[n] == '[' {
			end := bytes.IndexByte(text[n:], '\n')
			if end < 0 {
				return nil, io.ErrUnexpectedEOF
			}
			n += end + 1
		}
		if n == 0 {
			end := bytes.IndexByte(text, '\n')
			if end < 0 {
				return nil, io.ErrUnexpectedEOF
			}
			text = text[end+1:]
			continue
		}
		_, arity, err := document.CheckRun(text[:n])
		if err != nil {
			return nil, err
		}
		runs = append(runs, arity)
		text = text[n:]
	}
	return runs, nil
}

// checker follows the structure of a document, frame by frame.
type checker struct {
	m       *manifest.Manifest
	scanner document.Scanner
	end     *document.End
	tables  []int64 // rows of each
	indexes []int64
	rows    int64 // of the current table or index
	frame0  int64 // rows and entries in the current frame
}

func (c *checker) frame(t archive.Text) error {
	runs, _ := t.Result.([]int)
	c.frame0 = 0
	err := c.scanner.Feed(t.Bytes, func(e document.Event) error {
		switch e.Kind {
		case document.EventItems:
			arity := -1
			if len(runs) > 0 {
				arity, runs = runs[0], runs[1:]
			}
			if t.Result != nil && e.Table != nil && e.Table.Arity() >= 0 && e.Table.Arity() != arity {
				return fmt.Errorf("table %q: a row does not have %d values: %w", e.Table.Name.Bytes, e.Table.Arity(), archive.ErrDamaged)
			}
			c.rows += int64(e.Count)
			c.frame0 += int64(e.Count)
		case document.EventTableClose:
			c.tables, c.rows = append(c.tables, c.rows), 0
		case document.EventIndexClose:
			c.indexes, c.rows = append(c.indexes, c.rows), 0
		case document.EventEnd:
			c.end = e.End
		}
		return nil
	})
	if err == nil && c.frame0 != c.m.Frames[t.Number].Rows {
		err = fmt.Errorf("it holds %d rows, not %d: %w", c.frame0, c.m.Frames[t.Number].Rows, archive.ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("frame %d: %w", t.Number, err)
	}
	return nil
}

// compare compares what was counted with the manifest and the document's own
// last line.
func (c *checker) compare() error {
	if len(c.tables) != len(c.m.Tables) || len(c.indexes) != len(c.m.Indexes) {
		return fmt.Errorf("the document has %d tables and %d indexes, not %d and %d: %w",
			len(c.tables), len(c.indexes), len(c.m.Tables), len(c.m.Indexes), archive.ErrDamaged)
	}
	for i, n := range c.tables {
		if n != c.m.Tables[i].Rows {
			return fmt.Errorf("table %q has %d rows, not %d: %w", c.m.Tables[i].Name, n, c.m.Tables[i].Rows, archive.ErrDamaged)
		}
	}
	for i, n := range c.indexes {
		if n != c.m.Indexes[i].Entries {
			return fmt.Errorf("index %q has %d entries, not %d: %w", c.m.Indexes[i].Name, n, c.m.Indexes[i].Entries, archive.ErrDamaged)
		}
	}
	if c.end == nil {
		return fmt.Errorf("the document has no end: %w", archive.ErrDamaged)
	}
	digest := manifest.ContentDigest(c.m.Frames)
	if c.end.Digest != digest || c.m.Document.Digest != digest {
		return fmt.Errorf("the content digest is %s, not %s: %w", digest, c.end.Digest, archive.ErrDamaged)
	}
	return nil
}

// Verification is the outcome of VerifyBackup.
type Verification struct {
	Path    string  `json:"backup_path"`
	OK      bool    `json:"ok"`
	Problem string  `json:"problem,omitempty"`
	Bytes   int64   `json:"size_bytes"`
	Tables  int64   `json:"table_count"`
	Rows    int64   `json:"record_count"`
	Frames  int     `json:"frames"`
	Seconds float64 `json:"duration_seconds"`
}

// VerifyBackup reads every byte of the backup whose object is at path and
// compares it with its manifest. It returns a Verification in either case; when
// something is wrong it says what, and the error matches ErrDamaged. The outcome
// is noted beside the backup, if its folder can be written to.
func (s *Service) VerifyBackup(ctx context.Context, path string) (*Verification, error) {
	begin := s.now()
	v := &Verification{Path: path}
	err := s.verify(ctx, path, v)
	v.Seconds = s.now().Sub(begin).Seconds()
	if ctx.Err() != nil {
		return v, explain("verify", path, ctx.Err())
	}
	v.OK = err == nil
	err = explain("verify", path, err)
	if err != nil {
		v.Problem = cause(err).Error()
		s.log.Warn("backup is not whole", "path", path, "problem", v.Problem)
	}
	if err == nil || errors.Is(err, ErrDamaged) {
		s.noteChecked(path, v.OK)
	}
	return v, err
}

func (s *Service) verify(ctx context.Context, path string, v *Verification) error {
	m, f, err := openBackup(path)
	if err != nil {
		return err
	}
	defer f.Close()
	v.Bytes, v.Tables, v.Rows, v.Frames = m.Stored.Bytes, m.Totals.Tables, m.Totals.Rows, len(m.Frames)
	return s.check(ctx, f, m)
}

// errNoObject says that there is a manifest alone.
var errNoObject = fmt.Errorf("the object is missing: %w", archive.ErrDamaged)

// openBackup opens the object at path and reads its manifest. What is missing
// or makes no sense wraps archive.ErrDamaged.
func openBackup(path string) (*manifest.Manifest, *os.File, error) {
	m, err := readManifest(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errNoObject
	}
	return m, f, err
}

func readManifest(object string) (*manifest.Manifest, error) {
	text, err := os.ReadFile(object + manifest.Suffix)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(object); err != nil {
			return nil, err // no such backup at all
		}
		return nil, &noManifestError{object}
	}
	if err != nil {
		return nil, err
	}
	m, err := manifest.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(object)+manifest.Suffix, err)
	}
	if m.Object != filepath.Base(object) {
		return nil, fmt.Errorf("the manifest belongs to %s: %w", m.Object, archive.ErrDamaged)
	}
	return m, nil
}

// noManifestError says that an object has no manifest.
type noManifestError struct{ object string }

func (e *noManifestError) Error() string {
	return "its manifest " + filepath.Base(e.object) + manifest.Suffix + " is missing"
}

func (e *noManifestError) Unwrap() error { return archive.ErrDamaged }

// noteChecked notes the outcome of a verification beside the backup. Media that
// cannot be written to are no reason to fail.
func (s *Service) noteChecked(object string, ok bool) {
	text, err := manifest.EncodeChecked(manifest.Checked{Checked: manifest.At(s.now()), OK: ok})
	if err == nil {
		if _, statErr := os.Stat(object + manifest.Suffix); statErr != nil {
			return // nothing that is listed
		}
		err = s.disk.ReplaceFile(object+manifest.CheckedSuffix, text, durable.FilePerm)
	}
	if err != nil {
		s.log.Warn("the outcome of the verification was not noted", "path", object, "error", err)
	}
}
