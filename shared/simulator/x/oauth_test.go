package x_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/x"
)

func TestConsentAndExchangeGiveWorkingTokens(t *testing.T) {
	t.Parallel()
	n := start(t)
	a := n.tokenCall(exchangeForm(n.consent("ada")))
	require.Equal(t, http.StatusOK, a.status, a.raw)
	require.Equal(t, "bearer", a.body["token_type"])
	require.InDelta(t, 7200, a.body["expires_in"], 0)
	require.Equal(t, "tweet.read tweet.write users.read offline.access", a.body["scope"])
	me := n.do(http.MethodGet, "/2/users/me", digAs[string](t, a.body, "access_token"), "")
	require.Equal(t, "ada", dig(t, me.body, "data", "username"))
}

func TestCodeWorksOnceAndForThirtySeconds(t *testing.T) {
	t.Parallel()
	const refused = "Value passed for the authorization code was invalid."
	n := start(t)
	code := n.consent("ada")
	require.Equal(t, http.StatusOK, n.tokenCall(exchangeForm(code)).status)
	again := n.tokenCall(exchangeForm(code))
	require.Equal(t, http.StatusBadRequest, again.status)
	require.Equal(t, "invalid_request", again.body["error"])
	require.Equal(t, refused, again.body["error_description"])

	late := n.consent("ada")
	n.clock.Advance(30 * time.Second)
	require.Equal(t, refused, n.tokenCall(exchangeForm(late)).body["error_description"])
}

func TestExchangeRefusesAnotherRedirectAndAnotherVerifier(t *testing.T) {
	t.Parallel()
	n := start(t)
	for name, value := range map[string]string{
		"redirect_uri": strings.TrimSuffix(redirect, "?from=x"), "code_verifier": verifier + "x", "client_id": "someone",
	} {
		form := exchangeForm(n.consent("ada"))
		form.Set(name, value)
		a := n.tokenCall(form)
		require.Equal(t, http.StatusBadRequest, a.status, name)
		require.Equal(t, "invalid_request", a.body["error"], name)
	}
}

func TestConsentPageListsAccountsAndTheFormRedirects(t *testing.T) {
	t.Parallel()
	n := start(t)
	page := n.do(http.MethodGet, "/i/oauth2/authorize?"+authorizeQuery().Encode(), "", "")
	require.Equal(t, http.StatusOK, page.status)
	for _, seen := range []string{"Simulated network", "@ada", "@grace", "post and delete posts"} {
		require.Contains(t, page.raw, seen)
	}
	form := authorizeQuery()
	form.Set("account", "grace")
	form.Set("decision", "deny")
	denied := n.do(http.MethodPost, "/i/oauth2/authorize", "", form.Encode())
	require.Contains(t, denied.header.Get("Location"), "error=access_denied")
	form.Set("decision", "allow")
	require.Contains(t, n.do(http.MethodPost, "/i/oauth2/authorize", "", form.Encode()).header.Get("Location"), "code=")
}

func TestConsentRefusesWhatXRefuses(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *x.Config) { c.ClientID, c.RedirectURIs = "rostrum", []string{redirect} })
	for name, value := range map[string]string{
		"client_id": "other", "redirect_uri": redirect + "&more=1", "response_type": "token", "state": strings.Repeat("s", 501),
		"code_challenge": "", "code_challenge_method": "S512", "scope": "",
	} {
		q := authorizeQuery()
		q.Set(name, value)
		a := n.do(http.MethodGet, "/i/oauth2/authorize?"+q.Encode(), "", "")
		require.Equal(t, http.StatusBadRequest, a.status, name)
		require.Empty(t, a.header.Get("Location"), "a refused app is never redirected to")
	}
}

func TestConfidentialClientNeedsBasic(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *x.Config) { c.ClientID, c.ClientSecret = "rostrum", "hush" })
	form := exchangeForm(n.consent("ada"))
	a := n.tokenCall(form)
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.Equal(t, "unauthorized_client", a.body["error"])
	require.Equal(t, "Missing valid authorization header", a.body["error_description"])

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.url+"/2/oauth2/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("rostrum:hush")))
	res, err := n.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}

