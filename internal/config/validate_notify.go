package config

import (
	"net/mail"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minSecret is the shortest key that messages are signed with, in bytes: shorter ones
// can be guessed from one message.
const minSecret = 16

func (d *decoder) notifications(c *Config) {
	n := &c.Notifications
	d.between("notifications.group", n.Group, 0, day)
	d.between("notifications.repeat", n.Repeat, time.Minute, 365*day)
	var names []string
	for _, db := range c.Databases {
		names = append(names, db.Name)
	}
	seen := map[string]bool{}
	for i := range n.Channels {
		ch := &n.Channels[i]
		at := join("notifications.channels", strconv.Itoa(i))
		if d.bad[at] {
			continue
		}
		d.channel(at, ch, names, c.Patterns)
		if seen[ch.Name] && ch.Name != "" {
			d.wrong(join(at, "name"), "", "a second channel %q", ch.Name)
		}
		seen[ch.Name] = true
	}
}

// channel checks a channel, which may be for databases that a pattern has yet to bring.
func (d *decoder) channel(at string, ch *Channel, databases []string, patterns []Database) {
	d.required(join(at, "name"), ch.Name, "a name")
	for i, name := range ch.Events {
		if !slices.Contains(Events(), name) {
			hint := didYouMean(name, Events())
			if hint == "" {
				hint = "known are " + strings.Join(Events(), ", ")
			}
			d.wrong(join(join(at, "events"), strconv.Itoa(i)), hint, "%.80q is no event", name)
		}
	}
	for i, name := range ch.Databases {
		if !slices.Contains(databases, name) && !slices.ContainsFunc(patterns, func(p Database) bool { return p.mayBring(name) }) {
			d.wrong(join(join(at, "databases"), strconv.Itoa(i)), didYouMean(name, databases), "there is no database %.80q", name)
		}
	}
	if d.bad[join(at, "type")] || ch.Type == "" {
		return
	}
	d.foreignKeys(at, ch)
	switch ch.Type {
	case TypeEmail:
		d.email(at, ch)
	case TypeSlack:
		d.webAddress(join(at, "url"), ch.URL, true)
	case TypeWebhook:
		d.webAddress(join(at, "url"), ch.URL, true)
		if path := join(at, "secret"); !d.has(path) {
			d.wrong(path, "receivers check with it that a message is yours", "a webhook needs a secret")
		} else if n := len(ch.Secret.Reveal()); n < minSecret && !d.bad[path] {
			d.wrong(path, "`openssl rand -hex 16` makes one", "has %d bytes; at least %d are needed", n, minSecret)
		}
	case TypeHeartbeat:
		d.heartbeat(at, ch)
	}
}

// databaseMark stands for the name of the database in the URLs of a heartbeat.
const databaseMark = "{database}"

func (d *decoder) heartbeat(at string, ch *Channel) {
	d.webAddress(join(at, "url"), ch.URL, true)
	perDatabase := strings.Contains(ch.URL.Reveal(), databaseMark)
	for _, other := range []struct {
		key string
		url Secret
	}{{"start_url", ch.StartURL}, {"failure_url", ch.FailureURL}} {
		path := join(at, other.key)
		d.webAddress(path, other.url, false)
		if other.url.IsSet() && !d.bad[path] && strings.Contains(other.url.Reveal(), databaseMark) != perDatabase {
			d.wrong(path, "", "%s must be in all URLs of a heartbeat or in none", databaseMark)
		}
	}
}

// foreignKeys refuses the keys of other types of channels.
func (d *decoder) foreignKeys(at string, ch *Channel) {
	for _, k := range keysOf(reflect.TypeFor[Channel]()) {
		path := join(at, k.name)
		if k.channels != nil && !slices.Contains(k.channels, ch.Type) && d.has(path) {
			d.bad[path] = true
			d.add(d.keyAt[path], path, "a channel of the type "+ch.Type+" has no such key", "it is for "+oneOf(k.channels))
		}
	}
}

func (d *decoder) email(at string, ch *Channel) {
	if ch.TLS == "" {
		ch.TLS = StartTLS
	}
	if ch.Port == 0 {
		ch.Port = map[string]int{StartTLS: 587, ImplicitTLS: 465, NoTLS: 25}[ch.TLS] // RFC 6409, RFC 8314
	}
	switch path := join(at, "host"); {
	case d.bad[path]:
	case ch.Host == "":
		d.wrong(path, "", "a channel of the type email needs a host")
	case strings.ContainsAny(ch.Host, "/@ ") || strings.Count(ch.Host, ":") == 1:
		d.wrong(path, "the port has a key of its own", "%q is not the name of a mail server", ch.Host)
	case ch.TLS == NoTLS && !isLoopback(ch.Host):
		d.wrong(join(at, "tls"), "use starttls or tls", "mail without encryption is for a server on this machine only")
	}
	switch path := join(at, "user"); {
	case d.bad[join(at, "password")] || d.bad[path]:
	case ch.Password.IsSet() != (ch.User != ""):
		d.wrong(path, "", "user and password come together")
	case ch.TLS == NoTLS && ch.User != "":
		d.wrong(path, "use starttls or tls", "a password is not sent without encryption")
	}
	d.address(join(at, "from"), ch.From)
	if len(ch.To) == 0 && !d.bad[join(at, "to")] {
		d.wrong(join(at, "to"), "", "a channel of the type email needs addresses to write to")
	}
	for i, to := range ch.To {
		d.address(join(join(at, "to"), strconv.Itoa(i)), to)
	}
}

func (d *decoder) address(path, text string) {
	if d.bad[path] {
		return
	}
	if text == "" {
		d.wrong(path, "", "a channel of the type email needs an address here")
		return
	}
	if _, err := mail.ParseAddress(text); err != nil {
		d.wrong(path, "want an address such as ops@example.org or Ops <ops@example.org>", "%.80q is not a mail address", text)
	}
}

// webAddress checks a URL that may let whoever has it in, and so is never shown.
func (d *decoder) webAddress(path string, s Secret, needed bool) {
	switch {
	case d.bad[path]:
	case !s.IsSet() && needed:
		d.wrong(path, "", "the channel needs a url")
	case s.IsSet() && !isWebAddress(s.Reveal()):
		d.wrong(path, "", "is not a URL that begins with https:// or http://")
	}
}

func isWebAddress(text string) bool {
	u, err := url.Parse(strings.ReplaceAll(text, databaseMark, "x"))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.Opaque == ""
}
