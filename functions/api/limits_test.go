package api

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// tight is a server whose process, without Redis, allows eight requests of a
// session at once and five attempts to sign in.
func tight(t *testing.T) *tenant {
	t.Helper()
	tn := setup(t).tenant(t, "ada")
	tn.server.Limits = LimitsFor(20)
	tn.server.Limits.Session.PerSecond, tn.server.Limits.Session.Burst = 0.1, 32
	return tn
}

func TestWhoAsksTooMuchIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	tn := tight(t)
	for range 8 {
		require.Equal(t, http.StatusOK, tn.call(t, http.MethodGet, "/v1/me", nil).status)
	}
	got := tn.call(t, http.MethodGet, "/v1/me", nil)
	requireProblem(t, got, http.StatusTooManyRequests, "too_many_requests")
	seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, seconds)
	require.Equal(t, http.StatusOK, tn.call(t, http.MethodGet, "/health/live", nil).status, "others go on")
}

func TestAttemptsToSignInAreFewFromOneAddress(t *testing.T) {
	t.Parallel()
	tn := tight(t)
	stranger := func(who string) answer {
		return tn.call(t, http.MethodPost, "/v1/session", map[string]any{"email": who + "@example.org", "password": "wrong"})
	}
	for i := range 5 {
		requireProblem(t, stranger(strconv.Itoa(i)), http.StatusUnauthorized, "wrong_credentials")
	}
	requireProblem(t, stranger("another"), http.StatusTooManyRequests, "too_many_requests")
}

func TestAnAddressIsAHousehold(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "203.0.113.7:443": "203.0.113.7", "[::ffff:203.0.113.7]:1": "203.0.113.7",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64", "[2001:db8:1:2:ffff::9%eth0]:80": "2001:db8:1:2::/64", "": "unknown", "a host": "unknown",
	} {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}
		require.Equal(t, want, addressOf(r), remote)
	}
}
