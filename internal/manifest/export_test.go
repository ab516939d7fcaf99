package manifest

// EncodeUnchecked writes what Encode refuses, as a faulty writer would.
func EncodeUnchecked(m *Manifest) ([]byte, error) { return m.clean().appendText(nil) }
