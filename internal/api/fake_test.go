package api_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

const (
	backupFile = "20261122T020000.123Z.json.zst"
	objectText = "0123456789 the bytes of an object"
	checksum   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

var night = time.Date(2026, 11, 22, 2, 0, 0, 123e6, time.UTC)

// A fake is a door without anything behind it. Its runs end at once unless
// hold is set.
type fake struct {
	databases []string
	err       error           // of every method that may fail
	outcome   service.Outcome // of runs; OK if empty
	runError  string
	hold      chan struct{} // runs end when it is closed
	sick      bool
	panics    bool
	events    chan service.Event
	content   []byte // of downloads

	mu      sync.Mutex
	calls   []string
	runs    map[string]*service.Run
	restore service.RestoreRequest
	token   service.Token
	pinned  time.Time
	filter  service.RunFilter
}

func newFake(databases ...string) *fake {
	return &fake{databases: databases, runs: map[string]*service.Run{}, content: []byte(objectText), events: make(chan service.Event)}
}

func (f *fake) called(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, what)
	if f.panics {
		panic("the door fell off")
	}
	return f.err
}

func (f *fake) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// find is what every method about a backup begins with.
func (f *fake) find(what, database, file string) error {
	if err := f.called(what + " " + database + " " + file); err != nil {
		return err
	}
	if !slices.Contains(f.databases, database) || file != "" && file != backupFile {
		return service.ErrNotFound
	}
	return nil
}

func (f *fake) status(name string) service.Status {
	return service.Status{Name: name, Path: "/srv/" + name + ".db", Condition: service.ConditionOK, Words: "all is well", RestorableTo: night}
}

func (f *fake) Names(context.Context, access.Principal) ([]string, error) {
	return slices.Sorted(slices.Values(f.databases)), nil
}

func (f *fake) Databases(context.Context, access.Principal) (all []service.Status, err error) {
	if f.panics {
		panic("the door fell off")
	}
	for _, n := range f.databases {
		all = append(all, f.status(n))
	}
	return all, f.err
}

func (f *fake) Database(_ context.Context, _ access.Principal, name string) (*service.Status, error) {
	s := f.status(name)
	return &s, f.find("database", name, "")
}

func (f *fake) AcceptSize(_ context.Context, _ access.Principal, database, reason string) error {
	return f.find("accept", database, "")
}

func (f *fake) Stats(_ context.Context, _ access.Principal, database string) ([]litekeep.Stats, error) {
	return []litekeep.Stats{{Database: "app", Count: 2, SizeBytes: 10, DocumentBytes: 40, Ratio: 4, Newest: night, MeanDuration: time.Second}}, f.called("stats " + database)
}

func (f *fake) backup(database string) *litekeep.Backup {
	return &litekeep.Backup{
		Path: "/srv/backups/" + database + "/" + backupFile, Database: database, Timestamp: night, SizeBytes: int64(len(objectText)),
		Checksum: checksum, TableCount: 3, RecordCount: 42, DocumentBytes: 1000, Digest: "d1", Compression: "zstd",
	}
}

func (f *fake) view(database string) service.BackupView {
	return service.BackupView{File: backupFile, Backup: f.backup(database), VerifiedAt: night, Kept: "newest"}
}

func (f *fake) Backups(_ context.Context, _ access.Principal, database string) ([]service.BackupView, error) {
	return []service.BackupView{f.view(database)}, f.find("list", database, "")
}

func (f *fake) Backup(_ context.Context, _ access.Principal, database, file string) (*service.BackupDetails, error) {
	return &service.BackupDetails{
		BackupView: f.view(database), Changes: []service.TableChange{{Table: "users", Rows: 2, Before: 1}},
		Details: &litekeep.Details{Frames: 7, Tables: []litekeep.TableDetails{{Name: "users", Rows: 2}}, Durations: litekeep.Durations{Total: time.Second}},
	}, f.find("details", database, file)
}

type closer struct{ io.ReadSeeker }

func (closer) Close() error { return nil }

func (f *fake) Download(_ context.Context, _ access.Principal, database, file string, manifest bool) (*service.Download, error) {
	d := &service.Download{ReadSeekCloser: closer{bytes.NewReader(f.content)}, Name: file, SHA256: checksum, Time: night}
	if manifest {
		d.ReadSeekCloser, d.Name, d.SHA256 = closer{strings.NewReader(`{"litekeep_manifest":1}`)}, file+".manifest.json", ""
	}
	return d, f.find("download", database, file)
}

func (f *fake) PreviewCleanup(_ context.Context, _ access.Principal, database string) ([]litekeep.Decision, error) {
	return f.decisions(), f.find("preview", database, "")
}

func (f *fake) decisions() []litekeep.Decision {
	return []litekeep.Decision{{Path: "a", Keep: true, Reason: "newest", Size: 5}, {Path: "b", Reason: "older than 7 days", Size: 10}}
}

func (f *fake) Pin(_ context.Context, _ access.Principal, database, file, note string, until time.Time) error {
	f.pinned = until
	return f.find("pin "+note, database, file)
}

func (f *fake) Unpin(_ context.Context, _ access.Principal, database, file string) error {
	return f.find("unpin", database, file)
}

func (f *fake) Trash(_ context.Context, _ access.Principal, database string) ([]service.TrashView, error) {
	return []service.TrashView{{File: backupFile, Timestamp: night}}, f.find("trash", database, "")
}

func (f *fake) Undelete(_ context.Context, _ access.Principal, database, file string) error {
	return f.find("undelete", database, file)
}

