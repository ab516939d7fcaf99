package testdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

// one is a row of one value.
func one(v value.Value) []value.Value { return []value.Value{v} }

func valueCases() []Case {
	return []Case{
		{Name: "integers", Build: making(integers)},
		{Name: "reals", Build: making(reals)},
		{Name: "reals-that-are-integers", Build: making(integralReals)},
		{Name: "nan-on-disk", Build: making(nanOnDisk)},
		{Name: "text-of-every-kind", Build: making(func(m *maker) { m.run("CREATE TABLE t(x)"); anyText(m) })},
		{Name: "text-not-utf8", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(x)")
			m.texts("t", notUTF8()...)
		})},
		{Name: "empty-values", Build: script(
			"CREATE TABLE t(a TEXT, b BLOB, c, d INTEGER)",
			"INSERT INTO t VALUES ('', x'', '', ''), (x'', '', x'', x''), (NULL, NULL, NULL, NULL), (zeroblob(0), CAST(x'' AS TEXT), 0, '0')",
			"CREATE INDEX i ON t(a, c)")},
		{Name: "numbers-as-text", Build: making(numbersAsText)},
		{Name: "values-against-affinity", Build: making(againstAffinity)},
		{Name: "odd-serial-types", Build: making(oddSerials)},
		{Name: "json-look-alikes", Build: script(
			"CREATE TABLE t(x)",
			`INSERT INTO t VALUES ('null'), ('{"blob":"AAAA"}'), ('{"text":"AAAA"}'), ('{"real":"+Inf"}'), ('"'), ('\'), ('\u0000'), (']},'), ('</script>'), (char(0x2028,0x2029)), ('[1,2],'||char(10)||'[3]')`)},
		{Name: "lines-in-values", Build: script(
			"CREATE TABLE t(x TEXT)",
			"INSERT INTO t VALUES (char(10)), (char(13,10)), (char(10)||'],'||char(10)), ('a'||char(10)||'[1]'||char(10)), (char(11,12,133,8232,8233))")},
	}
}

func integers(m *maker) {
	m.run("CREATE TABLE bare(x)", "CREATE TABLE typed(x INTEGER)", "CREATE TABLE key(x INTEGER PRIMARY KEY)", "CREATE TABLE num(x NUMERIC)")
	var rows [][]value.Value
	seen := map[int64]bool{}
	add := func(n int64) {
		if !seen[n] {
			seen[n] = true
			rows = append(rows, one(value.OfInt(n)))
		}
	}
	for _, bits := range []uint{0, 1, 7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 53, 62, 63} { // around every width of a stored integer
		for d := int64(-2); d <= 2; d++ {
			add(int64(uint64(1)<<bits) + d)
			add(-int64(uint64(1)<<bits) + d)
		}
	}
	for _, t := range []string{"bare", "typed", "key", "num"} {
		m.insert(t, rows...)
	}
}

// realValues are floating-point numbers that a decimal form or a comparison
// may lose.
func realValues() []float64 {
	f := []float64{
		math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, -1, 0.1, 1.0 / 3, math.Pi, 12.34,
		math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 2.2250738585072014e-308, 2.2250738585072009e-308, 4.4501477170144023e-308,
		math.MaxFloat64, -math.MaxFloat64, 1e-5, 9.999999999999999e-6, 1e21, 999999999999999900000, 1e15, 1e16, 1e17, 1e22, 1e23,
		9007199254740991, 9007199254740992, 9007199254740994, 9223372036854775807, -9223372036854775808, 18446744073709551616,
		140737488355327, 140737488355328, -140737488355328, -140737488355329, 5e-324, 1.7976931348623157e308, 123456789012345678,
		5.0e-1, 100, 1e100, -1e-100, math.Nextafter(1, 2), math.Nextafter(1, 0), 4.35, 0.000001, 0.3, 2.5, 1.7e-309,
	}
	for bits := uint64(1); bits != 0; bits <<= 3 {
		f = append(f, math.Float64frombits(bits))
	}
	return f
}

func reals(m *maker) {
	m.run("CREATE TABLE bare(x)", "CREATE TABLE typed(x REAL)", "CREATE TABLE num(x NUMERIC)", "CREATE TABLE strict(x REAL) STRICT")
	for _, t := range []string{"bare", "typed", "num", "strict"} {
		var rows [][]value.Value
		for _, f := range realValues() {
			if v := value.OfFloat(f); v.Kind == value.Real {
				rows = append(rows, one(v))
			}
		}
		m.insert(t, rows...)
	}
	m.run("CREATE INDEX i ON bare(x)", "CREATE INDEX j ON typed(x DESC)", "CREATE INDEX k ON typed(x+0)")
}

