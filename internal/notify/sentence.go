package notify

import (
	"cmp"
	"fmt"
	"time"
)

// title says in one clause what the stories, which are of one kind, are about.
func (w writer) title(list ...Story) string {
	s := list[0]
	if len(list) == 1 && s.Summary != "" {
		return s.Summary
	}
	again := true
	for _, s := range list {
		again = again && s.Again
	}
	if len(list) > 1 {
		return plural(s.Kind, len(list), again)
	}
	still := ""
	if again {
		still = "still "
	}
	name := cmp.Or(s.Database, s.Place, "the service")
	switch s.Kind {
	case KindFailed:
		if again {
			return name + " still cannot be backed up"
		}
		return name + " could not be backed up"
	case KindRecovered:
		return name + " is backed up again"
	case KindOverdue:
		if s.LastGood.IsZero() {
			return name + " has " + still + "never been backed up"
		}
		return fmt.Sprintf("%s has %snot been backed up since %s (%s)", name, still, s.shortly(s.LastGood, w.now), age(w.now.Sub(s.LastGood)))
	case KindHung:
		return "the backup of " + name + " took too long and was stopped"
	case KindShrunken:
		return "the newest backup of " + name + " is far smaller than those before"
	case KindDestinationDown:
		return "destination " + name + " is " + still + "down"
	case KindDestinationUp:
		return "destination " + name + " is back"
	case KindVerificationFailed:
		return "a backup of " + name + " is damaged"
	case KindDiskLow:
		return "room is " + still + "running out in " + name
	case KindDiskOK:
		return "there is room again in " + name
	case KindRestoreDone:
		return name + " was restored"
	case KindStarted:
		return "the service has started"
	case KindConfigRefused:
		return "the changed configuration was refused, the old one stays"
	case KindJoined:
		return name + " has joined and is backed up from now on"
	case KindGone:
		return "the file of " + name + " is gone"
	case KindLeftOut:
		return name + " is " + still + "not taken, though a pattern matches it"
	case KindTest:
		return "this is a test message"
	}
	return string(s.Kind)
}

// plural is title for several databases or places.
func plural(kind Kind, n int, again bool) string {
	still := ""
	if again {
		still = "still "
	}
	switch kind {
	case KindFailed:
		if again {
			return dbs(n) + " still cannot be backed up"
		}
		return dbs(n) + " could not be backed up"
	case KindRecovered:
		return dbs(n) + " are backed up again"
	case KindOverdue:
		return dbs(n) + " have " + still + "not been backed up in time"
	case KindHung:
		return fmt.Sprintf("the backups of %s took too long and were stopped", dbs(n))
	case KindShrunken:
		return fmt.Sprintf("the newest backups of %s are far smaller than those before", dbs(n))
	case KindVerificationFailed:
		return fmt.Sprintf("backups of %s are damaged", dbs(n))
	case KindJoined:
		return dbs(n) + " have joined and are backed up from now on"
	case KindGone:
		return "the files of " + dbs(n) + " are gone"
	case KindLeftOut:
		return fmt.Sprintf("%d files are %snot taken, though a pattern matches them", n, still)
	case KindDestinationUp:
		return fmt.Sprintf("%d destinations are back", n)
	case KindDiskOK:
		return fmt.Sprintf("there is room again in %d folders", n)
	case KindStarted:
		return fmt.Sprintf("the service has started %d times", n)
	}
	return fmt.Sprintf("%s: %d times", kind, n)
}

// troubled reports whether people who are told of the kind ask first what they can
// still restore.
func troubled(kind Kind) bool {
	switch kind {
	case KindFailed, KindOverdue, KindHung, KindShrunken, KindVerificationFailed, KindGone:
		return true
	}
	return false
}

// since says when it happened, and how often since when.
func (w writer) since(s Story) string {
	text := s.when(s.Time)
	if s.Since.IsZero() {
		return text
	}
	length := s.Time.Sub(s.Since)
	switch {
	case s.Kind == KindRecovered || s.Kind == KindDestinationUp || s.Kind == KindDiskOK:
		return fmt.Sprintf("%s, after %s", text, age(length))
	case length < time.Minute:
		return text
	case s.Count > 1:
		return fmt.Sprintf("%s, for the %s time since %s", text, ordinal(s.Count), s.when(s.Since))
	}
	return fmt.Sprintf("%s, since %s", text, s.when(s.Since))
}

// ordinal writes 1st, 2nd, 3rd, 4th, 11th.
func ordinal(n int) string {
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// holds says what a database can be restored to.
func (w writer) holds(s Story) string {
	switch {
	case s.Holds != "":
		return s.Holds
	case s.Database == "" || !troubled(s.Kind) && s.Kind != KindRecovered:
		return ""
	case !s.LastGood.IsZero():
		return w.restorable(s)
	case s.Kind != KindRecovered:
		return "nothing: there is no good backup of " + s.Database
	}
	return ""
}

func (w writer) restorable(s Story) string {
	return fmt.Sprintf("you can restore %s to %s (%s old)", s.Database, s.when(s.LastGood), age(w.now.Sub(s.LastGood)))
}

// hold says what several databases can be restored to.
func (w writer) hold(list []Story) string {
	var none []string
	var oldest Story
	good := 0
	for _, s := range list {
		if s.LastGood.IsZero() {
			none = append(none, s.Database)
			continue
		}
		good++
		if oldest.LastGood.IsZero() || s.LastGood.Before(oldest.LastGood) {
			oldest = s
		}
	}
	var text string
	if len(none) > 0 {
		text = "there is no good backup of " + names(none, shownNames)
	}
	if good == 0 {
		return text
	}
	if text != "" {
		text += "; "
	}
	if good == 1 {
		return text + w.restorable(oldest)
	}
	return fmt.Sprintf("%s%s can be restored, each to %s (%s old) or later", text, dbs(good), oldest.when(oldest.LastGood), age(w.now.Sub(oldest.LastGood)))
}
