package keys

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/human"
)

// The lines of a key file.
const (
	fileFormat   = "litekeep-key 1"
	fileID       = "id: "
	fileKey      = "key: "
	fileChecksum = "checksum: "
)

// maxSecretFile bounds what is read of a key or passphrase file.
const maxSecretFile = 4096

// FileKey is the key of a key file.
type FileKey struct {
	hidden
	key     secret
	wrapper *wrapper
}

// Generate returns a new random key.
func Generate() (*FileKey, error) {
	key := make([]byte, DataKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return newFileKey(key)
}

func newFileKey(key []byte) (*FileKey, error) {
	w, err := newWrapper(key)
	if err != nil {
		return nil, err
	}
	return &FileKey{hidden{"key file " + w.id}, newSecret(key), w}, nil
}

// ID returns the fingerprint of the key, which does not reveal it.
func (k *FileKey) ID() string { return k.wrapper.id }

// Type returns TypeFile.
func (k *FileKey) Type() string { return TypeFile }

// Wrap wraps under the key.
func (k *FileKey) Wrap(_ context.Context, backup, dataKey []byte) (Record, error) {
	return k.wrapper.wrap(Record{Type: TypeFile}, backup, dataKey)
}

// Unwrap opens a record.
func (k *FileKey) Unwrap(_ context.Context, backup []byte, r Record) ([]byte, error) {
	if r.Type != TypeFile {
		return nil, ErrOtherKey
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	return k.wrapper.unwrap(backup, r)
}

// Text returns the content of the key file: the secret itself.
func (k *FileKey) Text() []byte {
	id := fileID + k.ID() + "\n"
	key := fileKey + base64.StdEncoding.EncodeToString(k.key.reveal()) + "\n"
	return []byte(fileFormat + "\n" + id + key + fileChecksum + fileSum(id+key) + "\n" +
		"# Whoever reads this file can open your backups, and without it they stay closed:\n" +
		"# keep a copy where neither the machine nor the backups are.\n")
}

// fileSum is for slips of the pen, when a key is copied from paper.
func fileSum(lines string) string {
	sum := sha256.Sum256([]byte(lines))
	return hex.EncodeToString(sum[:4])
}

// ParseFile reads the content of a key file. White space around lines,
// empty lines and lines that begin with # do not count. The error matches
// ErrSecret.
func ParseFile(text []byte) (*FileKey, error) {
	k, err := parseFile(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; %s", ErrSecret, err, copyAgain)
	}
	return k, nil
}

// copyAgain is the way out for a key file that was typed in from paper or was cut off.
// Nobody shall make a new key instead, and take the backups for lost.
const copyAgain = "copy all four lines from the recovery kit (`" + fileFormat + "`, id, key, checksum), or take another copy of the file: " +
	"a new key opens no existing backup"

func parseFile(text []byte) (*FileKey, error) {
	var lines []string
	for line := range strings.Lines(string(text)) {
		line = strings.Trim(line, " \t\r\n") // a kit indents it
		if line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("the key file is empty")
	}
	if lines[0] != fileFormat {
		return nil, fmt.Errorf("the key file does not begin with the line %q", fileFormat)
	}
	if len(lines) != 4 {
		return nil, errors.New("the key file is cut off, or has lines too many")
	}
	for i, prefix := range []string{fileID, fileKey, fileChecksum} {
		if !strings.HasPrefix(lines[i+1], prefix) {
			return nil, fmt.Errorf("the key file has no line %q", strings.TrimSpace(prefix))
		}
	}
	if fileSum(lines[1]+"\n"+lines[2]+"\n") != lines[3][len(fileChecksum):] {
		return nil, errors.New("the key file was changed: its checksum does not match")
	}
	// Its error would quote the key.
	key, err := base64.StdEncoding.Strict().DecodeString(lines[2][len(fileKey):])
	if err != nil || len(key) != DataKeyBytes {
		return nil, fmt.Errorf("the key file does not hold %d bytes in base64", DataKeyBytes)
	}
	k, err := newFileKey(key)
	if err != nil {
		return nil, err
	}
	if k.ID() != lines[1][len(fileID):] {
		return nil, errors.New("the key file was changed: its id is that of another key")
	}
	return k, nil
}

// WriteFile creates the key file at path, for its owner alone, durable once
// WriteFile returns. A file that is there already is never replaced: the error
// matches fs.ErrExist.
func (k *FileKey) WriteFile(path string) error {
	if err := (durable.Disk{}).WriteFile(path, k.Text(), durable.FilePerm); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}

// ReadFile reads the key file at path. One that others than its owner can read
// is refused.
func ReadFile(path string) (*FileKey, error) {
	text, err := readSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	k, err := ParseFile(text)
	if err != nil {
		return nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	return k, nil
}

// readSecretFile returns the content of a small file that is for its owner
// alone. What is checked is the file that was opened, whatever its name means
// a moment later.
func readSecretFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%w: %s is a folder", ErrSecret, path)
	}
	mode := info.Mode().Perm() // Windows has none; a pipe has no name for others to open
	if info.Mode().IsRegular() && runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: others than its owner have rights on %s (mode %#o): run `chmod 600 %s`",
			ErrSecret, path, mode, human.ShellWord(path))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSecretFile {
		return nil, fmt.Errorf("%w: %s has more than %d bytes; is it another file?", ErrSecret, path, maxSecretFile)
	}
	return text, nil
}
