// Package x simulates X's API v2 on loopback, at the wire: OAuth 2.0 with PKCE
// and rotating refresh tokens, create, reply, delete, lookup, timeline and
// users/me, metrics that grow, rate limits and X's own refusals. What it
// accepted is durable before it is answered and shown at /_sim/ledger, as a
// page and as JSON: the oracle of every test that publishes.
//
// The facts come from X's documentation and OpenAPI file (info.version 2.167,
// read 2026-11); what is not documented there is marked "unverified" where it
// is played. The package shares no type with any client, so that client and
// simulator cannot hold one wrong belief in common.
//
// Start reading at [New]; state.go owns the invariant that nothing is answered
// before it is in the journal.
package x

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

// Config says how the network is set up. The zero value of every field but Now
// is usable.
type Config struct {
	// Dir is the folder of the journal; empty keeps everything in memory.
	Dir string
	// Now tells the time. It is needed.
	Now func() time.Time
	// Seed varies the figures that posts earn.
	Seed uint64
	// ClientID and ClientSecret are the one developer app that is let in. An
	// empty id lets every app in; an empty secret makes the app a public client.
	ClientID     string
	ClientSecret string
	// RedirectURIs are the registered callbacks; empty allows any.
	RedirectURIs []string
	// Accounts exist from the start, beside those that the journal holds. With
	// neither, DemoAccounts are made.
	Accounts []Account
	// PublicURL is where browsers reach this server, without a trailing slash;
	// empty makes links relative.
	PublicURL string
	// TokenLife is how long an access token works; 0 is X's two hours.
	TokenLife time.Duration
	// MetricsSpeed makes a post age faster for its figures; 0 is 1.
	MetricsSpeed float64
	// Limits replaces the documented rate limits of the endpoints named as in
	// DefaultLimits; a zero field of a Limit means no such limit.
	Limits map[string]Limit
}

