package frame_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/litekeep/litekeep/internal/frame"
)

// TestMain makes rapid try less often than it would by itself: the documents
// have megabytes.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// compressions are all codecs, with levels of every kind.
func compressions() (list []frame.Compression) {
	list = append(list, frame.Compression{Codec: "none"})
	for _, level := range []int{1, 6, 9} {
		list = append(list, frame.Compression{Codec: "gzip", Level: level})
	}
	for _, level := range []int{1, 3, 8, 22} {
		list = append(list, frame.Compression{Codec: "zstd", Level: level})
	}
	return list
}

// rows is text like that of a document.
func rows(n int) []byte {
	rng := rand.New(rand.NewPCG(7, 7))
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "[%d,\"row %x\",null,%v],\n", len(b), rng.Uint32(), rng.Float64())
	}
	return b[:n]
}

// parts cuts text into n parts.
func parts(text []byte, n int) *frame.Frame {
	f := &frame.Frame{}
	for i := range n {
		f.Parts = append(f.Parts, text[i*len(text)/n:(i+1)*len(text)/n])
	}
	return f
}

func TestCodecRoundTrip(t *testing.T) {
	for _, c := range compressions() {
		t.Run(fmt.Sprintf("%s-%d", c.Codec, c.Level), func(t *testing.T) {
			codec := frame.NewCodec(c)
			defer codec.Close()
			var buf, dst []byte
			texts := [][]byte{[]byte("\n"), rows(100), rows(70_000), make([]byte, 300_000)}
			if c.Level <= 1 { // the others are slow
				texts = append(texts, rows(1<<20))
			}
			for _, text := range texts {
				for _, n := range []int{1, 2, 7} {
					stored, err := codec.Compress(buf, parts(text, n))
					if err != nil {
						t.Fatal(err)
					}
					object := bytes.Join(stored, nil)
					if c.Codec != "none" && len(stored) == 1 {
						buf = stored[0]
					}
					dst, err = codec.Expand(dst, object, int64(len(text)))
					if err != nil || !bytes.Equal(dst, text) {
						t.Fatalf("%d bytes in %d parts: %d come back, %v", len(text), n, len(dst), err)
					}
					if len(text) > 50_000 && c.Codec != "none" && len(object) > len(text)*2/3 {
						t.Errorf("%d bytes in %d parts are compressed to %d", len(text), n, len(object))
					}
				}
			}
		})
	}
}

