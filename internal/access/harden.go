package access

import (
	"net/http"
	"time"
)

// The limits of requests.
const (
	// MaxBody is the most that a request may send, in bytes. Requests are small
	// JSON objects and forms.
	MaxBody = 1 << 20
	// maxHeaders is the most that the headers of a request may have.
	maxHeaders    = 32 << 10
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Harden sets the limits of a server that have to be set there. There is none for
// the time of an answer: downloads and events take as long as they take.
func Harden(s *http.Server) {
	s.ReadHeaderTimeout = headerTimeout
	s.IdleTimeout = idleTimeout
	s.MaxHeaderBytes = maxHeaders
}

// LimitBody bounds the body of each request in size and time. A handler that reads
// more gets an *http.MaxBytesError, for the status 413.
func LimitBody(next http.Handler, maxBytes int64, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		// The server lifts the deadline by itself when the body was read to its end, so
		// a handler may take longer. Where there is none to set, as in a test without
		// a connection, there is nothing to wait for.
		_ = http.NewResponseController(w).SetReadDeadline(now().Add(bodyTimeout))
		r.Body = http.MaxBytesReader(w, r.Body, maxBytes)
		next.ServeHTTP(w, r)
	})
}

// policy is the Content-Security-Policy: everything from this service alone, no
// inline scripts or styles, no plugins, no frames, no other <base>.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// hsts makes browsers use TLS for this host for a year. Other hosts of the domain
// are not ours to speak for.
const hsts = "max-age=31536000"

// SecurityHeaders sets headers that make browsers careful, on every answer. secure
// says that browsers reach the service over TLS. A handler may set others, such as
// Cache-Control for files that never change.
//
// The Referrer-Policy is same-origin and not no-referrer, since with that browsers
// send "Origin: null" with forms, which then look as if they came from elsewhere.
func SecurityHeaders(next http.Handler, secure bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		// On localhost it would hit whatever else runs on this machine.
		if secure && !isLoopbackHost(hostOf(r.Host)) {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}
