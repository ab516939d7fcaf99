package seal_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/seal"
)

// cheap is the least that a passphrase may cost.
var cheap = keys.Cost{Time: 1, MemoryKiB: 8 << 10, Lanes: 1}

func fileKey(t testing.TB) keys.Key {
	t.Helper()
	k, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func phrase(t testing.TB, text string) keys.Key {
	t.Helper()
	k, err := keys.NewPassphrase([]byte(text), cheap)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealer(t testing.TB, ring ...keys.Key) *seal.Sealer {
	t.Helper()
	s, err := seal.New(context.Background(), "zstd", ring)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func opener(t testing.TB, s *seal.Sealer, ring ...keys.Key) *seal.Opener {
	t.Helper()
	o, err := s.Header().Open(context.Background(), ring)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// object seals frames to a whole object, and returns where each frame begins.
func object(t testing.TB, s *seal.Sealer, frames ...[]byte) (obj []byte, at []int) {
	t.Helper()
	obj = s.Header().Text()
	for i, f := range frames {
		at = append(at, len(obj))
		var err error
		if obj, err = s.AppendFrame(obj, i, i == len(frames)-1, f); err != nil {
			t.Fatal(err)
		}
	}
	return obj, append(at, len(obj))
}

// readAll opens a whole object from its bytes alone.
func readAll(obj []byte, ring ...keys.Key) (frames [][]byte, err error) {
	r := bufio.NewReader(bytes.NewReader(obj))
	h, err := seal.ReadHeader(r)
	if err != nil {
		return nil, err
	}
	o, err := h.Open(context.Background(), ring)
	if err != nil {
		return nil, err
	}
	for number := 0; ; number++ {
		f := o.FrameReader(r, number)
		stored, err := io.ReadAll(f)
		if err != nil {
			return frames, err
		}
		frames = append(frames, stored)
		if f.Last() {
			if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
				return frames, seal.ErrCutOff
			}
			return frames, nil
		}
	}
}

func texts(n int) (list [][]byte) {
	for i := range n {
		list = append(list, fmt.Appendf(nil, "the text of frame %d", i))
	}
	return list
}

// TestRoundTrip seals under keys of two types and opens with each alone.
func TestRoundTrip(t *testing.T) {
	file, pass := fileKey(t), phrase(t, "correct horse")
	s := sealer(t, file, pass)
	obj, at := object(t, s, texts(5)...)
	for _, ring := range [][]keys.Key{{file}, {pass}, {phrase(t, "correct horse\n")}, {fileKey(t), pass, file}} {
		got, err := readAll(obj, ring...)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%s", got) != fmt.Sprintf("%s", texts(5)) {
			t.Errorf("frames are %s", got)
		}
	}
	o := opener(t, s, pass)
	for i, want := range texts(5) {
		got, err := o.OpenFrame(nil, i, i == 4, obj[at[i]:at[i+1]])
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("frame %d: %q, %v", i, got, err)
		}
		got, err = o.OpenFrame([]byte("before "), i, i == 4, obj[at[i]:at[i+1]])
		if err != nil || string(got) != "before "+string(want) {
			t.Errorf("frame %d appended: %q, %v", i, got, err)
		}
	}
	for _, secret := range []string{"the text", "frame 1"} {
		if bytes.Contains(obj, []byte(secret)) {
			t.Errorf("the object contains %q", secret)
		}
	}
}

// TestReadBack opens with the sealer's own Opener what it sealed.
func TestReadBack(t *testing.T) {
	s := sealer(t, fileKey(t))
	obj, at := object(t, s, texts(2)...)
	if got, err := s.Opener().OpenFrame(nil, 1, true, obj[at[1]:]); err != nil || string(got) != "the text of frame 1" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := sealer(t, fileKey(t)).Opener().OpenFrame(nil, 1, true, obj[at[1]:]); !errors.Is(err, seal.ErrOtherBackup) {
		t.Errorf("by another sealer: %v", err)
	}
}

// TestPieces seals frames around the size of a piece, whole and as a stream.
func TestPieces(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	o := opener(t, s, k)
	for _, n := range []int{1, seal.PieceBytes - 1, seal.PieceBytes, seal.PieceBytes + 1, 2 * seal.PieceBytes, 2*seal.PieceBytes + 9} {
		stored := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		whole, err := s.AppendFrame(nil, 7, true, stored)
		if err != nil {
			t.Fatal(err)
		}
		var stream bytes.Buffer
		w := s.FrameWriter(&stream, 7, true)
		if _, err := io.Copy(w, io.LimitReader(bytes.NewReader(stored), int64(n))); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("more")); err == nil {
			t.Error("a closed frame takes more")
		}
		for name, sealed := range map[string][]byte{"AppendFrame": whole, "FrameWriter": stream.Bytes()} {
			if want := seal.SealedLen(int64(n)); int64(len(sealed)) != want {
				t.Errorf("%s: %d bytes are sealed in %d, not %d", name, n, len(sealed), want)
			}
			if got, err := o.OpenFrame(nil, 7, true, sealed); err != nil || !bytes.Equal(got, stored) {
				t.Errorf("%s of %d bytes: %d bytes, %v", name, n, len(got), err)
			}
			if got, err := io.ReadAll(o.FrameReader(bytes.NewReader(sealed), 7)); err != nil || !bytes.Equal(got, stored) {
				t.Errorf("%s of %d bytes, as a stream: %d bytes, %v", name, n, len(got), err)
			}
		}
	}
}

