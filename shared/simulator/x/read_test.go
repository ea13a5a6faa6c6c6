package x_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func ids(t *testing.T, a answer) []string {
	t.Helper()
	out := []string{}
	list, _ := a.body["data"].([]any)
	for _, item := range list {
		out = append(out, digAs[string](t, item, "id"))
	}
	return out
}

func TestTimelineIsNewestFirstAndCutBySinceAndUntil(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	me := n.userID(token)
	var made []string
	for i := range 6 {
		n.clock.Advance(time.Second)
		made = append(made, n.postID(token, fmt.Sprintf("post %d", i), ""))
	}
	path := "/2/users/" + me + "/tweets"
	all := n.do(http.MethodGet, path, token, "")
	require.Equal(t, []string{made[5], made[4], made[3], made[2], made[1], made[0]}, ids(t, all))
	require.Equal(t, map[string]any{"result_count": 6.0, "newest_id": made[5], "oldest_id": made[0]}, all.body["meta"])
	require.Equal(t, []string{made[5], made[4]}, ids(t, n.do(http.MethodGet, path+"?since_id="+made[3], token, "")))
	require.Equal(t, []string{made[1], made[0]}, ids(t, n.do(http.MethodGet, path+"?until_id="+made[2], token, "")))
	require.Equal(t, []string{made[3]}, ids(t, n.do(http.MethodGet, path+"?since_id="+made[2]+"&until_id="+made[4], token, "")))
}

func TestEmptyTimelineHasACountAndNoData(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	a := n.do(http.MethodGet, "/2/users/"+n.userID(token)+"/tweets", token, "")
	require.JSONEq(t, `{"meta":{"result_count":0}}`, a.raw)
}

func TestTimelinePagesByToken(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	path := "/2/users/" + n.userID(token) + "/tweets?max_results=5"
	made := map[string]bool{}
	for i := range 12 {
		made[n.postID(token, fmt.Sprintf("post %d", i), "")] = true
	}
	next, pages := "", 0
	for {
		a := n.do(http.MethodGet, path+next, token, "")
		for _, id := range ids(t, a) {
			require.True(t, made[id], "each post once")
			delete(made, id)
		}
		pages++
		more, ok := digAs[map[string]any](t, a.body, "meta")["next_token"]
		if !ok {
			break
		}
		next = "&pagination_token=" + digAs[string](t, more)
	}
	require.Equal(t, 3, pages)
	require.Empty(t, made)
}

func TestTimelineLeavesRepliesOutWhenAsked(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	first := n.postID(token, "root", "")
	n.postID(token, "reply", first)
	a := n.do(http.MethodGet, "/2/users/"+n.userID(token)+"/tweets?exclude=replies,retweets", token, "")
	require.Equal(t, []string{first}, ids(t, a))
}

func TestReadsRefuseNamesTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	me := n.userID(token)
	for _, path := range []string{
		"/2/users/" + me + "/tweets?max_results=4", "/2/users/" + me + "/tweets?max_results=101",
		"/2/users/" + me + "/tweets?since=1", "/2/users/" + me + "/tweets?since_id=x", "/2/users/" + me + "/tweets?exclude=ads",
		"/2/tweets/1?tweet.fields=colour", "/2/tweets/abc", "/2/tweets", "/2/tweets?ids=1,b", "/2/users/me?user.fields=shoe",
		"/2/tweets/1?post.fields=text",
	} {
		a := n.do(http.MethodGet, path, token, "")
		require.Equal(t, http.StatusBadRequest, a.status, path)
		require.Equal(t, "Invalid Request", a.body["title"], path)
	}
}

func TestOnlyTheFieldsAskedForAreAnswered(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	root := n.postID(token, "read https://example.com/page and écrit", "")
	id := n.postID(token, "a reply", root)
	bare := n.do(http.MethodGet, "/2/tweets/"+root, token, "")
	require.Len(t, bare.body["data"], 3)

	full := n.do(http.MethodGet, "/2/tweets?ids="+root+","+id+
		"&tweet.fields=created_at,public_metrics,entities,referenced_tweets,conversation_id,author_id,in_reply_to_user_id", token, "")
	require.Equal(t, "2026-11-24T14:00:00.000Z", dig(t, full.body, "data", 0, "created_at"))
	link := digAs[map[string]any](t, full.body, "data", 0, "entities", "urls", 0)
	require.Equal(t, "https://example.com/page", link["expanded_url"])
	require.Equal(t, "example.com/page", link["display_url"])
	stored := []rune(digAs[string](t, full.body, "data", 0, "text"))
	require.Equal(t, link["url"], string(stored[int(digAs[float64](t, link, "start")):int(digAs[float64](t, link, "end"))]))
	require.NotContains(t, dig(t, full.body, "data", 0), "referenced_tweets")
	require.Equal(t, []any{map[string]any{"type": "replied_to", "id": root}}, dig(t, full.body, "data", 1, "referenced_tweets"))
	require.Equal(t, root, dig(t, full.body, "data", 1, "conversation_id"))
	require.Equal(t, dig(t, full.body, "data", 0, "author_id"), dig(t, full.body, "data", 1, "in_reply_to_user_id"))
}

