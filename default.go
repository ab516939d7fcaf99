package litekeep

import (
	"context"
	"sync"
)

// defaultService is made by the first call that needs it. It is the one thing
// in this package that all callers share; whoever wants another Config uses New.
var defaultService = sync.OnceValues(func() (*Service, error) {
	c, err := ConfigFromEnv()
	if err != nil {
		return nil, &Error{Op: "configuration", Kind: ErrConfig, Err: err}
	}
	return New(c), nil
})

// Default returns the Service that the functions of this package use. It is made
// from the environment, see ConfigFromEnv, by the first call of any of them;
// later changes of the environment are not seen. When the environment cannot be
// understood, every call returns the same error, which matches ErrConfig.
func Default() (*Service, error) { return defaultService() }

// CreateBackup is Service.CreateBackup of the Default service. The database is
// that of LITEKEEP_DATABASE_PATH.
func CreateBackup(ctx context.Context) (*Backup, error) {
	s, err := Default()
	if err != nil {
		return nil, err
	}
	return s.CreateBackup(ctx)
}

// RestoreBackup is Service.RestoreBackup of the Default service: it restores the
// backup whose object is at path to the database at target.
func RestoreBackup(ctx context.Context, path, target string, o RestoreOptions) (*Restored, error) {
	s, err := Default()
	if err != nil {
		return nil, err
	}
	return s.RestoreBackup(ctx, path, target, o)
}

// CleanupOldBackups is Service.CleanupOldBackups of the Default service. In a dry
// run nothing is removed.
func CleanupOldBackups(ctx context.Context, dryRun bool) ([]Decision, error) {
	s, err := Default()
	if err != nil {
		return nil, err
	}
	return s.CleanupOldBackups(ctx, dryRun)
}
