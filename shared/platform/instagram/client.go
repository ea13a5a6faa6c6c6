// Package instagram speaks Instagram's content publishing API for Rostrum, with
// Instagram Login (no Facebook page): stage, publish, read back, insights and
// the sign-in. Only professional accounts have it.
//
// A part is published in two steps. Stage makes a container, which nobody sees;
// Publish makes one POST /{account}/media_publish and says what it came to.
// Start at Client.Publish and classify; wire.go holds Instagram's JSON, fault.go
// what its error codes mean and where each fact comes from.
//
// Instagram sends every refusal with status 400, the final ones and those that
// say nothing alike, so the code decides and a refusal that cannot be read
// proves nothing.
package instagram

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/httpclient"
	"rostrum/shared/platform"
	"rostrum/shared/throttle"
)

const (
	// callTimeout bounds one call and stays below the lease of an attempt.
	callTimeout = 10 * time.Second
	// maxAnswer is far above 100 posts with their captions.
	maxAnswer = 4 << 20
	// maxIDs is the most that a page of media holds.
	maxIDs    = 100
	userAgent = "Rostrum/1"
)

// Settings is what a program sets to reach Instagram. All are read from the
// environment.
type Settings struct {
	// APIURL is where the Graph API and the long-lived tokens are, without a version.
	APIURL string `env:"INSTAGRAM_API_URL" envDefault:"https://graph.instagram.com"`
	// APIVersion is the version that is spoken; v25.0 lives until 2028-07-29.
	APIVersion string `env:"INSTAGRAM_API_VERSION" envDefault:"v25.0"`
	// AuthorizeURL is the consent page that people are sent to.
	AuthorizeURL string `env:"INSTAGRAM_AUTHORIZE_URL" envDefault:"https://www.instagram.com/oauth/authorize"`
	// TokenURL is where a code becomes a first token, on a host of its own.
	TokenURL string `env:"INSTAGRAM_TOKEN_URL" envDefault:"https://api.instagram.com/oauth/access_token"`
	// WebURL is where the profiles are shown.
	WebURL       string        `env:"INSTAGRAM_WEB_URL" envDefault:"https://www.instagram.com"`
	ClientID     string        `env:"INSTAGRAM_CLIENT_ID"`
	ClientSecret config.Secret `env:"INSTAGRAM_CLIENT_SECRET"`
}

// Client is Instagram as a Stager and a Connector. It is safe for concurrent use.
type Client struct {
	settings Settings
	http     *http.Client
	clock    clock.Clock
}

// The seams that a Client fills.
var (
	_ platform.Stager    = (*Client)(nil)
	_ platform.Connector = (*Client)(nil)
)

// New returns a client. Errors: Invalid when one of the addresses is none or the
// version is not of the form v25.0.
func New(settings Settings, clk clock.Clock) (*Client, error) {
	for name, address := range map[string]*string{
		"INSTAGRAM_API_URL": &settings.APIURL, "INSTAGRAM_AUTHORIZE_URL": &settings.AuthorizeURL,
		"INSTAGRAM_TOKEN_URL": &settings.TokenURL, "INSTAGRAM_WEB_URL": &settings.WebURL,
	} {
		u, err := url.Parse(*address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, apperr.New(apperr.Invalid, "bad_settings", "settings: %s is not a web address", name)
		}
		*address = strings.TrimRight(*address, "/")
	}
	if !version().MatchString(settings.APIVersion) {
		return nil, apperr.New(apperr.Invalid, "bad_settings", "settings: INSTAGRAM_API_VERSION is not of the form v25.0")
	}
	client := httpclient.New(httpclient.Options{Timeout: callTimeout, MaxBody: maxAnswer, UserAgent: userAgent})
	return &Client{settings: settings, http: client, clock: clk}, nil
}

func version() *regexp.Regexp { return regexp.MustCompile(`^v\d+\.\d+$`) }

// CloseIdleConnections closes kept-alive connections. Calls in flight go on.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// answer is what is known of one call to the API.
type answer struct{ *httpclient.Answer }

// get reads a node or an edge, and tells what the answer says of the quotas.
func (c *Client) get(ctx context.Context, target platform.Target, path string, query url.Values) answer {
	return c.ask(ctx, target, http.MethodGet, path+"?"+query.Encode(), nil)
}

// post sends fields to an edge.
func (c *Client) post(ctx context.Context, target platform.Target, path string, fields map[string]any) answer {
	return c.ask(ctx, target, http.MethodPost, path, fields)
}

// ask makes one call. The token goes into a header and so never into an
// address, which ends up in logs (content publishing guide, 2026-11).
func (c *Client) ask(ctx context.Context, target platform.Target, method, path string, fields map[string]any) answer {
	var body bytes.Buffer
	if fields != nil {
		if err := json.NewEncoder(&body).Encode(fields); err != nil {
			return notMade(fmt.Errorf("encode the request: %w", err))
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.settings.APIURL+"/"+c.settings.APIVersion+path, &body)
	if err != nil {
		return notMade(fmt.Errorf("make the request: %w", err))
	}
	r.Header.Set("Authorization", "Bearer "+target.AccessToken.Reveal())
	r.Header.Set("Accept", "application/json")
	if fields != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	a := answer{httpclient.Ask(c.http, r)}
	if target.Heard != nil && a.Header != nil {
		if heard := quotas(a.Header, c.clock.Now()); len(heard) > 0 {
			target.Heard(heard)
		}
	}
	return a
}

// notMade is the answer to a request that was not made.
func notMade(err error) answer {
	return answer{&httpclient.Answer{Sent: &httpclient.Sent{}, Err: err}}
}

// hear tells of one quota that was read for its own sake.
func hear(target platform.Target, quota throttle.Quota, now time.Time) {
	if q, ok := quota.Sane(now); ok && target.Heard != nil {
		target.Heard([]throttle.Quota{q})
	}
}
