package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Limits of what a message shows. Webhooks get every story.
const (
	subjectLimit = 180  // bytes
	valueLimit   = 1500 // bytes of one row
	shownNames   = 20
	shownItems   = 10
)

// A Message is what one channel gets at once.
type Message struct {
	// ID is made of the ids of the stories: it is the same when the same stories
	// are sent again.
	ID       string
	Time     time.Time // when it was made
	Host     string    // of the service, "" if it is not known
	Severity Severity  // the worst of the stories
	// Subject is one line: "litekeep: app could not be backed up".
	Subject  string
	Sections []Section
	// Notes are about the message itself: a limit that was reached, say.
	Notes []string
	// Stories are what it was made of, in the order in which they came.
	Stories []Story

	own []string // the notes that it was made with
}

// A Section is what a message says about one sort of event.
type Section struct {
	Title    string
	Severity Severity
	Rows     []Row
	Items    []string // the databases, or what happened to them, by cause
}

// A Row is a labelled fact of a Section.
type Row struct {
	Label, Value string
	Style        Style
}

// Style is how a Row is shown.
type Style int

// The styles.
const (
	Plain   Style = iota
	Command       // to be copied
	Link          // a URL
	Lines         // of several lines, in which spaces count
)

// newMessage makes the message of stories, of which there is at least one.
func newMessage(stories []Story, now time.Time, host string, notes ...string) *Message {
	m := &Message{Time: now, Host: oneLine(host), Stories: stories, Sections: compose(stories, now), Notes: notes, own: notes}
	var ids []string
	for _, s := range stories {
		m.Severity = max(m.Severity, s.Severity)
		ids = append(ids, s.ID)
	}
	slices.Sort(ids) // a store may return them in another order
	hash := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	m.ID = hex.EncodeToString(hash[:16])
	if zone := oneZone(stories); zone != "" {
		m.Notes = append([]string{"Times are in " + zone + "."}, m.Notes...)
	}
	m.Subject = subject(m.Sections)
	return m
}

// Thread is the same for messages about the same trouble.
func (m *Message) Thread() string {
	for _, s := range m.Stories {
		if s.Thread != "" {
			return s.Thread
		}
	}
	return m.ID
}

// subject names the first sections; they stand in the order of what matters.
func subject(sections []Section) string {
	const most = 2
	var titles []string
	for _, s := range sections {
		titles = append(titles, s.Title)
	}
	titles = slices.Compact(titles)
	text := strings.Join(titles[:min(most, len(titles))], "; ")
	if len(titles) > most {
		text += "; and more"
	}
	return cut("litekeep: "+text, subjectLimit)
}

// oneZone returns the zone of all stories, "" if there are several or none that
// is worth a note.
func oneZone(stories []Story) string {
	zone := stories[0].zone()
	for _, s := range stories {
		if s.zone() != zone {
			return ""
		}
	}
	return zone
}
