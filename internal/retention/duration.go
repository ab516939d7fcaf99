package retention

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrDuration is matched by the errors of ParseDuration.
var ErrDuration = errors.New("not a length of time")

// ParseDuration reads a length of time as people write a KeepWithin: weeks and days
// besides what time.ParseDuration knows, the larger units first: 7d, 2w, 1d12h,
// 90m. A day has 24 hours and a week 7 days; there are no months and years, whose
// length varies. A negative one is refused, and a number without a unit too.
func ParseDuration(text string) (time.Duration, error) {
	refuse := func() (time.Duration, error) {
		return 0, fmt.Errorf("%w: %q; write 7d, 36h, 2w or 1d12h", ErrDuration, text)
	}
	var sum time.Duration
	rest := text
	for _, unit := range []struct {
		letter string
		size   time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || time.Duration(n) > (math.MaxInt64-sum)/unit.size {
			return refuse()
		}
		sum += time.Duration(n) * unit.size
		rest = after
	}
	if rest == "" && text != "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || strings.HasPrefix(rest, "-") || d < 0 || rest != text && strings.HasPrefix(rest, "+") || d > math.MaxInt64-sum {
		return refuse()
	}
	return sum + d, nil
}

// FormatDuration writes d, which is not negative, in the shortest form that
// ParseDuration reads back: 7d, 1d12h, 90s.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day {
		return trimZeros(d.String())
	}
	text := strconv.FormatInt(int64(d/day), 10) + "d"
	if rest := d % day; rest > 0 {
		text += trimZeros(rest.String())
	}
	return text
}

// trimZeros drops the units that are nothing from the end: 1h0m0s is 1h.
func trimZeros(s string) string {
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}
