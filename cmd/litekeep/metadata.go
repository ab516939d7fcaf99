package main

import "github.com/litekeep/litekeep"

// backupJSON is a backup's metadata as JSON has it, a contract (docs/CLI.md).
type backupJSON struct {
	BackupPath       string   `json:"backup_path"`
	Database         string   `json:"database"`
	Source           *string  `json:"source"`
	Timestamp        stamp    `json:"timestamp"`
	SizeBytes        int64    `json:"size_bytes"`
	Checksum         string   `json:"checksum"`
	TableCount       *int64   `json:"table_count"`
	RecordCount      *int64   `json:"record_count"`
	DocumentBytes    *int64   `json:"document_bytes"`
	CompressionRatio *float64 `json:"compression_ratio"`
	ContentDigest    *string  `json:"content_digest"`
	Compression      string   `json:"compression"`
	DurationSeconds  *float64 `json:"duration_seconds"`
	Verified         bool     `json:"verified"`
	VerifiedAt       stamp    `json:"verified_at"`
	CheckedAt        stamp    `json:"checked_at"`
	Damaged          bool     `json:"damaged"`
	PinnedUntil      stamp    `json:"pinned_until"`
	Pin              *pinJSON `json:"pin"`
	SafetyBackup     bool     `json:"safety_backup"`
	Problem          *string  `json:"problem"`
	Warnings         []string `json:"warnings"`
	Sealed           bool     `json:"sealed"`
	Locked           bool     `json:"locked"`
}

// pinJSON is the pin of a backup.
type pinJSON struct {
	Note  string  `json:"note"`
	Since stamp   `json:"since"`
	Until stamp   `json:"until"`
	By    *string `json:"by"`
}

func pinOf(b *litekeep.Backup) *pinJSON {
	if b.Pin == nil {
		return nil
	}
	return &pinJSON{b.Pin.Note, stamp(b.Pin.Since), stamp(b.Pin.Until), orNull(b.Pin.By)}
}

func metadata(b *litekeep.Backup) backupJSON {
	return backupJSON{
		BackupPath: b.Path, Database: b.Database, Source: unless(b.Locked, b.Source), Timestamp: stamp(b.Timestamp),
		SizeBytes: b.SizeBytes, Checksum: b.Checksum,
		TableCount: unless(b.Locked, b.TableCount), RecordCount: unless(b.Locked, b.RecordCount),
		DocumentBytes: unless(b.Locked, b.DocumentBytes), CompressionRatio: unless(b.Locked, ratio(b.DocumentBytes, b.SizeBytes)),
		ContentDigest: unless(b.Locked, b.Digest), Compression: b.Compression, DurationSeconds: unless(b.Locked, b.Duration.Seconds()),
		Verified: !b.Verified.IsZero(), VerifiedAt: stamp(b.Verified), CheckedAt: stamp(b.Checked),
		Damaged: state(b) == stateDamaged, PinnedUntil: stamp(b.Pinned), Pin: pinOf(b), SafetyBackup: b.Safety, Problem: orNull(b.Problem), Warnings: list(b.Warnings),
		Sealed: b.Sealed, Locked: b.Locked,
	}
}

// ratio is how many bytes of text a stored byte stands for; 0 if that is not
// known.
func ratio(document, stored int64) float64 {
	if stored == 0 {
		return 0
	}
	return float64(document) / float64(stored)
}

const stateDamaged = "DAMAGED"

// state is how a backup is shown in one word.
func state(b *litekeep.Backup) string {
	switch {
	case b.Problem != "" || b.Damaged:
		return stateDamaged
	case b.Verified.IsZero():
		return "unverified"
	}
	return "verified"
}

// decisionJSON is one decision of the retention.
type decisionJSON struct {
	BackupPath    string   `json:"backup_path"`
	Destination   *string  `json:"destination"`
	Database      string   `json:"database"`
	Timestamp     stamp    `json:"timestamp"`
	SizeBytes     int64    `json:"size_bytes"`
	Keep          bool     `json:"keep"`
	Rules         []string `json:"rules"`
	Reason        string   `json:"reason"`
	ClockInFuture bool     `json:"clock_in_future"`
	Trashed       bool     `json:"trashed"`
	Removed       bool     `json:"removed"`
	Error         *string  `json:"error"`
}

func decision(d litekeep.Decision) decisionJSON {
	return decisionJSON{
		BackupPath: d.Path, Destination: orNull(d.Destination), Database: d.Database, Timestamp: stamp(d.Time), SizeBytes: d.Size,
		Keep: d.Keep, Rules: list(d.Rules), Reason: d.Reason, ClockInFuture: d.Future, Trashed: d.Trashed, Removed: d.Removed, Error: orNull(d.Error),
	}
}

// dropped are the decisions to drop.
func dropped(all []litekeep.Decision) (drop []decisionJSON, bytes int64) {
	drop = []decisionJSON{}
	for _, d := range all {
		if !d.Keep {
			drop = append(drop, decision(d))
			bytes += d.Size
		}
	}
	return drop, bytes
}
