package config

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "0B": 0, "1B": 1, "5kB": 5000, "500MB": 500e6, "2 GiB": 2 << 30, "1TiB": 1 << 40, "8EB": -1,
		"1.5GiB": -1, "GiB": -1, "": -1, "-1GB": -1, "5G": -1, "9223372036854775807B": 1<<63 - 1, "9223372036854775808B": -1, "8388608TiB": -1, "5 kb": -1,
	} {
		got, err := ParseBytes(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b := Bytes(rapid.Int64Min(0).Draw(t, "bytes"))
		if got, err := ParseBytes(b.String()); err != nil || got != b {
			t.Fatalf("%d is written %s and read %d, %v", b, b, got, err)
		}
	})
}

func TestPercent(t *testing.T) {
	for text, want := range map[string]Percent{"0%": 0, "50%": 50, "100%": 100, "101%": -1, "50": -1, "-1%": -1, "%": -1, "": -1, "1.5%": -1} {
		got, err := ParsePercent(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
