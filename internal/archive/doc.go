// Package archive writes the frames of a document to a backup's object and
// reads them back: compression and hashing on all cores, in order, in bounded
// memory.
package archive
