package litekeep

import (
	"context"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/manifest"
)

// seal makes w seal what it writes, if backups are sealed. Each object has a key
// of its own: no two frames are ever sealed under one key and number.
func (r *run) seal(ctx context.Context, w *archive.Writer) (err error) {
	r.sealer, r.fresh = r.fresh, nil
	if r.sealer == nil { // the second attempt
		r.sealer, err = r.s.newSealer(ctx)
	}
	if err != nil || r.sealer == nil {
		return err
	}
	return w.Seal(r.sealer)
}

// encode writes the manifest.
func (r *run) encode() ([]byte, error) {
	if r.sealer != nil {
		return manifest.EncodeSealed(&r.m, r.sealer)
	}
	return manifest.Encode(&r.m)
}
