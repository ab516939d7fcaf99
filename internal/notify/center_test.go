package notify

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestOnceAgainAndOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		for hour := range 30 {
			at(time.Duration(hour) * time.Hour)
			b.say(KindFailed, "app")
		}
		at(40 * time.Hour)
		b.say(KindSucceeded, "app")
		at(41 * time.Hour)
		b.say(KindSucceeded, "app") // nothing to recover from
		at(100 * time.Hour)
		want(t, r, "app could not be backed up", "app still cannot be backed up", "app is backed up again")
		m := r.messages()
		if d := m[0].Time.Sub(night); d != time.Minute {
			t.Errorf("the first came after %v", d)
		}
		if d := m[1].Time.Sub(night); d != 24*time.Hour+time.Minute {
			t.Errorf("the repeat came after %v", d)
		}
		if m[0].Thread() != m[1].Thread() || m[0].Thread() != m[2].Thread() {
			t.Error("one trouble is not one thread")
		}
		if len(b.Troubles()) != 0 {
			t.Errorf("left: %v", b.Troubles())
		}
	})
}

// TestRepeatsBySilence is a trouble of which no event comes any more.
func TestRepeatsBySilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{Repeat: 12 * time.Hour}, people(r))
		defer b.stop()
		b.say(KindOverdue, "app")
		at(3 * time.Hour)
		b.say(KindOverdue, "other") // goes along with the repeat of app
		at(25 * time.Hour)
		want(t, r, "app has not been backed up since Sat 02:00 (24 h)",
			"other has not been backed up since Sat 02:00 (27 h)",
			"2 databases have still not been backed up in time",
			"2 databases have still not been backed up in time")
	})
}

func TestOverBeforeItWasTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		store := NewMemory()
		b := begin(t, store, Options{}, people(r))
		defer b.stop()
		b.say(KindFailed, "app")
		at(30 * time.Second)
		b.say(KindSucceeded, "app")
		at(time.Hour)
		want(t, r)
		if items, _ := store.Undelivered(t.Context()); len(items) != 0 {
			t.Errorf("left in the store: %v", items)
		}
	})
}

// TestBackBeforeTheEndWasTold: what did not end is not told to have ended.
func TestBackBeforeTheEndWasTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		b.say(KindFailed, "app")
		at(2 * time.Minute)
		b.say(KindSucceeded, "app")
		at(3 * time.Minute)
		b.say(KindFailed, "app")
		at(time.Hour)
		want(t, r, "app could not be backed up", "app still cannot be backed up")
	})
}

func TestKindsThatASuccessLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		b.say(KindShrunken, "app")
		at(5 * time.Minute)
		b.say(KindSucceeded, "app")
		at(2 * time.Hour)
		want(t, r, "the newest backup of app is far smaller than those before")
		b.Report(t.Context(), Event{Kind: KindRecovered, Database: "app", Clears: []Kind{KindShrunken}, Summary: "app may be pruned again"})
		at(4 * time.Hour)
		want(t, r, "the newest backup of app is far smaller than those before", "app may be pruned again")
	})
}

// TestBrokenNight is the night of the issue: a destination is down, and 200
// databases fail at their own minutes, each hour for eight hours.
func TestBrokenNight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		const place = "s3://backups/prod"
		for minute := range 8 * 60 {
			at(time.Duration(minute) * time.Minute)
			if minute%5 == 0 {
				b.Report(t.Context(), Event{Kind: KindDestinationDown, Place: place, Cause: "no answer in time"})
			}
			for i := range 200 {
				if minute%60 == i*60/200 {
					b.Report(t.Context(), Event{Kind: KindFailed, Database: database(i), Place: place, Cause: "no answer in time", LastGood: night.Add(-time.Hour)})
				}
			}
		}
		got := r.messages()
		if len(got) < 1 || len(got) > 5 {
			t.Fatalf("%d messages:\n%s", len(got), r.subjects())
		}
		if !strings.HasPrefix(got[0].Subject, "litekeep: destination s3://backups/prod is down") {
			t.Errorf("the cause is not first: %s", got[0].Subject)
		}
		told := map[string]bool{}
		for _, m := range got {
			for _, s := range m.Stories {
				if told[s.Database] {
					t.Errorf("%s was told twice", s.Database)
				}
				told[s.Database] = true
			}
			if m.Thread() != got[0].Thread() {
				t.Error("the night is more than one thread")
			}
		}
		if len(told) != 201 {
			t.Errorf("%d databases were told of", len(told)-1)
		}

		before := len(got)
		b.Report(t.Context(), Event{Kind: KindDestinationUp, Place: place})
		for i := range 200 {
			b.say(KindSucceeded, database(i))
		}
		at(12 * time.Hour)
		want(t, &recorder{got: r.messages()[before:]}, "200 databases are backed up again; destination s3://backups/prod is back")
	})
}

