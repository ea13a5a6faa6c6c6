package instagram_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/instagram"
)

const redirect = "https://app.example/callback?from=instagram"

func asApp(c *instagram.Config) {
	c.ClientID, c.ClientSecret, c.RedirectURIs = "app", "secret", []string{redirect}
}

func question(change ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {redirect}, "state": {"s"},
		"scope": {"instagram_business_basic,instagram_business_content_publish"},
	}
	if len(change) == 2 {
		q.Set(change[0], change[1])
	}
	return q
}

func (n *network) consent(handle string) string {
	n.t.Helper()
	form := question("account", handle)
	form.Set("decision", "allow")
	a := n.do(http.MethodPost, "/oauth/authorize", "", form.Encode())
	require.Equal(n.t, http.StatusSeeOther, a.status, a.raw)
	back, err := url.Parse(a.header.Get("Location"))
	require.NoError(n.t, err)
	require.Equal(n.t, "s", back.Query().Get("state"))
	require.Equal(n.t, "instagram", back.Query().Get("from"))
	require.Equal(n.t, "_", back.Fragment)
	return back.Query().Get("code")
}

func (n *network) exchange(code string, change ...string) answer {
	n.t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"app"}, "client_secret": {"secret"}, "redirect_uri": {redirect}, "code": {code},
	}
	if len(change) == 2 {
		form.Set(change[0], change[1])
	}
	return n.do(http.MethodPost, "/oauth/access_token", "", form.Encode())
}

func TestAConsentBecomesAShortTokenAndThatALongOne(t *testing.T) {
	t.Parallel()
	n := start(t, asApp)
	page := n.do(http.MethodGet, "/oauth/authorize?"+question().Encode(), "", "")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.raw, "@grace.h")
	short := n.exchange(n.consent("ada"))
	require.Equal(t, http.StatusOK, short.status, short.raw)
	require.Equal(t, "instagram_business_basic,instagram_business_content_publish", short.text("permissions"))
	require.NotEqual(t, n.id("ada"), short.text("user_id"), "the user within the app is not the professional account")

	query := "?grant_type=ig_exchange_token&client_secret=secret&access_token="
	long := n.do(http.MethodGet, "/access_token"+query+short.text("access_token"), "", "")
	require.Equal(t, http.StatusOK, long.status, long.raw)
	require.Equal(t, "5184000", long.text("expires_in"))
	require.Equal(t, "100/null", n.do(http.MethodGet, "/access_token"+query+long.text("access_token"), "", "").fault(), "a long one is not exchanged")
	me := n.do(http.MethodGet, "/me?fields=user_id,username,name,account_type", long.text("access_token"), "")
	require.Equal(t, n.id("ada"), me.text("user_id"))
	require.Equal(t, "ada", me.text("username"))
	require.Equal(t, "10/null", n.do(http.MethodGet, "/1/insights?metric=views", long.text("access_token"), "").fault(), "what was not asked for is not granted")

	n.clock.Advance(time.Hour)
	require.Equal(t, "190/463", n.do(http.MethodGet, "/me", short.text("access_token"), "").fault())
	require.Equal(t, http.StatusOK, n.do(http.MethodGet, "/me", long.text("access_token"), "").status)
}

func TestACodeIsSpentByItsUse(t *testing.T) {
	t.Parallel()
	n := start(t, asApp)
	code := n.consent("ada")
	require.Equal(t, http.StatusOK, n.exchange(code).status)
	again := n.exchange(code)
	require.Equal(t, http.StatusBadRequest, again.status)
	require.Equal(t, "OAuthException", again.text("error_type"))
	late := n.consent("ada")
	n.clock.Advance(time.Hour)
	require.Equal(t, http.StatusBadRequest, n.exchange(late).status)
	for name, value := range map[string]string{
		"client_secret": "guess", "client_id": "other", "redirect_uri": "https://app.example/callback", "grant_type": "password",
	} {
		require.Equal(t, http.StatusBadRequest, n.exchange(n.consent("ada"), name, value).status, name)
	}
}

func TestTheConsentPageSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	n := start(t, asApp)
	for name, value := range map[string]string{
		"response_type": "token", "client_id": "other", "redirect_uri": "https://evil.example", "scope": "instagram_business_content_publish",
	} {
		a := n.do(http.MethodGet, "/oauth/authorize?"+question(name, value).Encode(), "", "")
		require.Equal(t, http.StatusBadRequest, a.status, name)
		require.Contains(t, a.raw, "cannot be connected", name)
	}
	unknown := question("scope", "instagram_business_basic,instagram_basic")
	require.Contains(t, n.do(http.MethodGet, "/oauth/authorize?"+unknown.Encode(), "", "").raw, "there is no scope instagram_basic")
	deny := n.do(http.MethodPost, "/oauth/authorize", "", question("decision", "deny").Encode())
	require.Contains(t, deny.header.Get("Location"), "error=access_denied")
	require.Equal(t, http.StatusBadRequest, n.do(http.MethodGet, "/oauth/authorize?"+question().Encode()+"&sim_approve=1&sim_account=nobody", "", "").status)
}

func TestATokenIsRenewedFromADayOn(t *testing.T) {
	t.Parallel()
	n := start(t, asApp)
	short := n.exchange(n.consent("ada")).text("access_token")
	token := n.do(http.MethodGet, "/access_token?grant_type=ig_exchange_token&client_secret=secret&access_token="+short, "", "").text("access_token")
	refresh := func() answer {
		return n.do(http.MethodGet, "/refresh_access_token?grant_type=ig_refresh_token&access_token="+token, "", "")
	}
	require.Equal(t, "100/null", refresh().fault())
	n.clock.Advance(24 * time.Hour)
	renewed := refresh()
	require.Equal(t, http.StatusOK, renewed.status, renewed.raw)
	require.NotEqual(t, token, renewed.text("access_token"))
	for _, works := range []string{token, renewed.text("access_token")} {
		require.Equal(t, http.StatusOK, n.do(http.MethodGet, "/me", works, "").status)
	}
	n.server.Change(func(s *instagram.Settings) { s.KeepTokens = true })
	require.Equal(t, token, refresh().text("access_token"))
	n.clock.Advance(60 * 24 * time.Hour)
	require.Equal(t, "190/463", refresh().fault(), "one that has run out is not renewed")
}
