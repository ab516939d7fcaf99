package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/service"
)

// A sample is a value at a time.
type sample struct {
	At    time.Time
	Value float64
}

// A chart is a line over time. It is drawn on a field of 100 by 100 that is
// stretched to its place; the labels are text beside it, so that they keep
// their size on a phone. The line begins at zero: one that begins anywhere else
// makes of each wobble a cliff.
type chart struct {
	ID, Title string
	Desc      string   // what it shows, for those who do not see it
	Line      string   // path of the line
	Area      string   // path of the field below it
	Dots      string   // path of lines without length, which round caps make dots
	Marks     []mark   // fields that say what is at their place
	Y         []string // labels from the top to zero, at even distances
	X         []string // labels from the first to the last, at even distances
	Latest    string   // the newest value
	Trend     string   // how far it is from the oldest: "+3.1 % in 29 days"
}

// A mark is a strip of the field that shows text when one points at it.
type mark struct{ X, Width, Text string }

// A scale writes values, and chooses where its axis ends.
type scale struct {
	text func(float64) string
	top  func(max float64) float64
}

// The scales of what backups have.
var (
	byteScale = scale{func(v float64) string { return human.Bytes(int64(v)) }, func(v float64) float64 {
		unit := 1.0
		for v/unit >= 1000 {
			unit *= 1024
		}
		return niceTop(v/unit) * unit
	}}
	rowScale  = scale{func(v float64) string { return human.Count(int64(v)) }, func(v float64) float64 { return max(2, niceTop(v)) }}
	timeScale = scale{func(v float64) string { return human.Duration(seconds(v)) }, niceTop}
)

// niceTop is the least of 1, 2, 4, 6, 8 and 10 times a power of ten that is not
// below v. Half of it is a round number too.
func niceTop(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 4, 6, 8} {
		if v <= f*power*(1+1e-9) {
			return f * power
		}
	}
	return 10 * power
}

// newChart draws samples, oldest first, in a zone. Without two of them there is
// nothing to draw, and it returns nil.
func newChart(id, title string, samples []sample, s scale, zone *time.Location) *chart {
	if len(samples) < 2 {
		return nil
	}
	first, last := samples[0], samples[len(samples)-1]
	byValue := func(a, b sample) int { return int(math.Copysign(1, a.Value-b.Value)) }
	least, most := slices.MinFunc(samples, byValue), slices.MaxFunc(samples, byValue)
	top := s.top(most.Value)
	c := &chart{ID: id, Title: title, Latest: s.text(last.Value), Trend: trend(first, last)}
	c.Desc = fmt.Sprintf("%s of %s from %s to %s. Least %s, most %s, now %s.", title, human.Plural(len(samples), "backup"),
		first.At.In(zone).Format("2 Jan 2006"), last.At.In(zone).Format("2 Jan 2006"),
		s.text(least.Value), s.text(most.Value), s.text(last.Value))
	c.Y = []string{s.text(top), s.text(top / 2), "0"}
	for i := range 3 {
		at := first.At.Add(last.At.Sub(first.At) * time.Duration(i) / 2)
		c.X = append(c.X, at.In(zone).Format(dayLayout(first.At, last.At)))
	}
	xs, ys := place(samples, top)
	c.Line = line(xs, ys)
	c.Area = c.Line + fmt.Sprintf("L%.2f 100L%.2f 100Z", xs[len(xs)-1], xs[0])
	var dots strings.Builder
	for i := range xs {
		fmt.Fprintf(&dots, "M%.2f %.2fh0", xs[i], ys[i])
	}
	c.Dots = dots.String()
	for i, m := range samples {
		left, right := 0.0, 100.0
		if i > 0 {
			left = (xs[i-1] + xs[i]) / 2
		}
		if i < len(xs)-1 {
			right = (xs[i] + xs[i+1]) / 2
		}
		at := m.At.In(zone)
		c.Marks = append(c.Marks, mark{
			fmt.Sprintf("%.2f", left), fmt.Sprintf("%.2f", right-left),
			s.text(m.Value) + " · " + at.Format("Mon 2 Jan 2006 15:04 ") + zoneName(at),
		})
	}
	return c
}

// dayLayout is how the labels of a time axis are written.
func dayLayout(first, last time.Time) string {
	switch d := last.Sub(first); {
	case d < 2*24*time.Hour:
		return "2 Jan 15:04"
	case d > 300*24*time.Hour:
		return "Jan 2006"
	}
	return "2 Jan"
}

// place puts samples on the field: x by their time, y by their share of top.
func place(samples []sample, top float64) (xs, ys []float64) {
	first, span := samples[0].At, samples[len(samples)-1].At.Sub(samples[0].At).Seconds()
	for i, m := range samples {
		x := 100 * float64(i) / float64(max(1, len(samples)-1)) // where all are of one time
		if span > 0 {
			x = 100 * m.At.Sub(first).Seconds() / span
		}
		xs, ys = append(xs, x), append(ys, 100-100*m.Value/top)
	}
	return xs, ys
}

// line is the path through points.
func line(xs, ys []float64) string {
	var b strings.Builder
	for i := range xs {
		fmt.Fprintf(&b, "%c%.2f %.2f", "ML"[min(i, 1)], xs[i], ys[i])
	}
	return b.String()
}

// trend says how far the last sample is from the first.
func trend(first, last sample) string {
	const fine = 1000 // parts of a second count
	return human.Change(int64(first.Value*fine), int64(last.Value*fine)) + " in " + human.Span(last.At.Sub(first.At))
}

// A sparkline is a chart the size of a word.
type sparkline struct {
	Line, Area string
	Desc       string
}

// newSparkline draws samples, oldest first, or returns nil if there are fewer
// than two. It begins at zero, as charts do, and ends a little above the most.
func newSparkline(title string, samples []sample, s scale) *sparkline {
	if len(samples) < 2 {
		return nil
	}
	most := 0.0
	for _, m := range samples {
		most = max(most, m.Value)
	}
	if most == 0 {
		most = 1
	}
	xs, ys := place(samples, most*1.15)
	l := line(xs, ys)
	first, last := samples[0], samples[len(samples)-1]
	return &sparkline{Line: l, Area: l + "L100 100L0 100Z", Desc: fmt.Sprintf("%s: %s, %s", title, s.text(last.Value), trend(first, last))}
}

// series takes one value of each point of a trend.
func series(points []service.Point, value func(service.Point) float64) []sample {
	list := make([]sample, 0, len(points))
	for _, p := range points {
		list = append(list, sample{p.Time, value(p)})
	}
	return list
}

func sizeOf(p service.Point) float64 { return float64(p.SizeBytes) }

func rowsOf(p service.Point) float64 { return float64(p.RecordCount) }

func secondsOf(p service.Point) float64 { return p.Seconds }
