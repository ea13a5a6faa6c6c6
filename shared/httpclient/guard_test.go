package httpclient

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
)

func discardLogger() *log.Logger { return log.New(io.Discard, "", 0) }

func guardedClient(t *testing.T, allowed ...string) *http.Client {
	t.Helper()
	c := NewGuard(allowed).Client(testOptions())
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestInwardAddressesAreRefused(t *testing.T) {
	t.Parallel()
	g := NewGuard(nil)
	for _, ip := range []string{
		"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1",
		"fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1",
	} {
		require.True(t, g.pointsInward(netip.MustParseAddr(ip)), ip)
	}
	require.True(t, g.pointsInward(netip.Addr{}))
}

func TestPublicAddressesPass(t *testing.T) {
	t.Parallel()
	g := NewGuard(nil)
	for _, ip := range []string{"1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1"} {
		require.False(t, g.pointsInward(netip.MustParseAddr(ip)), ip)
	}
}

func TestAddressFormIsChecked(t *testing.T) {
	t.Parallel()
	g := NewGuard([]string{"127.0.0.1:8084"})
	for _, address := range []string{
		"file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "http://", "http:///x", "//example.com/",
		"http://user:pass@example.com/", "http://example.com:22/", "http://example.com:8080/", "http://[::1]/", "http://127.0.0.1/",
		"http://127.0.0.1:8085/", "http://localhost/", "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/", "::", "http://%zz/",
	} {
		err := g.Check(t.Context(), address)
		require.True(t, apperr.Is(err, apperr.Invalid), "%s: %v", address, err)
		require.Equal(t, "source_address_refused", apperr.As(err).Code, address)
	}
	for _, address := range []string{"http://127.0.0.1:8084/feed.xml", "https://1.1.1.1/feed", "http://nowhere.invalid/feed", "https://1.1.1.1:443/"} {
		require.NoError(t, g.Check(t.Context(), address), address)
	}
}

func TestDialedAddressIsChecked(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://localhost/", "http://127.0.0.1/", "https://[::1]/", "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/"} {
		sent, err := fails(t, guardedClient(t), http.MethodGet, address, "")
		require.Equal(t, "source_address_refused", apperr.As(err).Code, address)
		require.False(t, sent, address)
	}
}

func hostOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	return u.Host
}

func TestAllowedHostIsFetched(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	response, _, err := do(t, guardedClient(t, hostOf(t, server)), http.MethodGet, server.URL, "")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))
}

func TestRedirectInwardIsRefused(t *testing.T) {
	t.Parallel()
	inner := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "secret") })
	for _, target := range []string{inner.URL, "http://169.254.169.254/", "http://localhost/", "file:///etc/passwd"} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusFound)
		})
		_, err := fails(t, guardedClient(t, hostOf(t, server)), http.MethodGet, server.URL, "")
		require.Equal(t, "source_address_refused", apperr.As(err).Code, target)
	}
}

func TestFiveRedirectsAreFollowedAndNoMore(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		left := strings.TrimPrefix(r.URL.Path, "/")
		if left == "" {
			_, _ = io.WriteString(w, "end")
			return
		}
		http.Redirect(w, r, "/"+left[1:], http.StatusFound)
	})
	c := guardedClient(t, hostOf(t, server))
	response, _, err := do(t, c, http.MethodGet, server.URL+"/aaaaa", "")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	_ = response.Body.Close()
	_, err = fails(t, c, http.MethodGet, server.URL+"/aaaaaa", "")
	require.Equal(t, "source_unreachable", apperr.As(err).Code)
}
