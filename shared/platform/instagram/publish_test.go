package instagram

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/httpclient"
	"rostrum/shared/platform"
	"rostrum/shared/simulator/fault"
	simulator "rostrum/shared/simulator/instagram"
)

// graphError is a refusal as the Graph API words it.
func graphError(code, subcode int) string {
	return fmt.Sprintf(`{"error":{"message":"why","type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"T1"}}`, code, subcode)
}

func TestARefusalProvesWhatItProves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		class  platform.Class
		code   string
	}{
		{200, `{"id":"18012345678901234"}`, platform.Accepted, "accepted"},
		{200, `{"id":18012345678901234}`, platform.Accepted, "accepted"},
		{200, `{"id":""}`, platform.Unclear, "no_id"},
		{200, `{"id":"x/y"}`, platform.Unclear, "no_id"},
		{200, `{"success":true}`, platform.Unclear, "no_id"},
		{200, `null`, platform.Unclear, "no_id"},
		{200, `<html>`, platform.Unclear, "unreadable_answer"},
		{204, ``, platform.Unclear, "unreadable_answer"},
		{302, ``, platform.Unclear, "unexpected_redirect"},

		{400, graphError(190, 463), platform.Unauthorized, "code_190_463"},
		{401, graphError(190, 0), platform.Unauthorized, "code_190"},
		{400, graphError(102, 0), platform.Unauthorized, "code_102"},

		{400, graphError(9007, 2207027), platform.Delayed, "media_not_ready"},
		{400, graphError(9, 2207042), platform.Delayed, "daily_limit"},
		{403, graphError(4, 0), platform.Delayed, "rate_limited"},
		{400, graphError(80002, 0), platform.Delayed, "rate_limited"},
		{400, graphError(613, 0), platform.Delayed, "rate_limited"},

		{400, graphError(25, 2207050), platform.Refused, "code_25_2207050"},
		{400, graphError(10, 0), platform.Refused, "code_10"},
		{400, graphError(200, 0), platform.Refused, "code_200"},
		{400, graphError(100, 0), platform.Refused, "code_100"},
		{400, graphError(36003, 2207009), platform.Refused, "code_36003_2207009"},

		// What a published container may answer as well.
		{400, graphError(24, 2207008), platform.Unclear, "code_24_2207008"},
		{400, graphError(24, 2207006), platform.Unclear, "code_24_2207006"},
		{400, graphError(-2, 2207020), platform.Unclear, "code_-2_2207020"},
		{400, graphError(100, 33), platform.Unclear, "code_100_33"},
		// What has been answered for posts that were out.
		{403, graphError(4, 2207051), platform.Unclear, "code_4_2207051"},
		{400, graphError(368, 0), platform.Unclear, "code_368"},
		{500, graphError(2, 0), platform.Unclear, "code_2"},
		{400, graphError(1, 0), platform.Unclear, "code_1"},
		{400, graphError(-1, 2207001), platform.Unclear, "code_-1_2207001"},
		{400, graphError(-1, 2207032), platform.Unclear, "code_-1_2207032"},
		// A server in trouble proves nothing, whatever it says.
		{500, graphError(190, 463), platform.Unclear, "code_190_463"},
		{503, graphError(9007, 2207027), platform.Unclear, "code_9007_2207027"},
		{500, graphError(100, 0), platform.Unclear, "code_100"},
		{502, `<html>502</html>`, platform.Unclear, "http_502"},
		{500, ``, platform.Unclear, "http_500"},
		// What is not known proves nothing.
		{400, graphError(100, 2207099), platform.Unclear, "code_100_2207099"},
		{400, graphError(77777, 0), platform.Unclear, "code_77777"},
		{400, ``, platform.Unclear, "http_400"},
		{400, `{"error":"no"}`, platform.Unclear, "http_400"},
		{400, `{"error":{"message":"no code"}}`, platform.Unclear, "http_400"},
		{401, ``, platform.Unclear, "http_401"},
		{404, `<html>`, platform.Unclear, "http_404"},
		{429, ``, platform.Unclear, "http_429"},
	} {
		got := classified(t, c.status, nil, c.body)
		name := fmt.Sprintf("%d %s: %+v", c.status, c.body, got)
		require.Equal(t, c.class, got.Class, name)
		require.Equal(t, c.code, got.Code, name)
		require.NotEmpty(t, got.Detail, name)
		require.NotContains(t, got.Detail, got.Code+")", "people read words: %s", name)
		require.Equal(t, c.class == platform.Delayed, got.RetryAfter > 0, name)
		if strings.Contains(c.body, "fbtrace_id") {
			require.Equal(t, "T1", got.RequestID, name)
		}
	}
}

func classified(t *testing.T, status int, header http.Header, body string) platform.Outcome {
	t.Helper()
	c, err := New(Settings{
		APIURL: "https://a.example", APIVersion: "v25.0", AuthorizeURL: "https://a.example", TokenURL: "https://a.example", WebURL: "https://a.example",
	}, clock.System{})
	require.NoError(t, err)
	a := answer{&httpclient.Answer{Sent: &httpclient.Sent{}, Status: status, Header: header, Body: []byte(body)}}
	return c.classify(a, platform.PublishRequest{Target: platform.Target{AccessToken: "very-secret"}})
}

func TestARefusalShowsNoToken(t *testing.T) {
	t.Parallel()
	got := classified(t, 400, nil, `{"error":{"code":100,"message":"bad very-secret"}}`)
	require.Equal(t, platform.Refused, got.Class)
	require.NotContains(t, got.Detail, "very-secret")
	require.Contains(t, got.Detail, "[secret]")
}

