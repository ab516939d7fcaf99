package config

import (
	"net"
	"path/filepath"
)

// LoadServer reads where the service of the configuration at path listens. Problems
// elsewhere in the file do not matter: the service may run with an older one that had
// none. The files of secrets are not read.
func LoadServer(path string, env func(string) (string, bool)) (Server, error) {
	text, err := readFile(path)
	if err != nil {
		return Server{}, err
	}
	noSecret := func(string) (string, error) { return "", nil }
	c, err := decodeConfig(path, filepath.Dir(path), text, env, noSecret)
	if c == nil {
		return Server{}, err
	}
	return c.Server, nil
}

// URL is how programs on this machine reach the server, "" if it does not listen. One
// with a certificate is asked by the name that the certificate is for, where
// public_url tells it.
func (s Server) URL() string {
	local := s.LocalURL()
	if local != "" && s.TLS.Certificate != "" && s.PublicURL != "" {
		return s.PublicURL
	}
	return local
}

// LocalURL is the address on this machine at which the server listens, "" if it does
// not. Its certificate, if it has one, may be for another name.
func (s Server) LocalURL() string {
	host, port, err := net.SplitHostPort(s.Listen)
	if s.Listen == Off || err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	scheme := "http://"
	if s.TLS.Certificate != "" {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, port)
}
