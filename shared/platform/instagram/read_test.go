package instagram

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/platform"
	"rostrum/shared/simulator/fault"
	simulator "rostrum/shared/simulator/instagram"
)

func (n *network) post(t *testing.T, caption string) platform.Outcome {
	t.Helper()
	outcome := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, StagedID: n.stageOne(t, caption).RemoteID})
	require.Equal(t, platform.Accepted, outcome.Class, "%+v", outcome)
	return outcome
}

func (n *network) answer(t *testing.T, path, body string) {
	t.Helper()
	n.sim.Faults().Clear()
	_, err := n.sim.Faults().Add(fault.Rule{
		Match: fault.Match{Method: http.MethodGet, Path: path}, Action: fault.Action{Kind: fault.Answer, Status: 200, Body: body},
	})
	require.NoError(t, err)
}

func TestPostsAreReadNewestFirstUpToAHundred(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sim.Change(func(s *simulator.Settings) { s.QuotaTotal = 1000 })
	var ids []string
	for i := range 105 {
		ids = append(ids, n.post(t, fmt.Sprintf("post %d", i)).RemoteID)
	}
	posts, err := n.client.RecentPosts(t.Context(), n.target, "")
	require.NoError(t, err)
	require.Len(t, posts, 100)
	require.Equal(t, "post 104", posts[0].Text)
	require.Equal(t, "post 5", posts[99].Text)
	posts, err = n.client.RecentPosts(t.Context(), n.target, ids[101])
	require.NoError(t, err)
	require.Len(t, posts, 3)
	// One that is not among them cuts nothing: it may have been deleted, or be the
	// address that a person found a post at.
	for _, since := range []string{"404404404404", "p/DR0aOXtahI9"} {
		posts, err = n.client.RecentPosts(t.Context(), n.target, since)
		require.NoError(t, err)
		require.Len(t, posts, 100)
	}
}

// A pinned post may come first, and a list may begin with the oldest: what is
// newer than the bound stands behind it, and must not pass for absent.
func TestABoundThatIsListedFirstHidesNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, body := range []string{
		`{"data":[{"id":"1","timestamp":"2026-11-24T20:00:00+0000"},{"id":"2","timestamp":"2026-11-24T20:00:01+0000"},{"id":"3","timestamp":"2026-11-24T20:00:02+0000"}]}`,
		`{"data":[{"id":"1","timestamp":"2026-11-24T20:00:00+0000"},{"id":"3","timestamp":"2026-11-24T20:00:02+0000"}],"paging":{"cursors":{"after":"c"},"next":"https://a.example"}}`,
	} {
		n.sim.Faults().Clear()
		_, err := n.sim.Faults().Add(fault.Rule{Times: 1, Action: fault.Action{Kind: fault.Answer, Status: 200, Body: body}})
		require.NoError(t, err)
		_, err = n.sim.Faults().Add(fault.Rule{Action: fault.Action{
			Kind: fault.Answer, Status: 200, Body: `{"data":[{"id":"2","timestamp":"2026-11-24T20:00:01+0000"},{"id":"0","timestamp":"2026-11-24T19:00:00+0000"}]}`,
		}})
		require.NoError(t, err)
		posts, err := n.client.RecentPosts(t.Context(), n.target, "1")
		require.NoError(t, err)
		require.Len(t, posts, 2)
		require.Equal(t, []string{"3", "2"}, []string{posts[0].ID, posts[1].ID})
	}
}

func TestShortPagesAreJoined(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	first := `{"data":[{"id":"3","timestamp":"2026-11-24T20:00:02+0000"},{"id":"2","timestamp":"2026-11-24T20:00:01+0000"}],
		"paging":{"cursors":{"after":"c"},"next":"https://elsewhere.example/?access_token=x"}}`
	n.answer(t, "/*/media", first)
	_, err := n.client.RecentPosts(t.Context(), n.target, "")
	require.True(t, apperr.Is(err, apperr.Unavailable), "a list that never ends is not the whole of it: %v", err)
	require.Equal(t, maxPages, n.sim.Faults().Requests()["GET /{id}/media"])

	n.sim.Faults().Clear()
	_, err = n.sim.Faults().Add(fault.Rule{Times: 1, Action: fault.Action{Kind: fault.Answer, Status: 200, Body: first}})
	require.NoError(t, err)
	_, err = n.sim.Faults().Add(fault.Rule{Action: fault.Action{
		Kind: fault.Answer, Status: 200, Body: `{"data":[{"id":"2","timestamp":"2026-11-24T20:00:01+0000"},{"id":"1","caption":"e\u0301","timestamp":"2026-11-24T20:00:00+0000"}]}`,
	}})
	require.NoError(t, err)
	posts, err := n.client.RecentPosts(t.Context(), n.target, "")
	require.NoError(t, err)
	require.Len(t, posts, 3, "the same post on two pages is one")
	require.Equal(t, "é", posts[2].Text)
	require.Equal(t, time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC), posts[2].CreatedAt)
}

