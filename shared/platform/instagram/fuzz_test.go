package instagram

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/platform"
)

// saying answers every call alike, without a network.
type saying struct {
	status int
	body   string
}

func (s saying) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body))}, nil
}

// Whatever is answered to a read, nothing breaks, what is believed is well
// formed, and every error has a kind that the callers know.
func FuzzReads(f *testing.F) {
	for _, body := range []string{
		`{"data":[{"id":"1","caption":"a","permalink":"https://a.example/p/1","timestamp":"2026-11-24T20:00:00+0000"}]}`,
		`{"data":[{"name":"views","values":[{"value":1}]}]}`, `{"id":"178","status_code":"FINISHED","status":"x"}`,
		`{"user_id":"178","username":"ada"}`, `{"access_token":"t","expires_in":9223372036854775807,"permissions":[1]}`,
		`{"data":[],"paging":{"cursors":{"after":"a"},"next":"n"}}`, `{"error":{"code":100,"error_subcode":33}}`, `[`, `null`,
	} {
		f.Add(200, body)
		f.Add(400, body)
	}
	c, err := New(Settings{
		APIURL: "https://a.example", APIVersion: "v25.0", AuthorizeURL: "https://a.example", TokenURL: "https://a.example", WebURL: "https://a.example",
	}, clock.System{})
	require.NoError(f, err)
	target := platform.Target{RemoteID: "178", Handle: "ada", AccessToken: "very-secret"}
	f.Fuzz(func(t *testing.T, status int, body string) {
		fuzzed := &Client{settings: c.settings, clock: c.clock, http: &http.Client{Transport: saying{status, body}}}
		posts, err := fuzzed.RecentPosts(t.Context(), target, "")
		known(t, err)
		require.LessOrEqual(t, len(posts), maxIDs)
		for _, p := range posts {
			require.True(t, isID(p.ID))
			require.True(t, isWeb(p.URL))
			require.False(t, p.CreatedAt.IsZero())
		}
		_, err = fuzzed.ReadMetrics(t.Context(), target, []string{"178"})
		known(t, err)
		state, err := fuzzed.StageState(t.Context(), target, "178")
		known(t, err)
		require.Equal(t, err == nil, state.Phase != "")
		staged, err := fuzzed.Stage(t.Context(), platform.StageRequest{Target: target, Images: []platform.StagedImage{{URL: "https://a.example"}}})
		known(t, err)
		require.Equal(t, err == nil, isID(staged.RemoteID))
		profile, err := fuzzed.WhoAmI(t.Context(), "very-secret")
		known(t, err)
		require.Equal(t, err == nil, isID(profile.RemoteID))
		tokens, err := fuzzed.Refresh(t.Context(), "very-secret")
		known(t, err)
		require.Equal(t, err == nil, tokens.Access != "")
		require.Equal(t, tokens.Access, tokens.Refresh)
	})
}

func known(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	require.NotEqual(t, apperr.Internal, apperr.KindOf(err), "%v", err)
	require.NotContains(t, err.Error(), "very-secret")
}
