package instagram

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/simulator/fault"
	simulator "rostrum/shared/simulator/instagram"
)

const callback = "https://rostrum.example/callback"

// consent goes to the consent page, allows it, and returns the code that comes
// back with its odd end.
func (n *network) consent(t *testing.T) string {
	t.Helper()
	address := n.client.AuthorizeURL("the-state", "challenge", callback) + "&sim_approve=1&sim_account=tester"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	back, err := url.Parse(response.Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "the-state", back.Query().Get("state"))
	require.Equal(t, "_", back.Fragment)
	return back.Query().Get("code") + "#" + back.Fragment
}

func TestAConsentBecomesALongLivedToken(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	tokens, err := n.client.Exchange(t.Context(), n.consent(t), "verifier", callback)
	require.NoError(t, err)
	require.Equal(t, tokens.Access, tokens.Refresh, "the token renews itself")
	require.WithinDuration(t, time.Now().Add(60*24*time.Hour), tokens.ExpiresAt, time.Minute)
	require.Equal(t, simulator.DefaultScopes(), tokens.Scopes)
	profile, err := n.client.WhoAmI(t.Context(), tokens.Access)
	require.NoError(t, err)
	require.Equal(t, n.target.RemoteID, profile.RemoteID, "the professional account, not the user within the app")
}

func TestTheConsentPageIsAskedForAllThatIsNeeded(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	address, err := url.Parse(n.client.AuthorizeURL("s", "c", callback))
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {callback}, "state": {"s"},
		"scope": {"instagram_business_basic,instagram_business_content_publish,instagram_business_manage_insights"},
	}, address.Query())
}

func TestACodeWorksOnceAndForItsApp(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	code := n.consent(t)
	_, err := n.client.Exchange(t.Context(), code, "", callback)
	require.NoError(t, err)
	_, err = n.client.Exchange(t.Context(), code, "", callback)
	require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)
	_, err = n.client.Exchange(t.Context(), n.consent(t), "", callback+"/other")
	require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)

	other := newClient(t, n.server.URL)
	other.settings.ClientSecret = "wrong-secret"
	_, err = other.Exchange(t.Context(), n.consent(t), "", callback)
	require.True(t, apperr.Is(err, apperr.Forbidden), "%v", err)
	require.NotContains(t, fmt.Sprintf("%v %#v", err, err), "wrong-secret")
}

// The second half of an exchange may fail where the first went well: the code
// is spent, and nothing less than a whole pair is handed out.
func TestAnExchangeThatBreaksInTheMiddleGivesNothing(t *testing.T) {
	t.Parallel()
	for preset, want := range map[string]apperr.Kind{
		"server_error": apperr.Unavailable, "accepted_truncated": apperr.Uncertain, "accepted_hang": apperr.Uncertain,
		"rate_limited": apperr.Unavailable, "unauthorized": apperr.Unauthenticated, "accepted_no_id": apperr.Uncertain,
	} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			if preset == "accepted_hang" {
				n.client.http.Timeout = 200 * time.Millisecond
			}
			code := n.consent(t)
			_, err := n.sim.Faults().Add(fault.Rule{Preset: preset, Match: fault.Match{Path: "/access_token"}})
			require.NoError(t, err)
			tokens, err := n.client.Exchange(t.Context(), code, "", callback)
			require.True(t, apperr.Is(err, want), "%v", err)
			require.Empty(t, tokens.Access)
		})
	}
}

func TestARefreshNeverLosesTheToken(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, keeps := range []bool{true, false} {
		n.sim.Change(func(s *simulator.Settings) { s.KeepTokens = keeps })
		granted, err := n.sim.Grant("tester")
		require.NoError(t, err)
		tokens, err := n.client.Refresh(t.Context(), config.Secret(granted.AccessToken))
		require.NoError(t, err)
		require.Equal(t, keeps, tokens.Access.Reveal() == granted.AccessToken)
		require.Equal(t, tokens.Access, tokens.Refresh)
		_, err = n.client.WhoAmI(t.Context(), tokens.Access)
		require.NoError(t, err)
	}
}

func TestATokenIsDeadOnlyWhenInstagramSaysSo(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	young, err := n.client.Exchange(t.Context(), n.consent(t), "", callback)
	require.NoError(t, err)
	_, err = n.client.Refresh(t.Context(), young.Refresh)
	require.True(t, apperr.Is(err, apperr.Unavailable), "too young is not dead: %v", err)
	for _, preset := range []string{
		"server_error", "server_error_empty", "bad_gateway", "rate_limited", "app_limited", "reset", "accepted_reset",
		"accepted_truncated", "accepted_no_id", "accepted_not_json", "not_permitted",
	} {
		n.sim.Faults().Clear()
		_, err = n.sim.Faults().Add(fault.Rule{Preset: preset, Match: fault.Match{Path: "/refresh_access_token"}})
		require.NoError(t, err)
		_, err = n.client.Refresh(t.Context(), n.token)
		require.True(t, apperr.Is(err, apperr.Unavailable), "%s: %v", preset, err)
		require.NotContains(t, fmt.Sprintf("%v %#v", err, err), n.token.Reveal(), preset)
	}
	n.sim.Faults().Clear()
	require.NoError(t, n.sim.ExpireTokens("tester"))
	_, err = n.client.Refresh(t.Context(), n.token)
	require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)

	n = newNetwork(t)
	require.NoError(t, n.sim.RevokeTokens("tester"))
	_, err = n.client.Refresh(t.Context(), n.token)
	require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)
}

func TestBothShapesOfATokenAnswerAreRead(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"access_token":"a","user_id":12345678901234567,"permissions":["p","q"]}`,
		`{"access_token":"a","user_id":"1","permissions":"p,q"}`,
		`{"data":[{"access_token":"a","user_id":"1","permissions":"p,q"}]}`,
	} {
		got, err := one[wireTokens]([]byte(body))
		require.NoError(t, err)
		require.Equal(t, "a", got.AccessToken, body)
		require.Equal(t, []string{"p", "q"}, got.scopes(), body)
	}
}
