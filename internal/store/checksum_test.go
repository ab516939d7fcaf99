package store_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/store"
)

// partsSum is the definition of MD5Parts.
func partsSum(data []byte, size int) string {
	var sums []byte
	n := 0
	for rest := data; n == 0 || len(rest) > 0; n++ {
		piece := rest[:min(size, len(rest))]
		sum := md5.Sum(piece)
		sums = append(sums, sum[:]...)
		rest = rest[len(piece):]
	}
	return fmt.Sprintf("md5-parts:%d:%x-%d", size, md5.Sum(sums), n)
}

func TestPartsHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "data")
		size := rapid.IntRange(1, 40).Draw(t, "size")
		h := store.NewPartsHash(int64(size))
		for rest := data; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			h.Write(rest[:n])
			h.Sum(nil) // looking changes nothing
			rest = rest[n:]
		}
		if got, want := h.Checksum().String(), partsSum(data, size); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		single, ok := h.Single()
		if ok != (len(data) < size) || ok && single.String() != fmt.Sprintf("md5:%x", md5.Sum(data)) {
			t.Fatalf("single: %v, %v", single, ok)
		}
		again, ok := h.Checksum().NewHash()
		if !ok {
			t.Fatal("no hash")
		}
		again.Write(data)
		if !bytes.Equal(again.Sum(nil), h.Checksum().Sum) {
			t.Fatal("NewHash gives another sum")
		}
		h.Reset()
		if h.Checksum().String() != partsSum(nil, size) {
			t.Fatal("not reset")
		}
	})
}

func TestChecksum(t *testing.T) {
	none := store.Checksum{}
	crc := store.Checksum{Algorithm: store.CRC32C, Sum: []byte{0xc9, 0x94, 0x65, 0xc6}} // of "hello" below
	if none.String() != "" || crc.String() != "crc32c:c99465c6" {
		t.Error(none, crc)
	}
	if _, ok := none.NewHash(); ok {
		t.Error("a hash of nothing")
	}
	if _, ok := (store.Checksum{Algorithm: store.MD5Parts, Parts: 2}).NewHash(); ok {
		t.Error("a hash of parts of unknown size")
	}
	h, _ := crc.NewHash()
	h.Write([]byte("123456789"))
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != "e3069283" { // the check value of CRC-32C
		t.Error(got)
	}
	same, other := crc, crc
	other.Sum = []byte{1}
	if !crc.Equal(same) || crc.Equal(other) || crc.Equal(none) {
		t.Error("equal")
	}
}

func TestLockedError(t *testing.T) {
	date := time.Date(2026, 12, 1, 10, 0, 0, 0, time.FixedZone("", 3600))
	for want, locked := range map[string]*store.LockedError{
		"kept until 2026-12-01 09:00:00Z":     {Until: date},
		"kept until its legal hold is lifted": {},
	} {
		err := error(&store.Error{Op: "delete", Key: "a", Err: locked})
		until, ok := store.KeptUntil(err)
		if !errors.Is(err, store.ErrLocked) || locked.Error() != want || !ok || !until.Equal(locked.Until) {
			t.Errorf("%v, %v, %v", err, until, ok)
		}
	}
	if _, ok := store.KeptUntil(store.ErrNotExist); ok {
		t.Error("kept")
	}
}
