package notify

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// order is that of the sections: what may be the cause of the rest first, then
// what is worst.
var order = []Kind{
	KindDestinationDown, KindDiskLow, KindOverdue, KindVerificationFailed, KindGone, KindFailed, KindHung, KindShrunken,
	KindConfigRefused, KindLeftOut, KindJoined, KindRestoreDone, KindRecovered, KindDestinationUp, KindDiskOK, KindStarted, KindTest,
}

// writer makes sections of stories, with ages as of now.
type writer struct{ now time.Time }

// compose makes the sections of a message.
func compose(stories []Story, now time.Time) (sections []Section) {
	w := writer{now}
	by := map[Kind][]Story{}
	for _, s := range stories {
		by[s.Kind] = append(by[s.Kind], s)
	}
	blamed := map[string][]Story{} // failures, by the place that is their cause
	for _, kind := range []Kind{KindDestinationDown, KindDiskLow} {
		for _, cause := range by[kind] {
			if _, ok := blamed[cause.Place]; ok || cause.Place == "" {
				continue
			}
			blamed[cause.Place] = take(by, cause.Place)
		}
	}
	for _, kind := range order {
		list := by[kind]
		slices.SortStableFunc(list, func(a, b Story) int { return cmp.Compare(a.Database+a.Place, b.Database+b.Place) })
		switch kind {
		case KindDestinationDown, KindDiskLow:
			for _, s := range list { // each place is a trouble of its own
				sections = append(sections, w.place(s, blamed[s.Place]))
				delete(blamed, s.Place)
			}
		case KindConfigRefused, KindTest, KindRestoreDone:
			for _, s := range list {
				sections = append(sections, w.one(s))
			}
		case KindRecovered:
			list = slices.DeleteFunc(list, func(s Story) bool {
				if s.Database == "" { // the service itself, which is not one of so many databases
					sections = append(sections, w.one(s))
				}
				return s.Database == ""
			})
			sections = append(sections, w.all(list)...)
		default:
			sections = append(sections, w.all(list)...)
		}
	}
	return sections
}

// all is the section of stories of one kind; none if there is none.
func (w writer) all(list []Story) []Section {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return []Section{w.one(list[0])}
	}
	return []Section{w.many(list)}
}

// take removes the failures at a place, and returns them.
func take(by map[Kind][]Story, place string) (taken []Story) {
	for _, kind := range []Kind{KindFailed, KindHung} {
		by[kind] = slices.DeleteFunc(by[kind], func(s Story) bool {
			if s.Place == place {
				taken = append(taken, s)
			}
			return s.Place == place
		})
	}
	return taken
}

// one is the section of a single story.
func (w writer) one(s Story) Section {
	rows := []Row{
		{Label: "When", Value: w.since(s)},
		{Label: "Why", Value: s.Cause},
		{Label: "Way out", Value: s.Hint},
		{Label: "Still holds", Value: w.holds(s)},
	}
	for _, f := range s.Details {
		rows = append(rows, Row{Label: f.Name, Value: f.Value})
	}
	rows = append(rows, Row{Label: "Run next", Value: s.Next, Style: Command}, Row{Label: "See", Value: s.Link, Style: Link})
	if s.Kind == KindRecovered {
		rows[3].Label = "Now"
	}
	if s.Kind == KindConfigRefused {
		rows[1].Style = Lines
	}
	return section(w.title(s), s.Severity, rows, nil)
}

// place is the section of a destination or a folder, with the failures that it
// caused.
func (w writer) place(s Story, failures []Story) Section {
	sec := w.one(s)
	if len(failures) == 0 {
		return sec
	}
	sec.Title += ": " + dbs(len(failures)) + " could not be backed up"
	because := []Row{{Label: "Concerns", Value: names(databases(failures), shownNames)}}
	if s.Holds == "" {
		because = append(because, Row{Label: "Still holds", Value: w.hold(failures)})
	}
	for i, r := range sec.Rows {
		if r.Style != Plain {
			sec.Rows = slices.Insert(sec.Rows, i, because...)
			return sec
		}
	}
	sec.Rows = append(sec.Rows, because...)
	return sec
}