func TestAContainerIsShownOnce(t *testing.T) {
	t.Parallel()
	for _, refuses := range []bool{true, false} {
		n := newNetwork(t)
		n.sim.Change(func(s *simulator.Settings) { s.RefuseRepublish = refuses })
		staged := n.stageOne(t, "once")
		req := platform.PublishRequest{Target: n.target, Text: "once", StagedID: staged.RemoteID}
		first := n.client.Publish(t.Context(), req)
		require.Equal(t, platform.Accepted, first.Class)
		second := n.client.Publish(t.Context(), req)
		if refuses {
			require.Equal(t, platform.Unclear, second.Class, "%+v", second)
		} else {
			require.Equal(t, first.RemoteID, second.RemoteID)
		}
		require.Len(t, n.sim.Items("", time.Time{}), 1)
	}
}

func TestWhatIsNotStagedIsNotPublished(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, id := range []string{"", "me", "../1"} {
		outcome := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, Text: "x", StagedID: id})
		require.Equal(t, platform.MediaGone, outcome.Class)
	}
	require.Empty(t, n.sim.Faults().Requests())
}

func TestTheAccountsDayIsFull(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sim.Change(func(s *simulator.Settings) { s.QuotaTotal = 1 })
	first, second := n.stageOne(t, "first"), n.stageOne(t, "second")
	require.Equal(t, platform.Accepted, n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, StagedID: first.RemoteID}).Class)
	outcome := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, StagedID: second.RemoteID})
	require.Equal(t, platform.Delayed, outcome.Class)
	require.Equal(t, dayFullWait, outcome.RetryAfter)
}

// The post is out before its address is read, so no trouble with that may make
// it look as if it were not.
func TestAnAddressThatCannotBeReadIsTheProfile(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, rule := range []fault.Rule{
		{Preset: "server_error"},
		{Preset: "reset"},
		{Preset: "unauthorized"},
		{Action: fault.Action{Kind: fault.Answer, Status: 200, Body: `{"permalink":"javascript:alert(1)"}`}},
	} {
		staged := n.stageOne(t, "addressed")
		rule.Match = fault.Match{Method: http.MethodGet, Path: "/*"}
		n.sim.Faults().Clear()
		_, err := n.sim.Faults().Add(rule)
		require.NoError(t, err)
		outcome := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, StagedID: staged.RemoteID})
		require.Equal(t, platform.Accepted, outcome.Class)
		require.Equal(t, n.server.URL+"/tester/", outcome.RemoteURL)
	}
}

func TestTheTokenIsInNoAddress(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var addresses, tokens []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		addresses, tokens = append(addresses, r.URL.String()), append(tokens, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"id":"1","data":[]}`))
	}))
	defer server.Close()
	c := newClient(t, server.URL)
	target := platform.Target{RemoteID: "178", Handle: "ada", AccessToken: "very-secret"}
	c.Publish(t.Context(), platform.PublishRequest{Target: target, StagedID: "1"})
	_, _ = c.Stage(t.Context(), platform.StageRequest{Target: target, Images: []platform.StagedImage{{URL: "https://a.example"}}})
	_, _ = c.StageState(t.Context(), target, "1")
	_, _ = c.RecentPosts(t.Context(), target, "")
	_, _ = c.ReadMetrics(t.Context(), target, []string{"1"})
	_, _ = c.WhoAmI(t.Context(), target.AccessToken)
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, addresses, 7)
	for i, address := range addresses {
		require.NotContains(t, address, "very-secret")
		require.True(t, strings.HasPrefix(address, "/v25.0/"), address)
		require.Equal(t, "Bearer very-secret", tokens[i])
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	good := Settings{
		APIURL: "https://a.example/", APIVersion: "v25.0", AuthorizeURL: "https://a.example", TokenURL: "https://a.example", WebURL: "https://a.example",
		ClientSecret: config.Secret("hidden"),
	}
	_, err := New(good, clock.System{})
	require.NoError(t, err)
	for _, spoil := range []func(*Settings){
		func(s *Settings) { s.APIURL = "graph.instagram.com" },
		func(s *Settings) { s.TokenURL = "ftp://a.example" },
		func(s *Settings) { s.AuthorizeURL = "" },
		func(s *Settings) { s.APIVersion = "25" },
		func(s *Settings) { s.APIVersion = "v25.0/../me" },
	} {
		bad := good
		spoil(&bad)
		_, err := New(bad, clock.System{})
		require.ErrorContains(t, err, "INSTAGRAM_")
		require.NotContains(t, err.Error(), "hidden")
	}
}

// Whatever Instagram or something between it and us answers, a post is taken
// for published only with an id, and for not published only by a code that is
// on the list.
func FuzzClassify(f *testing.F) {
	for _, body := range []string{
		`{"id":"1"}`, `{}`, `<html>`, graphError(190, 463), graphError(9007, 2207027), graphError(24, 2207008), `{"error":{"code":"4"}}`,
	} {
		f.Add(200, body)
		f.Add(400, body)
		f.Add(503, body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		got := classified(t, status, http.Header{"X-App-Usage": {body}, "X-Business-Use-Case-Usage": {body}}, body)
		success := status >= 200 && status <= 299
		switch got.Class {
		case platform.Accepted:
			require.True(t, success)
			require.True(t, isID(got.RemoteID))
		case platform.Unclear:
		default:
			require.True(t, status < 200 || status >= 400 && status <= 499, "%d %+v", status, got)
			var said wireFault
			require.NoError(t, json.Unmarshal([]byte(body), &said))
			require.NotNil(t, said.Error.Code)
		}
		require.NotEmpty(t, got.Detail)
		require.Equal(t, got.Class == platform.Delayed, got.RetryAfter > 0)
		require.LessOrEqual(t, got.RetryAfter, maxWait)
		require.NotContains(t, got.Detail, "very-secret")
	})
}
