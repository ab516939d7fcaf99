//go:build !unix

package doctor

import "io/fs"

func device(fs.FileInfo) (uint64, bool) { return 0, false }
func owner(fs.FileInfo) (int, bool)     { return 0, false }
func user() int                         { return -1 }
func mayRead(string) error              { return nil } // cannot be told without trying
func mayWrite(string) error             { return nil }
func openFiles() uint64                 { return 0 }
