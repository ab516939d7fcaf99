//go:build !linux

package doctor

func fileSystem(string) (FileSystem, error) { return FileSystem{}, nil }
func synchronised() (yes, ok bool)          { return false, false }
