package cloud_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/store/cloud"
	"github.com/litekeep/litekeep/internal/store/realtest"
)

func TestPartSize(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	for guess, want := range map[int64]struct {
		part int64
		wide int
	}{
		0: {6 * mib, 3}, 1: {5 * mib, 3}, 40 * gib: {5 * mib, 3}, 80 * gib: {10 * mib, 1}, 1 << 40: {117 * mib, 1}, 5 << 40: {583 * mib, 1},
	} {
		part, wide := cloud.PartSize(guess)
		if part != want.part || wide != want.wide {
			t.Errorf("%d: %d parts of %d", guess, wide, part)
		}
		if guess > 0 && guess/part >= 9500 {
			t.Errorf("%d: too many parts", guess)
		}
	}
}

// TestS3Name compares our names with those of the library.
func TestS3Name(t *testing.T) {
	bucket, err := s3blob.OpenBucket(t.Context(), s3.New(s3.Options{Region: "us-east-1"}), "b", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	enough := errors.New("enough")
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(rapid.SampledFrom([]string{"..", "/", "_", "__0x", "2f", "__", "x", "\n", "\x00"}), rapid.StringN(1, 2, 8))
		key := ""
		for _, p := range rapid.SliceOfN(piece, 1, 12).Draw(t, "key") {
			key += p
		}
		var name string
		w, err := bucket.NewWriter(context.Background(), key, &blob.WriterOptions{ContentType: "a/b", BeforeWrite: func(as func(any) bool) error {
			var input *transfermanager.UploadObjectInput
			if as(&input) {
				name = aws.ToString(input.Key)
			}
			return enough
		}})
		if err == nil {
			w.Close()
		}
		if got := cloud.S3Name(key); got != name || name == "" {
			t.Fatalf("%q is %q, want %q", key, got, name)
		}
	})
}

// TestNoPartsLeft gives up uploads in parts, and wants nothing to stay.
func TestNoPartsLeft(t *testing.T) {
	s := open(t, realtest.S3(t), fast())
	broken := errors.New("broken")
	if err := s.Put(t.Context(), "x", io.MultiReader(plain(random(parts)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := readerFunc(func([]byte) (int, error) { cancel(); return 0, nil })
	if err := s.Put(ctx, "x", io.MultiReader(plain(random(parts)), stop)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// An error that has io.EOF within is no end: one SDK would take it for it.
	almost := errors.Join(errors.New("nearly"), io.EOF)
	if err := s.Put(t.Context(), "x", io.MultiReader(plain(random(parts)), iotest.ErrReader(almost))); err == nil {
		t.Error("stored what was cut off")
	}
	wantAbsent(t, s, "x")
	if n, err := s.Uploads(t.Context()); err != nil || n != 0 {
		t.Errorf("%d uploads are left, %v", n, err)
	}
}

// TestReaderErrorEOF is a reader that fails with an error that has io.EOF within.
func TestReaderErrorEOF(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := open(t, url, fast())
		for _, n := range []int{10, parts} {
			almost := errors.Join(errors.New("nearly"), io.EOF)
			if err := s.Put(t.Context(), "x", io.MultiReader(plain(random(n)), iotest.ErrReader(almost))); err == nil {
				t.Errorf("stored %d bytes that were cut off", n)
			}
			wantAbsent(t, s, "x")
		}
	})
}

// TestMemory uploads much more than may be in memory.
func TestMemory(t *testing.T) {
	// As the command has it. What is measured counts garbage, of which Go's default
	// allows as much as is in use: that alone came to 47 MiB, while an upload uses 30.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	const size, most = 160 << 20, 48 << 20
	each(t, func(t *testing.T, url string) {
		s := open(t, url, fast())
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		peak, n := uint64(0), 0
		r := io.LimitReader(readerFunc(func(p []byte) (int, error) {
			if n += len(p); n > 4<<20 {
				n = 0
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapInuse)
			}
			return len(p), nil
		}), size)
		start := time.Now()
		if err := s.PutSized(t.Context(), "x", r, size); err != nil {
			t.Fatal(err)
		}
		grown := int64(peak) - int64(before.HeapInuse)
		t.Logf("%d MiB at %.0f MB/s, %d MiB of memory", size>>20, size/1e6/time.Since(start).Seconds(), grown>>20)
		if grown > most {
			t.Errorf("took %d MiB of memory", grown>>20)
		}
		if err := s.Delete(t.Context(), "x"); err != nil {
			t.Error(err)
		}
	})
}
