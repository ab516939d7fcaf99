package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/litekeep/litekeep/internal/value"
)

// ErrCannotPublish is the sentinel of every *PublishError.
var ErrCannotPublish = errors.New("cannot publish into the database")

// PublishError says why a file cannot be published into a live database, and
// what works instead.
type PublishError struct {
	Target string
	Reason string // a clause, like "it is in WAL mode with pages of 1024 bytes"
	WayOut string // a sentence: what works instead
	Err    error  // the cause, where there is one
}

// Error names the target and the reason. The cause is left out where the reason says
// the same, and the way out is for whoever shows the error.
func (e *PublishError) Error() string {
	text := "publish into " + e.Target + ": " + e.Reason
	if e.Err != nil && !errors.Is(e.Err, ErrBusy) && !errors.Is(e.Err, ErrNotADatabase) {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *PublishError) Unwrap() error { return e.Err }

// Is reports whether target is ErrCannotPublish.
func (e *PublishError) Is(target error) bool { return target == ErrCannotPublish }

// The ways out of a PublishError.
const (
	hintReplace = "Stop the programs that use it, move it away together with the files beside it (-wal, -shm, -journal), and restore to the path that is then free"
	hintStop    = "Stop the programs that use it and try again; or move it away together with its -wal and -shm and restore to the path that is then free"
	hintWait    = "Try again when the program that holds the lock is done, or wait longer"
	hintRights  = "Run as a user who may write to the file and its folder"
)

// Content is what matters of a database that is going to be published.
type Content struct {
	PageSize int    // bytes; 0 for a database of 0 bytes, which fits any
	Encoding string // "UTF-8", "UTF-16le" or "UTF-16be"; "" for a database without content
}

func contentOf(newFile string) (Content, error) {
	header, err := privateHeader(newFile)
	if err != nil {
		return Content{}, err
	}
	return Content{PageSize: int(pageSizeOf(header)), Encoding: encodingOf(header)}, nil
}

// CanPublish finds out, without changing anything, whether a Publication of a file
// with this content can work. It returns a *PublishError for what needs another way,
// ErrBusy when another connection holds a lock for longer than the busy timeout, and
// fs.ErrNotExist when there is no target.
func CanPublish(ctx context.Context, content Content, target string, o PublishOptions) error {
	inWAL, err := canPublish(ctx, content, target, o)
	if err != nil {
		return err
	}
	return unlessAlone(ctx, target, inWAL)
}

// canPublish is CanPublish without looking whether a target that must leave WAL
// mode can: inWAL is the error if it cannot.
func canPublish(ctx context.Context, content Content, target string, o PublishOptions) (inWAL, err error) {
	s, err := openSource(ctx, target, o.BusyTimeout)
	if err != nil {
		return nil, cannotOpen(target, err)
	}
	inWAL, err = s.canTake(content)
	return inWAL, errors.Join(err, s.close())
}

// InWALMode reports whether the database at path is in WAL mode.
func InWALMode(ctx context.Context, path string, busy time.Duration) (bool, error) {
	s, err := openSource(ctx, path, busy)
	if err != nil {
		return false, err
	}
	wal := s.walMode()
	return wal, s.close()
}

// encodingOf returns the name of the encoding that a header states, "" where
// it states none.
func encodingOf(header []byte) string {
	switch binary.BigEndian.Uint32(header[offsetEncoding:]) {
	case 1:
		return "UTF-8"
	case 2:
		return "UTF-16le"
	case 3:
		return "UTF-16be"
	}
	return ""
}

// privateHeader reads the header of a file that no connection has open.
func privateHeader(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, unwrapPath(err))
	}
	header := make([]byte, headerSize)
	_, err = f.ReadAt(header, 0)
	if err = errors.Join(ignoreEOF(err), f.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, unwrapPath(err))
	}
	return header, nil
}

// cannotOpen gives the failure to open or lock a target its way out.
func cannotOpen(target string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("publish: %w", err)
	case errors.Is(err, ErrBusy):
		return &PublishError{Target: target, Reason: "another connection has it locked", WayOut: hintWait, Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &PublishError{Target: target, Reason: "it may not be read", WayOut: hintRights, Err: err}
	case errors.Is(err, ErrCantOpen):
		return &PublishError{Target: target, Reason: "it cannot be opened", WayOut: hintReplace, Err: err}
	}
	return err
}

// canTake reports whether the database that s holds can take the content; inWAL is the
// error if it has to leave WAL mode for that and cannot.
func (s *source) canTake(content Content) (inWAL, err error) {
	refuse := func(wayOut string, cause error, format string, args ...any) error {
		return &PublishError{Target: s.conn.path, Reason: fmt.Sprintf(format, args...), WayOut: wayOut, Err: cause}
	}
	if err := mayWrite(s.conn.path); err != nil {
		return nil, refuse(hintRights, err, "it cannot be written to")
	}
	if s.size == 0 {
		return nil, s.checkEmptyTarget()
	}
	hot, err := s.hotJournal()
	if err != nil {
		return nil, err
	}
	if !s.isDatabase() {
		if hot {
			return nil, nil // SQLite rolls it back first, and tells then what it is
		}
		return nil, refuse(hintReplace, ErrNotADatabase, "it is something else than a database")
	}
	pageSize := pageSizeOf(s.header)
	if pageSize == 0 || s.header[offsetReadVersion] > 2 {
		return nil, refuse(hintReplace, ErrNotADatabase, "its header is damaged")
	}
	if err := otherEncoding(s.conn.path, encodingOf(s.header), content); err != nil {
		return nil, err
	}
	if s.walMode() && content.PageSize != 0 && int64(content.PageSize) != pageSize {
		inWAL = refuse(hintStop, nil, "it is in WAL mode with pages of %d bytes and the new content has pages of %d, which SQLite cannot change while somebody has it open", pageSize, content.PageSize)
	}
	return inWAL, nil
}

// otherEncoding refuses content for a target with another encoding; have is "" where it has
// none yet. SQLite fixes the encoding of a connection when it first reads the schema, so
// those that are open would fail from then on.
func otherEncoding(target, have string, content Content) error {
	if have == "" || content.Encoding == "" || have == content.Encoding {
		return nil
	}
	return &PublishError{
		Target: target, WayOut: hintReplace,
		Reason: fmt.Sprintf("its text is %s and that of the new content %s, which no connection that is open could read", have, content.Encoding),
	}
}

// checkEncoding is otherEncoding for a target whose first content may still be in its
// write-ahead log: the header of the file names no encoding then.
func (p *Publication) checkEncoding(ctx context.Context) error {
	objects, err := p.to.integer(ctx, "SELECT count(*) FROM sqlite_schema")
	have := ""
	if err == nil && objects > 0 {
		err = p.to.Query(ctx, "PRAGMA encoding", nil, func(row []value.Value) error {
			have = textOf(&row[0])
			return nil
		})
	}
	if err != nil {
		return p.unlessDamaged(err)
	}
	return otherEncoding(p.to.path, have, p.content)
}

// checkEmptyTarget refuses an empty file whose -wal may be all that is left of
// a database: SQLite would delete it.
func (s *source) checkEmptyTarget() error {
	if err := s.checkEmpty(); err != nil {
		return &PublishError{Target: s.conn.path, Reason: "it is not a database, or all that is left of it is its log", WayOut: hintReplace, Err: err}
	}
	return nil
}
