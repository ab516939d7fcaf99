package notify

import (
	"slices"
	"time"
)

// Kind is what happened. The texts are stable: configuration, the store and
// webhooks have them.
type Kind string

// The kinds of event.
const (
	// KindFailed: a run ended without a good backup.
	KindFailed Kind = "failed"
	// KindRecovered: a trouble of a database is over. The Center makes it of
	// KindSucceeded; the service reports it for troubles that a backup does not
	// clear, see Event.Clears.
	KindRecovered Kind = "recovered"
	// KindOverdue: no verified success within the promised time.
	KindOverdue Kind = "overdue"
	// KindHung: a run went over its time limit and was stopped.
	KindHung Kind = "hung"
	// KindShrunken: a backup is empty, or far smaller than those before.
	KindShrunken Kind = "shrunken"
	// KindDestinationDown: a destination cannot be used; Event.Place names it.
	KindDestinationDown Kind = "destination-down"
	// KindDestinationUp: a destination can be used.
	KindDestinationUp Kind = "destination-up"
	// KindVerificationFailed: a stored backup is not what was written.
	KindVerificationFailed Kind = "verification-failed"
	// KindDiskLow: room runs out; Event.Place names the folder.
	KindDiskLow Kind = "disk-low"
	// KindDiskOK: there is room again.
	KindDiskOK Kind = "disk-ok"
	// KindRestoreDone: a backup was restored.
	KindRestoreDone Kind = "restore-done"
	// KindStarted: the service has started.
	KindStarted Kind = "started"
	// KindConfigRefused: a changed configuration is not valid; the old one is kept. A
	// KindRecovered without a database ends it. Event.Cause may have several lines.
	KindConfigRefused Kind = "config-refused"
	// KindJoined: a pattern of the configuration has brought a database.
	KindJoined Kind = "joined"
	// KindGone: the file of a database that a pattern has brought is not there any more.
	// It is told once. A KindRecovered that clears it ends it.
	KindGone Kind = "gone"
	// KindLeftOut: a file that a pattern matches, or a folder that it looks into, cannot
	// be taken; Event.Place names it. A KindRecovered with the place ends it.
	KindLeftOut Kind = "left-out"
	// KindTest: somebody tries a channel.
	KindTest Kind = "test"

	// KindBegun: a run has begun. For heartbeats only.
	KindBegun Kind = "begun"
	// KindSucceeded: a backup was made and verified. It clears what KindFailed,
	// KindOverdue and KindHung raised. For heartbeats; people are told
	// KindRecovered, if there was something to recover from.
	KindSucceeded Kind = "succeeded"
)

// Severity is how much a story matters. Larger is worse.
type Severity int

// The severities.
const (
	// Info is news without a trouble, or the end of one.
	Info Severity = iota
	// Warning is a trouble that can wait until the morning.
	Warning
	// Critical is one that cannot: what was promised does not hold.
	Critical
)

// String returns info, warning or critical.
func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	}
	return "info"
}

// MarshalText returns String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText understands what MarshalText wrote; anything else is Info.
func (s *Severity) UnmarshalText(text []byte) error {
	*s = Info
	for _, v := range []Severity{Warning, Critical} {
		if v.String() == string(text) {
			*s = v
		}
	}
	return nil
}