// integralReals stores integers in REAL columns: the file has an integer, SQL
// shows a real. The last table was declared INTEGER when it got its values.
func integralReals(m *maker) {
	m.run("CREATE TABLE t(a REAL, b DOUBLE PRECISION, c FLOAT, d 'floating point')",
		"INSERT INTO t VALUES (1,1,1,1), (1.0,2.0,3.0,4.0), (-1,0,'7','8.0'), (9007199254740993,9007199254740992,140737488355328,140737488355327), (9223372036854775807,-9223372036854775808,0,0), ('x',x'01',NULL,'')",
		"CREATE INDEX i ON t(a)", "CREATE UNIQUE INDEX j ON t(b, a)", "CREATE INDEX k ON t(c DESC, d)",
		"CREATE TABLE u(a INTEGER, b INT)",
		"INSERT INTO u VALUES (9007199254740993, 1), (9223372036854775807, -9007199254740993), (-9223372036854775808, 0), (1.5, '2.5')",
		"CREATE TABLE w(k REAL PRIMARY KEY, v REAL) WITHOUT ROWID",
		"INSERT INTO w VALUES (1, 2), (3.5, 4), (9007199254740992, 5), (-7, 6)")
	m.swap("u", "INTEGER", "REAL")
	m.swap("u", "b INT", "b DOUBLE")
}

// nanOnDisk has NaNs in the file, which SQLite reads as NULL.
func nanOnDisk(m *maker) {
	m.run("CREATE TABLE t(x, y REAL)", "INSERT INTO t VALUES (1.25e77, 1.5e77), (2.5, 3.5)")
	quiet, signalling := bits64(0x7ff8000000000001), bits64(0xfff0000000000001)
	m.replace(bits64(math.Float64bits(1.25e77)), quiet)
	m.replace(bits64(math.Float64bits(1.5e77)), signalling)
}

func bits64(u uint64) []byte { return binary.BigEndian.AppendUint64(nil, u) }

// anyText fills the table t(x) of a database in any encoding.
func anyText(m *maker) {
	rows := [][]value.Value{}
	for _, s := range []string{
		"", "a", "\x00", "a\x00b", "\x00\x00", "end\x00", "\ufeff", "\ufefftext", "text\ufeff", "\uffff", "\ufffe", "\ufffd", "\U0010ffff", "\U00010000",
		"\u0001\u0002\u001f\u007f\u0080\u009f", "\b\t\n\f\r\v", "\"", "\\", "\\\"", "/", "\\u0041", "\u2028\u2029", "\ud7ff\ue000", "\ufdd0", "\U0001f469\u200d\U0001f4bb",
		"e\u0301 \u00e9", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u202eabc\u202c", "日本語", "Ünïcödé", "<a href='x'>&amp;</a>", "'", "''", "--", ";", strings.Repeat("ab\u00e9", 2000), strings.Repeat("\x00", 700),
	} {
		rows = append(rows, one(value.OfText(s)))
	}
	m.insert("t", rows...)
	for r := rune(0); r < 0x180; r += 16 {
		var b strings.Builder
		for i := range rune(16) {
			b.WriteRune(r + i)
		}
		m.insert("t", one(value.OfText(b.String())))
	}
}

// notUTF8 are byte strings that RFC 3629 does not allow, and some that stand
// just inside it.
func notUTF8() [][]byte {
	var list [][]byte
	for _, s := range []string{
		"\x80", "\xbf", "\xff", "\xfe\xff", "a\xffb", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\xbd\xed\xb8\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80",
		"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "ok\xe2\x28\xa1", "\x00\xff", "\xff\x00", "caf\xe9", "\xef\xbb\xbfbom", "\xef\xbb", strings.Repeat("\xff", 3000), strings.Repeat("x", 5000) + "\xc3",
	} {
		list = append(list, []byte(s))
	}
	for b := 0x80; b < 0x100; b += 8 {
		list = append(list, []byte{'<', byte(b), '>'}, []byte{byte(b), 0x80}, []byte{byte(b), 0x80, 0x80, 0x80})
	}
	return list
}

func numbersAsText(m *maker) {
	m.run("CREATE TABLE t(a TEXT, b INTEGER, c NUMERIC, d BLOB)")
	for _, s := range []string{"1", "1.0", "01", "+1", "1e3", " 1", "1 ", "0x10", "9223372036854775808", "1e400", "-0", ".5", "5.", "1_000", "Infinity", "NaN", "inf"} {
		v := value.OfText(s)
		m.exec("INSERT INTO t VALUES (?,?,?,?)", v, v, v, v)
	}
}

