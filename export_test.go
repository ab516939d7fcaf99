package litekeep

import "github.com/litekeep/litekeep/internal/durable"

// WithBefore makes the Service call before in front of each step that it takes
// on the disk; an error takes the place of the step.
func WithBefore(before func(op durable.Op, path string) error) Option {
	return func(s *Service) { s.disk.Before = before }
}
