package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIndexText(t *testing.T) {
	for sql, want := range map[string]*indexText{
		"CREATE INDEX i ON t(a)":                                   {terms: []string{"a"}},
		"CREATE UNIQUE INDEX IF NOT EXISTS [a(b] ON \"t(\" (x, y)": {terms: []string{"x", " y"}},
		"create index i on t(lower(a) desc, b||',' ASC)":           {terms: []string{"lower(a) ", " b||',' "}},
		"CREATE INDEX i ON t(a COLLATE NOCASE DESC) WHERE b>'it''s ('": {
			terms: []string{"a COLLATE NOCASE "}, where: " b>'it''s ('",
		},
		"CREATE INDEX i/*(*/ON t(a--),\n, f(b,(c)))where\n`d)`": {terms: []string{"a", " f(b,(c))"}, where: "\n`d)`"},
		"CREATE INDEX i ON t(\"desc\" DESC)":                    {terms: []string{"\"desc\" "}},
		"CREATE INDEX i ON t(a) -- the end":                     {terms: []string{"a"}},
		"CREATE INDEX i ON t(a) /* the end":                     {terms: []string{"a"}},
		"CREATE INDEX i ON t(a":                                 nil,
		"CREATE INDEX i ON t('a":                                nil,
		"CREATE INDEX i ON t(a) USING btree":                    nil,
		"":                                                      nil,
	} {
		got, ok := parseIndexText(sql)
		if ok != (want != nil) {
			t.Errorf("%s: %v", sql, ok)
		} else if ok {
			if d := cmp.Diff(*want, got, cmp.AllowUnexported(indexText{})); d != "" {
				t.Errorf("%s: (-want +got)\n%s", sql, d)
			}
		}
	}
}

// FuzzIndexText finds that what was taken apart stands in the text in that order.
func FuzzIndexText(f *testing.F) {
	for _, seed := range []string{"CREATE INDEX i ON t(a, lower(b) DESC) WHERE c>'x'", "x(`a``", "((,)[", "/*--'(\n*/(a--\n,b)where "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		x, ok := parseIndexText(sql)
		if !ok {
			return
		}
		rest := sql
		for _, part := range append(x.terms, x.where) {
			i := strings.Index(rest, part)
			if i < 0 {
				t.Fatalf("%q of %q is not in %q", part, sql, rest)
			}
			rest = rest[i+len(part):]
		}
		if len(x.terms) == 0 {
			t.Fatalf("%q has no terms", sql)
		}
	})
}
