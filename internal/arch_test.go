package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of this module.
const module = "github.com/litekeep/litekeep"

// layers are the packages of this module, lowest first, by their folders. A
// package may import what stands in a line before its own, and nothing else of
// the module. A new package needs its place here.
var layers = [][]string{
	{"internal/value", "internal/human", "internal/nearest", "internal/heap"},
	{"internal/sqlitefile", "internal/indexexpr"},
	{"internal/durable", "internal/pipeline", "internal/frame"},
	{"internal/document", "internal/keys", "internal/audit", "internal/access"},
	{"internal/keys/kms", "internal/seal"},
	{"internal/manifest"},
	{"internal/archive"},
	{"internal/pagereader", "internal/pagewriter", "internal/indexsort"},
	{"internal/engine"},
	{"internal/engine/sqldb"},
	{"internal/state"},
	{"internal/access/tokens"},
	{"internal/export", "internal/rebuild"},
	{"internal/store"},
	{"internal/store/folder", "internal/store/cloud", "internal/store/probe"},
	{"internal/retention", "internal/schedule"},
	{"internal/vault"},
	{"internal/destination"},
	{"."},
	{"internal/config", "internal/notify", "internal/metrics"},
	{"internal/state/outbox"},
	{"internal/service"},
	{"client"},
	{"internal/api", "internal/dashboard"},
	{"internal/daemon"},
	{"internal/doctor"},
	{"cmd/litekeep", "bench"},
}

// forTests are packages that only tests may import. They may import all that
// stands below the root.
var forTests = []string{"internal/testdb", "internal/store/storetest", "internal/store/faulty", "internal/store/realtest", "internal/testserver", "internal/testjail"}

// reserved are modules that only some packages may import, in tests too.
var reserved = map[string][]string{
	"modernc.org/":              {"internal/engine", "internal/engine/sqldb"},
	"github.com/spf13/":         {"cmd/litekeep"},
	"gocloud.dev/blob":          {"internal/store/cloud"},
	"github.com/aws/":           {"internal/store/cloud"},
	"github.com/Azure/":         {"internal/store/cloud"},
	"cloud.google.com/":         {"internal/store/cloud"},
	"gocloud.dev/secrets":       {"internal/keys/kms"},
	"github.com/tink-crypto/":   {"internal/keys", "internal/seal"},
	"github.com/netresearch/":   {"internal/schedule"},
	"github.com/goccy/":         {"internal/config", "internal/metrics"},
	"github.com/invopop/":       {"internal/config", "internal/metrics"},
	"github.com/wneessen/":      {"internal/notify"},
	"github.com/prometheus/":    {"internal/metrics"},
	"pgregory.net/":             nil, // tests
	"github.com/google/":        nil,
	"github.com/rogpeppe":       nil,
	"go.uber.org/":              nil,
	"testing":                   nil,
	"golang.org/x/time/":        {"internal/access"},
	"github.com/danielgtaylor/": {"internal/api"},
}

// forbidden are packages of the standard library that a package must do
// without: it does no I/O.
var forbidden = map[string][]string{
	"internal/retention": {"os", "net", "io/fs", "syscall"},
	"internal/schedule":  {"os", "net", "io/fs", "syscall"},
	"internal/document":  {"os", "net", "io/fs", "syscall"},
	"internal/value":     {"os", "net", "io/fs", "syscall"},
	"internal/indexexpr": {"os", "net", "io/fs", "syscall"},
}

// onlyStandard may import nothing but the standard library.
var onlyStandard = []string{"internal/retention", "internal/value", "internal/pipeline", "client"}

// file is one Go file and what it imports.
type file struct {
	folder  string // of its package, relative to the module
	name    string
	test    bool
	imports []string
}

// files finds the Go files of the module that is in the folder root.
func files(t *testing.T, root string) (list []file) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(base, ".") || base == "testdata" || exists(filepath.Join(name, "go.mod"))) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := file{folder: path.Dir(filepath.ToSlash(rel)), name: filepath.ToSlash(rel), test: strings.HasSuffix(base, "_test.go")}
		for _, s := range parsed.Imports {
			p, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, p)
		}
		list = append(list, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// under reports whether p is the package prefix or lies in it.
func under(p, prefix string) bool {
	return p == strings.TrimSuffix(prefix, "/") || strings.HasPrefix(p, strings.TrimSuffix(prefix, "/")+"/")
}

// rank returns the place of a folder in layers, or -1.
func rank(folder string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, folder) })
}

// violations returns what is wrong with the imports of one file.
func violations(f file) (wrong []string) {
	for _, p := range f.imports {
		if reason := violation(f, p); reason != "" {
			wrong = append(wrong, f.name+" imports "+p+": "+reason)
		}
	}
	return wrong
}

