package manifest

// EncodeUnchecked writes what Encode refuses, as a faulty writer would.
func EncodeUnchecked(m *Manifest) ([]byte, error) { return m.clean().appendText(nil) }

// ReadSummary is DecodeSummary without the decoder for what is not laid out as
// Encode does; nil where that is needed.
func ReadSummary(text []byte) *Summary { return readSummary(text) }
