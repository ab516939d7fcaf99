package keys

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// A Kit is what it takes to restore without the machine that made the backups:
// one page, to be printed or kept where neither the machine nor the backups
// are.
type Kit struct {
	Made         time.Time
	Writer       string   // litekeep and its version
	Databases    []string // their names among the backups; empty for all
	Destinations []string // folders or URLs, the primary first
	Keys         []KitKey // any one opens the backups
	Commands     []KitCommand
}

// A KitKey is one of the keys of a Kit.
type KitKey struct {
	Source Source
	// File is the key, where it is a key file.
	File *FileKey
	// Print puts the content of File on the page: it is the secret itself then.
	// Without it the page has the id alone. Passphrases are never on the page.
	Print bool
}

// A KitCommand is a step of the restore.
type KitCommand struct {
	Why  string // what it does, such as "Restore the newest backup of app"
	Line string // the exact command
}

// kitChecksum begins the last line of a kit.
const kitChecksum = "checksum: "

// kitDigits is how much of a SHA-256 that line has: it is against slips, and
// must be short enough to compare by eye.
const kitDigits = 16

// ErrKit: a kit is not the one that was printed.
var ErrKit = errors.New("the recovery kit was changed, or is incomplete")

// Text returns the page: plain text, with LF at the end of each line. It
// refuses a kit without a destination, a key or a command, and texts with
// control characters.
func (k Kit) Text() ([]byte, error) {
	if len(k.Destinations) == 0 || len(k.Keys) == 0 || len(k.Commands) == 0 {
		return nil, errors.New("write recovery kit: it needs a destination, a key and a command")
	}
	for _, key := range k.Keys {
		if key.Print && key.File == nil {
			return nil, fmt.Errorf("write recovery kit: %s: only a key file can be printed", key.Source)
		}
	}
	p := &page{}
	k.head(p)
	k.places(p)
	for i, key := range k.Keys {
		key.describe(p, i+1)
	}
	k.steps(p)
	if p.control {
		return nil, errors.New("write recovery kit: a name, a place or a command has control characters")
	}
	p.line("%s%s", kitChecksum, kitSum(p.text.String()))
	return []byte(p.text.String()), nil
}

// page collects lines.
type page struct {
	text    strings.Builder
	control bool
}

func (p *page) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.control = p.control || strings.ContainsFunc(text, unicode.IsControl)
	p.text.WriteString(text + "\n")
}

func (k Kit) head(p *page) {
	p.line("LITEKEEP RECOVERY KIT")
	p.line("made %s by %s", k.Made.UTC().Format("2006-01-02 15:04 UTC"), k.Writer)
	p.line("")
	for _, key := range k.Keys {
		if key.Print {
			p.line("THIS PAGE HAS A KEY ON IT. Whoever reads it and has a backup can read the data.")
			p.line("")
			break
		}
	}
	if len(k.Databases) > 0 {
		p.line("It restores: %s", strings.Join(k.Databases, ", "))
		p.line("")
	}
}

func (k Kit) places(p *page) {
	p.line("WHAT YOU NEED")
	p.line("1. litekeep, the version above or a newer one.")
	p.line("2. One of the places that have the backups, and its credentials:")
	for _, d := range k.Destinations {
		p.line("     %s", d)
	}
	p.line("3. One of these keys:")
}

func (k KitKey) describe(p *page, number int) {
	switch {
	case k.Source.KMS():
		p.line("   %d) %s", number, k.Source)
		p.line("      with credentials of that service that may decrypt, in the environment.")
	case k.File == nil:
		p.line("   %d) the passphrase that came from %s", number, k.Source)
		p.line("      It is not on this page. Type it at a prompt, or put it into a file")
		p.line("      of mode 0600.")
	case k.Print:
		p.line("   %d) the key file %s, from %s", number, k.File.ID(), k.Source)
		p.line("      Put these lines into a file of mode 0600:")
		for line := range strings.Lines(string(k.File.Text())) {
			if !strings.HasPrefix(line, "#") {
				p.line("        %s", strings.TrimSpace(line))
			}
		}
	default:
		p.line("   %d) the key file %s, from %s", number, k.File.ID(), k.Source)
		p.line("      Its content is not on this page. Is there a copy in another place?")
	}
}

func (k Kit) steps(p *page) {
	p.line("")
	p.line("WHAT TO DO")
	for _, c := range k.Commands {
		p.line("%s:", c.Why)
		p.line("  %s", c.Line)
	}
	p.line("")
	p.line("Without litekeep: docs/FORMAT.md of its source says how to decrypt a backup; what")
	p.line("comes out is JSON. The line below is the checksum of all above, for a page that")
	p.line("was typed in again.")
}

// kitSum is the checksum of the lines of a kit, whatever their ends, white
// space around them, and empty ones, which get lost in print.
func kitSum(text string) string {
	h := sha256.New()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			h.Write([]byte(line + "\n"))
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:kitDigits]
}

// CheckKit tells whether text is a kit as it was printed. Line ends, indents
// and empty lines do not count. The error matches ErrKit.
func CheckKit(text []byte) error {
	text = bytes.TrimSpace(text)
	at := bytes.LastIndex(text, []byte(kitChecksum))
	if at < 0 {
		return fmt.Errorf("%w: it does not end in a line with its checksum", ErrKit)
	}
	if string(text[at+len(kitChecksum):]) != kitSum(string(text[:at])) {
		return fmt.Errorf("%w: its checksum does not match", ErrKit)
	}
	return nil
}