// What is not on the list is sent again, so nothing may pass for an empty list.
func TestAListThatIsNoneProvesNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, body := range []string{
		`{}`, `[]`, `null`, `{"data":null}`, `{"data":[{"id":"x","timestamp":"2026-11-24T20:00:00+0000"}]}`, `{"data":[{"id":"1"}]}`,
		`{"data":[{"id":"1","timestamp":"yesterday"}]}`, `{"data":[],"paging":{"next":"https://more.example"}}`,
	} {
		n.answer(t, "/*/media", body)
		_, err := n.client.RecentPosts(t.Context(), n.target, "")
		require.True(t, apperr.Is(err, apperr.Unavailable), "%s: %v", body, err)
		require.Equal(t, 1, n.sim.Faults().Requests()["GET /{id}/media"], body)
	}
	n.sim.Faults().Clear()
	target := n.target
	target.RemoteID = "17841999999999999"
	_, err := n.client.RecentPosts(t.Context(), target, "")
	require.True(t, apperr.Is(err, apperr.Forbidden), "%v", err)
	require.NotEmpty(t, apperr.As(err).Hint)
}

func TestAPostThatWasTakenDownIsNotRead(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	id := n.post(t, "gone soon").RemoteID
	ok, err := n.sim.DeletePost(id)
	require.NoError(t, err)
	require.True(t, ok)
	posts, err := n.client.RecentPosts(t.Context(), n.target, "")
	require.NoError(t, err)
	require.Empty(t, posts)
	got, err := n.client.ReadMetrics(t.Context(), n.target, []string{id})
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestFiguresGoWhereTheyBelong(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.answer(t, "/*/insights", `{"data":[
		{"name":"views","values":[{"value":5}]},{"name":"likes","values":[{"value":4}]},{"name":"comments","values":[{"value":3}]},
		{"name":"shares","total_value":{"value":2}},{"name":"saved","values":[{"value":1}]},{"name":"reach","values":[{"value":9}]}]}`)
	got, err := n.client.ReadMetrics(t.Context(), n.target, []string{"1"})
	require.NoError(t, err)
	require.Equal(t, platform.Metrics{
		Impressions: new(int64(5)), Likes: new(int64(4)), Replies: new(int64(3)), Reposts: new(int64(2)), Bookmarks: new(int64(1)),
	}, got["1"])

	n.answer(t, "/*/insights", `{"data":[{"name":"views","values":[]},{"name":"likes","values":[{"value":-1}]}]}`)
	got, err = n.client.ReadMetrics(t.Context(), n.target, []string{"1"})
	require.NoError(t, err)
	require.Equal(t, map[string]platform.Metrics{"1": {}}, got, "no figure is not zero")
}

func TestARemovedMetricIsNoFactAboutThePost(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	id := n.post(t, "measured").RemoteID
	_, err := n.sim.Faults().Add(fault.Rule{Action: fault.Action{Kind: fault.Answer, Status: 400, Body: graphError(100, 0)}})
	require.NoError(t, err)
	_, err = n.client.ReadMetrics(t.Context(), n.target, []string{id})
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
}

func TestTheOwnerIsReadInBothShapes(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, body := range []string{
		`{"user_id":"178","username":"ada","name":"","id":"1"}`, `{"data":[{"user_id":178,"username":"ada"}]}`,
	} {
		n.answer(t, "/me", body)
		got, err := n.client.WhoAmI(t.Context(), n.token)
		require.NoError(t, err)
		require.Equal(t, platform.Profile{RemoteID: "178", Handle: "ada", Name: "ada"}, got)
	}
	for _, body := range []string{`{"id":"1","username":"ada"}`, `{"user_id":"178"}`, `{"data":[]}`, `no`} {
		n.answer(t, "/me", body)
		_, err := n.client.WhoAmI(t.Context(), n.token)
		require.True(t, apperr.Is(err, apperr.Unavailable), "%s: %v", body, err)
	}
}

func TestMetricsAreAskedForIDsOnly(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	_, err := n.client.ReadMetrics(t.Context(), n.target, make([]string, 101))
	require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
	got, err := n.client.ReadMetrics(t.Context(), n.target, []string{"me", "1/media", "p/DR0aOXtahI9"})
	require.NoError(t, err)
	require.Empty(t, got)
	require.True(t, apperr.Is(n.client.Delete(t.Context(), n.target, "x"), apperr.Invalid))
	require.Empty(t, n.sim.Faults().Requests())
}
