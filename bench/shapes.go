package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// generation is part of the names of the kept databases: raise it when a shape
// changes.
const generation = 1

// maxParameters is SQLite's limit on the parameters of a statement.
const maxParameters = 32766

// generate makes a database of about size bytes at path. The same arguments
// give the same rows.
func generate(ctx context.Context, path, shape string, size int64) error {
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("generate: %w", err)
	}
	conn, err := engine.Open(ctx, part, engine.OpenOptions{Create: true})
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	g := &filler{ctx: ctx, conn: conn, rng: rand.New(rand.NewPCG(1, uint64(len(shape))))}
	g.exec("PRAGMA page_size=4096", "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-65536", "BEGIN")
	switch shape {
	case "mixed":
		g.mixed(size)
	case "narrow":
		g.narrow(size)
	case "text":
		g.text(size)
	default:
		g.err = fmt.Errorf("there is no shape %q", shape)
	}
	g.exec("COMMIT", "PRAGMA journal_mode=DELETE")
	if err := errors.Join(g.err, conn.Close()); err != nil {
		return fmt.Errorf("generate %s: %w", shape, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	return nil
}

// filler fills a database; the first error sticks.
type filler struct {
	ctx   context.Context
	conn  *engine.Conn
	rng   *rand.Rand
	words []string
	err   error
}

func (g *filler) exec(statements ...string) {
	for _, s := range statements {
		if g.err == nil {
			g.err = g.conn.Exec(g.ctx, s)
		}
	}
}

// fill inserts n rows, many with each statement.
func (g *filler) fill(table string, columns int, n int64, row func(i int64, to []value.Value)) {
	perStatement := int64(min(maxParameters/columns, 400))
	one := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	statement := func(rows int64) string {
		return "INSERT INTO " + table + " VALUES " + strings.TrimSuffix(strings.Repeat(one+",", int(rows)), ",")
	}
	full := statement(perStatement)
	args := make([]value.Value, perStatement*int64(columns))
	for i := int64(0); i < n && g.err == nil; {
		rows := min(perStatement, n-i)
		for r := range rows {
			row(i+r, args[r*int64(columns):(r+1)*int64(columns)])
		}
		sql := full
		if rows < perStatement {
			sql = statement(rows)
		}
		g.err = g.conn.Exec(g.ctx, sql, args[:rows*int64(columns)]...)
		i += rows
	}
}

// mixed is what an application has: accounts, their orders, and a table of
// keys and values, with integers, reals, texts and blobs.
func (g *filler) mixed(size int64) {
	n := max(size/690, 1)
	g.exec("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, score REAL, created INTEGER, bio TEXT)",
		"CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id), total REAL, status TEXT, note TEXT, data BLOB)",
		"CREATE TABLE kv(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID")
	g.vocabulary(3000, "abcdefghijklmnopqrstuvwxyzéü")
	g.fill("users", 6, n, func(i int64, to []value.Value) {
		to[0], to[1], to[2] = value.OfInt(i), value.OfText(g.uniform(2)), value.OfText(fmt.Sprintf("u%d@example.com", g.rng.Uint64()>>14))
		to[3], to[4], to[5] = value.OfFloat(g.rng.Float64()*1000), value.OfInt(1_600_000_000+g.rng.Int64N(100_000_000)), value.OfText(g.uniform(20))
	})
	status := []string{"new", "paid", "sent", "done"}
	g.fill("orders", 6, 3*n, func(i int64, to []value.Value) {
		data := make([]byte, 24)
		for j := 0; j < len(data); j += 8 {
			x := g.rng.Uint64()
			for k := range 8 {
				data[j+k] = byte(x >> (8 * k))
			}
		}
		to[0], to[1], to[2] = value.OfInt(i), value.OfInt(g.rng.Int64N(n)), value.OfFloat(float64(g.rng.Int64N(1_000_000))/100)
		to[3], to[4], to[5] = value.OfText(status[g.rng.IntN(4)]), value.OfText(g.uniform(6)), value.OfBlob(data)
	})
	g.fill("kv", 2, n, func(i int64, to []value.Value) {
		to[0], to[1] = value.OfText(fmt.Sprintf("key%09d", i)), value.OfText(g.uniform(4))
	})
	g.exec("CREATE INDEX o_user ON orders(user_id)", "CREATE INDEX o_status ON orders(status, total)", "CREATE INDEX u_created ON users(created)")
}

// narrow is a table of measurements: three integers a row.
func (g *filler) narrow(size int64) {
	n := max(size*10/274, 1)
	g.exec("CREATE TABLE samples(id INTEGER PRIMARY KEY, sensor INTEGER, reading INTEGER)")
	g.fill("samples", 3, n, func(i int64, to []value.Value) {
		to[0], to[1], to[2] = value.OfInt(i), value.OfInt(g.rng.Int64N(100_000)), value.OfInt(g.rng.Int64N(2_000_000)-1_000_000)
	})
	g.exec("CREATE INDEX samples_sensor ON samples(sensor)")
}

// text is a table of documents: few rows of long text in several scripts, with
// words as frequent as in natural language.
func (g *filler) text(size int64) {
	g.exec("CREATE TABLE documents(id INTEGER PRIMARY KEY, title TEXT, language TEXT, body TEXT)")
	languages := []string{"en", "de", "ru", "ja"}
	alphabets := []string{"etaoinshrdlucmfwypvbgkjqxz", "enisratdhulcgmobwfkzvüpäßjöyqx", "оеаинтсрвлкмдпуяыьгзбчйхжш", "のにはをたがでてとしれさあいうえおかきくけこ日本語大人年一国会中"}
	vocabularies := make([][]string, len(alphabets))
	for i, a := range alphabets {
		g.vocabulary(8000, a)
		vocabularies[i] = g.words
	}
	n := max(size/7100, 1)
	g.fill("documents", 4, n, func(i int64, to []value.Value) {
		l := [8]int{0, 0, 0, 0, 1, 1, 2, 3}[g.rng.IntN(8)]
		g.words = vocabularies[l]
		to[0], to[1], to[2] = value.OfInt(i), value.OfText(g.sentence(6)), value.OfText(languages[l])
		to[3] = value.OfText(g.body(200 + g.rng.IntN(12_000)))
	})
}

// vocabulary draws words of two to nine letters.
func (g *filler) vocabulary(n int, alphabet string) {
	letters := []rune(alphabet)
	g.words = make([]string, n)
	for i := range g.words {
		w := make([]rune, 2+g.rng.IntN(8))
		for j := range w {
			w[j] = letters[g.rng.IntN(len(letters))]
		}
		g.words[i] = string(w)
	}
}

// uniform is n words, all as likely as the others.
func (g *filler) uniform(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(g.words[g.rng.IntN(len(g.words))])
	}
	return b.String()
}

// sentence is about n words with a stop, the first words of the vocabulary
// being the most frequent.
func (g *filler) sentence(n int) string {
	var b strings.Builder
	for i := range 1 + g.rng.IntN(2*n) {
		if i > 0 {
			b.WriteByte(' ')
		}
		f := g.rng.Float64()
		b.WriteString(g.words[int(f*f*f*float64(len(g.words)))])
	}
	b.WriteString(". ")
	return b.String()
}

// body is at least size bytes of sentences in paragraphs.
func (g *filler) body(size int) string {
	var b strings.Builder
	for b.Len() < size {
		if b.WriteString(g.sentence(9)); g.rng.IntN(6) == 0 {
			b.WriteString("\n\n\"")
		}
		if g.rng.IntN(40) == 0 {
			b.WriteRune([]rune("😀…€“§")[g.rng.IntN(5)])
		}
	}
	s := b.String()
	if !utf8.ValidString(s) {
		g.err = errors.New("the text is not valid UTF-8")
	}
	return s
}