// TestFrameErrors tampers with whole frames, in each way, and expects the error
// that names it.
func TestFrameErrors(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	obj, at := object(t, s, texts(4)...)
	other, otherAt := object(t, sealer(t, k), texts(4)...)
	head, f := obj[:at[0]], func(i int) []byte { return obj[at[i]:at[i+1]] }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, c := range []struct {
		name, says string
		obj        []byte
		want       error
	}{
		{"swapped", "frame 2 stands here; those before", join(head, f(0), f(2), f(1), f(3)), seal.ErrMisplaced},
		{"dropped", "frame 2 stands here; those before", join(head, f(0), f(2), f(3)), seal.ErrMisplaced},
		{"first dropped", "open frame 0", join(head, f(1), f(2), f(3)), seal.ErrMisplaced},
		{"repeated", "frame 1 stands here, again", join(head, f(0), f(1), f(1), f(2), f(3)), seal.ErrMisplaced},
		{"last repeated", "", join(obj, f(3)), seal.ErrCutOff},
		{"last dropped", "open frame 3", join(head, f(0), f(1), f(2)), seal.ErrCutOff},
		{"cut off", "open frame 3", obj[:len(obj)-1], seal.ErrCutOff},
		{"cut off in a prefix", "open frame 1", obj[:at[1]+5], seal.ErrCutOff},
		{"no frames", "open frame 0", head, seal.ErrCutOff},
		{"bytes follow", "", join(obj, []byte("x")), seal.ErrCutOff},
		{"frame of another backup", "open frame 1", join(head, f(0), other[otherAt[1]:otherAt[2]], f(2), f(3)), seal.ErrOtherBackup},
		{"header of another backup", "open frame 0", join(other[:otherAt[0]], obj[at[0]:]), seal.ErrOtherBackup},
		{"zeros", "open frame 1", join(head, f(0), make([]byte, 100)), seal.ErrOtherBackup},
	} {
		_, err := readAll(c.obj, k)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := readAll(obj, k); err != nil {
		t.Fatal(err)
	}
}

// TestExpectedLast checks what a manifest says of a frame against what it is.
func TestExpectedLast(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	obj, at := object(t, s, texts(2)...)
	o := opener(t, s, k)
	for _, c := range []struct {
		number int
		last   bool
		sealed []byte
		want   error
	}{
		{0, true, obj[at[0]:at[1]], seal.ErrCutOff},
		{1, false, obj[at[1]:at[2]], seal.ErrCutOff},
		{0, false, obj[at[0]:at[2]], seal.ErrCutOff},
		{1, true, obj[at[0]:at[1]], seal.ErrMisplaced},
		{0, false, nil, seal.ErrCutOff},
		{0, false, obj[at[0]:at[1]], nil},
	} {
		if _, err := o.OpenFrame(nil, c.number, c.last, c.sealed); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("frame %d, last %v: %v, not %v", c.number, c.last, err, c.want)
		}
	}
}