// start begins a run, which ends at once unless the fake holds.
func (f *fake) start(kind service.Kind, database, file string) (*service.Run, error) {
	if err := f.find("start "+string(kind), database, file); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &service.Run{ID: "run1", Database: database, Kind: kind, Started: night, Outcome: service.OutcomeRunning, Backup: file}
	f.runs[r.ID] = r
	if f.hold == nil {
		f.end(r)
	}
	snapshot := *r
	return &snapshot, nil
}

func (f *fake) end(r *service.Run) {
	r.Ended, r.Seconds, r.Outcome, r.Error = night.Add(time.Second), 1, f.outcome, f.runError
	if r.Outcome == "" {
		r.Outcome = service.OutcomeOK
	}
	if r.Outcome == service.OutcomeDamaged && r.Kind == service.KindVerify {
		r.Checked = &litekeep.Verification{Path: "/srv/x", Problem: "frame 3 is not what was written", Bytes: 9}
	}
	if r.Outcome != service.OutcomeOK {
		return
	}
	r.Verified, r.Pruned = true, f.decisions()
	switch r.Kind {
	case service.KindBackup:
		r.Backup, r.Created = backupFile, f.backup(r.Database)
	case service.KindVerify:
		r.Checked = &litekeep.Verification{Path: "/srv/x", OK: true, Bytes: 9, Tables: 3, Rows: 42, Frames: 7}
	case service.KindRestore:
		r.Restored = &litekeep.Restored{
			Backup: "/srv/x", Target: "/srv/app.db", TableCount: 3, RecordCount: 42, DryRun: f.restore.DryRun, Proven: true,
			SafetyBackup: "/srv/safety", Steps: []string{"build", "publish"},
		}
	case service.KindSync:
		r.Synced = []litekeep.SyncAction{{To: "s3://x", Done: true}}
	}
}

func (f *fake) StartBackup(_ context.Context, _ access.Principal, database string) (*service.Run, error) {
	return f.start(service.KindBackup, database, "")
}

func (f *fake) StartVerify(_ context.Context, _ access.Principal, database, file string) (*service.Run, error) {
	return f.start(service.KindVerify, database, file)
}

func (f *fake) StartRestore(_ context.Context, _ access.Principal, database string, r service.RestoreRequest) (*service.Run, error) {
	f.restore = r
	if !r.DryRun && r.Confirm != database {
		return nil, service.ErrRequest
	}
	return f.start(service.KindRestore, database, r.File)
}

func (f *fake) StartCleanup(_ context.Context, _ access.Principal, database string) (*service.Run, error) {
	return f.start(service.KindCleanup, database, "")
}

func (f *fake) StartSync(_ context.Context, _ access.Principal, database string) (*service.Run, error) {
	return f.start(service.KindSync, database, "")
}

func (f *fake) Run(_ context.Context, _ access.Principal, id string) (*service.Run, error) {
	if err := f.called("run " + id); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.runs[id]
	if r == nil {
		return nil, service.ErrNotFound
	}
	snapshot := *r
	return &snapshot, nil
}

func (f *fake) Runs(_ context.Context, _ access.Principal, filter service.RunFilter) ([]service.Run, error) {
	f.filter = filter
	return nil, f.called("runs")
}

func (f *fake) Wait(ctx context.Context, by access.Principal, id string) (*service.Run, error) {
	select {
	case <-ctx.Done():
	case <-f.hold:
		f.mu.Lock()
		f.end(f.runs[id])
		f.mu.Unlock()
	}
	return f.Run(ctx, by, id)
}

func (f *fake) CancelRun(ctx context.Context, by access.Principal, id string) (*service.Run, error) {
	return f.Run(ctx, by, id)
}

func (f *fake) Events(ctx context.Context, _ access.Principal) (iter.Seq[service.Event], error) {
	return func(yield func(service.Event) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-f.events:
				if !yield(e) {
					return
				}
			}
		}
	}, f.called("events")
}

func (f *fake) Health(context.Context) service.Health {
	h := service.Health{OK: !f.sick, Version: "0.1.0", Started: night}
	if f.sick {
		h.Problems = []string{"the state in /var/lib cannot be written"}
	}
	return h
}

func (f *fake) Tokens(context.Context, access.Principal) ([]service.Token, error) {
	return []service.Token{{ID: "t1", Name: "ci", Role: "viewer", Created: night}}, f.called("tokens")
}

func (f *fake) CreateToken(_ context.Context, _ access.Principal, t service.Token) (*service.Token, string, error) {
	f.token = t
	t.ID = "t2"
	return &t, "lk_secret", f.called("create token")
}

func (f *fake) RevokeToken(_ context.Context, _ access.Principal, id string) error {
	return f.called("revoke " + id)
}

func (f *fake) Audit(context.Context, access.Principal, service.AuditFilter) ([]service.AuditEntry, error) {
	return []service.AuditEntry{{Seq: 1, Time: night, Action: "restore"}}, f.called("audit")
}

func (f *fake) VerifyAudit(context.Context, access.Principal) (*service.AuditReport, error) {
	return &service.AuditReport{OK: true, Entries: 1}, f.called("verify audit")
}

func (f *fake) Settings(context.Context, access.Principal) ([]service.Setting, error) {
	return []service.Setting{{Section: "server", Key: "listen", Value: "127.0.0.1:8080"}}, f.called("settings")
}

func (f *fake) Reload(context.Context, access.Principal) ([]string, error) {
	return []string{"database app: schedule"}, f.called("reload")
}

func (f *fake) Channels(context.Context, access.Principal) ([]service.ChannelStatus, error) {
	return []service.ChannelStatus{{Name: "mail", Type: "email", OK: true}}, f.called("channels")
}

func (f *fake) TestChannel(_ context.Context, _ access.Principal, name string) error {
	return f.called("test " + name)
}
