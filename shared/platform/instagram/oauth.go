package instagram

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/httpclient"
	"rostrum/shared/platform"
)

const (
	// tokenLife is Instagram's default, used when it names none (business login
	// page, 2026-11).
	tokenLife = 60 * 24 * time.Hour
	maxLife   = 90 * 24 * time.Hour
)

// scopes are what posting, reading back and insights need.
func scopes() string {
	return "instagram_business_basic,instagram_business_content_publish,instagram_business_manage_insights"
}

// AuthorizeURL is the consent page for one attempt to connect. Instagram has no
// PKCE, so the challenge is not sent: the state alone ties the answer to the
// browser that asked.
func (c *Client) AuthorizeURL(state, _, redirectURI string) string {
	query := url.Values{
		"response_type": {"code"}, "client_id": {c.settings.ClientID}, "redirect_uri": {redirectURI}, "scope": {scopes()}, "state": {state},
	}
	separator := "?"
	if strings.Contains(c.settings.AuthorizeURL, "?") {
		separator = "&"
	}
	return c.settings.AuthorizeURL + separator + query.Encode()
}

// Exchange turns the code of a consent into a token of an hour and that at once
// into one of 60 days, which is access and refresh token in one. A code works
// once and for an hour. Errors: Unauthenticated when Instagram does not take the
// code, Forbidden when it does not take the app, Uncertain when an answer was
// lost, Unavailable for the rest; after any of them the consent has to be given
// again.
func (c *Client) Exchange(ctx context.Context, code, _, redirectURI string) (platform.Tokens, error) {
	form := url.Values{
		"client_id": {c.settings.ClientID}, "client_secret": {c.settings.ClientSecret.Reveal()}, "grant_type": {"authorization_code"},
		"redirect_uri": {redirectURI}, "code": {strings.TrimSuffix(code, "#_")},
	}
	started := c.clock.Now()
	a, err := c.tokenCall(ctx, http.MethodPost, c.settings.TokenURL, form)
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("exchange the code of a consent: %w", err)
	}
	short, err := c.readTokens(a, started)
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("exchange the code of a consent: %w", err)
	}
	a, err = c.tokenCall(ctx, http.MethodGet, c.settings.APIURL+"/access_token", url.Values{
		"grant_type": {"ig_exchange_token"}, "client_secret": {c.settings.ClientSecret.Reveal()}, "access_token": {short.Access.Reveal()},
	})
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("exchange a token for a long-lived one: %w", err)
	}
	long, err := c.readTokens(a, started)
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("exchange a token for a long-lived one: %w", err)
	}
	long.Scopes = short.Scopes
	return long, nil
}

// Refresh gives a token another 60 days. Instagram does so for one that is at
// least 24 hours old and has not run out; it may answer the same token. The old
// one goes on working, so a lost answer is Unavailable and a repeat is safe.
// Errors are those of platform.Connector but Uncertain.
func (c *Client) Refresh(ctx context.Context, refresh config.Secret) (platform.Tokens, error) {
	started := c.clock.Now()
	a, err := c.tokenCall(ctx, http.MethodGet, c.settings.APIURL+"/refresh_access_token", url.Values{
		"grant_type": {"ig_refresh_token"}, "access_token": {refresh.Reveal()},
	})
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("refresh a token: %w", err)
	}
	tokens, err := c.readTokens(a, started)
	if apperr.Is(err, apperr.Uncertain) || apperr.Is(err, apperr.Forbidden) {
		// Nothing was used up by it. Forbidden may only mean that it was too soon.
		return platform.Tokens{}, fmt.Errorf("refresh a token: %w",
			apperr.New(apperr.Unavailable, apperr.As(err).Code, "%s", apperr.As(err).Message).WithCause(err))
	}
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("refresh a token: %w", err)
	}
	return tokens, nil
}

