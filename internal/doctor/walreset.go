package doctor

import "fmt"

// SQLite from 3.7.0, the first with WAL, to 3.51.2 can damage a WAL database when one
// connection writes at the very moment at which another begins a checkpoint after a
// finished one: the second checkpoint does not notice that the log was begun anew and
// passes over pages later. 3.51.3 mends it, and so do 3.50.7 and 3.44.6, to which it was
// taken back: https://sqlite.org/wal.html#walresetbug
const (
	firstWithWAL  = 3_007_000
	firstMended   = 3_051_003
	mended350     = 3_050_007
	mended344     = 3_044_006
	walResetAbout = "https://sqlite.org/wal.html#walresetbug"
)

// hasWALReset tells whether a version of SQLite, as in a database header (3051002 for
// 3.51.2), has that bug.
func hasWALReset(version uint32) bool {
	switch {
	case version < firstWithWAL || version >= firstMended:
		return false
	case version/1000 == mended350/1000:
		return version < mended350
	case version/1000 == mended344/1000:
		return version < mended344
	}
	return true
}

// sqliteVersion writes a version as people do: 3.51.2.
func sqliteVersion(n uint32) string {
	return fmt.Sprintf("%d.%d.%d", n/1_000_000, n/1000%1000, n%1000)
}
