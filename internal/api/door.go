package api

import (
	"context"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// A Door is what the API needs of the service: what all do, and what programs alone
// ask for.
type Door interface {
	service.Door
	// Names returns the names of all databases that by may see, sorted.
	Names(ctx context.Context, by access.Principal) ([]string, error)
	Stats(ctx context.Context, by access.Principal, database string) ([]litekeep.Stats, error)
	// Wait returns a run when it has ended or, as it is and without an error, when
	// ctx ends before it.
	Wait(ctx context.Context, by access.Principal, id string) (*service.Run, error)
}

var _ Door = (*service.Service)(nil)