// TestFlapping: databases that fail and recover each hour for two days, at their
// own minutes. The limit holds, and what is told last is true.
func TestFlapping(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{PerDay: 10}, people(r))
		defer b.stop()
		for minute := range 48 * 60 {
			at(time.Duration(minute) * time.Minute)
			for i := range 60 {
				if minute%60 == i {
					b.say(KindFailed, database(i))
				} else if minute%60 == (i+30)%60 {
					b.say(KindSucceeded, database(i))
				}
			}
		}
		at(72 * time.Hour)
		first, second := 0, 0
		for _, m := range r.messages() {
			if m.Time.Before(night.Add(24 * time.Hour)) {
				first++
			} else if m.Time.Before(night.Add(48 * time.Hour)) {
				second++
			}
		}
		// Ten, and then one each six hours.
		if first < 10 || first > 13 || second > 13 {
			t.Errorf("%d and %d messages", first, second)
		}
		limited := 0
		for _, m := range r.messages() {
			if strings.Contains(strings.Join(m.Notes, " "), "its limit") {
				limited++
			}
		}
		if limited == 0 {
			t.Error("no message says that the limit was reached")
		}
	})
}

func TestLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{First: time.Second, Group: time.Second, PerDay: 3}, people(r))
		defer b.stop()
		for minute := range 59 {
			at(time.Duration(minute) * time.Minute)
			b.Report(t.Context(), Event{Kind: KindRestoreDone, Database: "app"})
		}
		at(59*time.Minute + 30*time.Second)
		if n := len(r.messages()); n != 3 {
			t.Errorf("%d messages", n)
		}
		at(7 * time.Hour)
		all := r.messages()
		if len(all) != 4 || len(all[3].Stories) != 56 {
			t.Errorf("%d messages, the last of %d", len(all), len(all[len(all)-1].Stories))
		}
		if notes := strings.Join(all[2].Notes, ""); !strings.Contains(notes, "3 messages in a day") || !strings.Contains(notes, "08:02") {
			t.Errorf("the note says %q", notes)
		}
	})
}

func TestFilters(t *testing.T) {
	bubble(t, func(t *testing.T) {
		all, some, kinds, blind := &recorder{}, &recorder{}, &recorder{}, &recorder{}
		b := begin(t, NewMemory(), Options{},
			Target{Name: "all", Channel: all},
			Target{Name: "some", Channel: some, Filter: Filter{Databases: []string{"app"}}},
			Target{Name: "kinds", Channel: kinds, Filter: Filter{Kinds: []Kind{KindStarted, KindRecovered, KindOverdue}}},
			Target{Name: "blind", Channel: blind, Filter: Filter{Kinds: []Kind{KindFailed}}})
		defer b.stop()
		b.Report(t.Context(), Event{Kind: KindStarted})
		b.say(KindFailed, "app")
		b.say(KindFailed, "web")
		at(time.Hour)
		b.say(KindSucceeded, "app")
		b.say(KindSucceeded, "web")
		b.Report(t.Context(), Event{Kind: "invented", Database: "app"})
		at(3 * time.Hour)
		want(t, all, "2 databases could not be backed up", "2 databases are backed up again")
		want(t, some, "app could not be backed up", "app is backed up again")
		want(t, kinds, "the service has started") // of the failures it was not told
		want(t, blind, "2 databases could not be backed up")
	})
}

func TestConfiguration(t *testing.T) {
	for name, targets := range map[string][]Target{
		"no name": {{Channel: &recorder{}}},
		"twice":   {people(&recorder{}), people(&recorder{})},
		"kind":    {{Name: "a", Channel: &recorder{}, Filter: Filter{Kinds: []Kind{"fialed"}}}},
		"mute":    {{Name: "a", Channel: &recorder{}, Filter: Filter{Kinds: []Kind{KindSucceeded}}}},
	} {
		if _, err := New(t.Context(), targets, NewMemory(), Options{}); !errors.Is(err, ErrChannel) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{Host: "vault1"}, people(r))
		defer b.stop()
		if err := b.Test(t.Context(), "ops"); err != nil {
			t.Fatal(err)
		}
		want(t, r, "this is a test message")
		if err := b.Test(t.Context(), "opps"); !errors.Is(err, ErrNoChannel) {
			t.Errorf("%v", err)
		}
		broken := errors.New("refused")
		r.set(broken)
		if err := b.Test(t.Context(), "ops"); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
		s := b.Status()[0]
		if !s.Failing || s.LastError != "refused" || !s.LastSuccess.Equal(night) || s.Name != "ops" {
			t.Errorf("%+v", s)
		}
	})
}

func TestHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T) {
		whole, each := &heart{}, &heart{each: true}
		b := begin(t, NewMemory(), Options{}, Target{Name: "whole", Channel: whole}, Target{Name: "each", Channel: each})
		defer b.stop()
		for i, e := range []struct {
			kind          Kind
			db            string
			whole, eaches bool
		}{
			{KindBegun, "app", true, true},
			{KindSucceeded, "app", true, true},
			{KindFailed, "web", true, true},
			{KindSucceeded, "app", false, true}, // web is not well
			{KindSucceeded, "web", true, true},
			{KindShrunken, "web", false, false},
			{KindSucceeded, "web", true, true},
		} {
			at(time.Duration(i) * time.Second)
			before := [2]int{len(whole.messages()), len(each.messages())}
			b.say(e.kind, e.db)
			at(time.Duration(i)*time.Second + time.Millisecond) // no window
			if got := len(whole.messages()) > before[0]; got != e.whole {
				t.Errorf("%d %s %s: whole %v", i, e.kind, e.db, got)
			}
			if got := len(each.messages()) > before[1]; got != e.eaches {
				t.Errorf("%d %s %s: each %v", i, e.kind, e.db, got)
			}
		}
		for _, m := range each.messages() {
			if len(m.Stories) != 1 {
				t.Errorf("a ping of %d stories", len(m.Stories))
			}
		}
	})
}
