package litekeep

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/manifest"
)

// check reads all of a stored object and compares it with its manifest: every
// hash, the structure of the document and all counts, and every value's syntax.
// What is wrong wraps archive.ErrDamaged.
func (s *Service) check(ctx context.Context, b *opened) error {
	m := b.m
	if err := checkSize(b.object.Size(), m.Stored); err != nil {
		return err
	}
	whole := sha256.New()
	if b.header != nil { // which was compared with that of the object
		whole.Write(b.header.Text())
	}
	var c checker
	var read int64
	err := b.readAll(ctx, archive.ReadOptions{Check: checkText, Whole: whole}, func(t archive.Text) error {
		read += t.Stored
		s.progress(Progress{Phase: "verify", Bytes: read, Total: m.Stored.Bytes})
		return c.frame(t)
	})
	if err == nil {
		err = c.compare(m)
	}
	if err != nil {
		return err
	}
	return checkSum(manifest.Hash(whole.Sum(nil)), m.Stored)
}

func checkSum(sum manifest.Hash, stored manifest.Stored) error {
	if sum != stored.SHA256 {
		return fmt.Errorf("the object's SHA-256 is %v, not %v: %w", sum, stored.SHA256, archive.ErrDamaged)
	}
	return nil
}

func checkSize(size int64, stored manifest.Stored) error {
	if size != stored.Bytes {
		return fmt.Errorf("the object has %d bytes, not %d: %w", size, stored.Bytes, archive.ErrDamaged)
	}
	return nil
}

// checkStored compares a sealed object with what its manifest says in the clear,
// without a key: length, SHA-256, header.
func (s *Service) checkStored(ctx context.Context, at place, r *record) error {
	object, err := openObject(ctx, at)
	if err != nil {
		return err
	}
	defer object.Close()
	if err := checkSize(object.Size(), r.stored()); err != nil {
		return err
	}
	if err := checkHeader(object, r.header); err != nil {
		return err
	}
	whole := sha256.New()
	part := make([]byte, 1<<20)
	for at := int64(0); at < object.Size(); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := object.ReadAt(part[:min(int64(len(part)), object.Size()-at)], at)
		if n == 0 {
			return fmt.Errorf("read object: %w", err)
		}
		whole.Write(part[:n])
		at += int64(n)
		s.progress(Progress{Phase: "verify", Bytes: at, Total: object.Size()})
	}
	return checkSum(manifest.Hash(whole.Sum(nil)), r.stored())
}

// checkText checks the items of one frame's text. It runs in parallel with
// others, so it does not know which table they belong to; it returns the
// width of each run of items.
func checkText(_ int, text []byte) (any, error) {
	var runs []document.Width
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
		width, err := document.CheckRun(text[:n])
		if err != nil {
			return nil, err
		}
		runs = append(runs, width)
		text = text[n:]
	}
	return runs, nil
}

// checker follows the structure of a document, frame by frame. The zero value is
// ready.
type checker struct {
	scanner document.Scanner
	end     *document.End
	tables  []int64 // rows of each
	indexes []int64
	rows    int64 // of the current table or index
	inFrame int64 // rows and entries in the current frame
}

