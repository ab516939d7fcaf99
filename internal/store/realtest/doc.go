// Package realtest starts real object stores on this machine for tests: S3 by
// versitygw, Google Cloud Storage by fake-gcs-server, Azure by Azurite. Their
// versions are pinned. Each is started when the first test asks for it and lives
// until the tests of the package end; each test gets a bucket of its own.
//
// Use it so:
//
//	func TestMain(m *testing.M) { os.Exit(realtest.Main(m).Run()) }
//
//	func TestIt(t *testing.T) {
//		url := realtest.S3(t)
//		…
//	}
//
// The servers are built or installed once, into the folder that
// LITEKEEP_TEST_TOOLS names, or litekeep-test in the user's cache folder. Where
// that is not possible, the test is skipped and says what was left out; with
// CI=true it fails instead.
//
// Main sets the environment variables that the clouds' own libraries read their
// credentials from to worthless ones, so that no test can reach a real account.
package realtest
