package document

import "golang.org/x/sys/cpu"

// hasBlocks says whether plainBlocks and stopMask can run here.
var hasBlocks = cpu.X86.HasAVX2

// plainBlocks is plainRun for the n bytes at p, by blocks of 32 with AVX2; n must
// be a multiple of 32. It returns n if all of them are plain.
//
//go:noescape
func plainBlocks(p *byte, n int) (end int, high uint64)

// stopMask says of the 64 bytes at p which are stops and which are not ASCII, the first
// in the lowest bit.
//
//go:noescape
func stopMask(p *byte) (stops, high uint64)
