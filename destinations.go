package litekeep

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/store/probe"
)

// A DestinationReport says what a destination can do.
type DestinationReport struct {
	OK     bool // everything that is needed works
	Checks []DestinationCheck
	Skew   time.Duration // how far its clock is ahead of this machine's
}

// A DestinationCheck is one thing that was tried.
type DestinationCheck struct {
	Name   string
	Status string // ok, missing (litekeep works without it, in a lesser way) or failed
	Detail string
}

// CheckDestination tries what a destination can do with small objects, which it
// removes again. The error matches ErrConfig when text names no destination;
// another one says that the destination cannot be used at all.
func CheckDestination(ctx context.Context, text string) (*DestinationReport, error) {
	d, err := destination.Open(ctx, text, destination.Options{})
	if errors.Is(err, destination.ErrName) {
		return nil, &Error{Op: "destination", Kind: ErrConfig, Err: fmt.Errorf("%q: %w", withoutSecrets(text), err)}
	}
	if err != nil {
		return nil, explain("destination", "", err)
	}
	defer d.Close()
	r, err := probe.Run(ctx, d.Store, probe.Options{Lock: asksForLock(text)})
	if err != nil {
		return nil, explain("destination", "", err)
	}
	out := &DestinationReport{OK: r.OK(), Skew: r.Skew}
	for _, c := range r.Checks {
		out.Checks = append(out.Checks, DestinationCheck{c.Name, string(c.Status), c.Detail})
	}
	return out, nil
}

func asksForLock(text string) bool {
	u, err := url.Parse(text)
	return err == nil && destination.IsURL(text) && u.Query().Has("lock")
}

// withoutSecrets is a URL without what may be a password in it.
func withoutSecrets(text string) string {
	if !destination.IsURL(text) {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "the URL"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}
