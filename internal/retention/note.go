package retention

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// NoteFile is the name of the file of a Note in the folder of a database
// (docs/FORMAT.md section 5.3).
const NoteFile = "retention.json"

// MaxNote is the size that the file of a Note may have, in bytes.
const MaxNote = 64 << 10

const noteVersion = 1

// The errors of DecodeNote.
var (
	// ErrNote: the file is not what EncodeNote writes.
	ErrNote = errors.New("it is damaged")
	// ErrNoteVersion: a later litekeep wrote it.
	ErrNoteVersion = errors.New("its version is not known")
)

// A Note is what a service keeps of a database in one place. It lies beside the
// backups, so that whoever prunes them by hand keeps the same.
type Note struct {
	Policy Policy
	Grace  time.Duration // of the trash, 0 for none
	// Prune is false where the service removes nothing.
	Prune bool
	// Configuration is the path of the file that says so, on the machine of the
	// service.
	Configuration string
}

// noteFile is the JSON of a Note. Lengths of time are as FormatDuration writes them.
type noteFile struct {
	Version       int    `json:"retention"`
	Configuration string `json:"configuration"`
	Prune         bool   `json:"prune"`
	KeepWithin    string `json:"keep_within"`
	KeepLast      int    `json:"keep_last"`
	KeepHourly    int    `json:"keep_hourly"`
	KeepDaily     int    `json:"keep_daily"`
	KeepWeekly    int    `json:"keep_weekly"`
	KeepMonthly   int    `json:"keep_monthly"`
	KeepYearly    int    `json:"keep_yearly"`
	KeepMinimum   int    `json:"keep_minimum"`
	TimeZone      string `json:"time_zone"`
	TrashGrace    string `json:"trash_grace"`
}

// EncodeNote returns the text of the file, one line. The policy gets its defaults.
func EncodeNote(n Note) ([]byte, error) {
	p := n.Policy.withDefaults()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(noteFile{
		Version: noteVersion, Configuration: n.Configuration, Prune: n.Prune, KeepWithin: FormatDuration(p.KeepWithin),
		KeepLast: p.KeepLast, KeepHourly: p.KeepHourly, KeepDaily: p.KeepDaily, KeepWeekly: p.KeepWeekly,
		KeepMonthly: p.KeepMonthly, KeepYearly: p.KeepYearly, KeepMinimum: p.KeepMinimum, TimeZone: p.Location.String(),
		TrashGrace: FormatDuration(n.Grace),
	})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", NoteFile, err)
	}
	return text.Bytes(), nil
}

// DecodeNote reads what EncodeNote wrote, and nothing else: whoever takes a rule from
// it removes backups. The error matches ErrNote or ErrNoteVersion, or says that this
// machine does not know the time zone.
func DecodeNote(text []byte) (*Note, error) {
	var version struct {
		Version *int `json:"retention"`
	}
	if len(text) > MaxNote || json.Unmarshal(text, &version) != nil || version.Version == nil {
		return nil, ErrNote
	}
	if *version.Version != noteVersion {
		return nil, fmt.Errorf("%w: %d", ErrNoteVersion, *version.Version)
	}
	var f noteFile
	if json.Unmarshal(text, &f) != nil {
		return nil, ErrNote
	}
	zone, err := time.LoadLocation(f.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("its time zone %q is not known here", f.TimeZone)
	}
	n := &Note{Configuration: f.Configuration, Prune: f.Prune, Policy: Policy{
		KeepLast: f.KeepLast, KeepHourly: f.KeepHourly, KeepDaily: f.KeepDaily, KeepWeekly: f.KeepWeekly,
		KeepMonthly: f.KeepMonthly, KeepYearly: f.KeepYearly, KeepMinimum: f.KeepMinimum, Location: zone,
	}}
	var within, grace error
	n.Policy.KeepWithin, within = ParseDuration(f.KeepWithin)
	n.Grace, grace = ParseDuration(f.TrashGrace)
	if errors.Join(within, grace, n.Policy.Validate()) != nil {
		return nil, ErrNote
	}
	if again, err := EncodeNote(*n); err != nil || !bytes.Equal(again, text) {
		return nil, ErrNote
	}
	return n, nil
}

// Words says what a policy and the grace time of a trash keep, for people.
func Words(p Policy, grace time.Duration) string {
	var parts []string
	if p.KeepWithin >= time.Second { // less is nothing at all, in a place that needs a number
		parts = append(parts, "all of the last "+FormatDuration(p.KeepWithin))
	}
	if p.KeepLast > 0 {
		parts = append(parts, fmt.Sprintf("the newest %d", p.KeepLast))
	}
	for _, k := range kinds {
		if n := k.count(&p); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k.rule))
		}
	}
	text := strings.Join(parts, ", ")
	if text != "" {
		text += "; "
	}
	text += fmt.Sprintf("never fewer than %d", p.KeepMinimum)
	if grace > 0 {
		text += "; " + FormatDuration(grace) + " in the trash"
	}
	return text
}
