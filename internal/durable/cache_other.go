//go:build !linux

package durable

import "os"

// startWriteback asks the system to begin writing n bytes of f at offset off to
// the medium, without waiting for it, so that the flush at the end has little
// left to do. It is a hint: it promises nothing and reports nothing. It does
// nothing except on Linux.
func startWriteback(*os.File, int64, int64) {}

// DropCache asks the system to forget its cached copy of f, so that what is
// read next comes from the medium. Only what was flushed is forgotten, so call
// Sync first. It is a hint and does nothing except on Linux.
func DropCache(*os.File) {}
