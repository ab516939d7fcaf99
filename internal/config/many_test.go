package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// manyDatabases is a file with n databases, in which all but the names are alike.
func manyDatabases(n int) string {
	var b strings.Builder
	b.WriteString("defaults: {destinations: [/backups], time_zone: Europe/Berlin}\ndatabases:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {name: db%d, path: /srv/%d.db, schedule: \"%d 3 * * *\"}\n", i, i, i%60)
	}
	return b.String()
}

func TestManyDatabases(t *testing.T) {
	start := time.Now()
	c := mustParse(t, manyDatabases(1000))
	if len(c.Databases) != 1000 {
		t.Errorf("%d databases", len(c.Databases))
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %s", took)
	} else {
		t.Logf("took %s", took)
	}
}

func BenchmarkParse(b *testing.B) {
	text := manyDatabases(100)
	for b.Loop() {
		if _, err := parseTest(text); err != nil {
			b.Fatal(err)
		}
	}
}
