package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The contenders of the vault, which the targets of issue 3 refer to.
const (
	vaultPlain  = "litekeep backup"
	vaultSealed = "litekeep backup --key"
	vaultThree  = "litekeep backup to three folders"
	vaultS3     = "litekeep backup to a folder and S3"
	vaultRestic = "restic backup, first"
	fromFolder  = "litekeep restore"
	fromSealed  = "litekeep restore, sealed"
	fromS3      = "litekeep restore from S3"
)

// vaultPart compares plain, sealed and copied backups with each other and with
// restic, which backs up the file of the database.
func (b *bench) vaultPart(ctx context.Context, shape string) error {
	db, err := b.database(ctx, shape, b.size)
	if err != nil {
		return err
	}
	key := b.out("key")
	if err := b.makeKey(ctx, key); err != nil {
		return err
	}
	if err := b.turns(ctx, b.vaultBackups(shape, db, key), fileSize(db)()); err != nil {
		return err
	}
	w, err := b.vaultRestores(ctx, shape, db, key)
	if err != nil {
		return err
	}
	if err := b.turns(ctx, w, fileSize(db)()); err != nil {
		return err
	}
	return removeAll([]string{key, b.out("kept")})
}

func (b *bench) makeKey(ctx context.Context, path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	p := pipeline{commands: [][]string{{b.litekeep, "key", "new", path, "--quiet"}}, out: b.out("said")}
	_, err := p.run(ctx, b.env)
	return err
}

func (b *bench) vaultBackups(shape, db, key string) work {
	own := func(name string, flags ...string) contender {
		c := b.ownBackup(db, name, flags...)
		c.base = vaultPlain
		return c
	}
	one, two := b.out("copy1"), b.out("copy2")
	three := own(vaultThree, "--copy", one, "--copy", two)
	three.clear = append(three.clear, one, two)
	list := []contender{own(vaultPlain), own(vaultSealed, "--key", "file:"+key), three}
	if b.s3 != "" {
		list = append(list, own(vaultS3, "--copy", s3Below(b.s3, "bench")))
	}
	repo, password := b.out("restic"), b.out("password")
	restic := contender{
		name: vaultRestic, base: vaultPlain, needs: []string{"restic"}, clear: []string{repo, password, b.out("cache")}, size: fileSize(repo),
		steps: []pipeline{
			{commands: [][]string{{"sh", "-c", "echo bench > " + password}}},
			{commands: [][]string{{"restic", "-q", "-r", repo, "-p", password, "init"}}, out: b.out("said")},
			{commands: [][]string{{"restic", "-q", "-r", repo, "-p", password, "--cache-dir", b.out("cache"), "backup", db}}, out: b.out("said")},
		},
	}
	return work{part: "vault", name: "vault", shape: shape, contenders: append(list, restic)}
}

// s3Below is a URL below another one, whose parameters it keeps.
func s3Below(url, name string) string {
	path, query, _ := strings.Cut(url, "?")
	return strings.TrimSuffix(path, "/") + "/" + name + "?" + query
}

// vaultRestores makes the backups that are restored.
func (b *bench) vaultRestores(ctx context.Context, shape, db, key string) (work, error) {
	to := b.out("restored.db")
	own := func(name, object string, flags ...string) contender {
		argv := append([]string{b.litekeep, "restore", object, to, "--no-safety-backup", "--no-proof"}, flags...)
		return contender{name: name, base: fromFolder, steps: []pipeline{{commands: [][]string{argv}}}, clear: []string{to}, size: fileSize(to)}
	}
	w := work{part: "vault", name: "vault restore, no proof", shape: shape}
	plain, err := b.backUp(ctx, db, b.out("kept/plain"))
	if err != nil {
		return w, err
	}
	sealed, err := b.backUp(ctx, db, b.out("kept/sealed"), "--key", "file:"+key)
	if err != nil {
		return w, err
	}
	w.contenders = []contender{own(fromFolder, plain), own(fromSealed, sealed, "--key", "file:"+key)}
	if b.s3 == "" {
		return w, nil
	}
	prefix := s3Below(b.s3, fmt.Sprintf("bench-%d", os.Getpid()))
	path, err := b.backUp(ctx, db, b.out("kept/s3"), "--copy", prefix)
	if err != nil {
		return w, err
	}
	before, query, _ := strings.Cut(prefix, "?")
	object := before + "/" + filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path) + "?" + query
	w.contenders = append(w.contenders, own(fromS3, object))
	return w, nil
}

// vaultTargets judges what issue 3 demands.
func (w *workResult) vaultTargets() []target {
	list := []target{w.atMost(vaultSealed, vaultPlain, 1.15), w.atMost(vaultThree, vaultPlain, 1.3)}
	if x, _ := w.pair(fromS3, fromFolder); x != nil {
		return []target{w.atMost(fromS3, fromFolder, 1/0.8)}
	}
	if x, _ := w.pair(fromFolder, fromSealed); x != nil {
		return nil
	}
	return list
}

// atMost demands that own takes no longer than times what the other takes.
func (w *workResult) atMost(own, other string, times float64) target {
	t := target{
		Name:    fmt.Sprintf("%s: wall time of %s, against %s", w.Shape, own, other),
		AtLeast: fmt.Sprintf("at most %.2fx", times), Aim: "-", Verdict: unknown, Measured: "-",
	}
	if x, y := w.pair(own, other); x != nil {
		ratio := x.Median.Wall.Seconds() / y.Median.Wall.Seconds()
		t.Measured, t.Verdict = fmt.Sprintf("%.2fx", ratio), verdict(ratio <= times)
	}
	return t
}
