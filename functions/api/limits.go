package api

import (
	"net"
	"net/http"
	"net/netip"

	"rostrum/shared/ratelimit"
	"rostrum/shared/store"
)

// Limits are how much may be asked of the api.
type Limits struct {
	// Session and Workspace bound what signed-in people do, Address what comes
	// from one network address, known or not; SignIn bounds its attempts to sign
	// in, beside the lock on each person.
	Session, Workspace, Address, SignIn ratelimit.Limit
}

// LimitsFor scales all limits by what one session may ask in a second. An office
// behind one address and a workspace are given five times that.
func LimitsFor(perSecond int) Limits {
	rate := float64(perSecond)
	return Limits{
		Session:   ratelimit.Limit{PerSecond: rate, Burst: 10 * perSecond},
		Workspace: ratelimit.Limit{PerSecond: 5 * rate, Burst: 50 * perSecond},
		Address:   ratelimit.Limit{PerSecond: 5 * rate, Burst: 50 * perSecond},
		SignIn:    ratelimit.Limit{PerSecond: rate / 100, Burst: perSecond},
	}
}

// limitAddress is asked before anything is looked up.
func (s *Server) limitAddress(rt route, r *http.Request) error {
	address := addressOf(r)
	buckets := []ratelimit.Bucket{{Key: "address " + address, Limit: s.Limits.Address}}
	if rt.id == "sign-in" {
		buckets = append(buckets, ratelimit.Bucket{Key: "sign-in " + address, Limit: s.Limits.SignIn})
	}
	return s.Limiter.Take(r.Context(), buckets...)
}

// limitSession is asked when it is known who it is.
func (s *Server) limitSession(r *http.Request, session store.Session) error {
	return s.Limiter.Take(r.Context(),
		ratelimit.Bucket{Key: "session " + session.ID.String(), Limit: s.Limits.Session},
		ratelimit.Bucket{Key: "workspace " + session.WorkspaceID.String(), Limit: s.Limits.Workspace})
}

// addressOf is the network address that asks: of IPv6 the /64, of which one
// household has 2^64. A header that names another is not believed.
func addressOf(r *http.Request) string {
	host := r.RemoteAddr
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}
