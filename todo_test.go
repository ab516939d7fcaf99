package litekeep_test

import "context"

func playWriter(ctx context.Context, args []string) error   { return nil }
func playWork(ctx context.Context, args []string) error     { return nil }
func playFullDisk(ctx context.Context, args []string) error { return nil }
func playReadOnly(ctx context.Context, args []string) error { return nil }
