package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// HealthAnswer says how the service itself is.
type HealthAnswer struct {
	Status string          `json:"status" enum:"ok,not ok"`
	Health *service.Health `json:"health,omitempty" doc:"Only for whoever is known, and may see all databases"`
}

type healthOutput struct {
	Status int
	Body   HealthAnswer
}

func (a *API) registerHealth() {
	const tag = "service"
	register(a, operation{
		id: "get-health", method: http.MethodGet, path: "/healthz", tag: tag, public: true,
		summary: "Tell whether the service answers",
		about:   "Always 200: for whoever restarts what does not answer. With a token it says more.",
	}, func(ctx context.Context, by access.Principal, _ *struct{}) (*healthOutput, error) {
		out := a.health(ctx, by)
		out.Status, out.Body.Status = http.StatusOK, "ok"
		return out, nil
	})
	ready := operation{
		id: "get-readiness", method: http.MethodGet, path: "/readyz", tag: tag, public: true,
		summary: "Tell whether the service does its work",
		about:   "503 when it is stopping, or when its own files cannot be written. With a token it says more.",
	}
	register(a, ready, func(ctx context.Context, by access.Principal, _ *struct{}) (*healthOutput, error) {
		return a.health(ctx, by), nil
	})
	a.amend(ready, func(o *huma.Operation) {
		o.Responses["503"] = &huma.Response{Description: "It does not", Content: o.Responses["200"].Content}
	})
}

// health is what the door says, with the details for those who may have them.
func (a *API) health(ctx context.Context, by access.Principal) *healthOutput {
	h := a.door.Health(ctx)
	out := &healthOutput{Status: http.StatusOK, Body: HealthAnswer{Status: "ok"}}
	if !h.OK || a.stopping() {
		out.Status, out.Body.Status = http.StatusServiceUnavailable, "not ok"
	}
	if by.Known() && len(by.Databases) == 0 {
		out.Body.Health = &h
	}
	return out
}

// registerMetrics gives the metrics their path. They tell of all databases, so
// that they are for whoever may see all.
func (a *API) registerMetrics() {
	if a.o.Metrics == nil {
		return
	}
	op := operation{
		id: "get-metrics", method: http.MethodGet, path: "/metrics", tag: "service", action: access.See,
		summary: "Metrics for Prometheus", about: "For whoever may see all databases.",
	}
	register(a, op, func(_ context.Context, by access.Principal, _ *struct{}) (*stream, error) {
		if len(by.Databases) > 0 {
			return nil, fmt.Errorf("%w: metrics are of all databases", access.ErrForbidden)
		}
		return streamed(a.o.Metrics.ServeHTTP), nil
	})
	a.amend(op, func(o *huma.Operation) {
		o.Responses["200"].Content = map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
	})
}
