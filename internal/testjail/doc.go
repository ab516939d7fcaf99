// Package testjail takes from a process of a test what it has by right: room on the
// disk, or the rights of root. A test starts its own program again as such a process,
// since neither can be given back.
package testjail

// Nobody is the user and the group that a process without rights belongs to.
const Nobody = 65534
