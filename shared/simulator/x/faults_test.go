package x_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRefusedRequestsNeverReachTheLedger(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	for preset, status := range map[string]int{
		"rate_limited": 429, "rate_limited_absurd": 429, "credits_depleted": 402, "unauthorized": 401,
		"duplicate": 403, "server_error": 500, "bad_gateway": 502, "unavailable": 503,
	} {
		n.fault(`{"preset":"` + preset + `","match":{"method":"POST","path":"/2/tweets"},"times":1,"action":{}}`)
		require.Equal(t, status, n.post(token, "refused by "+preset).status)
	}
	require.Empty(t, n.texts())
	require.Equal(t, http.StatusCreated, n.post(token, "the dial is back").status)
}

func TestAcceptedButTheAnswerIsSpoilt(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	for preset, status := range map[string]int{
		"accepted_server_error": 500, "accepted_bad_gateway": 502, "accepted_no_id": 201, "accepted_not_json": 201,
	} {
		n.fault(`{"preset":"` + preset + `","match":{"path":"/2/tweets"},"times":1,"action":{}}`)
		a := n.post(token, preset)
		require.Equal(t, status, a.status)
		require.NotContains(t, a.raw, `"id"`)
	}
	for _, preset := range []string{"accepted_reset", "accepted_truncated"} {
		n.fault(`{"preset":"` + preset + `","match":{"path":"/2/tweets"},"times":1,"action":{}}`)
		_, err := n.send(t.Context(), http.MethodPost, "/2/tweets", token, createJSON(t, preset, ""))
		require.Error(t, err)
	}
	items := n.server.Items("ada", time.Time{})
	require.Len(t, items, 6)
	for _, item := range items {
		require.Contains(t, item.ClientSaw, "accept_then_", item.Text)
	}
}

func TestAHangAfterAcceptEndsWithTheClientsTimeout(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	n.fault(`{"preset":"accepted_hang","match":{"path":"/2/tweets"},"times":1,"action":{}}`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := n.send(ctx, http.MethodPost, "/2/tweets", token, `{"text":"accepted in silence"}`)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, []string{"accepted in silence"}, n.texts())
}

func TestAnEffectCanComeAfterTheClientLeft(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	n.fault(`{"match":{"path":"/2/tweets"},"times":1,"action":{"kind":"late_effect","delay_ms":30}}`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := n.send(ctx, http.MethodPost, "/2/tweets", token, `{"text":"late"}`)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool { return len(n.texts()) == 1 }, 5*time.Second, 5*time.Millisecond)
	require.Equal(t, "late_effect", n.server.Items("", time.Time{})[0].ClientSaw)
}

func TestALaggingReadHidesNewPosts(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	me := n.userID(token)
	id := n.postID(token, "fresh", "")
	n.fault(`{"match":{"method":"GET","path":"/2/**"},"action":{"kind":"lag","delay_ms":30000}}`)
	require.Empty(t, ids(t, n.do(http.MethodGet, "/2/users/"+me+"/tweets", token, "")))
	require.Contains(t, n.do(http.MethodGet, "/2/tweets/"+id, token, "").body, "errors")
	n.clock.Advance(30 * time.Second)
	require.Equal(t, []string{id}, ids(t, n.do(http.MethodGet, "/2/users/"+me+"/tweets", token, "")))
}

func TestAFaultCanBeAimedAtOneAccount(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada, grace := n.token("ada"), n.token("grace")
	n.fault(`{"preset":"rate_limited","match":{"account":"@ada"},"action":{}}`)
	require.Equal(t, http.StatusTooManyRequests, n.post(ada, "to all").status)
	require.Equal(t, http.StatusCreated, n.post(grace, "to all").status)
}

func TestALostRefreshAnswerHasRotatedTheToken(t *testing.T) {
	t.Parallel()
	n := start(t)
	tokens, err := n.server.Grant("ada")
	require.NoError(t, err)
	n.fault(`{"preset":"accepted_reset","match":{"path":"/2/oauth2/token","account":"ada"},"times":1,"action":{}}`)
	_, err = n.send(t.Context(), http.MethodPost, "/2/oauth2/token", "", refreshForm(tokens.RefreshToken).Encode())
	require.Error(t, err)
	require.Equal(t, http.StatusBadRequest, n.tokenCall(refreshForm(tokens.RefreshToken)).status)
}

func TestLedgerIsAnsweredAsJSONAndAsAPage(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	first := n.postID(token, "<script>alert(1)</script> see https://example.com/path", "")
	n.clock.Advance(time.Second)
	mark := n.clock.Now().Add(-time.Millisecond).Format(time.RFC3339Nano)
	second := n.postID(token, "the second part", first)
	n.postID(n.token("grace"), "someone else", "")

	all := n.do(http.MethodGet, "/_sim/ledger?format=json", "", "")
	require.InDelta(t, 3, all.body["count"], 0)
	require.Equal(t, "2026-11-24T14:00:00.123456789Z", dig(t, all.body, "items", 0, "accepted_at"))
	require.Equal(t, "/ada/status/"+first, dig(t, all.body, "items", 0, "url"))
	some := n.do(http.MethodGet, "/_sim/ledger?format=json&handle=ada&since="+mark, "", "")
	require.Equal(t, second, dig(t, some.body, "items", 0, "id"))
	require.InDelta(t, 1, some.body["count"], 0)

	for _, path := range []string{"/_sim/ledger", "/_sim/ledger?fragment=1", "/ada", "/ada/status/" + second} {
		page := n.do(http.MethodGet, path, "", "")
		require.Equal(t, http.StatusOK, page.status, path)
		require.Contains(t, page.raw, "the second part", path)
		require.Contains(t, page.raw, "&lt;script&gt;", path)
		require.NotContains(t, page.raw, "<script>alert", path)
	}
	for _, path := range []string{"/nobody", "/ada/status/1", "/grace/status/" + first, "/a/b/c"} {
		require.Equal(t, http.StatusNotFound, n.do(http.MethodGet, path, "", "").status, path)
	}
}

func TestControlSurfaceRefusesWhatItCannotPlay(t *testing.T) {
	t.Parallel()
	n := start(t)
	for path, body := range map[string]string{
		"/_sim/settings": `{"naming":"toot"}`, "/_sim/limits": `{"POST /2/toots":{"user":1}}`,
		"/_sim/time": `{"advance_seconds":-1}`, "/_sim/accounts": `{"handle":"too long a handle"}`,
		"/_sim/faults": `{"action":{"kind":"sing"}}`,
	} {
		require.Equal(t, http.StatusBadRequest, n.do(http.MethodPost, path, "", body).status, path)
	}
	require.Equal(t, http.StatusConflict, n.do(http.MethodPost, "/_sim/accounts", "", `{"handle":"ADA"}`).status)
	require.Equal(t, http.StatusCreated, n.do(http.MethodPost, "/_sim/accounts", "", `[{"handle":"one"},{"handle":"two"}]`).status)
	require.Equal(t, http.StatusNotFound, n.do(http.MethodPost, "/_sim/tokens", "", `{"handle":"nobody"}`).status)
	granted := n.do(http.MethodPost, "/_sim/tokens", "", `{"handle":"one"}`)
	require.Equal(t, http.StatusCreated, n.post(digAs[string](t, granted.body, "access_token"), "hello").status)
}
