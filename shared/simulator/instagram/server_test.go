package instagram_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
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
	"rostrum/shared/simulator/instagram"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(serveAsChild(dir))
	}
	goleak.VerifyTestMain(m)
}

// network is a simulated network behind a real socket, and an image for it.
type network struct {
	t      *testing.T
	url    string
	server *instagram.Server
	clock  *clock.Fake
	client *http.Client
	image  string
}

func start(t *testing.T, change ...func(*instagram.Config)) *network {
	t.Helper()
	fake := clock.NewFake(time.Date(2026, 11, 24, 14, 0, 0, 123456789, time.UTC))
	cfg := instagram.Config{Now: fake.Now, Accounts: []instagram.Account{
		{Handle: "ada", Name: "Ada", Followers: 5000}, {Handle: "grace.h", Name: "Grace", Followers: 900},
	}}
	for _, c := range change {
		c(&cfg)
	}
	return open(t, cfg, fake)
}

func open(t *testing.T, cfg instagram.Config, fake *clock.Fake) *network {
	t.Helper()
	server, err := instagram.New(cfg)
	require.NoError(t, err)
	listener := httptest.NewServer(server)
	media := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(square(t)) }))
	transport := &http.Transport{}
	n := &network{
		t: t, url: listener.URL, server: server, clock: fake, image: media.URL + "/image.jpg",
		client: &http.Client{Transport: transport, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(t, server.Close())
		listener.Close()
		media.Close()
	})
	return n
}

func square(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, 20, 20)), nil))
	return out.Bytes()
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
	if err != nil {
		return answer{}, err
	}
	switch {
	case strings.HasPrefix(body, "{"):
		r.Header.Set("Content-Type", "application/json")
	case body != "":
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := n.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a.body) // pages are not JSON
	return a, nil
}

func (n *network) do(method, path, token, body string) answer {
	n.t.Helper()
	a, err := n.send(n.t.Context(), method, path, token, body)
	require.NoError(n.t, err)
	return a
}

// text reads a value at a path of names, as text.
func (a answer) text(names ...string) string {
	var at any = a.body
	for _, name := range names {
		if list, ok := at.([]any); ok && len(list) > 0 {
			at = list[0]
		}
		fields, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = fields[name]
	}
	raw, err := json.Marshal(at)
	if err != nil {
		return ""
	}
	return strings.Trim(string(raw), `"`)
}

// fault is the pair of numbers of a refusal.
func (a answer) fault() string {
	return a.text("error", "code") + "/" + a.text("error", "error_subcode")
}

func (n *network) token(handle string) string {
	n.t.Helper()
	granted, err := n.server.Grant(handle)
	require.NoError(n.t, err)
	return granted.AccessToken
}

func (n *network) id(handle string) string {
	n.t.Helper()
	for _, a := range n.server.Accounts() {
		if a.Handle == handle {
			return a.ID
		}
	}
	n.t.Fatalf("there is no %s", handle)
	return ""
}

// container makes one as a form or as JSON would and returns its id.
func (n *network) container(token, caption string) string {
	n.t.Helper()
	a := n.do(http.MethodPost, "/v25.0/me/media", token, url.Values{"image_url": {n.image}, "caption": {caption}}.Encode())
	require.Equal(n.t, http.StatusOK, a.status, a.raw)
	return a.text("id")
}

func (n *network) publish(token, container string) answer {
	n.t.Helper()
	return n.do(http.MethodPost, "/v25.0/me/media_publish", token, `{"creation_id":"`+container+`"}`)
}

func (n *network) post(token, caption string) string {
	n.t.Helper()
	a := n.publish(token, n.container(token, caption))
	require.Equal(n.t, http.StatusOK, a.status, a.raw)
	return a.text("id")
}

func (n *network) captions() []string {
	out := []string{}
	for _, item := range n.server.Items("", time.Time{}) {
		out = append(out, item.Text)
	}
	return out
}

func TestAPostTakesTwoStepsAndIsThenSeen(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	container := n.container(token, "hello #there")
	require.Empty(t, n.captions())
	id := n.publish(token, container).text("id")
	require.Equal(t, []string{"hello #there"}, n.captions())
	item := n.server.Items("ada", time.Time{})[0]
	require.Equal(t, id, item.ID)
	require.NotEqual(t, id, container)
	require.Len(t, item.Media, 1)

	node := n.do(http.MethodGet, "/v25.0/"+id+"?fields=id,caption,permalink,timestamp,media_type", token, "")
	require.Equal(t, "hello #there", node.text("caption"))
	require.Equal(t, "2026-11-24T14:00:00+0000", node.text("timestamp"))
	require.Equal(t, "IMAGE", node.text("media_type"))
	shown := n.do(http.MethodGet, node.text("permalink"), "", "")
	require.Equal(t, http.StatusOK, shown.status)
	require.Contains(t, shown.raw, "hello #there")
	file := n.do(http.MethodGet, "/_sim/media/"+strings.TrimPrefix(item.Media[0].Digest, "sha256:"), "", "")
	require.Equal(t, "image/jpeg", file.header.Get("Content-Type"))
	require.Equal(t, string(square(t)), file.raw)
}

