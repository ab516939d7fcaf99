package config

import (
	_ "embed"
	"strings"
	_ "time/tzdata" // a service in a container without files of its own knows zones too
)

//go:embed zones.txt
var zoneNames string

// zones returns the names of the time zones that people live in. They are for hints
// only: others are understood as well.
func zones() []string { return strings.Fields(zoneNames) }
