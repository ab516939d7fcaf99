package doctor

import "testing"

// TestWALReset holds the rule to the releases around each of its bounds.
func TestWALReset(t *testing.T) {
	for version, want := range map[uint32]bool{
		0:         false, // a file that no library has signed
		3_006_023: false, // no WAL yet
		3_007_000: true,
		3_040_001: true,
		3_044_005: true,
		3_044_006: false,
		3_045_000: true,
		3_050_006: true,
		3_050_007: false,
		3_051_000: true,
		3_051_002: true,
		3_051_003: false,
		3_052_000: false,
		3_054_001: false,
	} {
		if got := hasWALReset(version); got != want {
			t.Errorf("%s: %v", sqliteVersion(version), got)
		}
	}
}
