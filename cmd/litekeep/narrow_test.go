package main

import (
	"bytes"
	"testing"
)

// narrow is a program whose output goes to a terminal of some columns, 0 for none.
func narrow(columns int) (*app, *bytes.Buffer) {
	var out bytes.Buffer
	a := &app{stdout: &out}
	if columns > 0 {
		a.width = func() int { return columns }
	}
	return a, &out
}

func TestNarrowPaths(t *testing.T) {
	r := &rows{header: []string{">SIZE", "BACKUP", "REASON"}}
	r.add("1 B", "/backups/app/one.json", "last")
	r.add("10 B", "/backups/app/two.json", "old")
	r.add("2 B", "s3://bucket/x/shop/three.json?region=r", "last")
	const wide = "SIZE  BACKUP                                  REASON\n" +
		" 1 B  /backups/app/one.json                   last\n" +
		"10 B  /backups/app/two.json                   old\n" +
		" 2 B  s3://bucket/x/shop/three.json?region=r  last\n"
	const short = "SIZE  BACKUP      REASON\n" +
		"/backups/app:\n" +
		" 1 B  one.json    last\n" +
		"10 B  two.json    old\n" +
		"s3://bucket/x/shop?region=r:\n" +
		" 2 B  three.json  last\n"
	for columns, want := range map[int]string{0: wide, 52: wide, 51: short, 20: short} {
		a, out := narrow(columns)
		if err := a.printPaths(r, 1); err != nil || out.String() != want {
			t.Errorf("%d columns:\n%s%v", columns, out, err)
		}
	}
}

func TestNarrowBlocks(t *testing.T) {
	r := &rows{header: []string{"DATABASE", ">BACKUPS", ">SIZE"}}
	r.add("app", 2, "1 KiB")
	for columns, want := range map[int]string{
		0:  "DATABASE  BACKUPS   SIZE\napp             2  1 KiB\n",
		24: "DATABASE  BACKUPS   SIZE\napp             2  1 KiB\n",
		23: "app\n  backups   2\n  size      1 KiB\n",
	} {
		a, out := narrow(columns)
		if err := a.printBlocks(r); err != nil || out.String() != want {
			t.Errorf("%d columns:\n%s%v", columns, out, err)
		}
	}
}

func TestNarrowLines(t *testing.T) {
	a, out := narrow(20)
	for _, path := range []string{"/b/app/one", "/backups/app/two", "/backups/app/three", "/other/backups/four"} {
		if err := a.printPath("\x1b[32mok\x1b[0m  ", path, "  1 row"); err != nil {
			t.Fatal(err)
		}
	}
	const ok = "\x1b[32mok\x1b[0m  "
	want := "/b/app:\n" + ok + "one  1 row\n/backups/app:\n" + ok + "two  1 row\n" + ok + "three  1 row\n/other/backups:\n" + ok + "four  1 row\n"
	if out.String() != want {
		t.Errorf("%q", out)
	}
}

func TestNarrowFiles(t *testing.T) {
	r := &rows{header: []string{">SIZE", "BACKUP", "KEYS"}}
	r.add("1 B", "/backups/app/one.json", "file 01, file 02")
	r.add("2 B", "/backups/app/two.json", "")
	const wide = "SIZE  BACKUP                 KEYS\n 1 B  /backups/app/one.json  file 01, file 02\n 2 B  /backups/app/two.json\n"
	const short = "SIZE  BACKUP    KEYS\n/backups/app:\n 1 B  one.json  file 01, file 02\n 2 B  two.json\n"
	const blocks = "/backups/app:\none.json\n  size      1 B\n  keys      file 01, file 02\ntwo.json\n  size      2 B\n"
	const wrapped = "/backups/app:\none.json\n  size      1 B\n  keys      file 01, file\n            02\ntwo.json\n  size      2 B\n"
	for columns, want := range map[int]string{0: wide, 45: wide, 44: short, 32: short, 31: blocks, 28: blocks, 27: wrapped} {
		a, out := narrow(columns)
		if err := a.printFiles(r, 1); err != nil || out.String() != want {
			t.Errorf("%d columns:\n%s%v", columns, out, err)
		}
	}
}

func TestNarrowTail(t *testing.T) {
	r := &rows{header: []string{"RUN", "OUTCOME", "ERROR"}}
	r.add("one", "ok", "")
	r.add("two", "failed", "no such file")
	const wide = "RUN  OUTCOME  ERROR\none  ok\ntwo  failed   no such file\n"
	const below = "RUN  OUTCOME\none  ok\ntwo  failed\n  no such file\n"
	const cut = "RUN  OUTCOME\none  ok\ntwo  failed\n  no such\n  file\n"
	const blocks = "one\n  outcome   ok\ntwo\n  outcome   failed\n  error     no\n            such\n            file\n"
	for columns, want := range map[int]string{0: wide, 26: wide, 25: below, 14: below, 13: cut, 12: cut, 11: blocks} {
		a, out := narrow(columns)
		if err := a.printTailed(r); err != nil || out.String() != want {
			t.Errorf("%d columns:\n%s%v", columns, out, err)
		}
	}
}

// A word that is too long for the terminal stays whole, and colours take no room.
func TestWrapped(t *testing.T) {
	for columns, want := range map[int]string{
		0: "see \x1b[31mthe\x1b[0m folder /a/long/path there", 16: "see \x1b[31mthe\x1b[0m folder\n  /a/long/path\n  there",
		10: "see \x1b[31mthe\x1b[0m\n  folder\n  /a/long/path\n  there",
	} {
		a, _ := narrow(columns)
		if got := a.wrapped("see \x1b[31mthe\x1b[0m folder /a/long/path there", 2); got != want {
			t.Errorf("%d columns: %q", columns, got)
		}
	}
}
