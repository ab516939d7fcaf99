package probe_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/cloud"
	"github.com/litekeep/litekeep/internal/store/faulty"
	"github.com/litekeep/litekeep/internal/store/folder"
	"github.com/litekeep/litekeep/internal/store/probe"
	"github.com/litekeep/litekeep/internal/store/realtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(realtest.Main(m)) }

// outcome writes a report as "name: status" lines without those that are ok.
func outcome(r *probe.Report) string {
	var b strings.Builder
	for _, c := range r.Checks {
		if c.Status != probe.OK {
			b.WriteString(c.Name + ": " + string(c.Status) + ": " + c.Detail + "\n")
		}
	}
	return b.String()
}

func run(t *testing.T, s store.Store, o probe.Options) *probe.Report {
	t.Helper()
	r, err := probe.Run(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.OK() == strings.Contains(outcome(r), ": failed: ") {
		t.Errorf("OK is %v of\n%s", r.OK(), outcome(r))
	}
	return r
}

func wantEmpty(t *testing.T, s store.Store) {
	t.Helper()
	for info, err := range s.List(t.Context(), "") {
		t.Errorf("left %q, %v", info.Key, err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := folder.Open(dir, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := run(t, s, probe.Options{Lock: true})
	want := "stored checksum: missing: verify --level quick compares sizes only\nobject lock: failed: unsupported operation: the store has no locks\n"
	if got := outcome(r); got != want || len(r.Checks) != 11 {
		t.Errorf("%d checks, got\n%swant\n%s", len(r.Checks), got, want)
	}
	wantEmpty(t, s)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestRealServers(t *testing.T) {
	for name, tt := range map[string]struct {
		url  func(testing.TB) string
		lock bool
		want string
	}{
		"s3":                {realtest.S3, false, ""},
		"s3 with lock":      {func(t testing.TB) string { return realtest.Join(realtest.S3Locked(t), "lock=1h") }, true, ""},
		"s3 without a lock": {realtest.S3, true, "object lock: failed: lock: unsupported operation: the server did not lock the object until"},
		"s3 unconditional":  {func(t testing.TB) string { return realtest.Join(realtest.S3(t), "conditional=false") }, false, "exclusive create: missing: the server ignores"},
		"gcs":               {realtest.GCS, false, ""},
		"azure":             {realtest.Azure, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := cloud.Open(t.Context(), tt.url(t), cloud.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r := run(t, s, probe.Options{Lock: tt.lock, LockFor: time.Second})
			if got := outcome(r); (tt.want == "") != (got == "") || !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") > 1 {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			wantEmpty(t, s)
		})
	}
}

func TestLies(t *testing.T) {
	for name, tt := range map[string]struct {
		rule faulty.Rule
		want string // beginning of the outcome
	}{
		"none":          {faulty.Rule{Op: faulty.Get, Key: "elsewhere"}, ""},
		"no permission": {faulty.Rule{Op: faulty.Put, Err: store.ErrPermission}, "write: failed: permission denied\n"},
		"put lost":      {faulty.Rule{Op: faulty.Put, Do: faulty.Ignore}, "read back: failed: file does not exist\n"},
		"put cut":       {faulty.Rule{Op: faulty.Put, Do: faulty.Truncate, At: 10}, "read back: failed: wrote 1080 bytes and read 10 others\n"},
		"byte flipped":  {faulty.Rule{Op: faulty.Get, Do: faulty.Flip, At: 7}, "read back: failed: wrote 1080 bytes and read 1080 others\n"},
		"read cut":      {faulty.Rule{Op: faulty.Get, Do: faulty.Truncate, At: 7}, "read back: failed: wrote 1080 bytes and read 7 others\n"},
		"no listing":    {faulty.Rule{Op: faulty.List, Do: faulty.Ignore}, "list: failed: an object is not listed within"},
		"delete lies":   {faulty.Rule{Op: faulty.Delete, Do: faulty.Ignore}, "delete: failed: the store said that it deleted an object; reading it gave: <nil>\n"},
		"no checksum":   {faulty.Rule{Op: faulty.Checksum, Do: faulty.Ignore}, "stored checksum: missing: "},
		"odd checksum":  {faulty.Rule{Op: faulty.Checksum, Do: faulty.Flip}, "stored checksum: missing: what the store gives as md5 is none"},
	} {
		t.Run(name, func(t *testing.T) {
			s := faulty.New(faulty.NewMemory())
			if err := s.Add(tt.rule); err != nil {
				t.Fatal(err)
			}
			r := run(t, s, probe.Options{Settle: 50 * time.Millisecond})
			if got := outcome(r); !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			s.Heal()
			if tt.rule.Op != faulty.Delete {
				wantEmpty(t, s)
			}
		})
	}
}

// relisting is a store whose listing remembers what was deleted.
type relisting struct{ *faulty.Store }

func (s relisting) Delete(ctx context.Context, key string) error {
	return errors.Join(s.Add(faulty.Rule{Op: faulty.List, Do: faulty.Lag}), s.Store.Delete(ctx, key))
}

func TestLaggingList(t *testing.T) {
	s := relisting{faulty.New(faulty.NewMemory())}
	r := run(t, s, probe.Options{Settle: 50 * time.Millisecond})
	if got := outcome(r); !strings.HasPrefix(got, "list after delete: failed: a deleted object is still listed after 50ms\nleave nothing: failed: litekeep-probe-") {
		t.Error(got)
	}
}

func TestClock(t *testing.T) {
	for ahead, want := range map[time.Duration]string{
		0: "", 5 * time.Second: "the store is 5s ahead", -9 * time.Second: "the store is 9s behind",
		time.Hour: "the store is 1h0m0s ahead: set the clock of this machine", -time.Hour: "the store is 1h0m0s behind: set the clock of this machine",
	} {
		start := time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
		m := faulty.NewMemory()
		m.Now = func() time.Time { return start.Add(ahead) }
		r := run(t, m, probe.Options{Now: func() time.Time { return start }})
		for _, c := range r.Checks {
			if c.Name == probe.NameClock && (c.Detail != want || (c.Status == probe.OK) != (ahead.Abs() < probe.MaxSkew)) {
				t.Errorf("%v: %+v", ahead, c)
			}
		}
		if r.Skew != ahead {
			t.Errorf("skew %v, want %v", r.Skew, ahead)
		}
	}
}

func TestLockMemory(t *testing.T) {
	s := faulty.NewMemory()
	r := run(t, s, probe.Options{Lock: true, LockFor: time.Second})
	if got := outcome(r); got != "" {
		t.Error(got)
	}
	wantEmpty(t, s)
}

// TestCancelled ends the context while objects are there.
func TestCancelled(t *testing.T) {
	m := faulty.NewMemory()
	s := faulty.New(m)
	if err := s.Add(faulty.Rule{Op: faulty.Get, Do: faulty.Hang}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := probe.Run(ctx, s, probe.Options{})
	if !errors.Is(err, context.DeadlineExceeded) || r == nil || r.OK() {
		t.Errorf("%v, %v", r, err)
	}
	wantEmpty(t, m)
}
