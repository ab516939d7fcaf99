// Package human writes numbers and times as people read them, and the words of the
// commands that they are told to run. The command, the dashboard and the
// notifications use it, so that a size or a time is the same text wherever somebody
// meets it.
//
// Sizes are in binary units, counts are grouped by threes, and a moment is told
// as one would say it: "02:00 today". All of it is English.
package human

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes rounds to three digits in binary units: 17.2 MiB.
func Bytes(n int64) string {
	const step = 1024
	if n < step {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n), 0
	for v >= 999.5 { // so that no value shows as 1000 or more
		v /= step
		unit++
	}
	decimals := 2
	switch {
	case v >= 99.95:
		decimals = 0
	case v >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + " " + "KMGTPE"[unit-1:unit] + "iB"
}

// Count groups the digits of n by threes: 1,234,567.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Plural counts things: "1 row", "2 rows", "3 indexes".
func Plural[N int | int64](n N, thing string) string {
	if n != 1 {
		stem, ok := strings.CutSuffix(thing, "y")
		if ok && !strings.HasSuffix(stem, "a") && !strings.HasSuffix(stem, "e") {
			thing = stem + "ie"
		}
		if strings.HasSuffix(thing, "x") {
			thing += "e"
		}
		thing += "s"
	}
	return Count(int64(n)) + " " + thing
}

// Change tells how far now is from before in per cent: "+3 %", "−12 %", "±0 %".
// Below 10 % it has one decimal. It is "new" where before is not above 0.
func Change(before, now int64) string {
	if before <= 0 {
		return "new"
	}
	p := (float64(now) - float64(before)) / float64(before) * 100
	sign := "+"
	if p < 0 {
		sign, p = "−", -p
	}
	switch {
	case p < 0.05:
		return "±0 %"
	case p < 9.95:
		return fmt.Sprintf("%s%.1f %%", sign, p)
	}
	return fmt.Sprintf("%s%.0f %%", sign, p)
}