// againstAffinity has every storage class under every kind of declaration,
// strict ones too: the rows were there before the declaration.
func againstAffinity(m *maker) {
	kinds := []string{"INTEGER", "REAL", "TEXT", "NUMERIC", "BLOB", "ANY", "BOOLEAN", "DATETIME", "INT", "VARCHAR(3)", "DECIMAL(10,5)", "STRING", "FLOATING POINT"}
	for i, k := range kinds {
		t := fmt.Sprintf("t%d", i)
		m.run("CREATE TABLE " + t + "(x, y)")
		m.run("INSERT INTO " + t + " VALUES (1,'1'), (1.0,'1.0'), ('1',1), ('1.5',1.5), ('abc',x'00'), (x'31','x'), (NULL,''), (9007199254740993,'9007199254740993'), (-0.0,1e300), ('0x1F',2.0)")
		m.run("CREATE INDEX i" + t + " ON " + t + "(y)")
		m.swap(t, "x, y", "x "+k+", y "+kinds[(i+1)%len(kinds)])
	}
	for i, k := range []string{"INTEGER", "INT", "REAL", "TEXT", "BLOB", "ANY"} {
		t := fmt.Sprintf("s%d", i)
		m.run("CREATE TABLE "+t+"(x ANY) STRICT",
			"INSERT INTO "+t+" VALUES (1), (1.5), ('1'), ('abc'), (x'31'), (NULL), (2.0)")
		m.swap(t, "ANY", k)
	}
}

// oddSerials has records that SQLite would have written shorter: an integer
// in eight bytes, 0 and 1 in one byte, a header with a padded length.
func oddSerials(m *maker) {
	m.run("CREATE TABLE t(a, b, c)",
		"INSERT INTO t VALUES (81985529216486895, 'wide integer', 1), (7777.25, 'header', 2)")
	// Eight bytes that now hold the number 5.
	m.replace(bits64(81985529216486895), bits64(5))
	// The text "header" becomes five letters and makes room for a length of
	// two bytes: 04 07 19 01 → 80 05 07 17 01.
	from := join([]byte{0x04, 0x07, 0x19, 0x01}, bits64(math.Float64bits(7777.25)), []byte("header"))
	to := join([]byte{0x80, 0x05, 0x07, 0x17, 0x01}, bits64(math.Float64bits(7777.25)), []byte("heade"))
	m.replace(from, to)
	m.run("CREATE TABLE u(a, b)", "INSERT INTO u VALUES (100, 'one byte zero')")
	m.replace(join([]byte{100}, []byte("one byte zero")), join([]byte{0}, []byte("one byte zero")))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func encodingCases() []Case {
	var list []Case
	for _, enc := range []string{"UTF-8", "UTF-16le", "UTF-16be"} {
		name := strings.ToLower(strings.ReplaceAll(enc, "-", ""))
		list = append(list,
			Case{Name: name + "-text", Build: making(func(m *maker) {
				m.run("PRAGMA encoding='"+enc+"'", "CREATE TABLE t(x)")
				anyText(m)
				m.run("CREATE INDEX i ON t(x)", "CREATE INDEX j ON t(x COLLATE NOCASE)", "CREATE INDEX k ON t(x COLLATE RTRIM DESC)")
			})},
			Case{Name: name + "-schema", Build: encodedSchema(enc)})
	}
	for _, le := range []bool{true, false} {
		enc, name := "UTF-16be", "utf16be"
		if le {
			enc, name = "UTF-16le", "utf16le"
		}
		list = append(list,
			Case{Name: name + "-not-well-formed", Build: making(func(m *maker) {
				m.run("PRAGMA encoding='"+enc+"'", "CREATE TABLE t(x)")
				m.texts("t", notUTF16(le)...)
			})},
			Case{Name: name + "-odd-length", Build: making(func(m *maker) {
				m.run("PRAGMA encoding='"+enc+"'", "CREATE TABLE t(x)",
					"INSERT INTO t VALUES (x'41424344454647'), (x'48'), ('plain')")
				// A blob of seven bytes (serial type 26) becomes text of seven (27).
				m.replace([]byte("\x02\x1aABCDEFG"), []byte("\x02\x1bABCDEFG"))
				m.replace([]byte("\x02\x0eH"), []byte("\x02\x0fH"))
			})})
	}
	return list
}

// encodedSchema has names and declarations outside ASCII in each encoding.
func encodedSchema(enc string) func(context.Context, string) error {
	return script("PRAGMA encoding='"+enc+"'",
		`CREATE TABLE "Täble 表 😀"("cölumn 列" TEXT DEFAULT 'défaut 😀', b /* Kommentar – ü */)`,
		`INSERT INTO "Täble 表 😀"(b) VALUES (1), ('zwei')`,
		`CREATE INDEX "Índex ☃" ON "Täble 表 😀"("cölumn 列", b)`,
		`CREATE VIEW "Sicht ß" AS SELECT 'ü' AS "Ö" FROM "Täble 表 😀"`,
		`ALTER TABLE "Täble 表 😀" ADD COLUMN "späť" TEXT DEFAULT 'žluťoučký'`,
		`INSERT INTO "Täble 表 😀" VALUES ('x','y','z')`)
}

// notUTF16 are byte strings of even length in which surrogates stand alone.
func notUTF16(le bool) [][]byte {
	var list [][]byte
	for _, units := range [][]uint16{
		{0xd800},
		{0xdc00},
		{0xdfff},
		{0xdbff},
		{'a', 0xd800},
		{0xd800, 'a'},
		{0xdc00, 0xd800},
		{0xd83d, 0xd83d, 0xde00},
		{0xd83d, 0xde00},
		{'a', 0xdc00, 'b'},
		{0xfeff},
		{0xfffe},
		{0xfeff, 'a'},
		{0xfffe, 'a'},
		{'a', 0xfeff},
		{0},
		{0, 0xd800},
		{'a', 0, 'b'},
		{0xffff},
		{0xdbff, 0xdfff},
		{'e', 'n', 'd', 0xd800},
	} {
		b := []byte{}
		for _, u := range units {
			if le {
				b = binary.LittleEndian.AppendUint16(b, u)
			} else {
				b = binary.BigEndian.AppendUint16(b, u)
			}
		}
		list = append(list, b, bytes.Repeat(b, 400))
	}
	return list
}

func largeCases(o Options) []Case {
	return []Case{
		{Name: "large-value", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(id INTEGER PRIMARY KEY, x)")
			n := value.OfInt(int64(o.LargeValue))
			m.exec("INSERT INTO t VALUES (1, zeroblob(?))", n)
			m.exec("INSERT INTO t VALUES (2, CAST(? AS TEXT))", value.OfBlob(bytes.Repeat([]byte("0123456789 \"\\\n\xc3\xa9"), o.LargeValue/16+1)[:o.LargeValue/16*16]))
			m.run("INSERT INTO t VALUES (3, 'after')")
		})},
		{Name: "overflow-boundaries", Build: making(func(m *maker) { overflowSizes(m, 1024) })},
		{Name: "overflow-boundaries-512", Build: making(func(m *maker) { overflowSizes(m, 512) })},
		{Name: "overflow-in-keys", Build: making(overflowKeys)},
	}
}

