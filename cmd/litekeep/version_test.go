package main

import (
	"runtime/debug"
	"testing"
)

// TestVersionStamp: what Go has stamped into the program is told, and nothing where it
// has not.
func TestVersionStamp(t *testing.T) {
	stamped := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123abcd"}, {Key: "vcs.time", Value: "2026-11-22T02:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	if v := version(stamped, true); v.Commit == nil || *v.Commit != "0123abcd" || *v.Time != "2026-11-22T02:00:00Z" || !v.Modified {
		t.Errorf("%+v", v)
	}
	for _, v := range []versionResult{version(nil, false), version(&debug.BuildInfo{}, true)} {
		if v.Commit != nil || v.Time != nil || v.Modified || v.Version == "" || v.SQLite == "" {
			t.Errorf("%+v", v)
		}
	}
}
