package x

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/platform"
)

func TestRecentPostsReadsPagesUntilAHundred(t *testing.T) {
	t.Parallel()
	calls, asked := 0, ""
	client, target := stub(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		asked = r.URL.Path + " " + r.URL.Query().Get("max_results") + " " + r.URL.Query().Get("exclude")
		var items []string
		for i := range 40 {
			items = append(items, fmt.Sprintf(`{"id":"%d","text":"t"}`, 1000-calls*40-i))
		}
		body := fmt.Sprintf(`{"data":[%s],"meta":{"result_count":40,"next_token":"n%d"}}`, strings.Join(items, ","), calls)
		answering(200, jsonType, body)(w, r)
	})
	posts, err := client.RecentPosts(t.Context(), target, "5")
	require.NoError(t, err)
	require.Len(t, posts, 100)
	require.Equal(t, 3, calls)
	require.Equal(t, "/2/users/77/tweets 100 retweets", asked)
	require.Equal(t, "960", posts[0].ID)
	require.Equal(t, "861", posts[99].ID)
}

func TestRecentPostsUnderstandsBothNamings(t *testing.T) {
	t.Parallel()
	for _, referenced := range []string{"referenced_tweets", "referenced_posts"} {
		client, target := stub(t, answering(200, jsonType, `{"data":[
			{"id":"9","text":"short","created_at":"2026-11-24T10:00:00.000Z","`+referenced+`":[{"type":"quoted","id":"1"},{"type":"replied_to","id":"8"}]},
			{"id":"10","text":"newer"}],"meta":{"result_count":2}}`))
		posts, err := client.RecentPosts(t.Context(), target, "")
		require.NoError(t, err)
		require.Equal(t, []string{"10", "9"}, []string{posts[0].ID, posts[1].ID})
		require.Equal(t, "8", posts[1].ReplyTo)
		require.Equal(t, "2026-11-24T10:00:00Z", posts[1].CreatedAt.Format("2006-01-02T15:04:05Z07:00"))
		require.Equal(t, "https://x.com/tester/status/9", posts[1].URL)
	}
}

func TestAnEmptyTimelineIsNoError(t *testing.T) {
	t.Parallel()
	client, target := stub(t, answering(200, jsonType, `{"meta":{"result_count":0}}`))
	posts, err := client.RecentPosts(t.Context(), target, "")
	require.NoError(t, err)
	require.Empty(t, posts)
}

// What is missing from a read-back is sent again, so an answer that does not
// show everything must not pass for one that does.
func TestATimelineThatIsNotWholeIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		kind apperr.Kind
	}{
		"errors in place of posts": {`{"errors":[{"title":"Forbidden","type":"https://api.x.com/2/problems/resource-unavailable"}]}`, apperr.Forbidden},
		"an empty object":          {`{}`, apperr.Forbidden},
		"fewer than counted":       {`{"data":[{"id":"9","text":"t"}],"meta":{"result_count":2}}`, apperr.Forbidden},
		"pages without end":        {`{"meta":{"result_count":0,"next_token":"again"}}`, apperr.Unavailable},
		"no JSON":                  {`<html>`, apperr.Unavailable},
	} {
		client, target := stub(t, answering(200, jsonType, c.body))
		_, err := client.RecentPosts(t.Context(), target, "")
		require.True(t, apperr.Is(err, c.kind), "%s: %v", name, err)
	}
}

func TestWrittenUndoesWhatXDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stored string
		links  []wireURL
		want   string
	}{
		{"plain", nil, "plain"},
		{"a &amp; b &lt;c&gt; &amp;amp; &amp;lt;", nil, "a & b <c> &amp; &lt;"},
		{"see https://t.co/a", []wireURL{{URL: "https://t.co/a", ExpandedURL: "https://example.com/?a=1&b=2"}}, "see https://example.com/?a=1&b=2"},
		{"two https://t.co/a https://t.co/a", []wireURL{{URL: "https://t.co/a", ExpandedURL: "http://e.com/1"}, {URL: "https://t.co/a", ExpandedURL: "http://e.com/2"}}, "two http://e.com/1 http://e.com/2"},
		{"picture https://t.co/p", []wireURL{{URL: "https://t.co/p", ExpandedURL: "https://x.com/a/status/1/photo/1", MediaKey: "3_1"}}, "picture"},
		{"cafe\u0301", nil, "café"},
		{"unexpanded https://t.co/a", []wireURL{{URL: "https://t.co/a"}, {}}, "unexpanded https://t.co/a"},
	} {
		require.Equal(t, c.want, written(c.stored, c.links))
	}
}

func TestReadMetricsUnderstandsBothNamings(t *testing.T) {
	t.Parallel()
	for _, reposts := range []string{"retweet_count", "repost_count"} {
		client, target := stub(t, answering(200, jsonType, `{"data":[{"id":"9","text":"t",
			"public_metrics":{"`+reposts+`":1,"reply_count":2,"like_count":3,"quote_count":4,"bookmark_count":5,"impression_count":6},
			"non_public_metrics":{"impression_count":60,"url_link_clicks":7,"user_profile_clicks":0,"engagements":9}}]}`))
		got, err := client.ReadMetrics(t.Context(), target, []string{"9"})
		require.NoError(t, err)
		want := map[string]platform.Metrics{"9": {
			Reposts: new(int64(1)), Replies: new(int64(2)), Likes: new(int64(3)), Quotes: new(int64(4)), Bookmarks: new(int64(5)),
			Impressions: new(int64(6)), LinkClicks: new(int64(7)), ProfileClicks: new(int64(0)),
		}}
		require.Empty(t, cmp.Diff(want, got))
	}
}

