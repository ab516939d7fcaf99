// Package access decides who may do what with the service: roles and actions,
// tokens, sessions of the dashboard, limits on what a client may send and how often,
// and the parts of HTTP that belong to these. It knows nothing of backups, and it
// neither writes the audit log nor stores tokens; the service does both.
//
// # Words
//
// A Principal is who asks: somebody with a token, or, where the service has no
// tokens, whoever is at the machine. An Action is what is asked for. A role allows
// all that the roles below it do: viewer, operator, admin. Principal.May is the only
// place where this is decided.
//
// # Tokens
//
// A token is 256 random bits in letters and digits, with a checksum, so that a slip
// is told from a wrong token and a scanner for secrets finds it by its form. It is
// shown once, when it is made. What is stored is its SHA-256: nobody can try 2^256
// tokens, so a slow hash such as Argon2id, which is for passwords, would only make
// every request slow and a flood of wrong tokens a way to use up the machine. Hashes
// are compared in constant time.
//
// # Without tokens
//
// A service without any token, ever, is open to those who are at its machine: it
// takes requests that come from a loopback address, name a loopback host, and have
// not passed through a proxy. This is for trying it out, and for a machine of one
// person: every local user has the rights then, and a proxy in front that hides
// itself lets in the world. The first token ends it for good; tokens that were
// revoked or have expired count.
//
// # Sessions
//
// The dashboard takes a token once, and then a cookie with the random id of a
// session, which is kept in memory only. A session ends when it is idle for too
// long, too old, logged out of, or when its token is revoked or expires. Requests
// that change something must come from the service's own pages
// (http.CrossOriginProtection), unless they have a bearer token, which no browser
// sends by itself.
//
// # Limits
//
// A wrong token makes its address wait before the next attempt, twice as long each
// time. That holds for the log-in page whatever the next token is. A request with a
// bearer token that is right passes all the same: guessing is hopeless, and
// otherwise one misconfigured client could lock out all others behind its address.
// Addresses are counted by /64 for IPv6. All tables have bounds.
//
// The package reads no clock but the one that it is given, and starts no goroutines.
package access
