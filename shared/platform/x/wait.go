package x

import (
	"net/http"
	"strconv"
	"time"
)

const (
	minWait = time.Second
	maxWait = 24 * time.Hour
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
	if a.problem().is("usage-capped") && a.header.Get("X-Rate-Limit-Reset") == "" {
		return maxWait
	}
	wait, found := time.Duration(0), false
	for _, prefix := range limits() {
		if a.header.Get(prefix+"-Remaining") != "0" {
			continue
		}
		if d, ok := untilReset(a.header, prefix, now); ok {
			wait, found = max(wait, d), true
		}
	}
	if d, ok := untilReset(a.header, limits()[0], now); ok && !found {
		wait, found = d, true
	}
	if d, ok := asked(a.header.Get("Retry-After"), now); ok {
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
	return bounded(reset - now.Unix()), true
}

// asked reads a Retry-After in either of its forms.
func asked(value string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return bounded(seconds), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return bounded(at.Unix() - now.Unix()), true
	}
	return 0, false
}

// bounded turns seconds into a duration without overflow.
func bounded(seconds int64) time.Duration {
	return time.Duration(min(max(seconds, 0), int64(maxWait/time.Second))) * time.Second
}

// limitCode says which limit was met.
func limitCode(a *answer) string {
	switch {
	case a.problem().is("usage-capped"):
		return "usage_capped"
	case a.header.Get("X-User-Limit-24hour-Remaining") == "0":
		return "user_limit_24h"
	case a.header.Get("X-App-Limit-24hour-Remaining") == "0":
		return "app_limit_24h"
	default:
		return "rate_limited"
	}
}
