package destination

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/litekeep/litekeep/internal/retention"
)

// The parameters of a URL that are lengths of time.
const (
	daysParameter   = "retention_days" // keep_within in days
	withinParameter = "keep_within"
	graceParameter  = "trash_grace"
)

// counts are the parameters that are numbers.
var counts = []struct {
	name  string
	least int
	of    func(*retention.Policy) *int
}{
	{"keep_last", 1, func(p *retention.Policy) *int { return &p.KeepLast }},
	{"keep_hourly", 0, func(p *retention.Policy) *int { return &p.KeepHourly }},
	{"keep_daily", 0, func(p *retention.Policy) *int { return &p.KeepDaily }},
	{"keep_weekly", 0, func(p *retention.Policy) *int { return &p.KeepWeekly }},
	{"keep_monthly", 0, func(p *retention.Policy) *int { return &p.KeepMonthly }},
	{"keep_yearly", 0, func(p *retention.Policy) *int { return &p.KeepYearly }},
	{"keep_minimum", 1, func(p *retention.Policy) *int { return &p.KeepMinimum }},
}

// Parameters returns the names of the parameters of a URL that are the retention
// of the place. Each stands for one field of the policy, the others are those of
// Options. All are allowed in every URL.
func Parameters() []string {
	names := []string{daysParameter, withinParameter}
	for _, c := range counts {
		names = append(names, c.name)
	}
	return append(names, graceParameter)
}

// takeRetention takes the parameters of the retention out of a query.
func (n *named) takeRetention(query url.Values) error {
	if query.Has(daysParameter) && query.Has(withinParameter) {
		return fmt.Errorf("%w: give %s or %s, not both", ErrName, daysParameter, withinParameter)
	}
	days := 0
	if err := takeCount(query, daysParameter, 1, &days); err != nil {
		return err
	}
	if days > 0 {
		n.policy.KeepWithin = time.Duration(days) * 24 * time.Hour
	}
	if err := takeDuration(query, withinParameter, time.Nanosecond, &n.policy.KeepWithin); err != nil {
		return err
	}
	for _, c := range counts {
		if err := takeCount(query, c.name, c.least, c.of(&n.policy)); err != nil {
			return err
		}
	}
	return takeDuration(query, graceParameter, 0, &n.grace)
}

// most is the largest number: a hundred years in days.
const most = 36500

func takeCount(query url.Values, name string, least int, to *int) error {
	if !query.Has(name) {
		return nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < least || n > most || len(query[name]) > 1 {
		return fmt.Errorf("%w: %s must be one number from %d to %d", ErrName, name, least, most)
	}
	*to = n
	query.Del(name)
	return nil
}

func takeDuration(query url.Values, name string, least time.Duration, to *time.Duration) error {
	if !query.Has(name) {
		return nil
	}
	d, err := retention.ParseDuration(query.Get(name))
	if err != nil || d < least || d > most*24*time.Hour || len(query[name]) > 1 {
		return fmt.Errorf("%w: %s must be one length of time, such as 7d or 36h", ErrName, name)
	}
	*to = d
	query.Del(name)
	return nil
}