// TestOthersCanExpand checks that frames, one after another, are what zcat and
// zstd -dc expect, by readers of streams.
func TestOthersCanExpand(t *testing.T) {
	for _, c := range compressions() {
		if c.Level > 3 {
			continue // slow, and no other format
		}
		codec := frame.NewCodec(c)
		defer codec.Close()
		var object, want []byte
		for i, n := range []int{10, 400_000, 1, 2 << 20} {
			text := rows(n)
			stored, err := codec.Compress(nil, parts(text, 1+i%3))
			if err != nil {
				t.Fatal(err)
			}
			object = append(object, bytes.Join(stored, nil)...)
			want = append(want, text...)
		}
		var r io.Reader = bytes.NewReader(object)
		var err error
		switch c.Codec {
		case "gzip":
			r, err = gzip.NewReader(r)
		case "zstd":
			var d *zstd.Decoder
			// The window that the zstd command allows without being told.
			d, err = zstd.NewReader(r, zstd.WithDecoderMaxWindow(8<<20))
			if err == nil {
				defer d.Close()
				r = d
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes come back of %d, %v", c, len(got), len(want), err)
		}
	}
}

// TestCompressIsDeterministic checks that what a codec did before leaves no
// trace, so that equal frames are stored as equal bytes.
func TestCompressIsDeterministic(t *testing.T) {
	for _, c := range compressions() {
		used, fresh := frame.NewCodec(c), frame.NewCodec(c)
		for _, n := range []int{1, 3} {
			if _, err := used.Compress(nil, parts(rows(200_000), 4-n)); err != nil {
				t.Fatal(err)
			}
			a, errA := used.Compress(nil, parts(rows(150_000), n))
			b, errB := fresh.Compress(nil, parts(rows(150_000), n))
			if errA != nil || errB != nil || !bytes.Equal(bytes.Join(a, nil), bytes.Join(b, nil)) {
				t.Errorf("%v, %d parts: two codecs differ, %v, %v", c, n, errA, errB)
			}
		}
		used.Close()
		fresh.Close()
	}
}

func TestExpandRefusesWrongSize(t *testing.T) {
	text := rows(100_000)
	for _, c := range compressions() {
		codec := frame.NewCodec(c)
		defer codec.Close()
		stored, err := codec.Compress(nil, parts(text, 2))
		if err != nil {
			t.Fatal(err)
		}
		object := bytes.Join(stored, nil)
		for _, size := range []int64{0, 1, 99_999, 100_001, 1 << 20, 1 << 40, math.MaxInt64, -1, math.MinInt64} {
			if got, err := codec.Expand(nil, object, size); err == nil {
				t.Errorf("%v: 100000 bytes expand to %d of %d", c, len(got), size)
			}
		}
		if _, err := codec.Expand(nil, object, 100_000); err != nil {
			t.Errorf("%v: after the refusals: %v", c, err)
		}
	}
}

// TestExpandRefusesDamage checks that a frame that was cut off, lengthened or
// mixed up is refused, and that the codec works after that.
func TestExpandRefusesDamage(t *testing.T) {
	text := rows(5000)
	for _, c := range compressions()[1:] {
		codec := frame.NewCodec(c)
		defer codec.Close()
		stored, err := codec.Compress(nil, parts(text, 1))
		if err != nil {
			t.Fatal(err)
		}
		object := bytes.Clone(bytes.Join(stored, nil))
		refused := func(name string, b []byte) {
			t.Helper()
			if got, err := codec.Expand(nil, b, int64(len(text))); err == nil {
				t.Errorf("%v, %s: expands to %d bytes", c, name, len(got))
			}
		}
		for n := range len(object) {
			refused(fmt.Sprintf("%d bytes of it", n), object[:n])
		}
		refused("a byte more", append(bytes.Clone(object), 0))
		refused("twice", append(bytes.Clone(object), object...))
		refused("text", text)
		refused("zeros", make([]byte, 1000))
		if got, err := codec.Expand(nil, object, int64(len(text))); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%v: after the refusals: %v", c, err)
		}
	}
}

