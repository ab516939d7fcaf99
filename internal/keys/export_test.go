package keys

// FileSum is the checksum of the lines of a key file.
var FileSum = fileSum
