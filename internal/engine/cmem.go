package engine

import (
	"unsafe"

	"modernc.org/libc"
)

// The library's memory lies outside the Go heap and is addressed by uintptr.
// The helpers below are the only places that turn such an address into a
// pointer; the memory never moves and is never collected.

// at returns the object of type T at address p.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// bytesAt returns the n bytes at address p without copying them. It is not
// inlined: Go 1.26's compiler fails on a copy from an address that it can see
// was a number.
//
//go:noinline
func bytesAt(p uintptr, n int) []byte {
	if n <= 0 || p == 0 {
		return nil
	}
	return unsafe.Slice(at[byte](p), n)
}

// functionAddress turns a Go function into what the library takes for a C
// function pointer: the address of the function's closure. f must be a
// top-level function.
func functionAddress[T any](f T) uintptr {
	return *(*uintptr)(unsafe.Pointer(&struct{ f T }{f}))
}

// function turns a C function pointer of the library into a Go function of
// type T.
func function[T any](p uintptr) T { return *(*T)(unsafe.Pointer(&struct{ p uintptr }{p})) }

// cString copies s to the library's memory, with a terminating zero byte. The
// caller frees it.
func cString(tls *libc.TLS, s string) uintptr {
	p := cAlloc(tls, len(s)+1)
	buf := bytesAt(p, len(s)+1)
	copy(buf, s)
	buf[len(s)] = 0
	return p
}

// cAlloc returns n bytes of zeroed memory of the library. The caller frees
// it. Running out of memory is a panic, as it is for Go's own memory.
func cAlloc(tls *libc.TLS, n int) uintptr {
	p := libc.Xcalloc(tls, 1, libc.Tsize_t(n))
	if p == 0 {
		panic("engine: out of memory")
	}
	return p
}

func cFree(tls *libc.TLS, p uintptr) { libc.Xfree(tls, p) }
