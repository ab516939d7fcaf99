//go:build !linux

package litekeep_test

import "context"

// systemRoles are the roles that need what only one system has.
var systemRoles map[string]func(ctx context.Context, args []string) error