func TestCallersAreLetInByTokenPermissionAndAccount(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	for _, bad := range []string{"", "wrong"} {
		require.Equal(t, "190/null", n.do(http.MethodGet, "/me", bad, "").fault())
	}
	require.Equal(t, http.StatusOK, n.do(http.MethodGet, "/me?access_token="+token, "", "").status)
	require.Equal(t, "100/33", n.do(http.MethodGet, "/"+n.id("grace.h")+"/media", token, "").fault())
	require.Equal(t, "100/33", n.do(http.MethodPost, "/"+n.id("grace.h")+"/media_publish", token, `{"creation_id":"1"}`).fault())
	require.Equal(t, http.StatusOK, n.do(http.MethodGet, "/"+n.id("ada")+"/media", token, "").status)

	limited, err := n.server.Grant("ada", "instagram_business_basic")
	require.NoError(t, err)
	require.Equal(t, "10/null", n.publish(limited.AccessToken, "1").fault())
	mine := n.container(token, "mine")
	require.Equal(t, "24/2207008", n.publish(n.token("grace.h"), mine).fault(), "a container is its account's")
	require.Equal(t, "100/33", n.do(http.MethodGet, "/"+mine+"?fields=status_code", n.token("grace.h"), "").fault())

	require.NoError(t, n.server.ExpireTokens("ada"))
	require.Equal(t, "190/463", n.do(http.MethodGet, "/me", token, "").fault())
	require.NoError(t, n.server.RevokeTokens("ada"))
	require.Equal(t, "190/458", n.do(http.MethodGet, "/me", token, "").fault())
}

func TestWhatTheAPIDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	id := n.post(token, "here")
	for path, want := range map[string]string{
		"/me?fields=user_id,shoe_size": "100/null", "/me/media?fields=impressions": "100/null", "/me/media?limit=none": "100/null",
		"/me/media?after=nowhere": "100/null", "/" + id + "/insights?metric=impressions": "100/null", "/" + id + "?metric=views": "100/null",
		"/404404404404": "100/33", "/404404404404/insights?metric=views": "100/33", "/no/such/path": "2500/null",
	} {
		a := n.do(http.MethodGet, path, token, "")
		require.Equal(t, http.StatusBadRequest, a.status, path)
		require.Equal(t, want, a.fault(), path)
	}
	for body, want := range map[string]string{
		`{"caption":"no image"}`: "100/null", `{"image_url":"` + n.image + `","capshun":"x"}`: "100/null",
		`{"image_url":"` + n.image + `","media_type":"REELS"}`: "100/2207023", `{"media_type":"CAROUSEL","children":"1"}`: "100/2207028",
		`{"media_type":"CAROUSEL","children":["1","2"]}`: "100/2207028", `{"image_url":`: "100/null",
		`{"image_url":"` + n.image + `","is_carousel_item":true,"caption":"x"}`:          "100/null",
		`{"image_url":"` + n.image + `","alt_text":"` + strings.Repeat("a", 1001) + `"}`: "100/null",
	} {
		require.Equal(t, want, n.do(http.MethodPost, "/me/media", token, body).fault(), body)
	}
	require.Len(t, n.server.Containers(), 1)
}

func TestUsageIsToldAndStopsCallsWhenFull(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	require.Empty(t, n.do(http.MethodGet, "/me", token, "").header.Get("X-App-Usage"))
	require.Equal(t, http.StatusOK, n.do(http.MethodPost, "/_sim/settings", "", `{"app_usage":40,"account_usage":100}`).status)
	a := n.do(http.MethodGet, "/me", token, "")
	require.Equal(t, "80002/null", a.fault())
	require.Contains(t, a.header.Get("X-App-Usage"), `"call_count":40`)
	require.Contains(t, a.header.Get("X-Business-Use-Case-Usage"), `"estimated_time_to_regain_access":1`)
	n.do(http.MethodPost, "/_sim/settings", "", `{"app_usage":100,"account_usage":0}`)
	require.Equal(t, "4/null", n.do(http.MethodGet, "/me", token, "").fault())
	require.Equal(t, http.StatusBadRequest, n.do(http.MethodPost, "/_sim/settings", "", `{"app_usge":1}`).status)
}