// TestPieceOrder swaps and drops pieces within one frame.
func TestPieceOrder(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	const n = seal.PieceBytes + seal.PrefixBytes + 28
	sealed, err := s.AppendFrame(nil, 0, true, make([]byte, 2*seal.PieceBytes+1))
	if err != nil {
		t.Fatal(err)
	}
	o := opener(t, s, k)
	for name, c := range map[string]struct {
		sealed []byte
		want   error
	}{
		"swapped":      {bytes.Join([][]byte{sealed[n : 2*n], sealed[:n], sealed[2*n:]}, nil), seal.ErrMisplaced},
		"dropped":      {bytes.Join([][]byte{sealed[:n], sealed[2*n:]}, nil), seal.ErrMisplaced},
		"last dropped": {sealed[:2*n], seal.ErrCutOff},
	} {
		if _, err := o.OpenFrame(nil, 0, true, c.sealed); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryByte changes every byte of an object, one at a time: nothing opens
// as it was, and the error is a clear one.
func TestEveryByte(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	obj, at := object(t, s, texts(2)...)
	for i := range obj {
		bad := bytes.Clone(obj)
		bad[i] ^= 1
		got, err := readAll(bad, k)
		switch {
		case err == nil:
			t.Errorf("byte %d: opens to %q", i, got)
		case i < at[0]:
			if !errors.Is(err, seal.ErrHeader) && !errors.Is(err, seal.ErrNotSealed) && !errors.Is(err, seal.ErrVersion) &&
				!errors.Is(err, seal.ErrWrongKey) { // the id of a key
				t.Errorf("byte %d: %v", i, err)
			}
		// A longer length reaches beyond the end.
		case !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrCutOff):
			t.Errorf("byte %d (frames at %v): %v", i, at, err)
		}
	}
}

// TestConcurrent seals and opens on several goroutines, for the race detector.
func TestConcurrent(t *testing.T) {
	k := fileKey(t)
	s := sealer(t, k)
	o := opener(t, s, k)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				text := fmt.Appendf(nil, "%d %d", g, i)
				sealed, err := s.AppendFrame(nil, i, false, text)
				if err != nil {
					t.Error(err)
				}
				if got, err := o.OpenFrame(nil, i, false, sealed); err != nil || !bytes.Equal(got, text) {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestFresh checks that nothing is the same in two backups of the same.
func TestFresh(t *testing.T) {
	k := fileKey(t)
	a, b := sealer(t, k), sealer(t, k)
	if a.Header().Backup == b.Header().Backup {
		t.Error("two backups have one id")
	}
	x, _ := a.AppendFrame(nil, 0, true, []byte("same"))
	y, _ := a.AppendFrame(nil, 0, true, []byte("same"))
	if bytes.Equal(x, y) {
		t.Error("two seals are equal: the nonce is not fresh")
	}
}

// TestRapid seals any frames and opens them again, whole.
func TestRapid(t *testing.T) {
	k := fileKey(t)
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 200), 1, 6).Draw(t, "frames")
		s, err := seal.New(context.Background(), rapid.SampledFrom([]string{"none", "gzip", "zstd"}).Draw(t, "codec"), []keys.Key{k})
		if err != nil {
			t.Fatal(err)
		}
		obj := s.Header().Text()
		for i, f := range frames {
			if obj, err = s.AppendFrame(obj, i, i == len(frames)-1, f); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readAll(obj, k)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(frames) {
			t.Fatalf("%v, %v", got, err)
		}
		// Any cut, and any change of the order of bytes, is found.
		cut := rapid.IntRange(0, len(obj)-1).Draw(t, "cut")
		if _, err := readAll(obj[:cut], k); err == nil {
			t.Fatalf("opens without its end, at %d of %d", cut, len(obj))
		}
	})
}
