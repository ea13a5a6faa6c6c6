// Package x speaks X's API v2 for Rostrum: publish, read back, metrics and the
// OAuth 2.0 flow. Requests are built by gotwi; what an answer means is decided
// here alone, from the recorded status, headers and raw body, since gotwi drops
// the status of some answers and the headers of most.
//
// Start at Client.Publish and classify; wire.go holds X's JSON and where each
// fact about it comes from.
package x

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/michimani/gotwi"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/httpclient"
	"rostrum/shared/platform"
)

const (
	// callTimeout bounds one call and stays below the lease of an attempt.
	callTimeout = 10 * time.Second
	// maxAnswer is far above 100 posts with their entities.
	maxAnswer = 4 << 20
	// maxIDs is the most that X takes in one lookup and one page (OpenAPI 2.167).
	maxIDs    = 100
	userAgent = "Rostrum/1"
)

// Settings is what a program sets to reach X. All are read from the environment.
type Settings struct {
	// BaseURL is where the API and the token endpoint are.
	BaseURL string `env:"X_BASE_URL" envDefault:"https://api.x.com"`
	// AuthorizeURL is the consent page that people are sent to.
	AuthorizeURL string `env:"X_AUTHORIZE_URL" envDefault:"https://x.com/i/oauth2/authorize"`
	// WebURL is where the posts are shown.
	WebURL   string `env:"X_WEB_URL" envDefault:"https://x.com"`
	ClientID string `env:"X_CLIENT_ID"`
	// ClientSecret is empty for a public client.
	ClientSecret config.Secret `env:"X_CLIENT_SECRET"`
}

// Client is X as a Publisher and a Connector. It is safe for concurrent use.
type Client struct {
	settings Settings
	http     *http.Client
	clock    clock.Clock
	// renamed is set once X has refused the old names of fields and taken the
	// new ones. It only saves a call; forgetting it costs one.
	renamed atomic.Bool
}

// The seams that a Client fills.
var (
	_ platform.Publisher = (*Client)(nil)
	_ platform.Connector = (*Client)(nil)
)

// New returns a client. Errors: Invalid when one of the addresses is none.
func New(settings Settings, clk clock.Clock) (*Client, error) {
	for name, address := range map[string]string{
		"X_BASE_URL": settings.BaseURL, "X_AUTHORIZE_URL": settings.AuthorizeURL, "X_WEB_URL": settings.WebURL,
	} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, apperr.New(apperr.Invalid, "bad_settings", "settings: %s is not a web address", name)
		}
	}
	settings.WebURL = strings.TrimRight(settings.WebURL, "/")
	base, err := url.Parse(strings.TrimRight(settings.BaseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("parse X_BASE_URL: %w", err)
	}
	client := httpclient.New(httpclient.Options{Timeout: callTimeout, MaxBody: maxAnswer, UserAgent: userAgent})
	client.Transport = &recorder{base: base, next: client.Transport}
	return &Client{settings: settings, http: client, clock: clk}, nil
}

// CloseIdleConnections closes kept-alive connections. Calls in flight go on.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// gotwi returns gotwi's client for one token. It reads no environment and has
// nothing to close.
func (c *Client) gotwi(token config.Secret) (*gotwi.Client, error) {
	client, err := gotwi.NewClientWithAccessToken(&gotwi.NewClientWithAccessTokenInput{
		HTTPClient: c.http, AccessToken: token.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("make a client of X: %w", err)
	}
	return client, nil
}