// A Field is one more fact, such as {"Rows", "12, before 48,112"}.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// An Event is something that happened. Only Kind is always needed; most kinds
// need Database or Place.
type Event struct {
	Kind     Kind   `json:"kind"`
	Database string `json:"database,omitempty"`
	// Place is the destination, folder or file that a destination-down, disk-low or
	// left-out is about; in another event, the one that it failed at. It is shown,
	// and must hold no secret.
	Place string `json:"place,omitempty"`
	// Time is when it happened. Zero is now, in UTC.
	Time time.Time `json:"time"`
	// Zone is the name of the time zone that people read the times of the event
	// in, "Europe/Berlin". Empty is the location of Time.
	Zone string `json:"zone,omitempty"`
	// Severity is taken from the kind where it is Info.
	Severity Severity `json:"severity"`
	// Summary says in one clause what happened: "app could not be backed up".
	// Empty chooses the words of the kind.
	Summary string `json:"summary,omitempty"`
	// Cause is why, as far as it is known: the text of an error. Events with the
	// same cause are told together.
	Cause string `json:"cause,omitempty"`
	// Hint is the way out of the cause.
	Hint string `json:"hint,omitempty"`
	// LastGood is the time of the newest backup that the database can be restored
	// to; zero if there is none. It is ignored in events without a database.
	LastGood time.Time `json:"last_good,omitzero"`
	// Holds says what still holds. Empty makes the sentence from LastGood.
	Holds string `json:"holds,omitempty"`
	// Next is the command to run next.
	Next string `json:"next,omitempty"`
	// Link is the page of the dashboard about it.
	Link string `json:"link,omitempty"`
	// RunID is the run that it happened in.
	RunID string `json:"run_id,omitempty"`
	// Details are more facts, in the order in which they are shown.
	Details []Field `json:"details,omitempty"`
	// Clears are the kinds of trouble that a KindRecovered ends. Empty means
	// those of KindSucceeded.
	Clears []Kind `json:"clears,omitempty"`
}

// nature is how the Center treats a kind.
type nature struct {
	severity Severity
	trouble  bool   // it is raised and stays until it is cleared
	once     bool   // it is not told again, however long it stays
	clears   []Kind // what it ends
	pulse    bool   // heartbeats are told of it
	quiet    bool   // people are told only where a channel asks for it
	mute     bool   // people are never told
}

var natures = map[Kind]nature{
	KindFailed:             {severity: Warning, trouble: true, pulse: true},
	KindOverdue:            {severity: Critical, trouble: true, pulse: true},
	KindHung:               {severity: Warning, trouble: true, pulse: true},
	KindShrunken:           {severity: Warning, trouble: true},
	KindDestinationDown:    {severity: Warning, trouble: true},
	KindVerificationFailed: {severity: Critical, trouble: true, pulse: true},
	KindDiskLow:            {severity: Warning, trouble: true},
	KindRecovered:          {clears: []Kind{KindFailed, KindOverdue, KindHung}},
	KindSucceeded:          {clears: []Kind{KindFailed, KindOverdue, KindHung}, pulse: true, mute: true},
	KindDestinationUp:      {clears: []Kind{KindDestinationDown}},
	KindDiskOK:             {clears: []Kind{KindDiskLow}},
	KindRestoreDone:        {},
	KindStarted:            {quiet: true},
	KindConfigRefused:      {severity: Warning, trouble: true},
	KindJoined:             {},
	KindGone:               {severity: Warning, trouble: true, once: true},
	KindLeftOut:            {severity: Warning, trouble: true},
	KindTest:               {},
	KindBegun:              {pulse: true, mute: true},
}

// Kinds returns the kinds that a channel can be limited to, sorted.
func Kinds() (list []Kind) {
	for k, n := range natures {
		if !n.mute && k != KindTest {
			list = append(list, k)
		}
	}
	slices.Sort(list)
	return list
}

// filled returns the event with what can be left out.
func (e Event) filled(now time.Time) Event {
	if e.Time.IsZero() {
		e.Time = now.UTC()
	}
	if e.Zone == "" {
		e.Zone = e.Time.Location().String()
	}
	if e.Severity == Info {
		e.Severity = natures[e.Kind].severity
	}
	if len(e.Clears) == 0 {
		e.Clears = natures[e.Kind].clears
	}
	return e
}

// Subject is what a trouble is about: two events with the same subject and kind
// are about the same trouble.
func (e Event) Subject() string {
	switch e.Kind {
	case KindDestinationDown, KindDestinationUp, KindDiskLow, KindDiskOK, KindLeftOut:
		return "place:" + e.Place
	case KindRecovered:
		if e.Database == "" && e.Place != "" {
			return "place:" + e.Place
		}
	}
	return "database:" + e.Database
}
