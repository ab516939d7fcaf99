package seal_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/seal"
)

// TestReadHeader reads a header in small bites and stops at its end.
func TestReadHeader(t *testing.T) {
	h := sealer(t, fileKey(t), phrase(t, "pass")).Header()
	r := bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(append(h.Text(), "frames"...))), 32)
	got, err := seal.ReadHeader(r)
	if err != nil {
		t.Fatal(err)
	}
	if got.Backup != h.Backup || got.Codec != "zstd" || !bytes.Equal(got.Text(), h.Text()) || got.Len() != int64(len(h.Text())) {
		t.Errorf("header is %s", got.Text())
	}
	if rest, _ := r.Peek(6); string(rest) != "frames" {
		t.Errorf("what follows is %q", rest)
	}
	if n := len(got.Records()); n != 2 {
		t.Errorf("%d records", n)
	}
	if !seal.IsSealed(h.Text()[:24]) || seal.IsSealed([]byte(`{"litekeep":1,`)) {
		t.Error("IsSealed is wrong")
	}
}

// TestHeaderErrors refuses what is no header, and what nobody would write.
func TestHeaderErrors(t *testing.T) {
	text := string(sealer(t, fileKey(t), phrase(t, "pass")).Header().Text())
	swap := func(old, new string) string {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("the header has no %q:\n%s", old, text)
		}
		return strings.Replace(text, old, new, 1)
	}
	record := strings.SplitAfter(text, "\n")[6]
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":            {"", seal.ErrNotSealed},
		"a document":       {`{"litekeep":1,` + "\n", seal.ErrNotSealed},
		"a zstd object":    {"\x28\xb5\x2f\xfd" + text, seal.ErrNotSealed},
		"version 2":        {swap(`sealed":1,`, `sealed":2,`), seal.ErrVersion},
		"version 12, cut":  {`{"litekeep_sealed":12,` + "\nwhatever", seal.ErrVersion},
		"no version":       {swap(`sealed":1,`, `sealed":"1",`), seal.ErrHeader},
		"cut off":          {text[:len(text)-1], seal.ErrHeader},
		"half":             {text[:len(text)/2], seal.ErrHeader},
		"too long":         {swap("\n]}", strings.Repeat(" ", seal.MaxHeaderBytes)+"\n]}"), seal.ErrHeader},
		"another cipher":   {swap("AES-256-GCM", "AES-256-CBC"), seal.ErrHeader},
		"another codec":    {swap("zstd", "lzma"), seal.ErrHeader},
		"unknown member":   {swap(`"mac"`, `"x":1,`+"\n"+`"mac"`), seal.ErrHeader},
		"white space":      {swap(`"codec":`, `"codec": `), seal.ErrHeader},
		"upper-case id":    {swap(`"backup":"`, `"backup":"A`), seal.ErrHeader},
		"doubled record":   {swap(record, record+record), seal.ErrHeader},
		"no salt":          {swap(`"salt":"`, `"sa":"`), seal.ErrHeader},
		"a costly record":  {swap(`"memory_kib":8192`, `"memory_kib":4294967295`), seal.ErrHeader},
		"too many passes":  {swap(`"time":1`, `"time":11`), seal.ErrHeader},
		"no lanes":         {swap(`"lanes":1`, `"lanes":0`), seal.ErrHeader},
		"another KDF":      {swap(`"argon2id"`, `"scrypt"`), seal.ErrHeader},
		"another type":     {swap(`"file"`, `"fil"`), seal.ErrHeader},
		"many records":     {swap(record, strings.Repeat(record, seal.MaxRecords)), seal.ErrHeader},
		"no records":       {text[:strings.Index(text, `{"type"`)] + "]}\n", seal.ErrHeader},
		"line without end": {`{"litekeep_sealed":1` + strings.Repeat("1", 1<<20), seal.ErrHeader},
	} {
		if _, err := seal.ReadHeader(bufio.NewReader(strings.NewReader(c.text))); !errors.Is(err, c.want) {
			t.Errorf("%s: ReadHeader: %v", name, err)
		}
		if _, err := seal.ParseHeader([]byte(c.text)); !errors.Is(err, c.want) {
			t.Errorf("%s: ParseHeader: %v", name, err)
		}
	}
	if _, err := seal.ParseHeader([]byte(text + "x")); !errors.Is(err, seal.ErrHeader) {
		t.Errorf("bytes after the header: %v", err)
	}
}

