package x

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Windows of X's limits (rate-limits page, read 2026-11).
const (
	shortWindow = 15 * time.Minute
	dayWindow   = 24 * time.Hour
)

// Limit is what one endpoint allows. A zero field is no limit.
type Limit struct {
	// User and App are requests per 15 minutes, by one user and by all.
	User int `json:"user"`
	App  int `json:"app"`
	// UserDay and AppDay are requests per 24 hours.
	UserDay int `json:"user_day"`
	AppDay  int `json:"app_day"`
}

// DefaultLimits are the documented limits (read 2026-11), by method and path
// pattern. The user's limit per 24 hours is not on that page: its headers are
// (plhery/node-twitter-api-v2 doc/rate-limiting.md), its number here is ours.
func DefaultLimits() map[string]Limit {
	return map[string]Limit{
		createEndpoint:             {User: 100, UserDay: 1000, AppDay: 10000},
		"DELETE /2/tweets/{id}":    {User: 50},
		uploadEndpoint:             {User: 500, AppDay: 50000},
		metadataEndpoint:           {User: 500},
		"GET /2/tweets":            {User: 5000, App: 3500},
		"GET /2/tweets/{id}":       {User: 900, App: 450},
		"GET /2/users/me":          {User: 75},
		"GET /2/users/{id}/tweets": {User: 900, App: 10000},
	}
}

// limiter counts requests in fixed windows that open with their first request.
type limiter struct {
	mu      sync.Mutex
	limits  map[string]Limit
	windows map[windowKey]*window
}

type windowKey struct {
	endpoint string
	user     string // Empty for the app's window.
	day      bool
}

type window struct {
	start time.Time
	used  int
}

func newLimiter(replaced map[string]Limit) *limiter {
	limits := DefaultLimits()
	maps.Copy(limits, replaced)
	return &limiter{limits: limits, windows: map[windowKey]*window{}}
}

// reading is one window as the headers tell it.
type reading struct {
	name      string
	limit     int
	remaining int
	reset     time.Time
}

// verdict is whether a request may pass, and the windows it was counted in.
type verdict struct {
	ok       bool
	readings []reading
}

// take counts a request in every window of the endpoint, or in none when one of
// them is full.
func (l *limiter) take(endpoint, user string, now time.Time) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.limits[endpoint]
	open := []struct {
		name string
		key  windowKey
		max  int
		span time.Duration
	}{
		{"x-rate-limit", windowKey{endpoint, user, false}, limit.User, shortWindow},
		{"x-app-limit-15min", windowKey{endpoint, "", false}, limit.App, shortWindow},
		{"x-user-limit-24hour", windowKey{endpoint, user, true}, limit.UserDay, dayWindow},
		{"x-app-limit-24hour", windowKey{endpoint, "", true}, limit.AppDay, dayWindow},
	}
	v := verdict{ok: true}
	var counted []*window
	for _, o := range open {
		if o.max == 0 {
			continue
		}
		w := l.windows[o.key]
		if w == nil || !now.Before(w.start.Add(o.span)) {
			w = &window{start: now}
			l.windows[o.key] = w
		}
		if w.used >= o.max {
			v.ok = false
		}
		counted = append(counted, w)
		v.readings = append(v.readings, reading{o.name, o.max, o.max - w.used, w.start.Add(o.span)})
	}
	if !v.ok {
		return v
	}
	for i, w := range counted {
		w.used++
		v.readings[i].remaining--
	}
	return v
}

// headers writes the windows down as X does. The app's 15-minute window has no
// header of its own; when it is the one that is full, X's general ones tell it.
func (v verdict) headers(h http.Header) {
	for _, r := range v.readings {
		name := r.name
		if name == "x-app-limit-15min" {
			if r.remaining > 0 {
				continue
			}
			name = "x-rate-limit"
		}
		// X rounds the reset up to a whole second: a client that waits until then passes.
		reset := r.reset.Add(time.Second - 1).Unix()
		h.Set(name+"-limit", strconv.Itoa(r.limit))
		h.Set(name+"-remaining", strconv.Itoa(max(r.remaining, 0)))
		h.Set(name+"-reset", strconv.FormatInt(reset, 10))
	}
}

// set replaces the limits of the named endpoints.
func (l *limiter) set(replaced map[string]Limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.limits, replaced)
}

// all returns the limits in force.
func (l *limiter) all() map[string]Limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.limits)
}

// reset opens every window anew.
func (l *limiter) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.windows)
}
