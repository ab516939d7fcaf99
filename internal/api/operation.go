package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/litekeep/litekeep/internal/access"
)

var problemDetailsType = reflect.TypeFor[ProblemDetails]()

// An operation is one method of one path.
type operation struct {
	id, method, path string
	tag              string
	summary          string        // one line
	about            string        // what the summary leaves out
	action           access.Action // what it does, which says who may
	status           int           // of success; 0 is 200
	fails            []int         // what it may answer besides the common ones
	public           bool          // it needs no authority
	failed           string        // what a 500 says; the default is made of summary
	// refuses says that a run or a door that refuses is answered with 400, and
	// refused what the text begins with.
	refuses bool
	refused string
	// tellsDamage says that a run which finds damage has done what it was to do.
	tellsDamage bool
}

// The statuses that every operation with authority may answer with.
var common = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// withBody are those of an operation that takes a body.
var withBody = []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}

// maxBody bounds the body of a request, in bytes.
const maxBody = 1 << 20

// register adds an operation. f gets whoever asks, and returns what the body of
// the answer is made of, or an error of the door.
func register[I, O any](a *API, op operation, f func(ctx context.Context, by access.Principal, in *I) (*O, error)) {
	if op.failed == "" {
		op.failed = op.summary + ": failed"
	}
	h := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Summary: op.summary, Description: op.description(),
		Tags: []string{op.tag}, DefaultStatus: op.status, MaxBodyBytes: maxBody,
	}
	fails := slices.Clone(op.fails)
	if op.public {
		h.Security = []map[string][]string{{}}
		fails = append(fails, http.StatusBadRequest, http.StatusInternalServerError)
	} else {
		fails = append(fails, common...)
	}
	if _, ok := reflect.TypeFor[I]().FieldByName("Body"); ok {
		fails = append(fails, withBody...)
	}
	h.Responses = a.documented(fails)
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*O, error) {
		by := access.FromContext(ctx)
		if !by.Known() && !op.public {
			return nil, a.fail(ctx, &op, access.ErrUnauthenticated)
		}
		out, err := f(ctx, by, in)
		if err != nil {
			return nil, a.fail(ctx, &op, err)
		}
		return out, nil
	})
}

// description is the text of an operation in the document.
func (op *operation) description() string {
	text := op.about
	if op.action != "" {
		if text != "" {
			text += "\n\n"
		}
		text += "Least role: " + string(op.action.Least()) + "."
	}
	return text
}

// An answer is what an operation returns: a body.
type answer[T any] struct{ Body T }

// reply makes an answer.
func reply[T any](body T) *answer[T] { return &answer[T]{Body: body} }

// Done is the answer of an operation that has nothing to tell but that it was
// done.
type Done struct {
	Success bool `json:"success"`
}