func TestMissingPostIsAPartialErrorBesideTheData(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	id := n.postID(token, "here", "")
	a := n.do(http.MethodGet, "/2/tweets?ids="+id+",456", token, "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, id, dig(t, a.body, "data", 0, "id"))
	require.Equal(t, map[string]any{
		"resource_id": "456", "resource_type": "tweet", "parameter": "ids", "value": "456", "title": "Not Found Error",
		"detail": "Could not find tweet with ids: [456].", "type": "https://api.x.com/2/problems/resource-not-found",
	}, dig(t, a.body, "errors", 0))
}

func TestBothNamingSets(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	n.do(http.MethodPost, "/_sim/settings", "", `{"naming":"post"}`)
	made := n.post(token, "renamed")
	id := digAs[string](t, made.body, "data", "id")
	require.Equal(t, []any{id}, dig(t, made.body, "data", "edit_history_post_ids"))
	for _, param := range []string{"post.fields", "tweet.fields"} {
		a := n.do(http.MethodGet, "/2/tweets/"+id+"?"+param+"=public_metrics", token, "")
		require.Contains(t, dig(t, a.body, "data", "public_metrics"), "repost_count", param)
	}
	n.do(http.MethodPost, "/_sim/settings", "", `{"naming":"tweet"}`)
	a := n.do(http.MethodGet, "/2/tweets/"+id+"?tweet.fields=public_metrics", token, "")
	require.Contains(t, dig(t, a.body, "data", "public_metrics"), "retweet_count")
}

func TestFiguresGrowRepeatAndStayUnderImpressions(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	id := n.postID(token, "does it grow? https://example.com", "")
	read := func() map[string]any {
		a := n.do(http.MethodGet, "/2/tweets/"+id+"?tweet.fields=public_metrics,non_public_metrics", token, "")
		public := digAs[map[string]any](t, a.body, "data", "public_metrics")
		private := digAs[map[string]any](t, a.body, "data", "non_public_metrics")
		require.Equal(t, public["impression_count"], private["impression_count"])
		sum := 0.0
		for _, name := range []string{"like_count", "reply_count", "retweet_count", "quote_count", "bookmark_count"} {
			sum += digAs[float64](t, public, name)
		}
		require.LessOrEqual(t, sum, public["impression_count"])
		require.GreaterOrEqual(t, private["engagements"], sum)
		return public
	}
	before := read()
	require.Zero(t, before["impression_count"])
	for range 6 {
		n.do(http.MethodPost, "/_sim/time", "", `{"advance_seconds":14400}`)
		now := read()
		require.Equal(t, now, read(), "the same age gives the same figures")
		for name, value := range now {
			require.GreaterOrEqual(t, value, before[name], name)
		}
		require.Greater(t, now["impression_count"], before["impression_count"])
		before = now
	}
	require.NotZero(t, before["like_count"])
}

func TestPrivateFiguresAreForTheAuthorAndThirtyDays(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada, grace := n.token("ada"), n.token("grace")
	id := n.postID(ada, "mine", "")
	path := "/2/tweets/" + id + "?tweet.fields=public_metrics,non_public_metrics,organic_metrics"
	own := n.do(http.MethodGet, path, ada, "")
	require.NotContains(t, own.body, "errors")
	refused := func(a answer) {
		t.Helper()
		require.Equal(t, http.StatusOK, a.status)
		require.Len(t, a.body["errors"], 2)
		require.Equal(t, "https://api.x.com/2/problems/not-authorized-for-field", dig(t, a.body, "errors", 0, "type"))
		require.Contains(t, dig(t, a.body, "data"), "public_metrics")
		require.NotContains(t, dig(t, a.body, "data"), "non_public_metrics")
	}
	refused(n.do(http.MethodGet, path, grace, ""))
	n.do(http.MethodPost, "/_sim/time", "", `{"advance_seconds":2592001}`)
	refused(n.do(http.MethodGet, path, ada, ""))
}

func TestMeAnswersTheFieldsAskedFor(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	require.Len(t, n.do(http.MethodGet, "/2/users/me", token, "").body["data"], 3)
	n.postID(token, "one", "")
	a := n.do(http.MethodGet, "/2/users/me?user.fields=public_metrics,created_at", token, "")
	require.InDelta(t, 5000, dig(t, a.body, "data", "public_metrics", "followers_count"), 0)
	require.InDelta(t, 1, dig(t, a.body, "data", "public_metrics", "tweet_count"), 0)
}
