package httpclient

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
)

func ask(t *testing.T, o Options, address string) *Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, http.NoBody)
	require.NoError(t, err)
	return Ask(client(t, o), r)
}

func TestAnAnswerIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Said", "so")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "tea")
	})
	a := ask(t, testOptions(), server.URL)
	require.True(t, a.Whole())
	require.True(t, a.Sent.Any())
	require.NoError(t, a.Cause())
	require.Equal(t, http.StatusTeapot, a.Status)
	require.Equal(t, "so", a.Header.Get("X-Said"))
	require.Equal(t, "tea", string(a.Body))
}

func TestACutAnswerIsNotWhole(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	a := ask(t, testOptions(), server.URL)
	require.NoError(t, a.Err)
	require.False(t, a.Whole())
	require.False(t, a.TimedOut())
	require.Error(t, a.Cause())

	large := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1001)) })
	a = ask(t, testOptions(), large.URL)
	require.False(t, a.Whole())
	require.True(t, apperr.Is(a.BodyErr, apperr.TooLarge), "%v", a.BodyErr)
}

func TestWhyThereIsNoAnswerNamesNoAddress(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	a := ask(t, testOptions(), server.URL+"/?token=very-secret")
	require.False(t, a.Sent.Any())
	require.False(t, a.Whole())
	require.ErrorContains(t, a.Err, "very-secret", "http.Client names the address")
	require.NotContains(t, a.Cause().Error(), "very-secret")
}

func TestAnAnswerThatIsLateHasTimedOut(t *testing.T) {
	t.Parallel()
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	o := testOptions()
	o.Timeout = 100 * time.Millisecond
	a := ask(t, o, server.URL)
	require.True(t, a.TimedOut())
	require.True(t, a.Sent.Any())
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"30": 30 * time.Second, "-30": 0, "9223372036854775807": 24 * time.Hour, "Wed, 25 Nov 2026 03:02:00 GMT": 2 * time.Minute,
		"Wed, 25 Nov 2020 03:02:00 GMT": 0,
	} {
		got, ok := RetryAfter(http.Header{"Retry-After": {value}}, now)
		require.True(t, ok, value)
		require.Equal(t, want, got, value)
	}
	for _, value := range []string{"", "soon", "1.5"} {
		_, ok := RetryAfter(http.Header{"Retry-After": {value}}, now)
		require.False(t, ok, value)
	}
}
