package frame_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
)

var update = flag.Bool("update", false, "write the test vectors anew")

// vector is one file of testdata/vectors: how to make a document, and the frames
// that it is cut into. Other implementations of the format can use it as it is.
type vector struct {
	Comment []string `json:"comment"`
	// Document is the text, in parts: Text alone stands for itself. With Rows,
	// Text is repeated for i = 1 … Rows, with {i} replaced by i in decimal and
	// {i*k} by i in decimal, k times; the copies are joined by ",\n" and ended
	// by "\n".
	Document []vectorPart  `json:"document"`
	Bytes    int           `json:"bytes"`
	Frames   []vectorFrame `json:"frames"`
	Digest   string        `json:"digest"`
}

type vectorPart struct {
	Text string `json:"text"`
	Rows int    `json:"rows,omitempty"`
}

type vectorFrame struct {
	Bytes  int64         `json:"bytes"`
	SHA256 manifest.Hash `json:"sha256"`
}

func (v *vector) text() []byte {
	var b bytes.Buffer
	for _, p := range v.Document {
		if p.Rows == 0 {
			b.WriteString(p.Text)
			continue
		}
		for i := 1; i <= p.Rows; i++ {
			n := strconv.Itoa(i)
			row := strings.ReplaceAll(p.Text, "{i}", n)
			for {
				before, rest, found := strings.Cut(row, "{i*")
				if !found {
					break
				}
				k, after, _ := strings.Cut(rest, "}")
				times, err := strconv.Atoi(k)
				if err != nil {
					panic(err) // the vector is ours
				}
				row = before + strings.Repeat(n, times) + after
			}
			if i > 1 {
				b.WriteString(",\n")
			}
			b.WriteString(row)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// vectors is what the files say, but for the outcome.
func vectors() map[string]*vector {
	comment := []string{
		"Cutting and content digest, docs/FORMAT.md sections 3.1 and 3.3.",
		"The document is its parts, one after another. A part with \"rows\" stands for that many copies of its text, for i = 1, 2, ...,",
		"with {i} replaced by i in decimal and {i*k} by k copies of that; the copies are joined by a comma and LF, and an LF ends the last.",
		"The counts and the digest in the document's last line are not those of the document: only cutting is shown here.",
	}
	head := vectorPart{Text: "{\"litekeep\":1,\n\"source\":{\"name\":\"vector\",\"path\":\"/v.db\",\"created\":\"2026-11-22T02:00:00.123Z\",\"sqlite\":\"3.54.1\",\"litekeep\":\"0.1.0\",\"schema_version\":1},\n" +
		"\"database\":{\"page_size\":4096,\"reserved\":0,\"encoding\":\"UTF-8\",\"user_version\":0,\"application_id\":0,\"auto_vacuum\":0,\"journal_mode\":\"delete\",\"schema_format\":4,\"default_cache_size\":0},\n" +
		"\"schema\":[\n"}
	schema := vectorPart{Text: `{"type":"table","name":"t{i}","tbl_name":"t{i}","sql":"CREATE TABLE t{i}(a, b)","btree":"rows"}`, Rows: 3}
	open := func(before string, name int) vectorPart {
		return vectorPart{Text: fmt.Sprintf("%s{\"name\":\"t%d\",\"columns\":[\"rowid\",\"a\",\"b\"],\"rowid\":\"implicit\",\"rows\":[\n", before, name)}
	}
	end := vectorPart{Text: "]}\n],\n\"indexes\":[\n],\n\"end\":{\"tables\":3,\"rows\":0,\"indexes\":0,\"entries\":0,\"digest\":\"sha256:" + strings.Repeat("0", 64) + "\"}}\n"}
	return map[string]*vector{
		"small": {Comment: comment, Document: []vectorPart{
			head, schema, open("],\n\"tables\":[\n", 1), {Text: `[{i},"{i*20}",null]`, Rows: 10}, open("]},\n", 2), open("]},\n", 3), end,
		}},
		// Frames that end at a mark, at the longest length, and with a table.
		"large": {Comment: comment, Document: []vectorPart{
			head, schema, open("],\n\"tables\":[\n", 1),
			{Text: `[{i},"{i*20}",{"blob":"AA=="}]`, Rows: 40000},
			open("]},\n", 2),
			{Text: `[{i},"{i*100}",0.5]`, Rows: 400},
			open("]},\n", 3),
			{Text: `[1,"{i*1500000}",-7]`, Rows: 1},
			end,
		}},
		"long items": {Comment: comment, Document: []vectorPart{
			head, schema, open("],\n\"tables\":[\n", 1), {Text: `[{i},"{i*4200000}",null]`, Rows: 3}, open("]},\n", 2), {Text: `[{i},"{i*200000}",null]`, Rows: 9}, open("]},\n", 3), end,
		}},
	}
}

// TestVectors checks the published test vectors: by the reference, by the
// Cutter's own second reading of a document, and by what the files say.
func TestVectors(t *testing.T) {
	for name, v := range vectors() {
		doc := v.text()
		frames := recut(t, doc, func() int { return 100_000 })
		same(t, name, frames, reference(doc))
		list := hashes(frames)
		v.Bytes, v.Digest = len(doc), manifest.ContentDigest(list)
		for _, f := range list {
			v.Frames = append(v.Frames, vectorFrame{f.Bytes, f.SHA256})
		}
		path := "testdata/vectors/" + strings.ReplaceAll(name, " ", "-") + ".json"
		if *update {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.SetIndent("", " ")
			if err := e.Encode(v); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := &vector{}
		if err := json.Unmarshal(b, want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, v); d != "" {
			t.Errorf("%s: %s", path, d)
		}
	}
}

// TestVectorsReachEveryRule checks that the vectors have a frame that ends for
// each of the reasons.
func TestVectorsReachEveryRule(t *testing.T) {
	var mark, longest, list bool
	for _, v := range vectors() {
		frames := reference(v.text())
		for _, f := range frames[1 : len(frames)-1] {
			switch {
			case bytes.HasPrefix(tail(f)[bytes.LastIndexByte(tail(f[:len(f)-1]), '\n')+1:], []byte("]")):
				list = true
			case len(f) >= 4<<20:
				longest = true
			default:
				mark = true
			}
		}
	}
	if !mark || !longest || !list {
		t.Errorf("ended at a mark: %v, at the longest length: %v, with a list: %v", mark, longest, list)
	}
}

// TestRecutterRefuses checks that text after the last line end is an error.
func TestRecutterRefuses(t *testing.T) {
	doc := (&script{tables: [][][]byte{{randomItem(rand.New(rand.NewPCG(8, 8)), 9)}}}).text()
	frames := recut(t, doc, func() int { return 3 })
	if len(frames) != 3 {
		t.Fatalf("%d frames", len(frames))
	}
	r := &frame.Recutter{Cutter: frame.Cutter{Emit: func(*frame.Frame) error { return nil }}}
	if err := r.Add(doc[:len(doc)-1]); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err == nil {
		t.Error("a document that does not end with a line end is taken")
	}
}
