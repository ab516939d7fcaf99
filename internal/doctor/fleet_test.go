package doctor_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/doctor"
)

// TestFleet: a database that a pattern has brought counts also where its file is gone,
// since the state remembers it.
func TestFleet(t *testing.T) {
	w := newWorld(t)
	w.yaml = strings.Replace(w.yaml, "databases: [", "databases: [{name: \"{name}\", match: tenants/*.db}, ", 1)
	look := func(area, found string) bool {
		t.Helper()
		return slices.ContainsFunc(w.run(t.Context()), func(c doctor.Check) bool {
			return c.Area == area && c.Status != doctor.OK && strings.Contains(c.Found, found)
		})
	}
	if !look("config", "matches no file yet") {
		t.Error("nothing is said of a pattern without files")
	}
	w.do(os.Mkdir(w.path("tenants"), 0o700))
	w.do(os.WriteFile(w.path("tenants/here.db"), nil, 0o600))
	if !look("databases", "here.db is an empty file") {
		t.Error("nothing is said of a database that a pattern brings")
	}
	note, err := json.Marshal(map[string]any{"members": []config.Member{{Name: "away", Path: w.path("tenants/away.db")}}})
	w.do(err)
	w.do(w.state.PutNote(t.Context(), "fleet", note))
	if !look("databases", "its file is gone: "+w.path("tenants/away.db")) || !look("config", "the file is gone") {
		t.Error("nothing is said of a file that is gone")
	}
}
