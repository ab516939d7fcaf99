package client

import "time"

// The conditions of a database, worst first.
const (
	ConditionUnprotected = "unprotected" // there is no good backup at all
	ConditionOverdue     = "overdue"     // the promised time is over
	ConditionFailing     = "failing"     // the last run failed, the promise still holds
	ConditionDamaged     = "damaged"     // a backup or a copy is damaged or missing
	ConditionWarning     = "warning"     // shrunken, a destination down, disk low
	ConditionOK          = "ok"
)

// A Status tells how a database is.
type Status struct {
	Name      string    `json:"name"`
	Path      string    `json:"path"`
	Condition string    `json:"condition"`
	Words     string    `json:"words"` // the condition as a sentence
	Problems  []Problem `json:"problems"`

	RestorableTo time.Time `json:"restorable_to,omitzero"` // time of the newest good backup
	LastSuccess  time.Time `json:"last_success,omitzero"`  // end of the last verified backup run
	LastRun      *Run      `json:"last_run"`               // the last backup run that has ended
	Running      *Run      `json:"running"`                // what goes on now, or is queued
	Schedule     string    `json:"schedule"`               // as it is configured, "off" for none
	TimeZone     string    `json:"time_zone"`
	Next         time.Time `json:"next_run,omitzero"`
	Overdue      time.Time `json:"overdue_at,omitzero"` // when the promise breaks if nothing succeeds

	Count         int    `json:"count"`        // of backups
	SizeBytes     int64  `json:"size_bytes"`   // of all of them
	SourceBytes   int64  `json:"source_bytes"` // of the database now, 0 if it cannot be told
	TrashCount    int    `json:"trash_count"`
	TrashBytes    int64  `json:"trash_bytes"`
	Retention     string `json:"retention"`      // in words
	PruningPaused string `json:"pruning_paused"` // why
	Encrypted     bool   `json:"encrypted"`

	Trend  []Point       `json:"trend"`  // oldest first, one for each backup, at most 90
	Copies []Destination `json:"copies"` // the primary folder first
}

// A Problem is something that people must know of a database.
type Problem struct {
	Kind    string    `json:"kind"`
	Since   time.Time `json:"since,omitzero"`
	Summary string    `json:"summary"` // what is wrong
	Holds   string    `json:"holds"`   // what still holds
	Hint    string    `json:"hint"`    // the way out, in words
	Next    string    `json:"next"`    // the command to run next
}

// A Point is one backup in a trend.
type Point struct {
	Time        time.Time `json:"time,omitzero"`
	SizeBytes   int64     `json:"size_bytes"`
	RecordCount int64     `json:"record_count"`
	Seconds     float64   `json:"duration_seconds"`
}

// A Destination is a place where backups of a database lie.
type Destination struct {
	Name      string    `json:"name"`
	Primary   bool      `json:"primary"`
	OK        bool      `json:"ok"` // at the last look every copy was there and whole
	Looked    time.Time `json:"looked,omitzero"`
	Full      bool      `json:"full"` // that look read every byte
	Problem   string    `json:"problem"`
	Count     int       `json:"count"`
	SizeBytes int64     `json:"size_bytes"`
	Newest    time.Time `json:"newest,omitzero"`
	FreeBytes int64     `json:"free_bytes"` // -1 if it cannot be told
}

// A Backup is one backup of a database.
type Backup struct {
	File string `json:"file"` // the name of its object
	NewBackup
	VerifiedAt time.Time `json:"verified_at,omitzero"` // last time it was read from end to end and found right
	Duration   float64   `json:"duration_seconds"`
	Pinned     bool      `json:"pinned"`
	PinNote    string    `json:"pin_note"`
	PinUntil   time.Time `json:"pin_until,omitzero"` // zero of a pin without an end
	Kept       string    `json:"kept"`               // why the retention keeps it, or that it goes
	Goes       bool      `json:"goes"`               // the next cleanup would remove it
	Places     []Copy    `json:"places"`             // the primary folder first
}

// A Copy is one copy of a backup, as the last look at its place found it.
type Copy struct {
	Destination string    `json:"destination"`
	OK          bool      `json:"ok"`
	Missing     bool      `json:"missing"`
	Problem     string    `json:"problem"`
	Looked      time.Time `json:"looked,omitzero"`
	Full        bool      `json:"full"`
}

// BackupDetails tells all of one backup.
type BackupDetails struct {
	Backup
	Contents *Contents     `json:"contents"` // nil where no key of the service opens it
	Before   string        `json:"before"`   // file name of the backup before
	Changes  []TableChange `json:"changes"`  // against it, what changed most first
}

