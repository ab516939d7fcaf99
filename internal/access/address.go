package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddr returns the address that a request comes from: that of its connection
// or, where this is a trusted proxy, the last address in X-Forwarded-For that is
// not one. What stands before that was written by the client, and counts for
// nothing. The zero Addr stands for what cannot be told.
//
// IPv4 addresses in IPv6 form are returned in their own, and zones are left out.
func ClientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := peerAddr(r)
	if !contains(trusted, peer) {
		return peer
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(forwarded) {
		addr, ok := parseAddr(strings.TrimSpace(text))
		if !ok {
			break // nothing that a proxy writes
		}
		peer = addr
		if !contains(trusted, addr) {
			break
		}
	}
	return peer
}

func peerAddr(r *http.Request) netip.Addr {
	addr, _ := parseAddr(r.RemoteAddr)
	return addr
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) (netip.Addr, bool) {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return plain(p.Addr()), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	return plain(addr), err == nil
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// BucketOf returns what is counted as one client: an IPv4 address, or the /64 that a
// single subscriber has of IPv6. All that cannot be told are one.
func BucketOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a = plain(a); a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// addressText is an address as the audit log has it.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// forwarded reports whether a request says that it has passed through a proxy.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if len(r.Header.Values(name)) > 0 {
			return true
		}
	}
	return false
}
