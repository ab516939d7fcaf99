package service

import (
	"errors"

	"github.com/litekeep/litekeep"
)

// outcomes leads from an error to the outcome of a run; the first match counts,
// and what matches none has failed.
var outcomes = []struct {
	kind    error
	outcome Outcome
}{
	{errTimeLimit, OutcomeTimeout},
	{errStopped, OutcomeCancelled},
	{errCancelled, OutcomeCancelled},
	{errSlotTaken, OutcomeCancelled},
	{litekeep.ErrCopies, OutcomeFailed},
	{litekeep.ErrBusy, OutcomeBusy},
	{litekeep.ErrRefused, OutcomeRefused},
	{litekeep.ErrConfig, OutcomeRefused},
	{litekeep.ErrTarget, OutcomeRefused},
	{litekeep.ErrNoKey, OutcomeRefused},
	{litekeep.ErrWrongKey, OutcomeRefused},
	{litekeep.ErrDamaged, OutcomeDamaged},
}

// outcomeOf tells how a run ended.
func outcomeOf(err error) Outcome {
	if err == nil {
		return OutcomeOK
	}
	for _, o := range outcomes {
		if errors.Is(err, o.kind) {
			return o.outcome
		}
	}
	return OutcomeFailed
}

// transient reports whether it makes sense to try a run again soon.
func (o Outcome) transient() bool {
	switch o {
	case OutcomeFailed, OutcomeBusy, OutcomeTimeout, OutcomeCrashed:
		return true
	}
	return false
}

// good reports whether a run did what it was to do.
func (o Outcome) good() bool { return o == OutcomeOK || o == OutcomePartial }

// hintOf returns the way out that an error tells.
func hintOf(err error) string {
	var e *litekeep.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}
