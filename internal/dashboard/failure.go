package dashboard

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/service"
)

// errForm: a form is too large, or is none.
var errForm = errors.New("the form cannot be read")

// A failure is an error as people see it.
type failure struct {
	Status int
	Title  string
	Text   string
	Hint   string
}

// failures says how each kind of error is shown. The first that matches counts;
// own says that the text of the error is for people.
var failures = []struct {
	err         error
	status      int
	own         bool
	title, text string
}{
	{access.ErrUnauthenticated, http.StatusUnauthorized, false, "You are not logged in", "This needs a token."},
	{access.ErrToken, http.StatusUnauthorized, false, "That token does not work", "It is mistyped or cut off."},
	{access.ErrUnknownToken, http.StatusUnauthorized, false, "That token does not work", "It is revoked, expired, or of another service."},
	{access.ErrCrossOrigin, http.StatusForbidden, false, "That came from another site", "Only the pages of this service may do this."},
	{access.ErrHost, http.StatusMisdirectedRequest, false, "That is not our name", "This service does not answer under this host name. Its configuration lists those that it has."},
	{access.ErrForbidden, http.StatusForbidden, false, "You may not do this", "Your token does not allow it. What was tried is in the audit log."},
	{service.ErrNotFound, http.StatusNotFound, false, "There is no such thing", "It does not exist, it was removed, or your token does not show it."},
	{service.ErrRunning, http.StatusConflict, false, "A run goes on", "A run of this database goes on already. Wait until it has ended, or cancel it, and try again."},
	{litekeep.ErrBusy, http.StatusConflict, false, "Somebody else is at work", "Another process works on this database or its backups. Try again in a moment."},
	{service.ErrWatches, http.StatusTooManyRequests, false, "That is too many pages", "Too many pages of this token watch what happens. Close some."},
	{service.ErrStopping, http.StatusServiceUnavailable, false, "The service is stopping", "It takes no more work. Try again when it has started."},
	{service.ErrAudit, http.StatusServiceUnavailable, false, "This cannot be recorded", "The audit log cannot be written, so nothing may be changed. Backups go on. See the settings page, and the log of the service."},
	{service.ErrAway, http.StatusServiceUnavailable, false, "The backups are away", "Their folder is not the one that it was. Is it mounted? The page of the database says more."},
	{errForm, http.StatusBadRequest, true, "That form cannot be read", ""},
	{service.ErrRequest, http.StatusBadRequest, true, "That does not work", ""},
	{litekeep.ErrTarget, http.StatusBadRequest, true, "That cannot be restored there", ""},
	{litekeep.ErrConfig, http.StatusBadRequest, true, "The configuration is not valid", ""},
	{litekeep.ErrNoKey, http.StatusBadRequest, true, "The key is missing", ""},
	{litekeep.ErrWrongKey, http.StatusBadRequest, true, "None of the keys opens it", ""},
	{litekeep.ErrDamaged, http.StatusBadRequest, true, "The backup is damaged", ""},
}

// explain turns an error into what people are told. Of an error that is none of
// the kinds above they learn nothing but that there is one.
func explain(err error) failure {
	if limited, ok := errors.AsType[*access.LimitedError](err); ok {
		return failure{Status: http.StatusTooManyRequests, Title: "That was too often", Text: "Too many requests came from here. Try again in " +
			human.Duration(limited.After.Round(time.Second)) + "."}
	}
	for _, k := range failures {
		if !errors.Is(err, k.err) {
			continue
		}
		f := failure{Status: k.status, Title: k.title, Text: k.text}
		if k.own {
			f.Text, f.Hint = words(err)
		}
		return f
	}
	return failure{
		Status: http.StatusInternalServerError, Title: "Something went wrong here",
		Text: "This is a fault of the service or of its machine, not yours. The log of the service tells more.",
	}
}

// words returns the text of an error as a sentence, and the way out.
func words(err error) (text, hint string) {
	text = strings.TrimPrefix(err.Error(), service.ErrRequest.Error()+": ")
	if e, ok := errors.AsType[*litekeep.Error](err); ok {
		hint = e.Hint
	}
	return sentence(text), sentence(hint)
}

// sentence makes text begin with a capital letter and end with a full stop. A
// word that is no plain one, such as a path, stays as it is.
func sentence(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if first != "" && strings.Trim(first, "abcdefghijklmnopqrstuvwxyz,:") == "" {
		text = capital(text)
	}
	return stop(text)
}

// stop makes text end as a sentence does.
func stop(text string) string {
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?:") {
		return text
	}
	return text + "."
}

// failurePage is the data of the page error.
type failurePage struct {
	page
	Failure failure
}

// fail answers with the page of an error.
func (c *call) fail(err error) {
	if c.ctx.Err() != nil {
		return // nobody waits for an answer
	}
	f := explain(err)
	if f.Status >= http.StatusInternalServerError {
		c.d.o.Log.ErrorContext(c.ctx, "request of the dashboard", "method", c.r.Method, "path", c.r.URL.Path,
			"request_id", c.d.o.RequestID(c.ctx), "error", err)
	}
	if f.Status == http.StatusServiceUnavailable {
		c.w.Header().Set("Retry-After", "10")
	}
	access.SetRefusalHeaders(c.w.Header(), err)
	if e := c.render(f.Status, "error", failurePage{c.page(f.Title, ""), f}); e != nil {
		c.d.o.Log.ErrorContext(c.ctx, "render an error", "error", e)
		http.Error(c.w, f.Title, f.Status)
	}
}

// missing answers for addresses that are none.
func (d *Dashboard) missing(c *call) error {
	return c.render(http.StatusNotFound, "error", failurePage{c.page("There is no such page", ""), failure{
		Status: http.StatusNotFound, Title: "There is no such page",
		Text: "The address is wrong, or the page was moved.",
	}})
}
