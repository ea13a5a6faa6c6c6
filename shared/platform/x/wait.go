package x

import (
	"net/http"
	"strconv"
	"time"

	"rostrum/shared/httpclient"
)

const (
	minWait = time.Second
	maxWait = 24 * time.Hour
	// absurdWait is longer than any window of X and the error of a clock: such a
	// reset says nothing.
	absurdWait = maxWait + time.Hour
	// silentWait is used when X names no time.
	silentWait = time.Minute
)

// limits are the windows that X reports, by the prefix of their three headers:
// 15 minutes, and 24 hours for the user and for the app (rate-limits page and
// plhery/node-twitter-api-v2, 2026-11).
func limits() []string {
	return []string{"X-Rate-Limit", "X-User-Limit-24hour", "X-App-Limit-24hour"}
}

// retryAfter reads how long a 429 asks to wait: until the last of the windows
// that are used up is over, else until the 15-minute window is, or as long as
// Retry-After says. The answer is between 1 s and 24 h whatever X says.
func retryAfter(a *answer, now time.Time) time.Duration {
	if a.problem().is("usage-capped") && a.Header.Get("X-Rate-Limit-Reset") == "" {
		return maxWait
	}
	wait, found := time.Duration(0), false
	for _, prefix := range limits() {
		if a.Header.Get(prefix+"-Remaining") != "0" {
			continue
		}
		if d, ok := untilReset(a.Header, prefix, now); ok {
			wait, found = max(wait, d), true
		}
	}
	if d, ok := untilReset(a.Header, limits()[0], now); ok && !found {
		wait, found = d, true
	}
	if d, ok := httpclient.RetryAfter(a.Header, now); ok {
		wait, found = max(wait, d), true
	}
	if !found {
		return silentWait
	}
	return min(max(wait, minWait), maxWait)
}

func untilReset(header http.Header, prefix string, now time.Time) (time.Duration, bool) {
	reset, err := strconv.ParseInt(header.Get(prefix+"-Reset"), 10, 64)
	if err != nil {
		return 0, false
	}
	return httpclient.Seconds(reset - now.Unix()), reset < now.Add(absurdWait).Unix()
}

// limitCode says which limit was met.
func limitCode(a *answer) string {
	switch {
	case a.problem().is("usage-capped"):
		return "usage_capped"
	case a.Header.Get("X-User-Limit-24hour-Remaining") == "0":
		return "user_limit_24h"
	case a.Header.Get("X-App-Limit-24hour-Remaining") == "0":
		return "app_limit_24h"
	default:
		return "rate_limited"
	}
}