// allocated returns how many bytes do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestExpandMemory checks that bombs take no more memory than the size that was
// announced for them, and honest frames too.
func TestExpandMemory(t *testing.T) {
	const announced = 1 << 20
	const overhead = 4 << 20 // tables of the decoders
	bomb := make([]byte, 24<<20)
	for _, c := range []frame.Compression{{Codec: "gzip", Level: 1}, {Codec: "zstd", Level: 1}} {
		compress := func(f *frame.Frame) []byte {
			codec := frame.NewCodec(c)
			defer codec.Close()
			stored, err := codec.Compress(nil, f)
			if err != nil {
				t.Fatal(err)
			}
			return bytes.Join(stored, nil)
		}
		large := compress(parts(bomb, 1))
		unsized := large // does not say its size
		if c.Codec == "zstd" {
			var b bytes.Buffer
			w, err := zstd.NewWriter(&b, zstd.WithWindowSize(zstd.MaxWindowSize))
			if err != nil {
				t.Fatal(err)
			}
			for piece := range slices.Chunk(bomb, 1<<20) {
				if _, err := w.Write(piece); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			unsized = b.Bytes()
		}
		for name, stored := range map[string][]byte{
			"a bomb": large, "a bomb that does not say its size": unsized, "an honest frame": compress(parts(rows(announced), 1)),
		} {
			codec := frame.NewCodec(c)
			var err error
			n := allocated(func() { _, err = codec.Expand(nil, stored, announced) })
			codec.Close()
			if (err == nil) != (name == "an honest frame") {
				t.Errorf("%s, %s: %v", c.Codec, name, err)
			}
			if n > announced+overhead {
				t.Errorf("%s, %s of %d bytes stored: %d bytes of memory", c.Codec, name, len(stored), n)
			}
			t.Logf("%s, %s: %d KiB", c.Codec, name, n>>10)
		}
		n := allocated(func() {
			if _, err := frame.NewCodec(c).Expand(nil, []byte("short"), 1<<40); err == nil {
				t.Error("5 bytes expand to 1 TiB")
			}
		})
		if n > overhead {
			t.Errorf("%s: 5 bytes that claim 1 TiB: %d bytes of memory", c.Codec, n)
		}
	}
}

// TestExpandReusesMemory checks that a second frame needs no more memory.
func TestExpandReusesMemory(t *testing.T) {
	text := rows(1 << 20)
	for _, c := range compressions() {
		codec := frame.NewCodec(c)
		defer codec.Close()
		stored, err := codec.Compress(nil, parts(text, 1))
		if err != nil {
			t.Fatal(err)
		}
		object := bytes.Clone(bytes.Join(stored, nil))
		var dst []byte
		for range 2 {
			if dst, err = codec.Expand(dst, object, 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		if n := allocated(func() { dst, err = codec.Expand(dst, object, 1<<20) }); err != nil || n > 256<<10 {
			t.Errorf("%v: the third time takes %d bytes of memory, %v", c, n, err)
		}
	}
}

func TestCompressionCheck(t *testing.T) {
	for _, c := range compressions() {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range frame.Codecs() {
		if err := (frame.Compression{Codec: name, Level: frame.DefaultLevel(name)}).Check(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []frame.Compression{
		{},
		{Codec: "zst", Level: 1},
		{Codec: "ZSTD", Level: 1},
		{Codec: "none", Level: 1},
		{Codec: "gzip"},
		{Codec: "gzip", Level: 10},
		{Codec: "gzip", Level: -1},
		{Codec: "zstd"},
		{Codec: "zstd", Level: 23},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), c.Codec) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for codec, want := range map[string]string{"none": "", "gzip": ".gz", "zstd": ".zst"} {
		if got := (frame.Compression{Codec: codec}).Suffix(); got != want {
			t.Errorf("suffix of %s is %q", codec, got)
		}
	}
}

// FuzzExpand checks that no stored bytes make Expand panic, give another size
// than announced, or take much more memory than that.
func FuzzExpand(f *testing.F) {
	for _, c := range compressions() {
		codec := frame.NewCodec(c)
		stored, err := codec.Compress(nil, parts(rows(300), 2))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(slices.Index(frame.Codecs(), c.Codec), bytes.Join(stored, nil), int64(300))
		codec.Close()
	}
	f.Add(0, []byte("\x28\xb5\x2f\xfd\x00\xff"), int64(10))
	f.Add(1, []byte("\x1f\x8b\x08\x1c\x00\x00\x00\x00\x00\x00\xff\xff"), int64(10))
	f.Fuzz(func(t *testing.T, which int, stored []byte, size int64) {
		if which < 0 || which > 2 || size > 1<<20 {
			return
		}
		codec := frame.NewCodec(frame.Compression{Codec: frame.Codecs()[which], Level: 1})
		defer codec.Close()
		var got []byte
		var err error
		n := allocated(func() { got, err = codec.Expand(nil, stored, size) })
		if err == nil && int64(len(got)) != size {
			t.Fatalf("%d bytes, not %d", len(got), size)
		}
		if n > uint64(max(size, 0))+4<<20 {
			t.Fatalf("%d bytes of memory for a frame of %d", n, size)
		}
	})
}
