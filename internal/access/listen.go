package access

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// ErrListen says that the service must not listen as it was told to.
var ErrListen = errors.New("refusing to listen")

// A Listener is how the service is to be reached.
type Listener struct {
	// Addr is host:port, as for net.Listen. An empty host is every address.
	Addr string
	// Tokens says that there is, or was, a token.
	Tokens bool
	// TLS says that the service has a certificate.
	TLS bool
	// ProxyTLS says that a proxy in front takes care of TLS, and that the network
	// between the two is trusted.
	ProxyTLS bool
}

// Check returns nil if the listener is safe enough to begin. Otherwise the error
// matches ErrListen and says what to do. Beyond loopback there must be a token,
// since everybody could restore otherwise, and TLS, since tokens would be readable
// on the way.
func (l Listener) Check() error {
	loopback, err := isLoopbackListener(l.Addr)
	switch {
	case err != nil:
		return fmt.Errorf("%w on %q: %w", ErrListen, l.Addr, err)
	case loopback && l.ProxyTLS && !l.Tokens:
		return fmt.Errorf("%w on %s behind a proxy without any token: everybody that the proxy lets in would have all rights; make one with `litekeep token create`", ErrListen, l.Addr)
	case loopback:
		return nil
	case !l.Tokens:
		return fmt.Errorf("%w on %s without any token: everybody who reaches it would have all rights; make one with `litekeep token create`, or listen on 127.0.0.1", ErrListen, l.Addr)
	case !l.TLS && !l.ProxyTLS:
		return fmt.Errorf("%w on %s without TLS: tokens could be read on the way; give a certificate, or say that a proxy takes care of TLS", ErrListen, l.Addr)
	}
	return nil
}

// isLoopbackListener reports whether only this machine reaches an address. Of names
// it takes localhost alone: what others mean can change.
func isLoopbackListener(addr string) (bool, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, err
	}
	return isLoopbackHost(host), nil
}

// isLoopbackHost reports whether a host without a port is localhost or a loopback
// address.
func isLoopbackHost(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// hostOf is the host of a Host header, without its port, in lower case.
func hostOf(header string) string {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