func violation(f file, p string) string {
	for prefix, users := range reserved {
		isTest := f.test || slices.Contains(forTests, f.folder)
		if under(p, prefix) && !slices.Contains(users, f.folder) && (users != nil || !isTest) {
			return "that is for " + strings.Join(append(users, "tests"), ", ")
		}
	}
	if f.test {
		return ""
	}
	for _, prefix := range forbidden[f.folder] {
		if under(p, prefix) {
			return "the package does no I/O"
		}
	}
	first, _, _ := strings.Cut(p, "/")
	if !under(p, module) {
		if strings.Contains(first, ".") && slices.Contains(onlyStandard, f.folder) {
			return "the package needs the standard library alone"
		}
		return ""
	}
	folder := strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
	if folder == "" {
		folder = "."
	}
	switch mine, its := rank(f.folder), rank(folder); {
	case slices.Contains(forTests, folder):
		if !slices.Contains(forTests, f.folder) {
			return "only tests may"
		}
	case its < 0:
		return "it has no place in layers"
	case slices.Contains(forTests, f.folder):
		if its >= rank(".") {
			return "it stands above the root"
		}
	case mine >= 0 && its >= mine:
		return "it does not stand below"
	}
	return ""
}

// TestImports holds the packages to their order.
func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range files(t, "..") {
		seen[f.folder] = true
		for _, w := range violations(f) {
			t.Error(w)
		}
	}
	delete(seen, "internal") // this test
	known := slices.Concat(append(layers, forTests)...)
	for folder := range maps.Keys(seen) {
		if !slices.Contains(known, folder) && !strings.HasPrefix(folder, "examples") {
			t.Errorf("the package in %s has no place in layers", folder)
		}
	}
	for _, folder := range known {
		if !seen[folder] {
			t.Errorf("layers has %s, which does not exist", folder)
		}
	}
}

// TestArchitecture checks that the picture of the packages is complete.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range slices.Concat(layers...) {
		name := folder
		if folder == "." {
			name = "litekeep` (root)"
		}
		if !strings.Contains(string(text), "`"+name) && !strings.HasPrefix(folder, "internal/store/") {
			t.Errorf("ARCHITECTURE.md does not name %s", folder)
		}
	}
}

// TestViolations checks that the rules find what they are for.
func TestViolations(t *testing.T) {
	for _, c := range []struct {
		folder, imports string
		test, ok        bool
	}{
		{"internal/frame", module + "/internal/sqlitefile", false, true},
		{"internal/frame", module + "/internal/document", false, false},
		{"internal/frame", module + "/internal/pipeline", false, false}, // side by side
		{"internal/frame", module + "/internal/manifest", true, true},
		{"internal/value", module, false, false},
		{"internal/keys", module + "/internal/seal", false, false},
		{"internal/keys", "gocloud.dev/secrets/awskms", false, false},
		{"internal/archive", "github.com/tink-crypto/tink-go/v2/aead/subtle", false, false},
		{"internal/export", module + "/internal/testdb", false, false},
		{"internal/export", module + "/internal/testdb", true, true},
		{"internal/export", module + "/internal/nowhere", false, false},
		{"internal/testdb", module + "/internal/export", false, true},
		{"internal/testdb", module, false, false},
		{"internal/store/realtest", module + "/internal/testserver", false, true},
		{"internal/testdb", "pgregory.net/rapid", false, true},
		{"internal/export", "pgregory.net/rapid", false, false},
		{"internal/export", "modernc.org/sqlite/lib", false, false},
		{"internal/export", "modernc.org/sqlite", true, false},
		{"internal/engine", "modernc.org/libc", false, true},
		{"internal/testdb", "modernc.org/sqlite", false, false},
		{".", "github.com/spf13/cobra", false, false},
		{"internal/retention", "os/exec", false, false},
		{"internal/retention", "os", true, true},
		{"internal/retention", "strings", false, true},
		{"internal/retention", "golang.org/x/sys/unix", false, false},
		{"internal/document", "io/fs", false, false},
		{"internal/document", "net/http", false, false},
		{"internal/document", "io", false, true},
		{"cmd/litekeep", module, false, true},
		{"bench", module + "/cmd/litekeep", false, false},
		{".", module + "/internal/export", false, true},
		{"internal/export", "testing", false, false},
	} {
		f := file{folder: c.folder, name: c.folder, test: c.test, imports: []string{c.imports}}
		if got := violations(f); (len(got) == 0) != c.ok {
			t.Errorf("%s (test %v) imports %s: %v", c.folder, c.test, c.imports, got)
		}
	}
}
