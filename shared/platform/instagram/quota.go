package instagram

import (
	"encoding/json"
	"net/http"
	"time"

	"rostrum/shared/httpclient"
	"rostrum/shared/throttle"
)

const (
	minWait = time.Second
	maxWait = 24 * time.Hour
	// silentWait is used when Instagram names no time: its windows are an hour
	// long and rolling, so a part of one helps.
	silentWait = 5 * time.Minute
	// notReadyWait is between two looks at a container. Instagram takes some
	// seconds for an image.
	notReadyWait = 3 * time.Second
	// dayFullWait is between two tries when the rolling day is full: a place in
	// it may become free at any time.
	dayFullWait = time.Hour
	// told is for how long a rolling figure is believed.
	told = time.Hour
)

// usage is one entry of the usage headers: percentages, throttled at 100
// (Graph API rate limits page, read 2026-11).
type usage struct {
	Calls int `json:"call_count"`
	Time  int `json:"total_time"`
	CPU   int `json:"total_cputime"`
	// Regain is in minutes.
	Regain int64 `json:"estimated_time_to_regain_access"`
}

func (u usage) percent() int { return max(u.Calls, u.Time, u.CPU) }

// appUsage reads what all accounts together have used.
func appUsage(header http.Header) (usage, bool) {
	var u usage
	err := json.Unmarshal([]byte(header.Get("X-App-Usage")), &u)
	return u, err == nil
}

// accountUsage reads what the account has used: of several entries the fullest.
func accountUsage(header http.Header) (usage, bool) {
	var by map[string][]usage
	if json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &by) != nil {
		return usage{}, false
	}
	var fullest usage
	found := false
	for _, entries := range by {
		for _, u := range entries {
			if !found || u.percent() > fullest.percent() || u.Regain > fullest.Regain {
				fullest, found = u, true
			}
		}
	}
	return fullest, found
}

// quotas reads what an answer says of the windows. They count every kind of
// call together, so each kind is told. How many calls a percent is, is not
// said; taking one for one keeps too much back rather than too little.
func quotas(header http.Header, now time.Time) []throttle.Quota {
	var out []throttle.Quota
	add := func(scope throttle.Scope, u usage) {
		resets := now.Add(told)
		if u.Regain > 0 {
			resets = now.Add(min(minutes(u.Regain), told))
		}
		for _, use := range []throttle.Use{throttle.Posting, throttle.Reading, throttle.Measuring} {
			q, ok := throttle.Quota{
				Scope: scope, Use: use, Window: told, Limit: 100, Remaining: max(100-u.percent(), 0), ResetsAt: resets,
			}.Sane(now)
			if ok {
				out = append(out, q)
			}
		}
	}
	if u, ok := appUsage(header); ok {
		add(throttle.AppScope, u)
	}
	if u, ok := accountUsage(header); ok {
		add(throttle.AccountScope, u)
	}
	return out
}

func minutes(n int64) time.Duration {
	return httpclient.Seconds(min(max(n, 0), int64(maxWait/time.Minute)) * 60)
}

// wait is how long a limit asks to wait, between 1 s and 24 h whatever is said.
func (c *Client) wait(a answer) time.Duration {
	if u, ok := accountUsage(a.Header); ok && u.Regain != 0 {
		return min(max(minutes(u.Regain), minWait), maxWait)
	}
	if d, ok := httpclient.RetryAfter(a.Header, c.clock.Now()); ok {
		return min(max(d, minWait), maxWait)
	}
	return silentWait
}