func (c *checker) frame(t archive.Text) error {
	runs, _ := t.Result.([]document.Width)
	c.inFrame = 0
	err := c.scanner.Feed(t.Bytes, func(e document.Event) error {
		switch e.Kind {
		case document.EventItems:
			if len(runs) > 0 {
				run := runs[0]
				runs = runs[1:]
				if e.Table != nil && !(e.Table.Width().Has(run.Least) && e.Table.Width().Has(run.Most)) {
					return fmt.Errorf("table %q: a row has more or fewer values than columns: %w", e.Table.Name.Bytes, archive.ErrDamaged)
				}
			}
			c.rows += int64(e.Count)
			c.inFrame += int64(e.Count)
		case document.EventTableClose:
			c.tables, c.rows = append(c.tables, c.rows), 0
		case document.EventIndexClose:
			c.indexes, c.rows = append(c.indexes, c.rows), 0
		case document.EventEnd:
			c.end = e.End
		}
		return nil
	})
	if err == nil && c.inFrame != t.Rows {
		err = fmt.Errorf("it holds %d rows, not %d: %w", c.inFrame, t.Rows, archive.ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("frame %d: %w", t.Number, err)
	}
	return nil
}

// compare compares what was counted, once all frames were given, with the manifest
// and the document's own last line.
func (c *checker) compare(m *manifest.Manifest) error {
	if err := c.scanner.Close(); err != nil {
		return err
	}
	if len(c.tables) != len(m.Tables) || len(c.indexes) != len(m.Indexes) {
		return fmt.Errorf("the document has %d tables and %d indexes, not %d and %d: %w",
			len(c.tables), len(c.indexes), len(m.Tables), len(m.Indexes), archive.ErrDamaged)
	}
	for i, n := range c.tables {
		if n != m.Tables[i].Rows {
			return fmt.Errorf("table %q has %d rows, not %d: %w", m.Tables[i].Name, n, m.Tables[i].Rows, archive.ErrDamaged)
		}
	}
	for i, n := range c.indexes {
		if n != m.Indexes[i].Entries {
			return fmt.Errorf("index %q has %d entries, not %d: %w", m.Indexes[i].Name, n, m.Indexes[i].Entries, archive.ErrDamaged)
		}
	}
	if c.end == nil {
		return fmt.Errorf("the document has no end: %w", archive.ErrDamaged)
	}
	digest := manifest.ContentDigest(m.Frames)
	if c.end.Digest != digest || m.Document.Digest != digest {
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
	// Sealed says that the backup is sealed, and StoredOnly that nothing was
	// compared but the stored bytes, for want of a key: Tables, Rows and Frames
	// are not known then.
	Sealed     bool `json:"sealed"`
	StoredOnly bool `json:"stored_only"`
}

// VerifyBackup reads every byte of the backup whose object is at path and
// compares it with its manifest. It returns a Verification in either case; when
// something is wrong it says what, and the error matches ErrDamaged. The outcome
// is noted beside the backup, if its folder can be written to.
//
// Of a sealed backup only the stored bytes are compared where the Config has no
// Keys; see Verification.StoredOnly. That this went well is not noted.
func (s *Service) VerifyBackup(ctx context.Context, path string) (*Verification, error) {
	begin := s.now()
	v := &Verification{Path: path}
	at := s.place(path)
	err := s.verify(ctx, at, v)
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
	if err == nil && !v.StoredOnly || errors.Is(err, ErrDamaged) {
		s.noteChecked(ctx, at, v.OK)
	}
	return v, err
}

func (s *Service) verify(ctx context.Context, at place, v *Verification) error {
	r, err := readRecord(ctx, at)
	if err != nil {
		return err
	}
	v.Bytes, v.Sealed = r.stored().Bytes, r.sealed != nil
	if v.Sealed && !s.cfg.sealed() {
		v.StoredOnly = true
		return s.checkStored(ctx, at, r)
	}
	b, err := s.openRecord(ctx, at, r)
	if err != nil {
		return err
	}
	defer b.close()
	v.Tables, v.Rows, v.Frames = b.m.Totals.Tables, b.m.Totals.Rows, len(b.m.Frames)
	return s.check(ctx, b)
}

// noteChecked notes the outcome of a verification beside the backup. Media that
// cannot be written to are no reason to fail.
func (s *Service) noteChecked(ctx context.Context, at place, ok bool) {
	text, err := manifest.EncodeChecked(manifest.Checked{Checked: manifest.At(s.now()), OK: ok})
	if err == nil {
		if _, missing := at.sibling(ctx, manifest.Suffix); missing != nil {
			return // nothing that is listed
		}
		err = at.put(ctx, manifest.CheckedSuffix, text, true)
	}
	if err != nil {
		s.log.Warn("the outcome of the verification was not noted", "object", at.name(), "error", err)
	}
}
