package service

import (
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
)

// A Kind is what a run does.
type Kind string

// The kinds of runs.
const (
	KindBackup  Kind = "backup"
	KindVerify  Kind = "verify"
	KindRestore Kind = "restore"
	KindCleanup Kind = "cleanup"
	KindSync    Kind = "sync"
)

// Action is what whoever begins or stops a run of that kind must be allowed.
func (k Kind) Action() access.Action {
	switch k {
	case KindVerify:
		return access.Verify
	case KindRestore:
		return access.Restore
	case KindCleanup:
		return access.Prune
	case KindSync:
		return access.Sync
	}
	return access.Backup
}

// An Outcome is how a run ended.
type Outcome string

// The outcomes of runs. A run without an end is OutcomeRunning.
const (
	OutcomeQueued    Outcome = "queued"    // it waits for its turn
	OutcomeRunning   Outcome = "running"   // it has not ended
	OutcomeOK        Outcome = "ok"        // done
	OutcomePartial   Outcome = "partial"   // backed up, but some copies failed; enough places hold it
	OutcomeFailed    Outcome = "failed"    // a disk, a permission, too few copies
	OutcomeRefused   Outcome = "refused"   // the database or the request cannot be accepted
	OutcomeDamaged   Outcome = "damaged"   // a backup is not what was written
	OutcomeBusy      Outcome = "busy"      // somebody holds a lock
	OutcomeTimeout   Outcome = "timeout"   // longer than its limit
	OutcomeCancelled Outcome = "cancelled" // the service was told to stop, or a person stopped it
	OutcomeCrashed   Outcome = "crashed"   // the service ended in the middle
)

// A Run is one thing that the service did, does or is about to do.
type Run struct {
	ID       string    `json:"id"`
	Database string    `json:"database"`
	Kind     Kind      `json:"kind"`
	Trigger  string    `json:"trigger"`          // first, schedule, catch-up, retry, recovery, request
	By       string    `json:"by,omitempty"`     // who asked for it
	Slot     time.Time `json:"slot,omitzero"`    // of the schedule that it belongs to
	Attempt  int       `json:"attempt"`          // 1 for the first
	Started  time.Time `json:"started"`          // or asked for
	Ended    time.Time `json:"ended,omitzero"`   // zero until it has
	Seconds  float64   `json:"duration_seconds"` // so far, if it has not ended
	Outcome  Outcome   `json:"outcome"`
	Error    string    `json:"error,omitempty"`
	Hint     string    `json:"hint,omitempty"`    // the way out
	Backup   string    `json:"backup,omitempty"`  // file name of the backup that it made or read
	DryRun   bool      `json:"dry_run,omitempty"` // a restore that changes nothing
	Verified bool      `json:"verified"`          // what it made or read was read from end to end

	SizeBytes     int64 `json:"size_bytes"`
	DocumentBytes int64 `json:"document_bytes"`
	TableCount    int64 `json:"table_count"`
	RecordCount   int64 `json:"record_count"`

	Progress *Progress `json:"progress,omitempty"` // of a run that goes on
	Log      []LogLine `json:"log,omitempty"`      // only where one run is asked for
	// Results, of which the one that fits the kind is set once the run has
	// ended; they are not kept over a restart of the service.
	Created  *litekeep.Backup       `json:"created,omitempty"`
	Restored *litekeep.Restored     `json:"restored,omitempty"`
	Checked  *litekeep.Verification `json:"checked,omitempty"`
	Pruned   []litekeep.Decision    `json:"decisions,omitempty"`
	Synced   []litekeep.SyncAction  `json:"synced,omitempty"`

	reason string // that whoever asked for it gave; the audit log keeps it
}

// brief returns the run without its log and its results.
func (r Run) brief() Run {
	r.Log, r.Created, r.Restored, r.Checked, r.Pruned, r.Synced = nil, nil, nil, nil, nil, nil
	return r
}

// A LogLine is one thing that happened in a run.
type LogLine struct {
	Time  time.Time `json:"time"`
	Level string    `json:"level"` // info, warn or error
	Text  string    `json:"text"`
}

// Progress is how far a run has come.
type Progress struct {
	Phase   string  `json:"phase"` // wait, snapshot, export, verify, build, prove, publish, copy
	Rows    int64   `json:"rows"`
	Bytes   int64   `json:"bytes"`
	Total   int64   `json:"total_bytes"`  // 0 if it is not known
	Percent float64 `json:"percent"`      // of the phase, 0 if it is not known
	Left    float64 `json:"seconds_left"` // 0 if it is not known
}

