package schedule

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ expr, text, next string }{
		{"30 2 * * *", "30 2 * * * UTC", "2026-03-05 02:30"},
		{"  30\t2 *  * * ", "30 2 * * * UTC", "2026-03-05 02:30"},
		{"@hourly", "@hourly UTC", "2026-03-04 13:00"},
		{"@daily", "@daily UTC", "2026-03-05 00:00"},
		{"@Midnight", "@Midnight UTC", "2026-03-05 00:00"},
		{"@weekly", "@weekly UTC", "2026-03-08 00:00"},
		{"@monthly", "@monthly UTC", "2026-04-01 00:00"},
		{"@yearly", "@yearly UTC", "2027-01-01 00:00"},
		{"@annually", "@annually UTC", "2027-01-01 00:00"},
		{"@every 90m", "@every 90m", "2026-03-04 13:30"},
		{"@every 24h", "@every 24h", "2026-03-05 00:00"},
		{"0 9-17/4 * * mon-FRI", "0 9-17/4 * * mon-FRI UTC", "2026-03-04 13:00"},
		{"5/20 * * * *", "5/20 * * * * UTC", "2026-03-04 12:45"},
		{"0 0 * jan,Jul 7", "0 0 * jan,Jul 7 UTC", "2026-07-05 00:00"},
		{"0 0 ? * 0", "0 0 ? * 0 UTC", "2026-03-08 00:00"},
		{"0 0 13 * FRI", "0 0 13 * FRI UTC", "2026-03-06 00:00"}, // a Friday, or the 13th
		{"0 0 */5 * FRI", "0 0 */5 * FRI UTC", "2026-03-06 00:00"},
		{"0 0 29 2 *", "0 0 29 2 * UTC", "2028-02-29 00:00"},
		{"0 0 29 2 */7", "0 0 29 2 */7 UTC", "2032-02-29 00:00"}, // both: it begins with *
		{"0 0 30 2 MON", "0 0 30 2 MON UTC", "2027-02-01 00:00"}, // either
		{"0 22-2/2 * * *", "0 22-2/2 * * * UTC", "2026-03-04 22:00"},
		{"0 0 * * fri-mon", "0 0 * * fri-mon UTC", "2026-03-06 00:00"},
	} {
		s, err := Parse(c.expr, nil)
		if err != nil {
			t.Errorf("%q: %v", c.expr, err)
			continue
		}
		if s.String() != c.text {
			t.Errorf("%q: String is %q, want %q", c.expr, s, c.text)
		}
		got := s.Next(time.Date(2026, 3, 4, 12, 34, 56, 7, time.UTC)) // a Wednesday
		if got.Format("2006-01-02 15:04") != c.next || got.Second() != 0 || got.Nanosecond() != 0 {
			t.Errorf("%q: next is %v, want %s", c.expr, got, c.next)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"", "empty"},
		{" \t ", "empty"},
		{"* * * *", "found 4"},
		{"0 30 2 * * *", "found 6"},
		{"60 2 * * *", `minute "60"`},
		{"60 2 * * *", "0-59"},
		{"-1 2 * * *", `minute "-1"`},
		{"0 24 * * *", `hour "24"`},
		{"0 2 0 * *", `day of month "0"`},
		{"0 2 32 * *", "1-31"},
		{"0 2 * 13 *", `month "13"`},
		{"0 2 * foo *", "JAN-DEC"},
		{"0 2 * * 8", `day of week "8"`},
		{"0 2 * * mony", "SUN-SAT"},
		{"0 2 * * MON#1", "not a number"},
		{"0 2 L * *", `day of month "L"`},
		{"0 2 15W * *", `day of month "15W"`},
		{"H 2 * * *", `minute "H"`},
		{"1,,2 2 * * *", "between two commas"},
		{"1, 2 * * *", "between two commas"},
		{"*-5 2 * * *", `minute "*-5"`},
		{"+5 2 * * *", `minute "+5"`},
		{"? 2 * * *", "for days only"},
		{"*/0 2 * * *", `minute "*/0"`},
		{"*/60 * * * *", `minute "*/60"`},
		{"1-2-3 2 * * *", `minute "1-2-3"`},
		{"1/2/3 2 * * *", `minute "1/2/3"`},
		{"0 2 * * fri-mon/2", "list the days"},
		{"99999999999999999999 2 * * *", "minute"},
		{"0 0 30 2 *", "no year has such a day"},
		{"0 0 31 4,6,9,11 *", "no year has such a day"},
		{"0 0 30,31 FEB *", "no year has such a day"},
		{"TZ=UTC 0 2 * * *", "time zone"},
		{"CRON_TZ=Asia/Tokyo 0 2 * * *", "time zone"},
		{"@often", "@hourly"},
		{"@daily 2", "@hourly"},
		{"@reboot", "@hourly"},
		{"@every", "whole minutes"},
		{"@every 90", "whole minutes"},
		{"@every 90s", "whole minutes"},
		{"@every 0", "whole minutes"},
		{"@every -5m", "whole minutes"},
		{"@every 59s", "whole minutes"},
		{"@every 9000h", "8784h"},
		{"@every 1h 2h", "whole minutes"},
	} {
		s, err := Parse(c.expr, time.UTC)
		if err == nil {
			t.Errorf("%q is %v", c.expr, s)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %q, want %q in it", c.expr, err, c.want)
		}
	}
}

// FuzzParse checks that Parse never panics, and that the slots of what it
// accepts increase, are found again from behind, and are whole minutes.
func FuzzParse(f *testing.F) {
	zones := []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Asuncion", "Pacific/Apia"}
	for i, expr := range append(expressions, "@daily", "@every 90m", "0 0 30 2 *", "0 0 29 2 */7", "1,,2 * * * *", "TZ=UTC * * * * *", "@every 9999999h", "*/60 * * * ?") {
		f.Add(expr, uint8(i), int64(1792803600+i*86400))
	}
	f.Fuzz(func(t *testing.T, expr string, zone uint8, from int64) {
		s, err := Parse(expr, mustZone(t, zones[int(zone)%len(zones)]))
		if err != nil {
			return
		}
		again, err := Parse(s.Expr(), s.Zone())
		if err != nil {
			t.Fatalf("%q is %q, which is refused: %v", expr, s.Expr(), err)
		}
		const first, last = 0, 4102444800 // 1970 to 2100
		at := time.Unix(first+int64(uint64(from)%(last-first)), 0)
		for range 20 {
			next := s.Next(at)
			switch {
			case !next.After(at):
				t.Fatalf("%v: %v is next after %v", s, next, at)
			case next.Sub(at) > 41*366*24*time.Hour:
				t.Fatalf("%v: nothing from %v until %v", s, at, next)
			case !again.Next(at).Equal(next):
				t.Fatalf("%v: %v and %v are next after %v", s, next, again.Next(at), at)
			case !s.Latest(next, at).Equal(next):
				t.Fatalf("%v: the newest at %v is %v", s, next, s.Latest(next, at))
			case !s.Latest(next.Add(-1), at).IsZero():
				t.Fatalf("%v: %v lies between %v and %v", s, s.Latest(next.Add(-1), at), at, next)
			case next.Unix()%60 != 0 || next.Nanosecond() != 0:
				t.Fatalf("%v: %v is no whole minute", s, next)
			}
			at = next
		}
	})
}
