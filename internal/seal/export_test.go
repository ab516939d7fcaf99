package seal

// NewFixed is New with a given id and data key, for vectors.
var NewFixed = newSealer

// PrefixBytes is the length of what stands before a piece.
const PrefixBytes = prefixBytes