// A Condition is the state of a database in a word, worst first.
type Condition string

// The conditions of a database.
const (
	ConditionUnprotected Condition = "unprotected" // there is no good backup at all
	ConditionOverdue     Condition = "overdue"     // the promised time is over
	ConditionFailing     Condition = "failing"     // the last run failed, the promise still holds
	ConditionDamaged     Condition = "damaged"     // a backup or a copy is damaged or missing
	ConditionWarning     Condition = "warning"     // shrunken, a destination down, disk low
	ConditionOK          Condition = "ok"
)

// A Problem is something that people must know of a database.
type Problem struct {
	Kind    string    `json:"kind"` // an event's kind: failed, overdue, shrunken, …
	Since   time.Time `json:"since"`
	Summary string    `json:"summary"`         // what is wrong
	Holds   string    `json:"holds,omitempty"` // what still holds
	Hint    string    `json:"hint,omitempty"`  // the way out, in words
	Next    string    `json:"next,omitempty"`  // the command to run next
}

// A Status is all that a page about a database begins with.
type Status struct {
	Name      string    `json:"name"`
	Path      string    `json:"path"`
	Condition Condition `json:"condition"`
	Words     string    `json:"words"` // the condition as a sentence
	Problems  []Problem `json:"problems"`

	RestorableTo time.Time `json:"restorable_to,omitzero"` // time of the newest good backup
	LastSuccess  time.Time `json:"last_success,omitzero"`  // end of the last verified backup run
	LastRun      *Run      `json:"last_run,omitempty"`     // the last backup run that has ended
	Running      *Run      `json:"running,omitempty"`      // what goes on now, or is queued
	Schedule     string    `json:"schedule"`               // as it is configured, "off" for none
	TimeZone     string    `json:"time_zone"`
	Next         time.Time `json:"next_run,omitzero"`
	Overdue      time.Time `json:"overdue_at,omitzero"` // when the promise breaks if nothing succeeds

	Count         int    `json:"count"`        // of backups
	SizeBytes     int64  `json:"size_bytes"`   // of all of them
	SourceBytes   int64  `json:"source_bytes"` // of the database now, 0 if it cannot be told
	TrashCount    int    `json:"trash_count"`
	TrashBytes    int64  `json:"trash_bytes"`
	Retention     string `json:"retention"`                // in words
	PruningPaused string `json:"pruning_paused,omitempty"` // why
	Encrypted     bool   `json:"encrypted"`

	Trend  []Point       `json:"trend"`  // oldest first, one for each backup, at most 90
	Copies []Destination `json:"copies"` // the primary folder first
}

// A Point is one backup in a trend.
type Point struct {
	Time        time.Time `json:"time"`
	SizeBytes   int64     `json:"size_bytes"`
	RecordCount int64     `json:"record_count"`
	Seconds     float64   `json:"duration_seconds"`
}

// A Destination is a place where backups of a database lie.
type Destination struct {
	Name      string    `json:"name"` // path, or URL without secrets
	Primary   bool      `json:"primary"`
	OK        bool      `json:"ok"` // at the last look every copy was there and whole
	Looked    time.Time `json:"looked,omitzero"`
	Full      bool      `json:"full"` // that look read every byte
	Problem   string    `json:"problem,omitempty"`
	Count     int       `json:"count"`
	SizeBytes int64     `json:"size_bytes"`
	Newest    time.Time `json:"newest,omitzero"`
	FreeBytes int64     `json:"free_bytes"` // -1 if it cannot be told
}

// A BackupView is one backup of a database.
type BackupView struct {
	File string `json:"file"` // the name of the object, as URLs have it
	*litekeep.Backup
	VerifiedAt time.Time  `json:"verified_at,omitzero"` // last time it was read from end to end and found right
	Duration   float64    `json:"duration_seconds"`
	Pinned     bool       `json:"pinned"`
	PinNote    string     `json:"pin_note,omitempty"`
	PinUntil   time.Time  `json:"pin_until,omitzero"` // zero of a pin without an end
	Kept       string     `json:"kept"`               // what the retention says: why it is kept, or that it goes
	Goes       bool       `json:"goes"`               // the next cleanup would remove it
	Places     []CopyView `json:"places"`             // the primary folder first
}

