package litekeep_test

import "context"

func playFullDisk(ctx context.Context, args []string) error { return nil }
func playReadOnly(ctx context.Context, args []string) error { return nil }
