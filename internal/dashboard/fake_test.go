package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// now is the moment at which the tests look: Sunday morning.
var now = time.Date(2026, 11, 22, 7, 12, 40, 0, time.UTC)

// fake is a door with a month behind it. It refuses by role, as the real one
// does, and writes down what it was asked to do.
type fake struct {
	mu       sync.Mutex
	list     []service.Status
	backups  map[string][]service.BackupView
	runs     []service.Run // newest first
	tokens   []service.Token
	did      []string // what was asked for
	away     bool     // the backups are not where they were
	fail     error    // what every method returns, if not nil
	watchers []chan service.Event
	early    func()        // done before each Events, unless nil
	ended    chan struct{} // closed when the service stops
}

var errMachine = errors.New("open /var/lib/litekeep/state.db: input/output error")

type admission struct {
	role access.Role
	what string
}

// enter is the start of every method: who may, and is there such a database.
func (f *fake) enter(by access.Principal, database string, a admission) error {
	roles := []access.Role{access.Viewer, access.Operator, access.Admin}
	switch {
	case f.fail != nil:
		return f.fail
	case database != "" && len(by.Databases) > 0 && !slices.Contains(by.Databases, database):
		return fmt.Errorf("database %s: %w", database, service.ErrNotFound)
	case slices.Index(roles, by.Role) < slices.Index(roles, a.role):
		return fmt.Errorf("%s: %w", a.what, access.ErrForbidden)
	case database != "" && f.find(database) == nil:
		return fmt.Errorf("database %s: %w", database, service.ErrNotFound)
	}
	return nil
}

func (f *fake) find(database string) *service.Status {
	for i := range f.list {
		if f.list[i].Name == database {
			return &f.list[i]
		}
	}
	return nil
}

func (f *fake) note(format string, v ...any) { f.did = append(f.did, fmt.Sprintf(format, v...)) }

// done returns what was asked for since the last call.
func (f *fake) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	did := f.did
	f.did = nil
	return did
}

func (f *fake) Databases(_ context.Context, by access.Principal) ([]service.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, "", admission{}); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(f.list), func(s service.Status) bool {
		return len(by.Databases) > 0 && !slices.Contains(by.Databases, s.Name)
	}), nil
}

func (f *fake) Database(_ context.Context, by access.Principal, name string) (*service.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, name, admission{}); err != nil {
		return nil, err
	}
	s := *f.find(name)
	return &s, nil
}

func (f *fake) Backups(_ context.Context, by access.Principal, database string) ([]service.BackupView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{}); err != nil {
		return nil, err
	}
	if f.away {
		return nil, service.ErrAway
	}
	return slices.Clone(f.backups[database]), nil
}

func (f *fake) view(database, file string) (*service.BackupView, int, error) {
	for i := range f.backups[database] {
		if f.backups[database][i].File == file {
			return &f.backups[database][i], i, nil
		}
	}
	return nil, 0, fmt.Errorf("backup %s: %w", file, service.ErrNotFound)
}

func (f *fake) Backup(_ context.Context, by access.Principal, database, file string) (*service.BackupDetails, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{}); err != nil {
		return nil, err
	}
	b, i, err := f.view(database, file)
	if err != nil {
		return nil, err
	}
	d := &service.BackupDetails{BackupView: *b}
	d.Details = &litekeep.Details{
		Backup: *b.Backup, SQLite: "3.54.1", Writer: "litekeep 0.1.0", Level: 1, Frames: 31,
		Settings: litekeep.DatabaseSettings{PageSize: 4096, Encoding: "UTF-8", JournalMode: "wal", UserVersion: 42},
	}
	for n, name := range []string{"orders", "order_lines", "customers", "products", "sessions", "settings", "stock <movements>", "audit"} {
		d.Details.Tables = append(d.Details.Tables, litekeep.TableDetails{Name: name, Rows: b.RecordCount / int64(2<<n)})
	}
	if i+1 < len(f.backups[database]) {
		d.Before = f.backups[database][i+1].File
		d.Changes = []service.TableChange{
			{Table: "coupons", Before: 312, Gone: true},
			{Table: "sessions", Rows: d.Details.Tables[4].Rows, Before: d.Details.Tables[4].Rows * 2},
			{Table: "orders", Rows: d.Details.Tables[0].Rows, Before: d.Details.Tables[0].Rows - 412},
			{Table: "audit", Rows: d.Details.Tables[7].Rows, Before: -1},
		}
	}
	return d, nil
}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

