// Package durable writes files that survive a power cut, and guards folders
// and space around them.
//
// The model: a file is written under a temporary name, flushed to the medium
// (fsync), given its final name, and then the folder is flushed, because a
// name is data of the folder. A reader therefore sees either no file or a whole
// one, whatever happens in between. Two ways to give a name exist:
//
//   - publish: exclusive. An existing file is never replaced; the call answers
//     fs.ErrExist. Backups and manifests are published.
//   - replace: the new file takes the place of the old one in one step. Only
//     what may change, such as the outcome of the last check, is replaced.
//
// A temporary file is the final name, a random number and TempSuffix. One that
// is left over by a crash is never mistaken for the file itself, and whoever
// owns the folder sweeps it (FinalName tells what it was to become).
//
// All of this is done by a Disk, whose zero value works on ordinary paths. A
// Disk with a Root works inside of that folder only. A Disk with a Before hook
// lets a test fail or watch every single step.
//
// The package also holds an advisory Lock that dies with its process, the check
// for free space (Need), and two hints to the page cache.
//
// Caveats: the promises are those of a local file system. On network file
// systems, flock may be emulated with locks that do not conflict within one
// process. Windows has no flush of folders; there the last step is left out.
package durable