// many is the section of several stories of one kind.
func (w writer) many(list []Story) Section {
	worst := Info
	causes, hints, nexts, links := counter{}, counter{}, counter{}, counter{}
	first, last := list[0], list[0]
	for _, s := range list {
		worst = max(worst, s.Severity)
		causes.add(s.Cause, s)
		hints.add(s.Hint, s)
		nexts.add(s.Next, s)
		links.add(s.Link, s)
		if s.Time.Before(first.Time) {
			first = s
		}
		if s.Time.After(last.Time) {
			last = s
		}
	}
	when := first.when(first.Time)
	if end := last.when(last.Time); end != when {
		when += " to " + end
	}
	rows := []Row{{Label: "When", Value: when}}
	var items []string
	if only := causes.only(); only != "" || len(causes.values) == 1 {
		rows = append(rows, Row{Label: "Why", Value: only})
		items = w.items(list)
	} else {
		items = causes.items()
	}
	rows = append(rows, Row{Label: "Way out", Value: hints.only()})
	if troubled(list[0].Kind) {
		rows = append(rows, Row{Label: "Still holds", Value: w.hold(list)})
	}
	for i, next := range nexts.values {
		if i == 3 || next == "" {
			break
		}
		rows = append(rows, Row{Label: "Run next", Value: next, Style: Command})
	}
	rows = append(rows, Row{Label: "See", Value: links.only(), Style: Link})
	return section(w.title(list...), worst, rows, items)
}

// items names what the stories are about, where all have one cause.
func (w writer) items(list []Story) []string {
	about := databases(list)
	if len(about) > shownItems {
		return []string{names(about, 3*shownNames)}
	}
	for i, s := range list {
		switch {
		case !troubled(s.Kind):
		case s.LastGood.IsZero():
			about[i] += " has no good backup"
		default:
			about[i] += " can be restored to " + s.when(s.LastGood)
		}
	}
	return about
}

// counter groups stories by a text, in the order in which the texts come.
type counter struct {
	values []string
	of     map[string][]Story
}

func (c *counter) add(value string, s Story) {
	if c.of == nil {
		c.of = map[string][]Story{}
	}
	if _, ok := c.of[value]; !ok {
		c.values = append(c.values, value)
	}
	c.of[value] = append(c.of[value], s)
}

// only returns the text that all stories have, or "".
func (c *counter) only() string {
	if len(c.values) == 1 {
		return c.values[0]
	}
	return ""
}

// items says for each text, the commonest first, what it is about.
func (c *counter) items() (list []string) {
	values := slices.Clone(c.values)
	slices.SortStableFunc(values, func(a, b string) int { return cmp.Compare(len(c.of[b]), len(c.of[a])) })
	for i, v := range values {
		if i == shownItems {
			rest := 0
			for _, other := range values[i:] {
				rest += len(c.of[other])
			}
			return append(list, fmt.Sprintf("%d more, for %d other reasons", rest, len(values)-i))
		}
		list = append(list, fmt.Sprintf("%s: %s", names(databases(c.of[v]), shownNames), cmp.Or(v, "no reason is known")))
	}
	return list
}

// databases returns what the stories are about.
func databases(list []Story) (about []string) {
	for _, s := range list {
		about = append(about, cmp.Or(s.Database, s.Place))
	}
	return about
}

// section leaves out rows that say nothing, and makes every text one line that is to
// be one.
func section(title string, severity Severity, rows []Row, items []string) Section {
	s := Section{Title: oneLine(title), Severity: severity}
	for _, r := range rows {
		text := oneLine
		if r.Style == Lines {
			text = severalLines
		}
		if r.Value = cut(text(r.Value), valueLimit); r.Value != "" {
			r.Label = oneLine(r.Label)
			s.Rows = append(s.Rows, r)
		}
	}
	for _, i := range items {
		s.Items = append(s.Items, cut(oneLine(i), valueLimit))
	}
	return s
}