// overflowSizes has payloads of every length around the limits at which
// SQLite spills them.
func overflowSizes(m *maker, page int) {
	m.run(fmt.Sprintf("PRAGMA page_size=%d", page), "CREATE TABLE t(x)", "CREATE TABLE w(k PRIMARY KEY, x) WITHOUT ROWID", "CREATE INDEX i ON t(x)", "BEGIN")
	n := 0
	for _, at := range []int{(page-12)*32/255 - 23, (page-12)*64/255 - 23, page - 35, page - 4, 2*page - 39, 2 * (page - 4), 5 * page} {
		for d := -6; d <= 6; d++ {
			b := bytes.Repeat([]byte{byte('a' + n%26)}, max(at+d, 0))
			m.exec("INSERT INTO t VALUES (?)", value.OfBlob(b))
			m.exec("INSERT INTO w VALUES (?, CAST(? AS TEXT))", value.OfInt(int64(n)), value.OfBlob(b))
			n++
		}
	}
	m.run("COMMIT")
}

// overflowKeys has keys that spill, on leaves and on interior pages.
func overflowKeys(m *maker) {
	m.run("PRAGMA page_size=512", "CREATE TABLE t(a TEXT, b)", "CREATE TABLE w(k TEXT PRIMARY KEY) WITHOUT ROWID", "CREATE INDEX i ON t(a, b)", "BEGIN")
	for i := range 300 {
		s := value.OfText(fmt.Sprintf("%05d", i*7919%300) + strings.Repeat("k", 90+i*37%1500))
		m.exec("INSERT INTO t VALUES (?, ?)", s, value.OfInt(int64(i)))
		m.exec("INSERT INTO w VALUES (?)", s)
	}
	m.run("COMMIT")
}
