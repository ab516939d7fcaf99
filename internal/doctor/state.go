package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/durable"
)

// user compares who runs this with whom the state belongs to: rights that are looked at
// as somebody else prove nothing.
func (d *doctor) user() {
	me := d.Machine.User()
	info, err := os.Stat(d.Config.State)
	if me < 0 || err != nil {
		return // the state is looked at by others
	}
	owner, ok := d.Machine.Owner(info)
	switch {
	case !ok:
	case owner != me:
		d.add(Warn, "", fmt.Sprintf("this is user %d, and the state belongs to user %d", me, owner),
			"what follows is not about the rights of the service", "sudo -u '#"+strconv.Itoa(owner)+"' litekeep doctor --config "+d.Quote(d.File))
	case me == 0:
		d.add(Warn, "", "the service runs as root", "whoever gets into it has the machine", "use a user of its own, as deploy/systemd/litekeep.service does")
	default:
		d.ok("", "this is user %d, to whom the state belongs", me)
	}
}

// state looks at the folder of the state.
func (d *doctor) state() {
	path := d.Config.State
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.add(Skip, path, "is not there yet", "the service makes it when it starts for the first time", "")
		return
	case err != nil || !info.IsDir():
		return // config says so
	}
	if err := try(path); err != nil {
		d.add(Fail, path, "cannot be written to: "+err.Error(), "the service backs up, but remembers nothing and records nothing",
			"make it writable for the user of the service, or make room")
		return
	}
	d.private(path, info, 0o077, "tokens are stored in it as hashes, and who did what")
	for _, name := range []string{daemon.StatePath(path), daemon.AuditPath(path)} {
		if info, err := os.Stat(name); err == nil {
			d.private(name, info, 0o077, "the state and the audit log are nobody else's business")
		}
	}
	if f, err := d.Machine.FileSystem(path); err == nil && (f.Network || f.Passing) {
		d.add(Warn, path, "lies on "+f.Name, "history, tokens and the audit log are lost with it, or locks do not hold", "move it to a local disk, and name it with state: in "+d.File)
	} else {
		d.ok(path, "can be written to")
	}
}

// try makes a small file in a folder and removes it again.
func try(folder string) error {
	f, err := os.CreateTemp(folder, ".litekeep-doctor-*"+durable.TempSuffix)
	if err != nil {
		return bare(err)
	}
	_, err = f.WriteString("a test by litekeep doctor\n")
	if err == nil {
		err = f.Sync()
	}
	return bare(errors.Join(err, f.Close(), os.Remove(f.Name())))
}

// bare is an error without the path that the message has already.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// private warns of a path that others have rights on.
func (d *doctor) private(path string, info fs.FileInfo, others fs.FileMode, means string) {
	if d.Machine.User() < 0 || info.Mode().Perm()&others == 0 {
		return
	}
	d.add(Warn, path, fmt.Sprintf("has the mode %04o: others have rights on it", info.Mode().Perm()), means, "chmod go= "+d.Quote(path))
}
