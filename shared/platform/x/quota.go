package x

import (
	"net/http"
	"strconv"
	"time"

	"rostrum/shared/platform"
	"rostrum/shared/throttle"
)

// window is one of X's windows, by the prefix of its three headers.
type window struct {
	prefix string
	scope  throttle.Scope
	span   time.Duration
}

// windows are those that X reports: 15 minutes of the user on every answer
// (docs.x.com, X API fundamentals, rate limits, 2026-11), and 24 hours of the
// user and of the app on posting (plhery/node-twitter-api-v2
// doc/rate-limiting.md, 2026-11).
func windows() []window {
	return []window{
		{"X-Rate-Limit", throttle.AccountScope, 15 * time.Minute},
		{"X-User-Limit-24hour", throttle.AccountScope, 24 * time.Hour},
		{"X-App-Limit-24hour", throttle.AppScope, 24 * time.Hour},
	}
}

// quotas reads what an answer says of the windows; what is absurd is left out.
func quotas(header http.Header, use throttle.Use, now time.Time) []throttle.Quota {
	var out []throttle.Quota
	for _, w := range windows() {
		limit, errLimit := strconv.Atoi(header.Get(w.prefix + "-Limit"))
		remaining, errRemaining := strconv.Atoi(header.Get(w.prefix + "-Remaining"))
		reset, errReset := strconv.ParseInt(header.Get(w.prefix+"-Reset"), 10, 64)
		if errLimit != nil || errRemaining != nil || errReset != nil {
			continue
		}
		q, ok := throttle.Quota{
			Scope: w.scope, Use: use, Window: w.span, Limit: limit, Remaining: remaining, ResetsAt: time.Unix(reset, 0).UTC(),
		}.Sane(now)
		if ok {
			out = append(out, q)
		}
	}
	return out
}

// tell hands on what an answer says of the quotas.
func (c *Client) tell(target platform.Target, use throttle.Use, a *answer) {
	if target.Heard == nil || a.Header == nil {
		return
	}
	if heard := quotas(a.Header, use, c.clock.Now()); len(heard) > 0 {
		target.Heard(heard)
	}
}
