package x_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/clock"
	"rostrum/shared/simulator/x"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(serveAsChild(dir))
	}
	goleak.VerifyTestMain(m)
}

// network is a simulated network behind a real socket.
type network struct {
	t      *testing.T
	url    string
	server *x.Server
	clock  *clock.Fake
	client *http.Client
}

func start(t *testing.T, change ...func(*x.Config)) *network {
	t.Helper()
	fake := clock.NewFake(time.Date(2026, 11, 24, 14, 0, 0, 123456789, time.UTC))
	cfg := x.Config{Now: fake.Now, Accounts: []x.Account{
		{Handle: "ada", Name: "Ada", Followers: 5000}, {Handle: "grace", Name: "Grace", Followers: 900},
	}}
	for _, c := range change {
		c(&cfg)
	}
	return open(t, cfg, fake)
}

func open(t *testing.T, cfg x.Config, fake *clock.Fake) *network {
	t.Helper()
	server, err := x.New(cfg)
	require.NoError(t, err)
	listener := httptest.NewServer(server)
	transport := &http.Transport{}
	n := &network{
		t: t, url: listener.URL, server: server, clock: fake,
		client: &http.Client{Transport: transport, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(t, server.Close())
		listener.Close()
	})
	return n
}

// answer is what came back, decoded.
type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (n *network) send(ctx context.Context, method, path, token, body string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, n.url+path, strings.NewReader(body))
	require.NoError(n.t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		r.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := n.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	raw, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header, raw: string(raw)}
	_ = json.Unmarshal(bytes.TrimSpace(raw), &a.body)
	return a, err
}

func (n *network) do(method, path, token, body string) answer {
	n.t.Helper()
	a, err := n.send(n.t.Context(), method, path, token, body)
	require.NoError(n.t, err)
	return a
}

func (n *network) token(handle string) string {
	n.t.Helper()
	tokens, err := n.server.Grant(handle)
	require.NoError(n.t, err)
	return tokens.AccessToken
}

func (n *network) userID(token string) string {
	n.t.Helper()
	a := n.do(http.MethodGet, "/2/users/me", token, "")
	require.Equal(n.t, http.StatusOK, a.status, a.raw)
	return digAs[string](n.t, a.body, "data", "id")
}

func (n *network) post(token, text string) answer {
	n.t.Helper()
	return n.do(http.MethodPost, "/2/tweets", token, createJSON(n.t, text, ""))
}

func (n *network) postID(token, text, replyTo string) string {
	n.t.Helper()
	a := n.do(http.MethodPost, "/2/tweets", token, createJSON(n.t, text, replyTo))
	require.Equal(n.t, http.StatusCreated, a.status, a.raw)
	return digAs[string](n.t, a.body, "data", "id")
}

func (n *network) fault(rule string) {
	n.t.Helper()
	a := n.do(http.MethodPost, "/_sim/faults", "", rule)
	require.Equal(n.t, http.StatusCreated, a.status, a.raw)
}

func (n *network) texts() []string {
	out := []string{}
	for _, item := range n.server.Items("", time.Time{}) {
		out = append(out, item.Text)
	}
	return out
}

func createJSON(t *testing.T, text, replyTo string) string {
	t.Helper()
	body := map[string]any{"text": text}
	if replyTo != "" {
		body["reply"] = map[string]string{"in_reply_to_tweet_id": replyTo}
	}
	encoded, err := json.Marshal(body)
	require.NoError(t, err)
	return string(encoded)
}

// dig walks into decoded JSON by names and indexes.
func dig(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			require.True(t, ok, "%v is no object at %v", v, step)
			require.Contains(t, m, step)
			v = m[step]
		case int:
			list, ok := v.([]any)
			require.True(t, ok, "%v is no list at %v", v, step)
			require.Greater(t, len(list), step)
			v = list[step]
		}
	}
	return v
}

// digAs is dig for a value of a known type.
func digAs[T any](t *testing.T, v any, path ...any) T {
	t.Helper()
	out, ok := dig(t, v, path...).(T)
	require.True(t, ok, "%v holds another type at %v", v, path)
	return out
}

const (
	redirect = "http://localhost:8080/v1/oauth/x/callback?from=x"
	verifier = "a-verifier-that-is-long-enough-to-be-one-0123456789"
)

func authorizeQuery() url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {"rostrum"}, "redirect_uri": {redirect}, "state": {"s 1"},
		"scope":          {"tweet.read tweet.write users.read offline.access"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
}

// consent goes through the consent page without a browser and returns the code.
func (n *network) consent(handle string) string {
	n.t.Helper()
	q := authorizeQuery()
	q.Set("sim_account", handle)
	q.Set("sim_approve", "1")
	a := n.do(http.MethodGet, "/i/oauth2/authorize?"+q.Encode(), "", "")
	require.Equal(n.t, http.StatusSeeOther, a.status, a.raw)
	back, err := url.Parse(a.header.Get("Location"))
	require.NoError(n.t, err)
	require.Equal(n.t, "s 1", back.Query().Get("state"))
	require.Equal(n.t, "x", back.Query().Get("from"), "the app's own query is kept")
	return back.Query().Get("code")
}

func exchangeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect},
		"code_verifier": {verifier}, "client_id": {"rostrum"},
	}
}

func (n *network) tokenCall(form url.Values) answer {
	n.t.Helper()
	return n.do(http.MethodPost, "/2/oauth2/token", "", form.Encode())
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"rostrum"}}
}
