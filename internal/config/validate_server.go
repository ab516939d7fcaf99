package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// variables are the environment variables that take the place of a value in the file,
// as a container or a unit needs it. One that is empty counts as not set.
var variables = []struct {
	name, path string
	field      func(*Config) *string
}{
	{"LITEKEEP_STATE", "state", func(c *Config) *string { return &c.State }},
	{"LITEKEEP_LISTEN", "server.listen", func(c *Config) *string { return &c.Server.Listen }},
	{"LITEKEEP_TLS_CERTIFICATE", "server.tls.certificate", func(c *Config) *string { return &c.Server.TLS.Certificate }},
	{"LITEKEEP_TLS_KEY", "server.tls.key", func(c *Config) *string { return &c.Server.TLS.Key }},
	{"LITEKEEP_PUBLIC_URL", "server.public_url", func(c *Config) *string { return &c.Server.PublicURL }},
}

// override puts values of the environment in the place of those of the file.
func (d *decoder) override(c *Config) {
	for _, v := range variables {
		if text, ok := d.env(v.name); ok && text != "" {
			*v.field(c) = text
			d.variable[v.path] = v.name
			d.at[v.path] = place{}
			delete(d.bad, v.path)
		}
	}
}

func (d *decoder) server(s *Server) {
	d.listen(s)
	d.path("server.tls.certificate", &s.TLS.Certificate)
	d.path("server.tls.key", &s.TLS.Key)
	if (s.TLS.Certificate == "") != (s.TLS.Key == "") && !d.bad["server.tls.certificate"] && !d.bad["server.tls.key"] {
		d.wrong("server.tls", "", "certificate and key come together")
	}
	if text := s.PublicURL; text != "" {
		u, err := url.Parse(text)
		if err != nil || !isWebAddress(text) || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			d.wrong("server.public_url", "", "want a URL such as https://backups.example.org")
		}
		s.PublicURL = strings.TrimRight(text, "/")
	}
	d.between("server.sessions", s.Sessions, time.Minute, 30*day)
	for i, text := range s.TrustedProxies {
		path := "server.trusted_proxies." + strconv.Itoa(i)
		if d.bad[path] {
			continue
		}
		if _, err := netip.ParsePrefix(text); err != nil {
			hint := ""
			if a, err := netip.ParseAddr(text); err == nil {
				hint = "did you mean " + netip.PrefixFrom(a, a.BitLen()).String() + "?"
			}
			d.wrong(path, hint, "%.80q is not a network such as 10.0.0.0/8", text)
		}
	}
}

// listen checks where the server listens. What it says must not go over a network in
// the clear: tokens and whole databases do.
func (d *decoder) listen(s *Server) {
	const path = "server.listen"
	if s.Listen == Off || d.bad[path] {
		return
	}
	host, port, err := net.SplitHostPort(s.Listen)
	number, notNumber := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || notNumber != nil || strings.ContainsAny(host, "/@ "):
		hint := ""
		if _, err := strconv.ParseUint(s.Listen, 10, 16); err == nil {
			hint = "did you mean 127.0.0.1:" + s.Listen + "?"
		}
		d.wrong(path, hint, "want an address and a port such as 127.0.0.1:8420, or off")
	case number == 0:
		d.wrong(path, "", "port 0 is a different one after each start")
	case !isLoopback(host) && s.TLS.Certificate == "" && !s.TLSProxy:
		d.wrong(path, "give a certificate under server.tls, or say tls_proxy: true where a proxy in front ends TLS",
			"%s can be reached from other machines, and there is no TLS", s.Listen)
	}
}

// isLoopback reports whether a host is this machine alone. Names other than localhost
// are not looked up.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