// A CopyView is one copy of a backup, as the last look at its place found it.
type CopyView struct {
	Destination string    `json:"destination"`
	OK          bool      `json:"ok"`
	Missing     bool      `json:"missing,omitempty"`
	Problem     string    `json:"problem,omitempty"`
	Looked      time.Time `json:"looked,omitzero"`
	Full        bool      `json:"full"`
}

// BackupDetails is a backup with what its manifest tells.
type BackupDetails struct {
	BackupView
	Details *litekeep.Details `json:"details"`
	// Changes against the backup before, table by table, what changed most
	// first. Empty if there is none, or none that can be opened.
	Before  string        `json:"before,omitempty"` // its file name
	Changes []TableChange `json:"changes"`
}

// A TableChange compares the rows of one table in two backups.
type TableChange struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	Before int64  `json:"rows_before"` // -1 if it was not there
	Gone   bool   `json:"gone"`        // it is not there any more
}

// A TrashView is a backup in the trash.
type TrashView struct {
	File      string    `json:"file"`
	Timestamp time.Time `json:"timestamp"`
	SizeBytes int64     `json:"size_bytes"`
	Trashed   time.Time `json:"trashed"`
	Until     time.Time `json:"until"` // when it is removed for good
}

// An Event is one thing that happened, for those who watch.
type Event struct {
	ID       uint64    `json:"id"` // counts all events of the service
	Time     time.Time `json:"time"`
	Type     string    `json:"type"` // run (began, went on, ended), status, config
	Database string    `json:"database,omitempty"`
	Run      *Run      `json:"run,omitempty"`
	Missed   int       `json:"missed,omitempty"` // how many events before it whoever reads was too slow for
}

// RunFilter chooses runs. The zero filter chooses the newest 50 of all.
type RunFilter struct {
	Database string
	Kind     Kind
	Outcome  Outcome
	Before   string // an ID: only older ones
	Limit    int    // at most 500; 0 is 50
}

// RestoreRequest asks for a restore of a backup to its database's own path.
type RestoreRequest struct {
	File    string // of the backup
	Confirm string // the database's name, typed by whoever asks; not needed for a dry run
	Reason  string // for the audit log; not needed for a dry run
	DryRun  bool
	// NoSafetyBackup leaves out the backup of what the database holds now.
	NoSafetyBackup bool
}

// ChannelStatus is how a channel of notifications fares.
type ChannelStatus struct {
	Name        string    `json:"name"`
	Type        string    `json:"type"`
	OK          bool      `json:"ok"`
	Pending     int       `json:"pending"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastError   string    `json:"last_error,omitempty"`
	LastFailure time.Time `json:"last_failure,omitzero"`
}

// Health says how the service itself is.
type Health struct {
	OK       bool      `json:"ok"`
	Version  string    `json:"version"`
	Started  time.Time `json:"started"`
	Problems []string  `json:"problems"` // the state file cannot be written, the audit log, …
}

// Setting is one line of the configuration as people may see it: secrets show
// as "(set)".
type Setting struct {
	Section string `json:"section"` // server, notifications, or "database NAME"
	Key     string `json:"key"`
	Value   string `json:"value"`
}

// An AuditEntry is one line of the audit log.
type AuditEntry struct {
	Seq      int64     `json:"seq"`
	Time     time.Time `json:"time"`
	Actor    string    `json:"actor"`
	Role     string    `json:"role"`
	From     string    `json:"from,omitempty"`
	Action   string    `json:"action"`
	Database string    `json:"database,omitempty"`
	Object   string    `json:"object,omitempty"`
	Outcome  string    `json:"outcome"` // allowed, refused, done, failed
	Detail   string    `json:"detail,omitempty"`
	Request  string    `json:"request_id,omitempty"`
}

// AuditFilter chooses entries, newest first.
type AuditFilter struct {
	Database, Action, Actor string
	Since, Until            time.Time
	Limit                   int // at most 1000; 0 is 100
}

// AuditReport is what a check of the audit log found.
type AuditReport struct {
	OK       bool     `json:"ok"`
	Entries  int64    `json:"entries"`
	Problems []string `json:"problems"`
}

// A Token is a key to the service. It never holds the secret.
type Token struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Databases []string  `json:"databases"` // empty is all
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires,omitzero"` // zero is never
	LastUsed  time.Time `json:"last_used,omitzero"`
	Revoked   time.Time `json:"revoked,omitzero"`
}
