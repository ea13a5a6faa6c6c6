package httpclient

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
)

func testOptions() Options {
	return Options{Timeout: 30 * time.Second, MaxBody: 1000, UserAgent: "Rostrum-Test"}
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func client(t *testing.T, o Options) *http.Client {
	t.Helper()
	c := New(o)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func do(t *testing.T, c *http.Client, method, address, body string) (*http.Response, *Sent, error) {
	t.Helper()
	ctx, sent := Track(t.Context())
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, reader)
	require.NoError(t, err)
	response, err := c.Do(request)
	return response, sent, err
}

// fails sends a request that must fail, and says whether a byte of it went out.
func fails(t *testing.T, c *http.Client, method, address, body string) (bool, error) {
	t.Helper()
	response, sent, err := do(t, c, method, address, body)
	if err == nil {
		_ = response.Body.Close()
	}
	require.Error(t, err, address)
	return sent.Any(), err
}

func TestBodyAtTheCapIsReadWhole(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("a", 1000)) })
	response, _, err := do(t, client(t, testOptions()), http.MethodGet, server.URL, "")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Len(t, body, 1000)
}

func TestBodyPastTheCapFails(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("a", 1001)) })
	response, _, err := do(t, client(t, testOptions()), http.MethodGet, server.URL, "")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.True(t, apperr.Is(err, apperr.TooLarge), "%v", err)
	require.Len(t, body, 1000)
}

func TestBombIsStoppedAfterDecompression(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			http.Error(w, "expected gzip", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat("0", 1<<20))
		_ = z.Close()
	})
	response, _, err := do(t, client(t, testOptions()), http.MethodGet, server.URL, "")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.True(t, apperr.Is(err, apperr.TooLarge), "%v", err)
	require.Len(t, body, 1000)
}

func TestTotalDeadlineCoversASlowBody(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "start")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	o := testOptions()
	o.Timeout = 100 * time.Millisecond
	response, _, err := do(t, client(t, o), http.MethodGet, server.URL, "")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	_, err = io.ReadAll(response.Body)
	require.Error(t, err)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	})
	response, _, err := do(t, client(t, testOptions()), http.MethodPost, server.URL, "body")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusTemporaryRedirect, response.StatusCode)
	require.EqualValues(t, 1, hits.Load())
}

func TestUserAgentIsSentUnlessNamed(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.UserAgent()) })
	response, _, err := do(t, client(t, testOptions()), http.MethodGet, server.URL, "")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "Rostrum-Test", string(body))
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestABodyThatChangesSomethingCannotBeRewound(t *testing.T) {
	t.Parallel()
	for method, rewinds := range map[string]bool{
		http.MethodPost: false, http.MethodPut: false, http.MethodPatch: false, http.MethodDelete: false, http.MethodGet: true,
	} {
		var seen *http.Request
		l := &limiter{options: testOptions(), next: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			seen = r
			return nil, io.EOF
		})}
		request, err := http.NewRequestWithContext(t.Context(), method, "http://example.invalid/", strings.NewReader("body"))
		require.NoError(t, err)
		require.NotNil(t, request.GetBody)
		_, err = l.RoundTrip(request) //nolint:bodyclose // there is no response
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, rewinds, seen.GetBody != nil, method)
		require.NotNil(t, request.GetBody, "the caller's request is not touched")
	}
}

func TestIdempotencyHeaderOnAMutationIsRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	require.NoError(t, err)
	request.Header.Set("Idempotency-Key", "1")
	response, err := client(t, testOptions()).Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	require.ErrorContains(t, err, "repeat the request")
}

// staleServer answers the first request of each connection, and cuts the
// connection when a second comes, without a byte of answer. It counts requests.
func staleServer(t *testing.T) (string, *atomic.Int32) {
	t.Helper()
	var requests atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			_, _ = io.WriteString(w, "first")
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	return server.URL, &requests
}

func TestPostOnADyingConnectionIsSentOnce(t *testing.T) {
	t.Parallel()
	address, requests := staleServer(t)
	c := client(t, testOptions())
	response, sent, err := do(t, c, http.MethodPost, address, "one")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.True(t, sent.Any())
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()

	wrote, _ := fails(t, c, http.MethodPost, address, "two")
	require.True(t, wrote)
	require.EqualValues(t, 2, requests.Load())
}

func TestNothingIsSentWhenTheDialFails(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	sent, _ := fails(t, client(t, testOptions()), http.MethodPost, address, "body")
	require.False(t, sent)
}

func TestNothingIsSentWhenTheNameDoesNotResolve(t *testing.T) {
	t.Parallel()
	sent, _ := fails(t, client(t, testOptions()), http.MethodPost, "http://nowhere.invalid/", "body")
	require.False(t, sent)
}

func TestHandshakeBytesAreNotTheRequest(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = discardLogger()
	server.StartTLS()
	t.Cleanup(server.Close)
	sent, err := fails(t, client(t, testOptions()), http.MethodPost, server.URL, "body")
	require.ErrorContains(t, err, "tls handshake")
	require.False(t, sent)
}

func TestResetAfterTheRequestCountsAsSent(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	sent, _ := fails(t, client(t, testOptions()), http.MethodPost, server.URL, "body")
	require.True(t, sent)
}

func TestSafeDropsTheAddress(t *testing.T) {
	t.Parallel()
	err := Safe(&url.Error{Op: "Get", URL: "http://h/?code=canary", Err: io.EOF})
	require.Equal(t, io.EOF, err)
}