func (f *fake) Download(_ context.Context, by access.Principal, database, file string, manifest bool) (*service.Download, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{access.Admin, "download"}); err != nil {
		return nil, err
	}
	b, _, err := f.view(database, file)
	if err != nil {
		return nil, err
	}
	f.note("download %s %s %v", database, file, manifest)
	name := file
	if manifest {
		name += ".manifest.json"
	}
	body := "the bytes of " + name
	return &service.Download{ReadSeekCloser: closer{bytes.NewReader([]byte(body))}, Name: name, SHA256: b.Checksum, Size: int64(len(body)), Time: b.Timestamp}, nil
}

func (f *fake) PreviewCleanup(_ context.Context, by access.Principal, database string) ([]litekeep.Decision, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{access.Operator, "preview"}); err != nil {
		return nil, err
	}
	var list []litekeep.Decision
	for _, b := range f.backups[database] {
		list = append(list, litekeep.Decision{Path: b.Path, Database: database, Time: b.Timestamp, Size: b.SizeBytes, Keep: !b.Goes, Reason: b.Kept})
	}
	return list, nil
}

func (f *fake) Pin(_ context.Context, by access.Principal, database, file, note string, until time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{access.Admin, "pin"}); err != nil {
		return err
	}
	b, _, err := f.view(database, file)
	if err != nil {
		return err
	}
	b.Pinned, b.PinNote, b.PinUntil = true, note, until
	f.note("pin %s %s %q %s", database, file, note, until.Format(time.RFC3339))
	return nil
}

func (f *fake) Unpin(_ context.Context, by access.Principal, database, file string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{access.Admin, "unpin"}); err != nil {
		return err
	}
	b, _, err := f.view(database, file)
	if err != nil {
		return err
	}
	b.Pinned, b.PinNote = false, ""
	f.note("unpin %s %s", database, file)
	return nil
}

func (f *fake) Trash(_ context.Context, by access.Principal, database string) ([]service.TrashView, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{}); err != nil {
		return nil, err
	}
	var list []service.TrashView
	for i := range f.find(database).TrashCount {
		at := now.AddDate(0, -1, -i).Add(-5 * time.Hour)
		list = append(list, service.TrashView{File: fileName(at), Timestamp: at, SizeBytes: 3 << 20, Trashed: now.Add(-5 * time.Hour), Until: now.AddDate(0, 0, 7-i)})
	}
	return list, nil
}

func (f *fake) Undelete(_ context.Context, by access.Principal, database, file string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{access.Admin, "undelete"}); err != nil {
		return err
	}
	f.note("undelete %s %s", database, file)
	return nil
}

func (f *fake) start(by access.Principal, database string, a admission, r service.Run) (*service.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, a); err != nil {
		return nil, err
	}
	s := f.find(database)
	if s.Running != nil {
		return nil, fmt.Errorf("%s: %w", database, service.ErrRunning)
	}
	if r.Backup != "" {
		if _, _, err := f.view(database, r.Backup); err != nil {
			return nil, err
		}
	}
	r.ID, r.Database, r.Trigger, r.By = fmt.Sprintf("r%d", 9000+len(f.runs)), database, "request", by.Name
	r.Attempt, r.Started, r.Outcome = 1, now, service.OutcomeRunning
	r.Progress = &service.Progress{Phase: "snapshot"}
	r.Log = []service.LogLine{{Time: now, Level: "info", Text: a.what + " of " + database + " began"}}
	f.runs = append([]service.Run{r}, f.runs...)
	s.Running = &f.runs[0]
	f.note("%s %s %s", a.what, database, r.Backup)
	out := r
	return &out, nil
}

