//go:build !amd64

package document

const hasBlocks = false

func plainBlocks(*byte, int) (end int, high uint64) { panic("no vectors here") }

func stopMask(*byte) (stops, high uint64) { panic("no vectors here") }
