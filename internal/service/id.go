package service

import (
	"crypto/rand"
	"strings"
	"time"
)

// newRunID returns a name for a run that began at t. Names sort by time.
func newRunID(t time.Time) string {
	return t.UTC().Format("20060102T150405.000Z") + "-" + strings.ToLower(rand.Text()[:6])
}