func (f *fake) StartBackup(_ context.Context, by access.Principal, database string) (*service.Run, error) {
	return f.start(by, database, admission{access.Operator, "backup"}, service.Run{Kind: service.KindBackup})
}

func (f *fake) StartVerify(_ context.Context, by access.Principal, database, file string) (*service.Run, error) {
	return f.start(by, database, admission{access.Operator, "verify"}, service.Run{Kind: service.KindVerify, Backup: file})
}

func (f *fake) StartRestore(_ context.Context, by access.Principal, database string, r service.RestoreRequest) (*service.Run, error) {
	if !r.DryRun && strings.Contains(r.Reason, "refuse me") {
		return nil, fmt.Errorf("%w: the disk has no room for the safety backup", service.ErrRequest)
	}
	what := fmt.Sprintf("restore dry=%v safety=%v reason=%q confirm=%q", r.DryRun, !r.NoSafetyBackup, r.Reason, r.Confirm)
	return f.start(by, database, admission{access.Admin, what}, service.Run{
		Kind: service.KindRestore, Backup: r.File, DryRun: r.DryRun,
	})
}

func (f *fake) StartCleanup(_ context.Context, by access.Principal, database string) (*service.Run, error) {
	return f.start(by, database, admission{access.Admin, "cleanup"}, service.Run{Kind: service.KindCleanup})
}

func (f *fake) StartSync(_ context.Context, by access.Principal, database string) (*service.Run, error) {
	return f.start(by, database, admission{access.Operator, "sync"}, service.Run{Kind: service.KindSync})
}

func (f *fake) run(id string) *service.Run {
	for i := range f.runs {
		if f.runs[i].ID == id {
			return &f.runs[i]
		}
	}
	return nil
}

// change changes a run and tells those who watch.
func (f *fake) change(id string, by func(*service.Run)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.run(id)
	by(r)
	s := f.find(r.Database)
	running := *r
	s.Running = &running
	if r.Outcome != service.OutcomeRunning {
		s.Running = nil
	}
	for _, w := range f.watchers {
		w <- service.Event{Type: "run", Database: r.Database, Run: &running, Time: now}
	}
}

// finish ends a run well, with what a run of its kind brings.
func (f *fake) finish(id string) {
	f.change(id, func(r *service.Run) {
		r.Outcome, r.Progress, r.Ended, r.Seconds, r.Verified = service.OutcomeOK, nil, now, 2.4, true
		r.Log = append(r.Log, service.LogLine{Time: now, Level: "info", Text: "done"})
		switch r.Kind {
		case service.KindRestore:
			r.Restored = &litekeep.Restored{DryRun: r.DryRun}
			r.Restored.Steps = []string{
				"read the backup, 14.2 MiB, and build the database beside /srv/shop/shop.db", "prove that it is what was backed up",
				"back up what the database holds now", "put the new content in place in one transaction",
			}
			r.Restored.Warnings = []string{"two programs have the database open; they go on with the new content"}
		case service.KindVerify:
			r.Checked = &litekeep.Verification{OK: true, Bytes: 14 << 20, Tables: 8, Rows: 1234567}
		case service.KindCleanup:
			r.Pruned = []litekeep.Decision{{Path: "x", Time: now.AddDate(0, 0, -40), Size: 9 << 20, Removed: true, Reason: "no rule keeps it"}}
		case service.KindSync:
			r.Synced = []litekeep.SyncAction{{To: "s3://backups-eu/prod", Timestamp: now.AddDate(0, 0, -1), Done: true}}
		}
	})
}

