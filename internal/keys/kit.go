package keys

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
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
	// Sets, if there are any, take the place of Databases and Destinations: not all
	// databases have the same places and keys.
	Sets []KitSet
	From string // the configuration that the kit was made from, "" for none
}

// A KitSet are databases that have their places and keys in common.
type KitSet struct {
	Databases    []string
	Destinations []string // folders or URLs, the primary first
	// Keys are those of the Kit, by their place in it, any one of which opens the
	// backups; none where these are not sealed.
	Keys []int
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
	if !k.complete() {
		return nil, errors.New("write recovery kit: it needs a destination, a key and a command")
	}
	for _, key := range k.Keys {
		if key.Print && key.File == nil {
			return nil, fmt.Errorf("write recovery kit: %s: only a key file can be printed", key.Source)
		}
	}
	p := &page{}
	k.head(p)
	p.line("WHAT YOU NEED")
	p.line("1. litekeep, the version above or a newer one.")
	if len(k.Sets) > 0 {
		k.sets(p)
	} else {
		k.places(p)
	}
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

// complete reports whether a kit has what every kit needs.
func (k Kit) complete() bool {
	if len(k.Sets) == 0 {
		return len(k.Destinations) > 0 && len(k.Keys) > 0 && len(k.Commands) > 0
	}
	for _, s := range k.Sets {
		outside := slices.ContainsFunc(s.Keys, func(n int) bool { return n < 0 || n >= len(k.Keys) })
		if len(s.Databases) == 0 || len(s.Destinations) == 0 || outside {
			return false
		}
	}
	return len(k.Commands) > 0
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
	if k.From != "" {
		p.line("The service that makes the backups is configured by %s.", k.From)
	}
	databases := slices.Clone(k.Databases)
	for _, s := range k.Sets {
		databases = append(databases, s.Databases...)
	}
	if len(databases) > 0 {
		p.line("It restores: %s", strings.Join(databases, ", "))
		p.line("")
	}
}

// sets are the places of each database, and which keys open its backups.
func (k Kit) sets(p *page) {
	p.line("2. One of the places that have the backups of a database, and its credentials:")
	for _, s := range k.Sets {
		p.line("   %s", strings.Join(s.Databases, ", "))
		for _, d := range s.Destinations {
			p.line("     %s", d)
		}
		numbers := make([]string, len(s.Keys))
		for i, n := range s.Keys {
			numbers[i] = fmt.Sprint(n + 1)
		}
		switch {
		case len(numbers) == 0:
			p.line("     not sealed: without a key")
		case len(numbers) == len(k.Keys) && len(numbers) > 1:
			p.line("     with any one of the keys")
		default:
			p.line("     with key %s", strings.Join(numbers, " or "))
		}
	}
	if len(k.Keys) == 0 {
		p.line("3. No key: no backup is sealed.")
		return
	}
	p.line("3. A key that opens them:")
}

func (k Kit) places(p *page) {
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