// Contents is what a backup's manifest tells.
type Contents struct {
	Level     int       `json:"compression_level"`
	Frames    int       `json:"frames"`
	Writer    string    `json:"writer"` // the program that wrote it
	SQLite    string    `json:"sqlite"` // version of the library that took the snapshot
	Source    Source    `json:"settings"`
	Durations Durations `json:"durations"`
	Tables    []Table   `json:"tables"`
	Indexes   []Index   `json:"carried_indexes"` // kept entry by entry, since a restore could not build them
}

// Source is the settings in the header of a database.
type Source struct {
	PageSize      int    `json:"page_size"` // bytes
	Reserved      int    `json:"reserved"`  // bytes at the end of each page
	Encoding      string `json:"encoding"`
	JournalMode   string `json:"journal_mode"`
	AutoVacuum    int    `json:"auto_vacuum"`
	UserVersion   int32  `json:"user_version"`
	ApplicationID int32  `json:"application_id"`
	SchemaVersion int64  `json:"schema_version"`
	ZeroBytes     bool   `json:"zero_bytes"`
}

// Durations are how long the parts of a backup took, in seconds.
type Durations struct {
	Snapshot float64 `json:"snapshot_seconds"`
	Write    float64 `json:"write_seconds"`
	Verify   float64 `json:"verify_seconds"`
	Total    float64 `json:"total_seconds"`
}

// A Table is one table of a backup.
type Table struct {
	Name string `json:"name"`
	Rows int64  `json:"record_count"`
}

// An Index is one that a backup keeps entry by entry.
type Index struct {
	Name    string `json:"name"`
	Table   string `json:"table"`
	Entries int64  `json:"entries"`
	Reason  string `json:"reason"`
}

// A TableChange compares the rows of one table in two backups.
type TableChange struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	Before int64  `json:"rows_before"` // -1 if it was not there
	Gone   bool   `json:"gone"`        // it is not there any more
}

// Trashed is a backup in the trash.
type Trashed struct {
	File      string    `json:"file"`
	Timestamp time.Time `json:"timestamp,omitzero"`
	SizeBytes int64     `json:"size_bytes"`
	Trashed   time.Time `json:"trashed,omitzero"`
	Until     time.Time `json:"until,omitzero"` // when it is removed for good
}

// Stats sums up the backups of one database. What no key was given for is nil.
type Stats struct {
	Database     string    `json:"database"`
	Count        int       `json:"count"`
	Verified     int       `json:"verified"`
	Damaged      int       `json:"damaged"`
	Locked       int       `json:"locked"` // sealed backups that the service has no key for
	SizeBytes    int64     `json:"size_bytes"`
	Document     *int64    `json:"document_bytes"`
	Ratio        *float64  `json:"compression_ratio"`
	Oldest       time.Time `json:"oldest,omitzero"`
	Newest       time.Time `json:"newest,omitzero"`
	NewestRows   *int64    `json:"newest_record_count"`
	NewestTables *int64    `json:"newest_table_count"`
	Mean         *float64  `json:"mean_duration_seconds"`
	LastVerified time.Time `json:"last_verified,omitzero"`
}

// A Channel tells how a channel of notifications fares.
type Channel struct {
	Name        string    `json:"name"`
	Type        string    `json:"type"`
	OK          bool      `json:"ok"`
	Pending     int       `json:"pending"` // messages that wait
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastError   string    `json:"last_error"`
	LastFailure time.Time `json:"last_failure,omitzero"`
}

// Health tells how the service itself is.
type Health struct {
	OK       bool      `json:"ok"`
	Version  string    `json:"version"`
	Started  time.Time `json:"started,omitzero"`
	Problems []string  `json:"problems"`
}

// A Setting is one line of the configuration. Secrets show as "(set)".
type Setting struct {
	Section string `json:"section"`
	Key     string `json:"key"`
	Value   string `json:"value"`
}

// A Token is a key to the service, without its secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Databases []string  `json:"databases"` // empty is all
	Created   time.Time `json:"created,omitzero"`
	Expires   time.Time `json:"expires,omitzero"` // zero is never
	LastUsed  time.Time `json:"last_used,omitzero"`
	Revoked   time.Time `json:"revoked,omitzero"`
}

// An AuditEntry is one line of the audit log.
type AuditEntry struct {
	Seq      int64     `json:"seq"`
	Time     time.Time `json:"time,omitzero"`
	Actor    string    `json:"actor"`
	Role     string    `json:"role"`
	From     string    `json:"from"`
	Action   string    `json:"action"`
	Database string    `json:"database"`
	Object   string    `json:"object"`
	Outcome  string    `json:"outcome"` // allowed, refused, done or failed
	Detail   string    `json:"detail"`
	Request  string    `json:"request_id"`
}

// An AuditReport is what a check of the audit log found.
type AuditReport struct {
	OK       bool     `json:"ok"`
	Entries  int64    `json:"entries"`
	Problems []string `json:"problems"`
}
