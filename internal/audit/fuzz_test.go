package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep/internal/audit"
)

// FuzzDecode holds that a line that is accepted is what encode writes.
func FuzzDecode(f *testing.F) {
	seeds := f.TempDir()
	l := audit.New(seeds, audit.Options{Now: still})
	for _, e := range []audit.Entry{{}, {Actor: "ada\u2028<>\"\\", Detail: "\x00\t\U0001F600", Outcome: audit.Failed}} {
		if _, err := l.Append(e); err != nil {
			f.Fatal(err)
		}
	}
	l.Close()
	b, err := os.ReadFile(filepath.Join(seeds, "audit-000000000001.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.SplitSeq(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		f.Add(audit.Body(line)) // with a hash that is made anew, so that more is reached than the hash
	}
	f.Add([]byte(`{"seq":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		line := audit.Sign(body)
		e, err := audit.Decode(line)
		if err != nil {
			return
		}
		again, err := audit.Encode(&e)
		if err != nil || !bytes.Equal(again, append(line, '\n')) {
			t.Errorf("%q is accepted, and becomes %q (%v)", line, again, err)
		}
		if _, err := audit.Decode(append(line, ' ')); err == nil {
			t.Error("more than the line is accepted")
		}
	})
}

// FuzzFile has any bytes where a log should be. Nothing panics, what is written
// afterwards can be read, and the chain holds from there on.
func FuzzFile(f *testing.F) {
	seeds := f.TempDir()
	l := audit.New(seeds, audit.Options{Now: still})
	for range 3 {
		if _, err := l.Append(audit.Entry{}); err != nil {
			f.Fatal(err)
		}
	}
	l.Close()
	b, err := os.ReadFile(filepath.Join(seeds, "audit-000000000001.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	head, err := os.ReadFile(filepath.Join(seeds, "audit.head"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, head)
	f.Add(b[:len(b)-1], head)
	f.Add(b[:len(b)/2], []byte(`{"seq":1,"hash":""}`))
	f.Add([]byte("\n\n"), []byte{})
	f.Add([]byte{}, head)
	f.Fuzz(func(t *testing.T, log, head []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "audit-000000000001.jsonl"), log)
		write(t, filepath.Join(dir, "audit.head"), head)
		before := verify(t, dir, audit.VerifyOptions{})
		l := audit.New(dir, audit.Options{Now: still})
		defer l.Close()
		if stored, err := audit.ReadHead(dir); err == nil && stored.Seq > 1<<62 {
			return // nobody counts so far
		}
		last := add(t, l, audit.Entry{Detail: "goes on"})
		for e, err := range audit.Entries(dir, audit.Filter{Limit: 1}) {
			if err != nil || e != last {
				t.Errorf("the newest entry is %+v, %v", e, err)
			}
		}
		after := verify(t, dir, audit.VerifyOptions{})
		if before.OK() != after.OK() {
			t.Errorf("before %v, after %v", before.Problems, after.Problems)
		}
		if r := verify(t, dir, audit.VerifyOptions{From: last.Seq}); !r.OK() || r.Entries != 1 {
			t.Errorf("%+v", r)
		}
	})
}
