package x

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
)

const (
	tokenURL = "https://api.x.com/2/oauth2/token" //nolint:gosec // an address, not a token
	// accessLife is X's default, used when it names none (authentication pages, 2026-08).
	accessLife = 2 * time.Hour
	maxLife    = 90 * 24 * time.Hour
)

// scopes are what posting, reading back and refreshing need.
func scopes() string { return "tweet.read tweet.write users.read offline.access media.write" }

// AuthorizeURL is the consent page for one attempt to connect. The challenge is
// the S256 form of the verifier that Exchange is given later.
func (c *Client) AuthorizeURL(state, codeChallenge, redirectURI string) string {
	query := url.Values{
		"response_type": {"code"}, "client_id": {c.settings.ClientID}, "redirect_uri": {redirectURI}, "scope": {scopes()},
		"state": {state}, "code_challenge": {codeChallenge}, "code_challenge_method": {"S256"},
	}
	separator := "?"
	if strings.Contains(c.settings.AuthorizeURL, "?") {
		separator = "&"
	}
	return c.settings.AuthorizeURL + separator + query.Encode()
}

// Exchange turns the code of a consent into tokens. A code works once and for
// 30 seconds. Errors: Unauthenticated when X does not take the code, Forbidden
// when it does not take the app, Uncertain and Unavailable as Refresh.
func (c *Client) Exchange(ctx context.Context, code, codeVerifier, redirectURI string) (platform.Tokens, error) {
	tokens, err := c.token(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {codeVerifier}, "redirect_uri": {redirectURI},
	})
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("exchange the code of a consent: %w", err)
	}
	return tokens, nil
}

// Refresh turns a refresh token into a new pair and kills it. It must be called
// by one caller at a time per account: a second use kills the whole family.
// Errors are those of platform.Connector, and Forbidden when X does not take
// the app.
func (c *Client) Refresh(ctx context.Context, refresh config.Secret) (platform.Tokens, error) {
	tokens, err := c.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}})
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("refresh a token: %w", err)
	}
	if tokens.Refresh == "" {
		tokens.Refresh = refresh // RFC 6749 §6: without a new one the old one lives on.
	}
	return tokens, nil
}

// token makes one call to the token endpoint. X has no library of its own for
// this, and x/oauth2 would try a second way of naming the app on a refusal.
func (c *Client) token(ctx context.Context, form url.Values) (platform.Tokens, error) {
	started := c.clock.Now()
	if c.settings.ClientSecret == "" {
		form.Set("client_id", c.settings.ClientID)
	}
	ctx, a := watch(ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return platform.Tokens{}, fmt.Errorf("make the token request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	if c.settings.ClientSecret != "" {
		pair := url.QueryEscape(c.settings.ClientID) + ":" + url.QueryEscape(c.settings.ClientSecret.Reveal())
		request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	if response, err := c.http.Do(request); err == nil { // recorded in a either way
		_ = response.Body.Close()
	}
	return readTokens(a, started)
}

// readTokens decides what an answer of the token endpoint means.
func readTokens(a *answer, started time.Time) (platform.Tokens, error) {
	switch {
	case a.Err != nil && !a.Sent.Any():
		return platform.Tokens{}, apperr.New(apperr.Unavailable, "x_unreachable", "X could not be reached.").WithCause(a.Cause())
	case a.Err != nil:
		return platform.Tokens{}, apperr.New(apperr.Uncertain, "answer_lost", "X's answer about the token was lost.").WithCause(a.Cause())
	case a.Status >= 500 || a.Status == http.StatusTooManyRequests:
		return platform.Tokens{}, apperr.New(apperr.Unavailable, fmt.Sprintf("http_%d", a.Status), "X answered %d.", a.Status)
	case a.Status == http.StatusOK:
		return decodeTokens(a, started)
	}
	switch p := a.problem(); {
	case p.Error == "invalid_grant" || p.Error == "invalid_request" || p.Error == "invalid_token":
		return platform.Tokens{}, apperr.New(apperr.Unauthenticated, p.Error, "X does not take this sign-in any more.").
			WithHint("Connect the account again.")
	case p.Error != "" || a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return platform.Tokens{}, apperr.New(apperr.Forbidden, "app_refused", "X does not take the developer app.").
			WithHint("Check X_CLIENT_ID, X_CLIENT_SECRET and the app's settings at X.")
	default:
		// Redirects, timeouts of a gateway and other answers that prove nothing.
		return platform.Tokens{}, apperr.New(apperr.Uncertain, fmt.Sprintf("http_%d", a.Status), "X answered %d.", a.Status)
	}
}

func decodeTokens(a *answer, started time.Time) (platform.Tokens, error) {
	var body wireTokens
	if a.BodyErr != nil || json.Unmarshal(a.Body, &body) != nil || body.AccessToken == "" {
		return platform.Tokens{}, apperr.New(apperr.Uncertain, "unreadable_answer", "X's answer about the token could not be read.")
	}
	life := time.Duration(min(max(body.ExpiresIn, 0), int64(maxLife/time.Second))) * time.Second
	if life == 0 {
		life = accessLife
	}
	return platform.Tokens{
		Access: config.Secret(body.AccessToken), Refresh: config.Secret(body.RefreshToken),
		ExpiresAt: started.Add(life), Scopes: strings.Fields(body.Scope),
	}, nil
}