func (f *fake) Run(_ context.Context, by access.Principal, id string) (*service.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.run(id)
	if f.fail == nil && r == nil {
		return nil, fmt.Errorf("run %s: %w", id, service.ErrNotFound)
	}
	database := ""
	if r != nil {
		database = r.Database
	}
	if err := f.enter(by, database, admission{}); err != nil {
		return nil, err
	}
	out := *r
	return &out, nil
}

func (f *fake) Runs(_ context.Context, by access.Principal, q service.RunFilter) (list []service.Run, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, q.Database, admission{}); err != nil {
		return nil, err
	}
	past := q.Before == ""
	for _, r := range f.runs {
		if !past {
			past = r.ID == q.Before
			continue
		}
		if q.Database != "" && r.Database != q.Database || q.Kind != "" && r.Kind != q.Kind || q.Outcome != "" && r.Outcome != q.Outcome ||
			len(by.Databases) > 0 && !slices.Contains(by.Databases, r.Database) {
			continue
		}
		if list = append(list, r); len(list) == q.Limit {
			break
		}
	}
	return list, nil
}

func (f *fake) CancelRun(_ context.Context, by access.Principal, id string) (*service.Run, error) {
	r, err := f.Run(context.Background(), by, id)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	err = f.enter(by, r.Database, admission{access.Operator, "cancel"})
	f.note("cancel %s", r.Kind)
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	f.change(id, func(r *service.Run) { r.Outcome, r.Progress, r.Ended = service.OutcomeCancelled, nil, now })
	return r, nil
}

// beforeEvents has something done right before whoever watches begins to.
func (f *fake) beforeEvents(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.early = do
}

func (f *fake) Events(ctx context.Context, by access.Principal) (iter.Seq[service.Event], error) {
	f.mu.Lock()
	early := f.early
	f.mu.Unlock()
	if early != nil {
		early()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, "", admission{}); err != nil {
		return nil, err
	}
	c := make(chan service.Event, 64)
	f.watchers = append(f.watchers, c)
	return func(yield func(service.Event) bool) {
		for {
			select {
			case e := <-c:
				if !yield(e) {
					return
				}
			case <-ctx.Done():
				return
			case <-f.ended:
				return
			}
		}
	}, nil
}

func (f *fake) AcceptSize(_ context.Context, by access.Principal, database, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.enter(by, database, admission{access.Admin, "accept"}); err != nil {
		return err
	}
	f.find(database).PruningPaused = ""
	f.note("accept %s %q", database, reason)
	return nil
}

func (f *fake) Health(context.Context) service.Health {
	return service.Health{OK: true, Version: "0.1.0", Started: now.AddDate(0, 0, -31)}
}

func (f *fake) Settings(_ context.Context, by access.Principal) ([]service.Setting, error) {
	if err := f.enter(by, "", admission{access.Admin, "settings"}); err != nil {
		return nil, err
	}
	list := []service.Setting{
		{Section: "server", Key: "listen", Value: "10.0.0.5:8443"},
		{Section: "server", Key: "tls.certificate", Value: "/etc/litekeep/tls.crt"},
		{Section: "notifications", Key: "ops-mail.password", Value: "(set)"},
		{Section: "notifications", Key: "slack.url", Value: "(set)"},
	}
	for _, s := range f.list {
		list = append(list, service.Setting{Section: "database " + s.Name, Key: "path", Value: s.Path},
			service.Setting{Section: "database " + s.Name, Key: "schedule", Value: s.Schedule})
	}
	return list, nil
}

func (f *fake) Reload(_ context.Context, by access.Principal) ([]string, error) {
	if err := f.enter(by, "", admission{access.Admin, "reload"}); err != nil {
		return nil, err
	}
	f.note("reload")
	return []string{"database crm: schedule is @hourly, was @daily"}, nil
}

