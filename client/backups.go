package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Backups lists the backups of a database, newest first.
func (c *Client) Backups(ctx context.Context, database string) ([]Backup, error) {
	var v struct {
		Backups []Backup `json:"backups"`
	}
	err := c.ask(ctx, get("api", "backup", "list").with("database", database), &v)
	return v.Backups, err
}

// BackupDetails tells all of one backup.
func (c *Client) BackupDetails(ctx context.Context, database, file string) (*BackupDetails, error) {
	v := &BackupDetails{}
	if err := c.ask(ctx, get("api", "backup", file).with("database", database), v); err != nil {
		return nil, err
	}
	return v, nil
}

// Stats sums up the backups of a database, or of each if it is "".
func (c *Client) Stats(ctx context.Context, database string) ([]Stats, error) {
	var v struct {
		Databases []Stats `json:"databases"`
	}
	err := c.ask(ctx, get("api", "backup", "stats").with("database", database), &v)
	return v.Databases, err
}

// ErrChecksum: what was downloaded is not what the service has.
var ErrChecksum = errors.New("checksum does not match")

// Download writes the object of a backup to w as it is stored, and compares its
// SHA-256 with that of the service. After an error, also one that matches
// ErrChecksum, w has got something that is not the backup.
func (c *Client) Download(ctx context.Context, database, file string, w io.Writer) (int64, error) {
	return c.download(ctx, get("api", "backup", "download", file).with("database", database), w)
}

// DownloadManifest does the same with the manifest of a backup.
func (c *Client) DownloadManifest(ctx context.Context, database, file string, w io.Writer) (int64, error) {
	return c.download(ctx, get("api", "backup", "download", file).with("database", database, "manifest", "true"), w)
}

func (c *Client) download(ctx context.Context, r request, w io.Writer) (int64, error) {
	answer, err := c.send(ctx, r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), answer.Body)
	if err != nil {
		return n, fmt.Errorf("download: %w", err)
	}
	got, want := hex.EncodeToString(h.Sum(nil)), strings.Trim(answer.Header.Get("Etag"), `"`)
	if got != want {
		return n, fmt.Errorf("download: %w: %s, want %s", ErrChecksum, got, want)
	}
	return n, nil
}

// Pin keeps a backup until a time whatever the retention says, or for ever if
// until is zero.
func (c *Client) Pin(ctx context.Context, database, file, note string, until time.Time) error {
	body := struct {
		Note  string    `json:"note,omitempty"`
		Until time.Time `json:"until,omitzero"`
	}{note, until}
	return c.do(ctx, post("api", "backup", "pin", file).with("database", database).carrying(body))
}

// Unpin ends that.
func (c *Client) Unpin(ctx context.Context, database, file string) error {
	return c.do(ctx, remove("api", "backup", "pin", file).with("database", database))
}

// Trash lists what was removed and can be had back.
func (c *Client) Trash(ctx context.Context, database string) ([]Trashed, error) {
	var v struct {
		Backups []Trashed `json:"backups"`
	}
	err := c.ask(ctx, get("api", "backup", "trash").with("database", database), &v)
	return v.Backups, err
}

// Undelete takes a backup out of the trash.
func (c *Client) Undelete(ctx context.Context, database, file string) error {
	return c.do(ctx, post("api", "backup", "undelete", file).with("database", database))
}

// PreviewCleanup says what a cleanup would do, backup by backup.
func (c *Client) PreviewCleanup(ctx context.Context, database string) ([]Decision, error) {
	var v struct {
		Backups []Decision `json:"backups"`
	}
	err := c.ask(ctx, post("api", "backup", "cleanup").with("database", database, "dry_run", "true"), &v)
	return v.Backups, err
}
