package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxDuration is the longest time that a file can give, a hundred years: more is a
// slip, and twice as much still fits a time.Duration.
const maxDuration = 36500 * day

// durationUnits are the units of durations, longest first. A day has 24 hours, also
// where clocks change.
var durationUnits = []struct {
	name string
	size time.Duration
}{
	{"w", 7 * day},
	{"d", day},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

const wantDuration = "want a duration such as 90s, 15m, 26h, 7d, 2w or 1h30m"

// ParseDuration reads a duration as litekeep.yaml has it: whole numbers with the units
// w, d, h, m, s and ms, longest first, or a 0. It is at most a hundred years.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if text == "" {
		return 0, errors.New(wantDuration)
	}
	var sum time.Duration
	units := durationUnits
	for rest := text; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		name := rest[digits:]
		if end := strings.IndexAny(name, "0123456789"); end >= 0 {
			name = name[:end]
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if digits == 0 || err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, errors.New(wantDuration)
		}
		for len(units) > 0 && units[0].name != name {
			units = units[1:]
		}
		if len(units) == 0 {
			return 0, errors.New(wantDuration)
		}
		size := units[0].size
		if err != nil || n > int64((maxDuration-sum)/size) {
			return 0, errors.New("more than a hundred years")
		}
		sum += time.Duration(n) * size
		units = units[1:] // each unit once, and in their order
		rest = rest[digits+len(name):]
	}
	return sum, nil
}

// FormatDuration writes a duration so that ParseDuration reads it: 7d, 1h30m. Less
// than a millisecond is left out.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	for _, u := range durationUnits[1:] { // 7d and not 1w: days are what people count
		if n := d / u.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// Bytes is a size in bytes.
type Bytes int64

// byteUnits are the units of sizes, largest first in each system.
var byteUnits = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"B", 1},
}

const wantBytes = "want a size such as 500MB or 2GiB"

// ParseBytes reads a whole number with the unit B, kB, MB, GB, TB (powers of 1000) or
// KiB, MiB, GiB, TiB (powers of 1024), or a 0.
func ParseBytes(text string) (Bytes, error) {
	if text == "0" {
		return 0, nil
	}
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	for _, u := range byteUnits {
		if strings.TrimLeft(text[digits:], " ") != u.name {
			continue
		}
		n, err := strconv.ParseInt(text[:digits], 10, 64)
		if errors.Is(err, strconv.ErrRange) || err == nil && n > math.MaxInt64/u.size {
			return 0, errors.New("larger than any disk")
		}
		if err == nil {
			return Bytes(n * u.size), nil
		}
	}
	return 0, errors.New(wantBytes)
}

// String writes the size so that ParseBytes reads it, in the largest unit that it is a
// whole number of.
func (b Bytes) String() string {
	for _, u := range byteUnits {
		if n := int64(b); n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return "0B"
}

// Percent is a whole number of hundredths, from 0 to 100.
type Percent int

// ParsePercent reads 50%.
func ParsePercent(text string) (Percent, error) {
	digits, ok := strings.CutSuffix(text, "%")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n > 100 {
		return 0, errors.New("want a percentage from 0% to 100%")
	}
	return Percent(n), nil
}

// String writes 50%.
func (p Percent) String() string { return strconv.Itoa(int(p)) + "%" }
