package client

import "time"

// The outcomes of runs. A run that has not ended is queued or running.
const (
	OutcomeQueued    = "queued"    // it waits for its turn
	OutcomeRunning   = "running"   // it has not ended
	OutcomeOK        = "ok"        // done
	OutcomePartial   = "partial"   // backed up, but some copies failed; enough places hold it
	OutcomeFailed    = "failed"    // a disk, a permission, too few copies
	OutcomeRefused   = "refused"   // the database or the request cannot be accepted
	OutcomeDamaged   = "damaged"   // a backup is not what was written
	OutcomeBusy      = "busy"      // somebody holds a lock
	OutcomeTimeout   = "timeout"   // longer than its limit
	OutcomeCancelled = "cancelled" // the service was told to stop, or a person stopped it
	OutcomeCrashed   = "crashed"   // the service ended in the middle
)

// A Run is one thing that the service did, does or is about to do.
type Run struct {
	ID       string    `json:"id"`
	Database string    `json:"database"`
	Kind     string    `json:"kind"`             // backup, verify, restore, cleanup or sync
	Trigger  string    `json:"trigger"`          // first, schedule, catch-up, retry, recovery or request
	By       string    `json:"by"`               // who asked for it
	Slot     time.Time `json:"slot,omitzero"`    // of the schedule that it belongs to
	Attempt  int       `json:"attempt"`          // 1 for the first
	Started  time.Time `json:"started,omitzero"` // or asked for
	Ended    time.Time `json:"ended,omitzero"`   // zero until it has
	Seconds  float64   `json:"duration_seconds"` // so far, if it has not ended
	Outcome  string    `json:"outcome"`
	Error    string    `json:"error"`
	Hint     string    `json:"hint"`     // the way out
	Backup   string    `json:"backup"`   // file name of the backup that it made or read
	DryRun   bool      `json:"dry_run"`  // a restore that changes nothing
	Verified bool      `json:"verified"` // what it made or read was read from end to end

	SizeBytes     int64 `json:"size_bytes"`
	DocumentBytes int64 `json:"document_bytes"`
	TableCount    int64 `json:"table_count"`
	RecordCount   int64 `json:"record_count"`

	Progress *Progress `json:"progress"` // of a run that goes on
	Log      []LogLine `json:"log"`      // only where one run is asked for
	// Results, of which the one that fits the kind is set once the run has ended.
	// The service does not keep them over a restart.
	Created  *NewBackup    `json:"created"`
	Restored *Restored     `json:"restored"`
	Checked  *Verification `json:"checked"`
	Pruned   []Decision    `json:"decisions"`
	Synced   []SyncAction  `json:"synced"`
}

// Done reports whether the run has ended.
func (r *Run) Done() bool { return !r.Ended.IsZero() }

// Err is a *RunError if the run ended without having done what it was to do.
func (r *Run) Err() error {
	if !r.Done() || r.Outcome == OutcomeOK || r.Outcome == OutcomePartial {
		return nil
	}
	return &RunError{r}
}

// A LogLine is one thing that happened in a run.
type LogLine struct {
	Time  time.Time `json:"time,omitzero"`
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

// NewBackup is what a backup made.
type NewBackup struct {
	Path          string       `json:"backup_path"`
	Database      string       `json:"database"`
	Source        string       `json:"source"` // path of the database
	Timestamp     time.Time    `json:"timestamp,omitzero"`
	SizeBytes     int64        `json:"size_bytes"`
	Checksum      string       `json:"checksum"` // SHA-256 of the object, hexadecimal
	TableCount    int64        `json:"table_count"`
	RecordCount   int64        `json:"record_count"`
	DocumentBytes int64        `json:"document_bytes"` // of the JSON text
	Digest        string       `json:"content_digest"`
	Compression   string       `json:"compression"`
	Damaged       bool         `json:"damaged"`
	Warnings      []string     `json:"warnings"`
	Problem       string       `json:"problem"`
	Sealed        bool         `json:"sealed"`
	Locked        bool         `json:"locked"` // sealed, and the service has no key: what it holds is not known
	Copies        []CopyResult `json:"copies"`
	Pin           *Pin         `json:"pin"`    // nil if it is not pinned
	Safety        bool         `json:"safety"` // of what a restore replaced
}

// A Pin keeps a backup whatever the retention says.
type Pin struct {
	Note  string    `json:"note"`
	By    string    `json:"by"`
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"` // zero is for ever
}

// CopyResult says what became of one copy of a new backup.
type CopyResult struct {
	Destination string `json:"destination"`
	Path        string `json:"backup_path"`
	OK          bool   `json:"ok"`
	Error       string `json:"error"`
}

// Restored is what a restore did, or would do.
type Restored struct {
	Backup       string    `json:"backup_path"`
	Target       string    `json:"target_path"`
	Source       string    `json:"source"`             // path of the database that was backed up
	Timestamp    time.Time `json:"timestamp,omitzero"` // of the backup
	SizeBytes    int64     `json:"size_bytes"`
	TableCount   int64     `json:"table_count"`
	RecordCount  int64     `json:"record_count"`
	Digest       string    `json:"content_digest"`
	Proven       bool      `json:"proven"`
	DryRun       bool      `json:"dry_run"`
	Replaced     bool      `json:"replaced"` // there was a database before
	SafetyBackup string    `json:"safety_backup"`
	KeptFiles    []string  `json:"kept_files"`
	Warnings     []string  `json:"warnings"`
	Steps        []string  `json:"steps"`
	Seconds      float64   `json:"duration_seconds"`
}

// Verification is what a verification found.
type Verification struct {
	Path       string  `json:"backup_path"`
	OK         bool    `json:"ok"`
	Problem    string  `json:"problem"`
	Bytes      int64   `json:"size_bytes"`
	Tables     int64   `json:"table_count"`
	Rows       int64   `json:"record_count"`
	Frames     int     `json:"frames"`
	Seconds    float64 `json:"duration_seconds"`
	Sealed     bool    `json:"sealed"`
	StoredOnly bool    `json:"stored_only"` // only the stored bytes were compared, for want of a key
}

// A Decision says what the retention does with one backup, and why.
type Decision struct {
	Path        string    `json:"backup_path"`
	Destination string    `json:"destination"` // of the copy, "" for the primary folder
	Database    string    `json:"database"`
	Time        time.Time `json:"timestamp,omitzero"`
	Size        int64     `json:"size_bytes"`
	Keep        bool      `json:"keep"`
	Rules       []string  `json:"rules"` // those that keep it, in words for programs
	Reason      string    `json:"reason"`
	Future      bool      `json:"clock_in_future"`
	Trashed     bool      `json:"trashed"` // moved to the trash; false in a dry run
	Removed     bool      `json:"removed"` // gone; false in a dry run
	Error       string    `json:"error"`
}

// A SyncAction is a copy that a synchronisation made.
type SyncAction struct {
	From      string    `json:"from"`
	To        string    `json:"to"`
	Path      string    `json:"backup_path"`
	Database  string    `json:"database"`
	Timestamp time.Time `json:"timestamp,omitzero"`
	SizeBytes int64     `json:"size_bytes"`
	Repair    bool      `json:"repair"` // in the place of a damaged copy
	Done      bool      `json:"done"`
	Error     string    `json:"error"`
}

// An Event is one thing that happened.
type Event struct {
	ID       uint64    `json:"id"`
	Time     time.Time `json:"time,omitzero"`
	Type     string    `json:"type"` // run (began, went on, ended), status, config, or EventGap
	Database string    `json:"database"`
	Run      *Run      `json:"run"`
	Missed   int       `json:"missed"` // how many events before it were lost
}