func TestReadMetricsAsksAgainForWhatWasWithheld(t *testing.T) {
	t.Parallel()
	var asked []string
	client, target := stub(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("ids")+" "+r.URL.Query().Get("tweet.fields"))
		body := `{"data":[{"id":"8","text":"t","public_metrics":{"like_count":1}}]}`
		if len(asked) == 1 {
			body = `{"data":[{"id":"9","text":"t","public_metrics":{"like_count":2}}],"errors":[
				{"resource_id":"8","type":"https://api.x.com/2/problems/not-authorized-for-field","parameter":"non_public_metrics"},
				{"resource_id":"8","type":"https://api.x.com/2/problems/not-authorized-for-field","parameter":"non_public_metrics"},
				{"resource_id":"7","type":"https://api.x.com/2/problems/resource-not-found"}]}`
		}
		answering(200, jsonType, body)(w, r)
	})
	got, err := client.ReadMetrics(t.Context(), target, []string{"7", "8", "9"})
	require.NoError(t, err)
	require.Equal(t, []string{"7,8,9 public_metrics,non_public_metrics", "8 public_metrics"}, asked)
	require.Len(t, got, 2)
	require.EqualValues(t, 1, *got["8"].Likes)
	require.Nil(t, got["8"].Impressions)
}

func TestIDsAreCheckedBeforeTheCall(t *testing.T) {
	t.Parallel()
	client, target := stub(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	for _, id := range []string{"", "x", "1/../2", "12345678901234567890", "１"} {
		_, err := client.ReadMetrics(t.Context(), target, []string{id})
		require.True(t, apperr.Is(err, apperr.Invalid), id)
		require.True(t, apperr.Is(client.Delete(t.Context(), target, id), apperr.Invalid), id)
		if id != "" {
			_, err = client.RecentPosts(t.Context(), target, id)
			require.True(t, apperr.Is(err, apperr.Invalid), id)
		}
	}
	_, err := client.ReadMetrics(t.Context(), target, make([]string, 101))
	require.True(t, apperr.Is(err, apperr.Invalid))
}

func TestDeleteTellsGoneFromAStrangePath(t *testing.T) {
	t.Parallel()
	gone := `{"errors":[{"type":"https://api.twitter.com/2/problems/resource-not-found","detail":"x"}]}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		kind   apperr.Kind
		fine   bool
	}{
		{"deleted", 200, `{"data":{"deleted":true}}`, 0, true},
		{"gone", 404, gone, 0, true},
		{"gone with 200", 200, gone, 0, true},
		{"bare 404", 404, "", apperr.Unavailable, false},
		{"not deleted", 200, `{"data":{"deleted":false}}`, apperr.Unavailable, false},
		{"not mine", 403, `{"detail":"You are not authorized to delete this Tweet."}`, apperr.Forbidden, false},
		{"no credit", 402, `{}`, apperr.Unavailable, false},
		{"broken", 500, gone, apperr.Unavailable, false},
	} {
		client, target := stub(t, answering(c.status, jsonType, c.body))
		err := client.Delete(t.Context(), target, "9")
		if c.fine {
			require.NoError(t, err, c.name)
			continue
		}
		require.True(t, apperr.Is(err, c.kind), "%s: %v", c.name, err)
	}
}

func TestWhoAmIWantsAWholeAnswer(t *testing.T) {
	t.Parallel()
	client, target := stub(t, answering(200, jsonType, `{"data":{"name":"A"}}`))
	_, err := client.WhoAmI(t.Context(), target.AccessToken)
	require.True(t, apperr.Is(err, apperr.Unavailable))
}

func TestTheSimulatorsSwitchesAreUnderstood(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	set := func(body string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.server.URL+"/_sim/settings", strings.NewReader(body))
		require.NoError(t, err)
		response, err := n.server.Client().Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
	set(`{"naming":"post","problem_json":true}`)
	first := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, Text: "first https://example.com"})
	require.Equal(t, platform.Accepted, first.Class, "%+v", first)
	second := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, Text: "second", ReplyTo: first.RemoteID})
	require.Equal(t, platform.Accepted, second.Class, "%+v", second)
	posts, err := n.client.RecentPosts(t.Context(), n.target, "")
	require.NoError(t, err)
	require.Len(t, posts, 2)
	require.Equal(t, first.RemoteID, posts[0].ReplyTo)
	require.Equal(t, "first https://example.com", posts[1].Text)
	metrics, err := n.client.ReadMetrics(t.Context(), n.target, []string{first.RemoteID})
	require.NoError(t, err)
	require.NotNil(t, metrics[first.RemoteID].Reposts)

	set(`{"refuse_self_replies":true}`)
	refused := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, Text: "third", ReplyTo: second.RemoteID})
	require.Equal(t, platform.Refused, refused.Class)
	require.Equal(t, "reply_refused", refused.Code)
	require.Contains(t, refused.Detail, "X refuses replies here")
	duplicate := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, Text: "second"})
	require.Equal(t, platform.Duplicate, duplicate.Class, "%+v", duplicate)
}
