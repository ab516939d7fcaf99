package human

import (
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.00 KiB", 10200: "9.96 KiB", 10240: "10.0 KiB", 102400: "100 KiB",
		1023 << 10: "1.00 MiB", 1 << 20: "1.00 MiB", 3 << 30: "3.00 GiB", 1<<63 - 1: "8.00 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, not %q", n, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, not %q", n, got, want)
		}
	}
	if got := Plural(2, "copy") + Plural(3, "new key") + Plural(1, "copy"); got != "2 copies3 new keys1 copy" {
		t.Error(got)
	}
	if got := Plural(1, "row") + Plural(2, "row") + Plural(0, "index"); got != "1 row2 rows0 indexes" {
		t.Error(got)
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		before, now int64
		want        string
	}{
		{0, 5, "new"},
		{-1, 5, "new"},
		{100, 100, "±0 %"},
		{100, 103, "+3.0 %"},
		{100, 88, "−12 %"},
		{100, 0, "−100 %"},
		{1000, 999, "−0.1 %"},
		{100000, 99999, "±0 %"},
		{100, 350, "+250 %"},
		{1000, 1099, "+9.9 %"},
	} {
		if got := Change(c.before, c.now); got != c.want {
			t.Errorf("Change(%d, %d) = %q, not %q", c.before, c.now, got, c.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 29 * time.Millisecond: "29 ms", 120 * time.Millisecond: "0.1 s", 2 * time.Second: "2 s",
		9960 * time.Millisecond: "10 s", 59900 * time.Millisecond: "59 s", 61 * time.Second: "1 min 01 s",
		time.Hour: "1 h 00 min", 50*time.Hour + 5*time.Minute: "50 h 05 min",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d ns) = %q, not %q", d, got, want)
		}
	}
}

func TestRelative(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for ago, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", -time.Second: "in a moment", time.Minute: "1 minute ago",
		90 * time.Minute: "1 hour ago", 47 * time.Hour: "47 hours ago", 48 * time.Hour: "2 days ago",
		60 * day: "2 months ago", 800 * day: "2 years ago", -3 * time.Hour: "in 3 hours",
	} {
		if got := Relative(now.Add(-ago), now); got != want {
			t.Errorf("%v before is %q, not %q", ago, got, want)
		}
	}
}

func TestMoment(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 25, 23, 30, 0, 0, berlin) // a day of 25 hours
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 10, 25, 2, 0, 0, 0, berlin), "02:00 today"},
		{time.Date(2026, 10, 25, 0, 0, 0, 0, berlin), "00:00 today"},
		{time.Date(2026, 10, 24, 23, 59, 0, 0, berlin), "23:59 yesterday"},
		{time.Date(2026, 10, 26, 0, 0, 0, 0, berlin), "00:00 tomorrow"},
		{time.Date(2026, 10, 23, 2, 0, 0, 0, berlin), "02:00 on Fri 23 Oct"},
		{time.Date(2025, 12, 31, 2, 0, 0, 0, berlin), "02:00 on Wed 31 Dec 2025"},
		{time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC), "00:30 today"}, // the day is that of the zone
	} {
		if got := Moment(c.at, now); got != c.want {
			t.Errorf("%v is %q, not %q", c.at, got, c.want)
		}
	}
}