// tokenCall makes one call about tokens. The addresses hold secrets where
// Instagram wants them there, so no error of this package names one.
func (c *Client) tokenCall(ctx context.Context, method, address string, values url.Values) (answer, error) {
	var r *http.Request
	var err error
	if method == http.MethodPost {
		r, err = http.NewRequestWithContext(ctx, method, address, strings.NewReader(values.Encode()))
	} else {
		r, err = http.NewRequestWithContext(ctx, method, address+"?"+values.Encode(), http.NoBody)
	}
	if err != nil {
		return answer{}, fmt.Errorf("make the token request: %w", httpclient.Safe(err))
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "application/json")
	return answer{httpclient.Ask(c.http, r)}, nil
}

// readTokens decides what an answer about tokens means.
func (c *Client) readTokens(a answer, started time.Time) (platform.Tokens, error) {
	switch {
	case a.Err != nil && !a.Sent.Any():
		return platform.Tokens{}, apperr.New(apperr.Unavailable, "instagram_unreachable", "Instagram could not be reached.").WithCause(a.Cause())
	case a.Err != nil:
		return platform.Tokens{}, apperr.New(apperr.Uncertain, "answer_lost", "Instagram's answer about the token was lost.").WithCause(a.Cause())
	case a.Status >= 500 || a.Status == http.StatusTooManyRequests:
		return platform.Tokens{}, apperr.New(apperr.Unavailable, fmt.Sprintf("http_%d", a.Status), "Instagram answered %d.", a.Status)
	case a.Status == http.StatusOK:
		return decodeTokens(a, started)
	case a.Status >= 300 && a.Status <= 399:
		return platform.Tokens{}, apperr.New(apperr.Uncertain, fmt.Sprintf("http_%d", a.Status), "Instagram answered %d.", a.Status)
	}
	var body wireFault
	if a.Whole() {
		_ = json.Unmarshal(a.Body, &body) // what cannot be read says nothing
	}
	switch said := strings.ToLower(body.ErrorMessage); {
	case body.Error.Code != nil:
		return platform.Tokens{}, tokenProblem(meaningOf(*body.Error.Code, body.Error.Subcode), c.wait(a))
	case strings.Contains(said, "code") || strings.Contains(said, "redirect"):
		// "Invalid authorization code", "This authorization code has been used" and
		// "Matching code was not found": the words are not documented.
		return platform.Tokens{}, apperr.New(apperr.Unauthenticated, "code_refused", "Instagram does not take this sign-in.").
			WithHint("Connect the account again.")
	case body.ErrorType != "":
		return platform.Tokens{}, apperr.New(apperr.Forbidden, "app_refused", "Instagram does not take the developer app.").
			WithHint("Check INSTAGRAM_CLIENT_ID, INSTAGRAM_CLIENT_SECRET and the app's settings at Meta.")
	default:
		return platform.Tokens{}, apperr.New(apperr.Uncertain, fmt.Sprintf("http_%d", a.Status), "Instagram answered %d.", a.Status)
	}
}

// tokenProblem is a refusal in the shape of the Graph API.
func tokenProblem(m meaning, wait time.Duration) error {
	switch m {
	case tokenRefused:
		return apperr.New(apperr.Unauthenticated, "token_dead", "Instagram does not take this sign-in any more.").
			WithHint("Connect the account again.")
	case serverTrouble, limited:
		return apperr.New(apperr.Unavailable, "instagram_busy", "Instagram asks to wait.").WithRetryAfter(wait)
	default:
		return apperr.New(apperr.Forbidden, "app_refused", "Instagram does not take the developer app.").
			WithHint("Check INSTAGRAM_CLIENT_ID, INSTAGRAM_CLIENT_SECRET and the app's settings at Meta.")
	}
}

func decodeTokens(a answer, started time.Time) (platform.Tokens, error) {
	body, err := one[wireTokens](a.Body)
	if a.BodyErr != nil || err != nil || body.AccessToken == "" {
		return platform.Tokens{}, apperr.New(apperr.Uncertain, "unreadable_answer", "Instagram's answer about the token could not be read.")
	}
	life := time.Duration(min(max(body.ExpiresIn, 0), int64(maxLife/time.Second))) * time.Second
	if life == 0 {
		life = tokenLife
	}
	token := config.Secret(body.AccessToken)
	return platform.Tokens{Access: token, Refresh: token, ExpiresAt: started.Add(life), Scopes: body.scopes()}, nil
}