func TestRefreshRotatesAndReuseKillsTheFamily(t *testing.T) {
	t.Parallel()
	n := start(t)
	first := n.tokenCall(exchangeForm(n.consent("ada"))).body
	second := n.tokenCall(refreshForm(digAs[string](t, first, "refresh_token")))
	require.Equal(t, http.StatusOK, second.status, second.raw)
	require.NotEqual(t, first["refresh_token"], second.body["refresh_token"])
	access := digAs[string](t, second.body, "access_token")
	require.Equal(t, http.StatusOK, n.do(http.MethodGet, "/2/users/me", access, "").status)

	reuse := n.tokenCall(refreshForm(digAs[string](t, first, "refresh_token")))
	require.Equal(t, http.StatusBadRequest, reuse.status)
	require.Equal(t, "invalid_request", reuse.body["error"])
	require.Equal(t, http.StatusUnauthorized, n.do(http.MethodGet, "/2/users/me", access, "").status, "the family is dead")
	require.Equal(t, http.StatusBadRequest, n.tokenCall(refreshForm(digAs[string](t, second.body, "refresh_token"))).status)
}

func TestOfManyRefreshesAtOnceOneWins(t *testing.T) {
	t.Parallel()
	n := start(t)
	tokens, err := n.server.Grant("ada")
	require.NoError(t, err)
	statuses := make([]int, 8)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = n.tokenCall(refreshForm(tokens.RefreshToken)).status })
	}
	wg.Wait()
	won := 0
	for _, s := range statuses {
		if s == http.StatusOK {
			won++
		}
	}
	require.Equal(t, 1, won)
}

func TestNoRefreshTokenWithoutOfflineAccess(t *testing.T) {
	t.Parallel()
	n := start(t)
	tokens, err := n.server.Grant("ada", "tweet.read", "users.read")
	require.NoError(t, err)
	require.Empty(t, tokens.RefreshToken)
	a := n.post(tokens.AccessToken, "without the scope")
	require.Equal(t, http.StatusForbidden, a.status)
	require.Equal(t, "Your account is not permitted to access this feature.", a.body["detail"])
}

func TestAccessTokenExpiresAfterItsLife(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *x.Config) { c.TokenLife = time.Minute })
	token := n.token("ada")
	n.clock.Advance(59 * time.Second)
	require.Equal(t, http.StatusOK, n.do(http.MethodGet, "/2/users/me", token, "").status)
	n.clock.Advance(time.Second)
	a := n.do(http.MethodGet, "/2/users/me", token, "")
	require.Equal(t, http.StatusUnauthorized, a.status)
	require.JSONEq(t, `{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}`, a.raw)
}

func TestTokensCanBeExpiredAndRevokedFromOutside(t *testing.T) {
	t.Parallel()
	n := start(t)
	tokens, err := n.server.Grant("ada")
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, n.do(http.MethodPost, "/_sim/tokens/expire", "", `{"handle":"ada"}`).status)
	require.Equal(t, http.StatusUnauthorized, n.do(http.MethodGet, "/2/users/me", tokens.AccessToken, "").status)
	renewed := n.tokenCall(refreshForm(tokens.RefreshToken))
	require.Equal(t, http.StatusOK, renewed.status)
	require.Equal(t, http.StatusNoContent, n.do(http.MethodPost, "/_sim/tokens/revoke", "", `{"handle":"ada"}`).status)
	require.Equal(t, http.StatusUnauthorized, n.do(http.MethodGet, "/2/users/me", digAs[string](t, renewed.body, "access_token"), "").status)
	require.Equal(t, http.StatusBadRequest, n.tokenCall(refreshForm(digAs[string](t, renewed.body, "refresh_token"))).status)
}

func TestRevokeEndsTheFamily(t *testing.T) {
	t.Parallel()
	n := start(t)
	tokens, err := n.server.Grant("ada")
	require.NoError(t, err)
	a := n.do(http.MethodPost, "/2/oauth2/revoke", "", "client_id=rostrum&token="+tokens.AccessToken)
	require.JSONEq(t, `{"revoked":true}`, a.raw)
	require.Equal(t, http.StatusBadRequest, n.tokenCall(refreshForm(tokens.RefreshToken)).status)
}