func TestFiguresGrowAndNeverShrink(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	id := n.post(token, "watch me?")
	before := -1
	for range 6 {
		a := n.do(http.MethodGet, "/"+id+"/insights?metric=views,reach,likes,comments,shares,saved,total_interactions", token, "")
		require.Equal(t, http.StatusOK, a.status, a.raw)
		now := n.server.Items("", time.Time{})[0].Metrics
		require.GreaterOrEqual(t, now.Views, before)
		require.LessOrEqual(t, now.Reach, now.Views)
		before = now.Views
		require.Equal(t, http.StatusOK, n.do(http.MethodPost, "/_sim/time", "", `{"advance_seconds":36000}`).status)
	}
	require.Positive(t, before)
}

func TestTheFeedIsPagedByCursorNewestFirst(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	for _, caption := range []string{"one", "two", "three"} {
		n.post(token, caption)
		n.clock.Advance(time.Second)
	}
	first := n.do(http.MethodGet, "/me/media?fields=caption&limit=2", token, "")
	require.Equal(t, "three", first.text("data", "caption"))
	require.NotContains(t, first.raw, token)
	second := n.do(http.MethodGet, "/me/media?fields=caption&limit=2&after="+first.text("paging", "cursors", "after"), token, "")
	require.Equal(t, "one", second.text("data", "caption"))
	require.Equal(t, "null", second.text("paging", "next"))
	require.Equal(t, http.StatusCreated, n.do(http.MethodPost, "/_sim/faults", "", `{"match":{"path":"/*/media"},"action":{"kind":"lag","delay_ms":1500}}`).status)
	require.Equal(t, "two", n.do(http.MethodGet, "/me/media?fields=caption", token, "").text("data", "caption"), "a read that lags misses the newest")
}

func TestPagesShowThePostsAndTheirAuthors(t *testing.T) {
	t.Parallel()
	n := start(t)
	id := n.post(n.token("ada"), "<b>bold</b>")
	for _, path := range []string{"/_sim/ledger", "/_sim/ledger?handle=@ada", "/ada/"} {
		a := n.do(http.MethodGet, path, "", "")
		require.Equal(t, http.StatusOK, a.status, path)
		require.Contains(t, a.raw, "&lt;b&gt;bold&lt;/b&gt;", path)
	}
	require.NotContains(t, n.do(http.MethodGet, "/grace.h/", "", "").raw, "bold")
	require.Equal(t, http.StatusNotFound, n.do(http.MethodGet, "/nobody/", "", "").status)
	require.Equal(t, http.StatusNotFound, n.do(http.MethodGet, "/p/none/", "", "").status)
	require.Equal(t, "/_sim/ledger", n.do(http.MethodGet, "/", "", "").header.Get("Location"))
	require.Equal(t, http.StatusOK, n.do(http.MethodGet, "/_sim/page/style.css", "", "").status)
	require.Equal(t, "true", n.do(http.MethodPost, "/_sim/posts/delete", "", `{"id":"`+id+`"}`).text("deleted"))
	require.Equal(t, "false", n.do(http.MethodPost, "/_sim/posts/delete", "", `{"id":"`+id+`"}`).text("deleted"))
	require.Contains(t, n.do(http.MethodGet, "/ada/", "", "").raw, "Deleted 24 November")
	require.Equal(t, "1", n.do(http.MethodGet, "/_sim/ledger?format=json", "", "").text("count"))
}

func TestTheControlSurfaceSaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	n := start(t)
	for path, want := range map[string]int{
		"/_sim/tokens": http.StatusNotFound, "/_sim/tokens/expire": http.StatusNotFound, "/_sim/tokens/revoke": http.StatusNotFound,
		"/_sim/containers/expire": http.StatusNotFound, "/_sim/fates": http.StatusBadRequest,
	} {
		require.Equal(t, want, n.do(http.MethodPost, path, "", `{"handle":"nobody"}`).status, path)
	}
	require.Equal(t, http.StatusConflict, n.do(http.MethodPost, "/_sim/accounts", "", `{"handle":"ada"}`).status)
	require.Equal(t, http.StatusBadRequest, n.do(http.MethodPost, "/_sim/accounts", "", `{"handle":"a b"}`).status)
	require.Equal(t, http.StatusOK, n.do(http.MethodPost, "/_sim/accounts", "", `{"handle":"new.one"}`).status)
	require.Equal(t, http.StatusOK, n.do(http.MethodPost, "/_sim/tokens", "", `{"handle":"new.one"}`).status)
	require.Equal(t, http.StatusBadRequest, n.do(http.MethodPost, "/_sim/time", "", `{"advance_seconds":-1}`).status)
}