// Account is a simulated user.
type Account struct {
	ID        string `json:"id"`
	Handle    string `json:"handle"`
	Name      string `json:"name"`
	Bio       string `json:"bio,omitempty"`
	Followers int    `json:"followers"`
	// LongPosts lets the account write 25,000 characters, as Premium does.
	LongPosts bool      `json:"long_posts,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// DemoAccounts are the two users of a network that was given none.
func DemoAccounts() []Account {
	return []Account{
		{
			Handle: "tidewater_dev", Name: "Tidewater", Followers: 4120,
			Bio: "A small team writing Go for newsrooms. We build in the open and show the numbers.",
		},
		{
			Handle: "mara_builds", Name: "Mara Lindqvist", Followers: 1870,
			Bio: "Founder of Tidewater. Notes on small teams, slow growth and software that stays up.",
		},
	}
}

// Settings are the switches that can be thrown while the network runs.
type Settings struct {
	// Naming is "tweet" (tweet.fields, retweet_count) or "post" (post.fields,
	// repost_count), the two sets that X's own pages disagree on.
	Naming string `json:"naming"`
	// RefuseSelfReplies answers 403 to a reply to one's own post. Whether X does
	// so to self-serve apps since 2026-02-23 is not stated in its documents.
	RefuseSelfReplies bool `json:"refuse_self_replies"`
	// RefuseDuplicates is X's duplicate check; off, it lets a twin through, as
	// the real one has been seen to do.
	RefuseDuplicates bool `json:"refuse_duplicates"`
	// ProblemJSON answers refusals as application/problem+json.
	ProblemJSON bool `json:"problem_json"`
	// MetricsSpeed is the factor by which posts age for their figures.
	MetricsSpeed float64 `json:"metrics_speed"`
}

// Server is the simulated network. It is safe for concurrent use.
type Server struct {
	cfg     Config
	handler http.Handler
	script  *fault.Script
	book    *ledger.Book
	limits  *limiter

	mu       sync.RWMutex
	journal  *ledger.Journal
	accounts []Account
	byHandle map[string]Account
	byID     map[string]Account
	codes    map[string]code
	families map[string]*family
	access   map[string]accessToken
	refresh  map[string]refreshToken
	uploads  map[string]media
	settings Settings
	shift    time.Duration
	lastID   int64

	files *ledger.Files
}

// New opens the journal, if there is a folder for it, and returns the network
// as it stood when the last process ended, however that ended.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		return nil, errors.New("simulated X: Config.Now is not set")
	}
	cfg.TokenLife = cmp.Or(cfg.TokenLife, 2*time.Hour)
	s := &Server{
		cfg:      cfg,
		book:     ledger.NewBook(),
		limits:   newLimiter(cfg.Limits),
		script:   fault.NewScript(cfg.Now, presets()),
		byHandle: map[string]Account{},
		byID:     map[string]Account{},
		codes:    map[string]code{},
		families: map[string]*family{},
		access:   map[string]accessToken{},
		refresh:  map[string]refreshToken{},
		uploads:  map[string]media{},
		files:    ledger.NewFiles(""),
		settings: Settings{Naming: namingTweet, RefuseDuplicates: true, MetricsSpeed: cmp.Or(cfg.MetricsSpeed, 1)},
	}
	path := ""
	if cfg.Dir != "" {
		s.files = ledger.NewFiles(filepath.Join(cfg.Dir, "x-media"))
		path = filepath.Join(cfg.Dir, "x.jsonl")
	}
	journal, err := ledger.OpenJournal(path, s.replay)
	if err != nil {
		return nil, fmt.Errorf("simulated X: %w", err)
	}
	s.journal = journal
	if err := s.seed(); err != nil {
		return nil, errors.Join(fmt.Errorf("simulated X: %w", err), journal.Close())
	}
	s.handler = s.routes()
	return s, nil
}

// seed makes the configured accounts that do not exist yet.
func (s *Server) seed() error {
	wanted := s.cfg.Accounts
	if len(wanted) == 0 && len(s.accounts) == 0 {
		wanted = DemoAccounts()
	}
	for _, a := range wanted {
		if _, err := s.AddAccount(a); err != nil && !errors.Is(err, ErrHandleTaken) {
			return err
		}
	}
	return nil
}

// Close lets go of requests that a fault holds and closes the journal. The
// listener has to be closed by whoever opened it.
func (s *Server) Close() error {
	s.script.Close()
	return s.journal.Close()
}

// Faults is the script of what goes wrong, as served at /_sim/faults.
func (s *Server) Faults() *fault.Script { return s.script }

// ServeHTTP serves the API, the consent page and the control surface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	api := http.NewServeMux()
	api.HandleFunc("GET /i/oauth2/authorize", s.authorizePage)
	api.HandleFunc("POST /i/oauth2/authorize", s.authorizeAnswer)
	api.HandleFunc("POST /2/oauth2/token", s.token)
	api.HandleFunc("POST /2/oauth2/revoke", s.revoke)
	for _, e := range s.endpoints() {
		api.HandleFunc(e.pattern, s.guard(e))
	}
	api.HandleFunc("/2/", func(w http.ResponseWriter, _ *http.Request) {
		// An unknown path answers 404 without body or type (xdevplatform/docs#395).
		w.WriteHeader(http.StatusNotFound)
	})

	mux := http.NewServeMux()
	played := s.script.Wrap(api, s.handleOf)
	mux.Handle("/2/", played)
	mux.Handle("/i/oauth2/authorize", played)
	mux.Handle("/_sim/faults", s.script)
	s.control(mux)
	s.pages(mux)
	return mux
}

// endpoint is one authenticated call.
type endpoint struct {
	pattern string
	scopes  []string
	handle  func(w http.ResponseWriter, r *http.Request, user Account)
}

func (s *Server) endpoints() []endpoint {
	return []endpoint{
		{createEndpoint, []string{"tweet.read", "tweet.write", "users.read"}, s.create},
		{"DELETE /2/tweets/{id}", []string{"tweet.read", "tweet.write", "users.read"}, s.delete},
		{"GET /2/tweets/{id}", []string{"tweet.read", "users.read"}, s.lookup},
		{"GET /2/tweets", []string{"tweet.read", "users.read"}, s.lookupMany},
		{"GET /2/users/{id}/tweets", []string{"tweet.read", "users.read"}, s.timeline},
		{uploadEndpoint, []string{"media.write"}, s.upload},
		{metadataEndpoint, []string{"media.write"}, s.describe},
		{"GET /2/users/me", []string{"tweet.read", "users.read"}, s.me},
	}
}

// guard checks token, scopes and rate limits, in X's order, before the call.
func (s *Server) guard(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, user, ok := s.bearer(r)
		if !ok {
			s.refuse(w, unauthorized())
			return
		}
		verdict := s.limits.take(e.pattern, user.ID, s.cfg.Now())
		verdict.headers(w.Header())
		if !verdict.ok {
			s.refuse(w, tooMany())
			return
		}
		if !token.covers(e.scopes) {
			s.refuse(w, forbidden("Your account is not permitted to access this feature."))
			return
		}
		e.handle(w, r, user)
	}
}
