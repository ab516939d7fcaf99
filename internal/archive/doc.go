// Package archive writes the frames of a document to a backup's object and
// reads them back: compression, sealing and hashing on all cores, in order, in
// bounded memory.
//
// A sealed object begins with its header (package seal). Which frame is the last
// is sealed into it; it is the one that follows after Digest.
package archive
