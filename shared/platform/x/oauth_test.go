package x

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/platform/platformtest"
)

func TestAuthorizeURLCarriesThePKCEFlow(t *testing.T) {
	t.Parallel()
	client, _ := stub(t, nil)
	u, err := url.Parse(client.AuthorizeURL("st&te", "challenge", "http://localhost:8080/v1/oauth/x/callback"))
	require.NoError(t, err)
	require.Equal(t, "https://x.com/i/oauth2/authorize", u.Scheme+"://"+u.Host+u.Path)
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {"public"}, "redirect_uri": {"http://localhost:8080/v1/oauth/x/callback"},
		"scope": {"tweet.read tweet.write users.read offline.access media.write"}, "state": {"st&te"},
		"code_challenge": {"challenge"}, "code_challenge_method": {"S256"},
	}, u.Query())
}

// consent walks through the simulated consent page and returns the code.
func consent(t *testing.T, n *network, challenge string) string {
	t.Helper()
	address := n.client.AuthorizeURL("state", challenge, "http://localhost:8080/callback")
	u, err := url.Parse(address)
	require.NoError(t, err)
	form := u.Query()
	form.Set("account", "tester")
	form.Set("decision", "allow")
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(browser.CloseIdleConnections)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := browser.Do(request)
	require.NoError(t, err)
	body, _ := io.ReadAll(response.Body)
	require.NoError(t, response.Body.Close())
	target, err := url.Parse(response.Header.Get("Location"))
	require.NoError(t, err)
	require.NotEmpty(t, target.Query().Get("code"), "%d %s", response.StatusCode, body)
	return target.Query().Get("code")
}

func TestExchangeGivesTokensForTheCodeOnce(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	sum := sha256.Sum256([]byte("verifier"))
	code := consent(t, n, base64.RawURLEncoding.EncodeToString(sum[:]))
	tokens, err := n.client.Exchange(t.Context(), code, "verifier", "http://localhost:8080/callback")
	require.NoError(t, err)
	require.NotEmpty(t, tokens.Refresh.Reveal())
	require.Contains(t, tokens.Scopes, "offline.access")
	require.WithinDuration(t, time.Now().Add(2*time.Hour), tokens.ExpiresAt, time.Minute)
	profile, err := n.client.WhoAmI(t.Context(), tokens.Access)
	require.NoError(t, err)
	require.Equal(t, "tester", profile.Handle)

	_, err = n.client.Exchange(t.Context(), code, "verifier", "http://localhost:8080/callback")
	require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)
}

func TestTokenRequestNamesTheAppInOneWay(t *testing.T) {
	t.Parallel()
	var auth, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		auth, body = r.Header.Get("Authorization"), string(raw)
		answering(200, jsonType, `{"access_token":"a","refresh_token":"r2","expires_in":7200,"scope":"tweet.read  offline.access"}`)(w, r)
	}))
	t.Cleanup(server.Close)
	for secret, want := range map[string][2]string{
		"":        {"", "client_id=my+app&grant_type=refresh_token&refresh_token=r1"},
		"s3:cret": {"Basic " + base64.StdEncoding.EncodeToString([]byte("my+app:s3%3Acret")), "grant_type=refresh_token&refresh_token=r1"},
	} {
		settings := Settings{BaseURL: server.URL, AuthorizeURL: server.URL, WebURL: server.URL, ClientID: "my app"}
		require.NoError(t, settings.ClientSecret.UnmarshalText([]byte(secret)))
		client, err := New(settings, clock.NewFake(now()))
		require.NoError(t, err)
		tokens, err := client.Refresh(t.Context(), "r1")
		client.CloseIdleConnections()
		require.NoError(t, err)
		require.Equal(t, want, [2]string{auth, body})
		require.Equal(t, "r2", tokens.Refresh.Reveal())
		require.Equal(t, []string{"tweet.read", "offline.access"}, tokens.Scopes)
		require.Equal(t, now().Add(2*time.Hour), tokens.ExpiresAt)
	}
}

func TestRefreshTellsDeadFromDoubtful(t *testing.T) {
	t.Parallel()
	hijack := func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		kind    apperr.Kind
		code    string
	}{
		{"invalid_grant", answering(400, jsonType, `{"error":"invalid_grant","error_description":"`+canary+`"}`), apperr.Unauthenticated, "invalid_grant"},
		{"invalid_request", answering(400, jsonType, `{"error":"invalid_request","error_description":"Value passed for the token was invalid."}`), apperr.Unauthenticated, "invalid_request"},
		{"unauthorized_client", answering(401, jsonType, `{"error":"unauthorized_client","error_description":"Missing valid authorization header"}`), apperr.Forbidden, "app_refused"},
		{"invalid_client", answering(401, jsonType, `{"error":"invalid_client"}`), apperr.Forbidden, "app_refused"},
		{"bare 401", answering(401, "text/html", `<h1>`), apperr.Forbidden, "app_refused"},
		{"rate limit", answering(429, jsonType, `{}`), apperr.Unavailable, "http_429"},
		{"500", answering(500, jsonType, `{"error":"invalid_request"}`), apperr.Unavailable, "http_500"},
		{"503", answering(503, "text/html", `<h1>`), apperr.Unavailable, "http_503"},
		{"400 page", answering(400, "text/html", `<h1>`), apperr.Uncertain, "http_400"},
		{"408", answering(408, "", ``), apperr.Uncertain, "http_408"},
		{"redirect", answering(307, "", ``, "Location", "/x"), apperr.Uncertain, "http_307"},
		{"no token", answering(200, jsonType, `{}`), apperr.Uncertain, "unreadable_answer"},
		{"no JSON", answering(200, jsonType, `ok`), apperr.Uncertain, "unreadable_answer"},
		{"reset", hijack, apperr.Uncertain, "answer_lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			client, _ := stub(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				c.handler(w, r)
			})
			_, err := client.Refresh(t.Context(), canary)
			require.True(t, apperr.Is(err, c.kind), "%v", err)
			require.Equal(t, c.code, apperr.As(err).Code)
			require.EqualValues(t, 1, calls.Load())
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, apperr.As(err)), canary)
		})
	}
}

func TestRefreshNotSentIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, platformtest.DeadAddress(t)).Refresh(t.Context(), canary)
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
	require.NotContains(t, err.Error(), canary)
}

func TestRefreshKeepsTheOldTokenWhenNoneIsGiven(t *testing.T) {
	t.Parallel()
	client, _ := stub(t, answering(200, jsonType, `{"access_token":"a"}`))
	tokens, err := client.Refresh(t.Context(), "old")
	require.NoError(t, err)
	require.Equal(t, "old", tokens.Refresh.Reveal())
	require.Equal(t, now().Add(2*time.Hour), tokens.ExpiresAt)
}