// TestOpenErrors opens with no key, wrong keys, and headers that were changed.
func TestOpenErrors(t *testing.T) {
	file, pass := fileKey(t), phrase(t, "right")
	s := sealer(t, file, pass)
	other := sealer(t, file, pass)
	open := func(text string, ring ...keys.Key) error {
		t.Helper()
		h, err := seal.ParseHeader([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Open(context.Background(), ring)
		return err
	}
	text, otherText := string(s.Header().Text()), string(other.Header().Text())
	ids := func(text string) string { return strings.SplitAfter(text, "\n")[1] }
	wraps := func(text string) string { return text[strings.Index(text, `"keys"`):] }
	mac := func(text string) string { return strings.SplitAfter(text, "\n")[4] }
	for _, c := range []struct {
		name, says string
		err        error
		want       error
	}{
		{"no key", "it opens with key file " + file.(*keys.FileKey).ID() + " or a passphrase", open(text), seal.ErrNoKey},
		{"another key file", "or a passphrase", open(text, fileKey(t)), seal.ErrWrongKey},
		{"wrong passphrase", "", open(text, phrase(t, "wrong")), seal.ErrWrongKey},
		{"another codec", "", open(strings.Replace(text, "zstd", "gzip", 1), file), seal.ErrHeader},
		{"another mac", "", open(strings.Replace(text, mac(text), mac(otherText), 1), file), seal.ErrHeader},
		{"keys of another backup", "", open(strings.Replace(text, wraps(text), wraps(otherText), 1), file), seal.ErrHeader},
		{"another id", "", open(strings.Replace(text, ids(text), ids(otherText), 1), pass), seal.ErrHeader},
	} {
		if !errors.Is(c.err, c.want) || !strings.Contains(fmt.Sprint(c.err), c.says) {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	if err := open(text, fileKey(t), phrase(t, "wrong"), pass); err != nil {
		t.Errorf("the right key among wrong ones: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Header().Open(ctx, []keys.Key{phrase(t, "right")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open after the end of its context: %v", err)
	}
}

// TestNewErrors refuses to seal where a key would not open later.
func TestNewErrors(t *testing.T) {
	k := fileKey(t)
	if _, err := seal.New(t.Context(), "zstd", nil); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	if _, err := seal.New(t.Context(), "lzma", []keys.Key{k}); err == nil {
		t.Error("an unknown codec is taken")
	}
	if _, err := seal.New(t.Context(), "zstd", []keys.Key{k, k}); err == nil || !strings.Contains(err.Error(), "occurs twice") {
		t.Errorf("one key twice: %v", err)
	}
	var many []keys.Key
	for range seal.MaxRecords + 1 {
		many = append(many, fileKey(t))
	}
	if _, err := seal.New(t.Context(), "zstd", many); err == nil {
		t.Error("a header that could not be read is written")
	}
}

// TestRewrap replaces the keys of a backup, twice.
func TestRewrap(t *testing.T) {
	first, second, third := fileKey(t), phrase(t, "second"), fileKey(t)
	s := sealer(t, first)
	obj, _ := object(t, s, texts(2)...)
	h := s.Header()
	rewrap := func(old, ring []keys.Key, extra ...*seal.Rewrap) *seal.Rewrap {
		t.Helper()
		text, err := h.Rewrap(t.Context(), old, ring, extra...)
		if err != nil {
			t.Fatal(err)
		}
		r, err := seal.ParseRewrap(text)
		if err != nil {
			t.Fatal(err)
		}
		if r.Backup != h.Backup || len(r.Records()) != len(ring) || !bytes.Equal(r.Text(), text) {
			t.Errorf("rewrapped: %s", text)
		}
		return r
	}
	r2 := rewrap([]keys.Key{first}, []keys.Key{second})
	r3 := rewrap([]keys.Key{second}, []keys.Key{third}, r2)
	for name, c := range map[string]struct {
		key   keys.Key
		extra []*seal.Rewrap
		want  error
	}{
		"second without its object": {second, nil, seal.ErrWrongKey},
		"second":                    {second, []*seal.Rewrap{r2}, nil},
		"third":                     {third, []*seal.Rewrap{r2, r3}, nil},
		"third alone":               {third, []*seal.Rewrap{r3}, nil},
		"third, wrong object":       {third, []*seal.Rewrap{r2}, seal.ErrWrongKey},
		"first, as ever":            {first, []*seal.Rewrap{r2, r3}, nil},
	} {
		o, err := h.Open(t.Context(), []keys.Key{c.key}, c.extra...)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		f := o.FrameReader(bytes.NewReader(obj[h.Len():]), 0)
		if _, err := f.Read(make([]byte, 9)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := sealer(t, third).Header()
	if _, err := other.Open(t.Context(), []keys.Key{third}, r3); !errors.Is(err, seal.ErrOtherBackup) {
		t.Errorf("rewrapped keys of another backup: %v", err)
	}
	if _, err := h.Rewrap(t.Context(), []keys.Key{third}, []keys.Key{third}); !errors.Is(err, seal.ErrWrongKey) {
		t.Errorf("rewrap with the wrong key: %v", err)
	}
	if _, err := h.Rewrap(t.Context(), []keys.Key{first}, nil); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("rewrap under no key: %v", err)
	}
	for name, text := range map[string]string{
		"a header": string(h.Text()), "cut off": string(r2.Text()[:50]), "an x more": string(r2.Text()) + "x",
	} {
		if _, err := seal.ParseRewrap([]byte(text)); !errors.Is(err, seal.ErrNotSealed) && !errors.Is(err, seal.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := seal.ParseRewrap(bytes.Replace(r2.Text(), []byte(":1,"), []byte(":9,"), 1)); !errors.Is(err, seal.ErrVersion) {
		t.Errorf("version 9: %v", err)
	}
}

// TestPlanted plants, beside a good record, one that a stranger wrapped: it
// opens nothing, and hides nothing.
func TestPlanted(t *testing.T) {
	k := fileKey(t)
	h, foreign := sealer(t, k).Header(), sealer(t, k).Header()
	text := bytes.Replace(foreignRewrap(t, foreign, k), []byte(foreign.Backup), []byte(h.Backup), 1)
	mac := func(h *seal.Header) []byte { return bytes.SplitAfter(h.Text(), []byte("\n"))[4] }
	r, err := seal.ParseRewrap(bytes.Replace(text, mac(foreign), mac(h), 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(t.Context(), []keys.Key{k}, r); err != nil {
		t.Errorf("a planted record hides the good one: %v", err)
	}
	var sb strings.Builder
	sb.Write(h.Text()[:bytes.Index(h.Text(), []byte(`{"type"`))])
	sb.Write(r.Text()[bytes.Index(r.Text(), []byte(`{"type"`)):])
	only, err := seal.ParseHeader([]byte(sb.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := only.Open(t.Context(), []keys.Key{k}); !errors.Is(err, seal.ErrHeader) {
		t.Errorf("a planted record alone: %v", err)
	}
}

func foreignRewrap(t *testing.T, h *seal.Header, k keys.Key) []byte {
	t.Helper()
	text, err := h.Rewrap(t.Context(), []keys.Key{k}, []keys.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// service is a Keeper of a service that does what it is told to. It wraps
// without a cipher: nothing is secret here.
type service struct{ err error }

func (s service) Check(string) error                                { return nil }
func (s service) Open(context.Context, string) (keys.Keeper, error) { return s, nil }
func (s service) Close() error                                      { return nil }
func (s service) Encrypt(_ context.Context, b []byte) ([]byte, error) {
	return append([]byte("kms:"), b...), s.err
}

func (s service) Decrypt(_ context.Context, b []byte) ([]byte, error) {
	return bytes.TrimPrefix(b, []byte("kms:")), s.err
}

func kms(t *testing.T, err error) keys.Key {
	t.Helper()
	k, e := keys.NewKMS("awskms:///alias/x", service{err})
	if e != nil {
		t.Fatal(e)
	}
	return k
}

// TestKMS seals under a key of a service, and opens when the service is there,
// when it is not, and when it does not know the key.
func TestKMS(t *testing.T) {
	file := fileKey(t)
	h := sealer(t, kms(t, nil), file).Header()
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		ring []keys.Key
		want error
	}{
		"up":                   {[]keys.Key{kms(t, nil)}, nil},
		"down":                 {[]keys.Key{kms(t, down)}, keys.ErrUnavailable},
		"down, a file besides": {[]keys.Key{kms(t, down), file}, nil},
		"another key":          {[]keys.Key{kms(t, keys.ErrOtherKey)}, seal.ErrWrongKey},
		"down and a wrong one": {[]keys.Key{kms(t, down), fileKey(t)}, keys.ErrUnavailable},
	} {
		_, err := h.Open(t.Context(), c.ring)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "awskms:///alias/x") {
			t.Errorf("%s: the key has no name: %v", name, err)
		}
	}
	if _, err := seal.New(t.Context(), "zstd", []keys.Key{file, kms(t, down)}); !errors.Is(err, keys.ErrUnavailable) {
		t.Errorf("seal under a service that is down: %v", err)
	}
}

// endless is a header that does not end, and counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	for i := range b {
		b[i] = "\n \n"[i%3]
	}
	return len(b), nil
}

// TestEndless checks that a header without an end is not read for ever.
func TestEndless(t *testing.T) {
	var e endless
	r := bufio.NewReader(io.MultiReader(strings.NewReader(`{"litekeep_sealed":1,`+"\n"), &e))
	if _, err := seal.ReadHeader(r); !errors.Is(err, seal.ErrHeader) || e.read > 2*seal.MaxHeaderBytes {
		t.Errorf("%d bytes were read: %v", e.read, err)
	}
}

// TestHeaderReasons checks what people are told of a header.
func TestHeaderReasons(t *testing.T) {
	k := fileKey(t)
	s, err := seal.NewFixed(t.Context(), "none", []keys.Key{k}, bytes.Repeat([]byte{0xab}, 16), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for old, c := range map[string]struct{ new, says string }{
		"AES-256-GCM": {"AES-128-GCM", `cipher "AES-128-GCM" is unknown`},
		`"none"`:      {`"lzma"`, `codec "lzma" is unknown`},
		"abab":        {"ABAB", "the id of the backup is not 32 hexadecimal digits"},
	} {
		text := strings.Replace(string(s.Header().Text()), old, c.new, 1)
		if _, err := seal.ParseHeader([]byte(text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.new, err)
		}
	}
}

// spy is a key that opens nothing and notes that it was tried.
type spy struct {
	keys.Key
	kind  string
	tried *[]string
}

func (s spy) Type() string { return s.kind }
func (s spy) Unwrap(context.Context, []byte, keys.Record) ([]byte, error) {
	*s.tried = append(*s.tried, s.kind)
	return nil, keys.ErrOtherKey
}

// TestCheapFirst checks that no service is called where a file will do.
func TestCheapFirst(t *testing.T) {
	var tried []string
	k := fileKey(t)
	ring := []keys.Key{spy{k, keys.TypeKMS, &tried}, spy{k, keys.TypePassphrase, &tried}, spy{k, keys.TypeFile, &tried}}
	if _, err := sealer(t, k).Header().Open(t.Context(), ring); !errors.Is(err, seal.ErrWrongKey) {
		t.Error(err)
	}
	if got := strings.Join(tried, " "); got != "file passphrase kms" {
		t.Errorf("tried %s", got)
	}
}

// TestHostileLength checks that a length that nobody would write takes no
// memory.
func TestHostileLength(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	sealed, err := s.AppendFrame(nil, 0, true, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []uint32{0, 28, seal.PieceBytes + 29, 1<<32 - 1} {
		binary.BigEndian.PutUint32(sealed[8:], length)
		_, err := opener(t, s, k).FrameReader(bytes.NewReader(sealed), 0).Read(make([]byte, 1))
		if !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("length %d: %v", length, err)
		}
	}
}