func (f *fake) Channels(_ context.Context, by access.Principal) ([]service.ChannelStatus, error) {
	if err := f.enter(by, "", admission{access.Admin, "channels"}); err != nil {
		return nil, err
	}
	return []service.ChannelStatus{
		{Name: "ops-mail", Type: "email", OK: true, LastSuccess: now.Add(-5 * time.Hour)},
		{Name: "slack", Type: "slack", Pending: 3, LastSuccess: now.AddDate(0, 0, -2), LastFailure: now.Add(-20 * time.Minute), LastError: "the server answered 404 no_service"},
		{Name: "cronitor", Type: "heartbeat", OK: true, LastSuccess: now.Add(-12 * time.Minute)},
		{Name: "new-hook", Type: "webhook", OK: true},
	}, nil
}

func (f *fake) TestChannel(_ context.Context, by access.Principal, name string) error {
	if err := f.enter(by, "", admission{access.Admin, "test"}); err != nil {
		return err
	}
	f.note("test %s", name)
	if name == "slack" {
		return errors.New("the server answered 404 no_service")
	}
	return nil
}

func (f *fake) Tokens(_ context.Context, by access.Principal) ([]service.Token, error) {
	if err := f.enter(by, "", admission{access.Admin, "tokens"}); err != nil {
		return nil, err
	}
	return slices.Clone(f.tokens), nil
}

func (f *fake) CreateToken(_ context.Context, by access.Principal, t service.Token) (*service.Token, string, error) {
	if err := f.enter(by, "", admission{access.Admin, "create token"}); err != nil {
		return nil, "", err
	}
	for _, name := range t.Databases {
		if f.find(name) == nil {
			return nil, "", fmt.Errorf("%w: there is no database %s", service.ErrRequest, name)
		}
	}
	t.ID, t.Created = fmt.Sprintf("t%d", len(f.tokens)+1), now
	f.tokens = append(f.tokens, t)
	f.note("token %s %s %v %s", t.Name, t.Role, t.Databases, t.Expires.Format(time.DateOnly))
	return &t, "lk_Zm9yLXRlc3RzLW9ubHk", nil
}

func (f *fake) RevokeToken(_ context.Context, by access.Principal, id string) error {
	if err := f.enter(by, "", admission{access.Admin, "revoke"}); err != nil {
		return err
	}
	for i := range f.tokens {
		if f.tokens[i].ID == id {
			f.tokens[i].Revoked = now
			f.note("revoke %s", id)
			return nil
		}
	}
	return fmt.Errorf("token %s: %w", id, service.ErrNotFound)
}

func (f *fake) Audit(_ context.Context, by access.Principal, q service.AuditFilter) (list []service.AuditEntry, err error) {
	if err := f.enter(by, "", admission{access.Admin, "audit"}); err != nil {
		return nil, err
	}
	all := []service.AuditEntry{
		{Seq: 2041, Time: now.Add(-time.Minute), Actor: "erin", Role: "viewer", From: "10.0.0.31", Action: "restore", Database: "crm", Outcome: "refused", Detail: "the role does not allow it", Request: "01JD2X9"},
		{Seq: 2040, Time: now.Add(-2 * time.Hour), Actor: "ada", Role: "admin", From: "10.0.0.7", Action: "restore", Database: "wiki", Object: "20261120T020311.402Z.json.zst", Outcome: "done", Detail: "page tree was deleted by mistake"},
		{Seq: 2039, Time: now.Add(-26 * time.Hour), Actor: "ci", Role: "operator", From: "10.0.0.9", Action: "backup", Database: "shop", Outcome: "done"},
	}
	for _, e := range all {
		if (q.Action == "" || e.Action == q.Action) && (q.Database == "" || e.Database == q.Database) && (q.Actor == "" || e.Actor == q.Actor) &&
			(q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until)) {
			list = append(list, e)
		}
	}
	return list, nil
}

func (f *fake) VerifyAudit(_ context.Context, by access.Principal) (*service.AuditReport, error) {
	if err := f.enter(by, "", admission{access.Admin, "verify audit"}); err != nil {
		return nil, err
	}
	return &service.AuditReport{OK: true, Entries: 2041}, nil
}
