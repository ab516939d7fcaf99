package notify

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var errAway = errors.New("no answer")

// TestHangingChannel: one that never answers holds up nobody.
func TestHangingChannel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		hung, fine := &recorder{hang: true}, &recorder{}
		b := begin(t, NewMemory(), Options{}, Target{Name: "hung", Channel: hung}, Target{Name: "fine", Channel: fine})
		defer b.stop()
		for hour := range 5 {
			at(time.Duration(hour) * time.Hour)
			b.say(KindFailed, fmt.Sprint("db", hour))
		}
		at(6 * time.Hour)
		if n := len(fine.messages()); n != 5 {
			t.Errorf("%d messages beside the hung channel", n)
		}
		s := b.Status()
		if !s[0].Failing || s[0].Pending != 5 || !strings.Contains(s[0].LastError, "deadline") || !s[0].Oldest.Equal(night) {
			t.Errorf("hung: %+v", s[0])
		}
		if s[1].Failing || s[1].Pending != 0 {
			t.Errorf("fine: %+v", s[1])
		}
	})
}

// TestRetries counts the attempts of an hour, and wants one message of all that
// waited.
func TestRetries(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{fail: errAway}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		b.say(KindFailed, "app")
		at(time.Hour)
		// After 1, 1.5, 2.5, 4.5, 8.5, 16.5 and 32.5 minutes, give or take.
		if n := r.attempts(); n < 6 || n > 8 {
			t.Errorf("%d attempts in an hour", n)
		}
		b.say(KindFailed, "web")
		r.set(nil)
		at(3 * time.Hour)
		want(t, r, "2 databases could not be backed up")
	})
}

func TestRetryAfter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{fail: &RetryError{After: 17 * time.Minute, Err: errAway}}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		b.say(KindFailed, "app")
		at(17 * time.Minute)
		if n := r.attempts(); n != 1 {
			t.Errorf("%d attempts before it asked for one", n)
		}
		r.set(nil)
		at(19 * time.Minute)
		want(t, r, "app could not be backed up")
	})
}

// TestGivesUp: what could not be told for a day is dropped, and that is told.
func TestGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{fail: errAway}
		store := NewMemory()
		b := begin(t, store, Options{}, people(r))
		defer b.stop()
		b.Report(t.Context(), Event{Kind: KindRestoreDone, Database: "app"})
		at(27 * time.Hour)
		if items, _ := store.Undelivered(t.Context()); len(items) != 0 || b.Status()[0].Pending != 0 || b.Status()[0].Dropped != 1 {
			t.Errorf("%v, %+v", items, b.Status())
		}
		n := r.attempts()
		at(50 * time.Hour)
		if r.attempts() != n {
			t.Error("it goes on trying")
		}
		r.set(nil)
		b.Report(t.Context(), Event{Kind: KindRestoreDone, Database: "web"})
		at(52 * time.Hour)
		want(t, r, "web was restored")
		if notes := strings.Join(r.messages()[0].Notes, ""); !strings.Contains(notes, "1 older") {
			t.Errorf("the notes say %q", notes)
		}
	})
}

func TestPartialIsNotSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{fail: &PartialError{errAway}}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		b.say(KindFailed, "app")
		at(5 * time.Hour)
		if s := b.Status()[0]; r.attempts() != 1 || s.Pending != 0 || !s.Failing {
			t.Errorf("%d attempts, %+v", r.attempts(), s)
		}
	})
}

// TestRestart stops the service before the window ends, and while a channel is
// away: nothing is lost, and nothing is told twice.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, store := &recorder{}, NewMemory()
		b := begin(t, store, Options{}, people(r))
		b.say(KindFailed, "app")
		at(30 * time.Second)
		b.stop()
		want(t, r)

		r.set(errAway)
		b = begin(t, store, Options{}, people(r))
		b.say(KindFailed, "app")
		at(10 * time.Minute)
		tried := r.attempts()
		b.stop()
		if tried < 2 {
			t.Errorf("%d attempts", tried)
		}

		r.set(nil)
		b = begin(t, store, Options{}, people(r))
		at(2 * time.Hour)
		want(t, r, "app could not be backed up")
		b.say(KindFailed, "app")
		at(3 * time.Hour)
		b.stop()

		b = begin(t, store, Options{}, people(r))
		b.say(KindFailed, "app")
		at(4 * time.Hour)
		b.say(KindSucceeded, "app")
		at(6 * time.Hour)
		b.stop()
		want(t, r, "app could not be backed up", "app is backed up again")
		if items, _ := store.Undelivered(t.Context()); len(items) != 0 {
			t.Errorf("left: %v", items)
		}
		if left, _ := store.AllConditions(t.Context()); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// TestSameID: an attempt that is made again, also by another process, has the same
// id.
func TestSameID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := NewMemory()
		var ids []string
		for i := range 3 {
			k := &keepID{}
			b := begin(t, store, Options{}, people(k))
			if i == 0 {
				b.say(KindFailed, "app")
				b.say(KindFailed, "web")
			}
			at(time.Duration(i+1) * 2 * time.Hour)
			b.stop()
			ids = append(ids, k.ids...)
		}
		if len(ids) < 10 {
			t.Fatalf("%d attempts", len(ids))
		}
		for _, id := range ids {
			if id != ids[0] || id == "" {
				t.Fatalf("ids %v", ids)
			}
		}
	})
}

func TestChannelThatIsGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, r := NewMemory(), &recorder{}
		b := begin(t, store, Options{}, people(&recorder{fail: errAway}))
		b.say(KindFailed, "app")
		at(time.Hour)
		b.stop()
		b = begin(t, store, Options{}, Target{Name: "new", Channel: r})
		at(2 * time.Hour)
		b.stop()
		if items, _ := store.Undelivered(t.Context()); len(items) != 0 {
			t.Errorf("left: %v", items)
		}
	})
}

// TestUnwritableStore delivers from memory, says so, and writes all of it later.
func TestUnwritableStore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, store := &recorder{}, &brokenStore{Memory: NewMemory()}
		b := begin(t, store, Options{}, people(r))
		b.say(KindFailed, "old")
		at(10 * time.Minute)
		store.set(errors.New("attempt to write a readonly database"))
		b.say(KindSucceeded, "old")
		b.say(KindFailed, "app")
		at(time.Hour)
		want(t, r, "old could not be backed up", "app could not be backed up; old is backed up again")
		if b.StoreError() == nil || !strings.Contains(r.messages()[1].Text(), "readonly database") {
			t.Errorf("it is not said: %v\n%s", b.StoreError(), r.messages()[1].Text())
		}
		r.set(errAway)
		b.say(KindFailed, "web")
		at(2 * time.Hour)
		store.set(nil)
		at(2*time.Hour + 2*time.Minute) // without any event
		if b.StoreError() != nil {
			t.Errorf("it still says %v", b.StoreError())
		}
		items, _ := store.Undelivered(t.Context())
		left, _ := store.AllConditions(t.Context())
		if len(items) != 1 || items[0].Story.Database != "web" || len(left) != 2 {
			t.Errorf("the store has %v and %v", items, left)
		}
		b.stop()
	})
}

// TestBeliefs lets databases fail and recover at random, a channel be away at
// random, the store break and the service restart. In the end the channel must
// believe what is true.
func TestBeliefs(t *testing.T) {
	for seed := range uint64(200) {
		bubble(t, func(t *testing.T) { beliefs(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func beliefs(t *testing.T, random *rand.Rand) {
	r, store := &recorder{}, &brokenStore{Memory: NewMemory()}
	b := begin(t, store, Options{}, people(r))
	bad := map[string]bool{}
	now := time.Duration(0)
	for range 150 {
		now += time.Duration(random.Int64N(int64(20 * time.Minute)))
		at(now)
		db := database(random.IntN(5))
		switch n := random.IntN(20); {
		case n < 8:
			bad[db] = true
			b.say(KindFailed, db)
		case n < 14:
			bad[db] = false
			b.say(KindSucceeded, db)
		case n < 16:
			r.set(errAway)
		case n < 18:
			r.set(nil)
		case n == 18:
			if store.problem() == nil {
				store.set(errors.New("full"))
			} else {
				store.set(nil)
			}
		case store.problem() == nil && b.StoreError() == nil:
			b.stop()
			b = begin(t, store, Options{}, people(r))
		}
	}
	r.set(nil)
	store.set(nil)
	at(now + 8*time.Hour)
	b.stop()
	believed := map[string]bool{}
	for _, m := range r.messages() {
		for _, s := range m.Stories {
			believed[s.Database] = s.Kind == KindFailed
		}
	}
	for db, is := range bad {
		if believed[db] != is {
			t.Errorf("%s: it is %v, the channel believes %v", db, is, believed[db])
		}
	}
	if items, _ := store.Undelivered(t.Context()); len(items) != 0 {
		t.Errorf("left: %v", items)
	}
	if left, _ := store.AllConditions(t.Context()); len(left) != len(b.Troubles()) {
		t.Errorf("the store has %d troubles, the service %d", len(left), len(b.Troubles()))
	}
}

// TestStoreIsLeftAlone: one that hangs or fails is not asked for each event.
func TestStoreIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := &brokenStore{Memory: NewMemory()}
		b := begin(t, store, Options{}, people(&recorder{}))
		defer b.stop()
		store.set(errors.New("full"))
		for i := range 200 {
			b.say(KindFailed, database(i))
		}
		if n := store.calls(); n > 2 {
			t.Errorf("%d calls of a store that fails", n)
		}
	})
}

// TestStopDuringDelivery is no failure of the channel.
func TestStopDuringDelivery(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store, r := NewMemory(), &recorder{hang: true}
		b := begin(t, store, Options{}, people(r))
		b.say(KindFailed, "app")
		at(time.Minute + time.Second)
		b.stop()
		items, _ := store.Undelivered(t.Context())
		if r.attempts() != 1 || len(items) != 1 || items[0].Attempts != 0 || b.Status()[0].Failing {
			t.Errorf("%d attempts, %+v", r.attempts(), items)
		}
	})
}
