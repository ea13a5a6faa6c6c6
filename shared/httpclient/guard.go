package httpclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"rostrum/shared/apperr"
)

const maxRedirects = 5

// Guard decides which addresses from outside may be fetched: http and https,
// ports 80 and 443, and no machine of a private, local or reserved network.
type Guard struct {
	allowed []string
	inward  []netip.Prefix
}

// NewGuard returns a guard. The allowed hosts ("127.0.0.1:8084", port always
// named) pass whatever they are; they exist for the local simulators.
func NewGuard(allowedHosts []string) *Guard {
	return &Guard{allowed: allowedHosts, inward: inwardNetworks()}
}

// Client returns a client that asks the guard about every address and about
// the IP that is really dialed, so that a name that changes its mind between
// check and dial gains nothing. At most five redirects are followed, each
// checked the same way. It takes no proxy from the environment.
//
// A refused address gives an apperr of kind Invalid, code
// "source_address_refused", somewhere in the chain.
func (g *Guard) Client(o Options) *http.Client {
	strict := &net.Dialer{Timeout: dialTimeout, Control: g.control}
	open := newTransport(&net.Dialer{Timeout: dialTimeout})
	return &http.Client{
		Timeout: o.Timeout,
		Transport: &limiter{
			next:    &guarded{guard: g, strict: newTransport(strict), open: open},
			options: o,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return apperr.New(apperr.Invalid, "source_unreachable", "The address redirects more than %d times.", maxRedirects).
					WithHint("Use the address that the redirects lead to.")
			}
			return nil
		},
	}
}

// Check tests an address before it is stored: its form, and where its name
// points now. A name that does not resolve passes, since the source may be
// away today; the dial is checked again on every fetch. Errors: Invalid
// "source_address_refused".
func (g *Guard) Check(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return refused("That is not a web address.")
	}
	exempt, err := g.checkURL(u)
	if err != nil || exempt {
		return err
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil //nolint:nilerr // a name that cannot be resolved today is checked at the dial
	}
	if slices.ContainsFunc(addresses, g.pointsInward) {
		return refused("That address points inside a private network.")
	}
	return nil
}

// checkURL tests the form of an address and reports whether it is exempt.
func (g *Guard) checkURL(u *url.URL) (bool, error) {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false, refused("A source must be an http or https address.")
	}
	if u.Hostname() == "" {
		return false, refused("The address names no host.")
	}
	if u.User != nil {
		return false, refused("The address must not hold a name or password.")
	}
	if slices.Contains(g.allowed, hostPort(u)) {
		return true, nil
	}
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		return false, refused("A source must be on port 80 or 443.")
	}
	return false, nil
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// control runs after the name was resolved and before the socket connects.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	dialed, err := netip.ParseAddrPort(address)
	if err != nil || g.pointsInward(dialed.Addr()) {
		return refused("That address points inside a private network.")
	}
	return nil
}

func (g *Guard) pointsInward(ip netip.Addr) bool {
	if !ip.IsValid() || ip.Zone() != "" {
		return true
	}
	ip = ip.Unmap()
	if ip.Is6() && !globalUnicast6().Contains(ip) {
		return true
	}
	return slices.ContainsFunc(g.inward, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func globalUnicast6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// inwardNetworks lists what is not the public Internet, by the IANA registries
// of special-purpose IPv4 and IPv6 addresses (read 2026-11). Of IPv6 only
// 2000::/3 is public at all, which refuses loopback, link-local, unique-local,
// multicast, v4-compatible and NAT64 (64:ff9b::/96) without being listed.
func inwardNetworks() []netip.Prefix {
	var list []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8",        // this network
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // carrier-grade NAT
		"127.0.0.0/8",      // loopback
		"169.254.0.0/16",   // link-local, cloud metadata
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // 6to4 relay
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // benchmarking
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, broadcast
		"168.63.129.16/32", // cloud platform endpoint on a public address
		"2001::/23",        // protocol assignments, Teredo
		"2001:db8::/32",    // documentation
		"2002::/16",        // 6to4: carries a v4 address
		"3fff::/20",        // documentation
	} {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

func refused(message string) *apperr.Error {
	return apperr.New(apperr.Invalid, "source_address_refused", "%s", message).
		WithHint("Use a public http or https address.").WithField("url")
}

// guarded sends each hop through the transport that its address deserves.
// net/http calls it once per hop, so redirects are checked too.
type guarded struct {
	guard        *Guard
	strict, open *http.Transport
}

// RoundTrip refuses, or sends through the strict or the open transport.
func (t *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	exempt, err := t.guard.checkURL(r.URL)
	if err != nil {
		return nil, err
	}
	if exempt {
		return t.open.RoundTrip(r)
	}
	response, err := t.strict.RoundTrip(r)
	if err != nil {
		return nil, unwrapRefusal(err)
	}
	return response, nil
}

// CloseIdleConnections closes those of both transports.
func (t *guarded) CloseIdleConnections() {
	t.strict.CloseIdleConnections()
	t.open.CloseIdleConnections()
}

// unwrapRefusal lifts the guard's own error out of the dial error around it.
func unwrapRefusal(err error) error {
	if e, ok := errors.AsType[*apperr.Error](err); ok {
		return e
	}
	return err
}
