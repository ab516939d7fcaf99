package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/retention"
)

// maxDuration is the longest time that a file can give, a hundred years: more is a
// slip, and sums of a few such still fit a time.Duration.
const maxDuration = 36500 * day

// parseDuration is retention.ParseDuration with an error that fits a key, and a bound.
func parseDuration(text string) (time.Duration, error) {
	d, err := retention.ParseDuration(text)
	if err != nil {
		return 0, errors.New("want a duration such as 90s, 15m, 26h, 7d, 2w or 1d12h")
	}
	if d > maxDuration {
		return 0, errors.New("more than a hundred years")
	}
	return d, nil
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
