// Package instagram simulates Instagram's content publishing API on loopback,
// at the wire: Instagram Login with short and long-lived tokens, containers that
// fetch their image themselves and take time, media_publish, the account's media,
// insights, the daily limit and the refusals of the Graph API. What it published
// is durable before it is answered and shown at /_sim/ledger, as a page and as
// JSON: the oracle of every test that publishes.
//
// The facts come from Meta's pages on content publishing, containers, error
// codes and business login, and from public issue threads (read 2026-11); what is
// not documented there is marked "unverified" where it is played. Unlike the real
// API, this one refuses parameters that it does not know, so that a misspelt one
// is seen. The package shares no type with any client, so that client and
// simulator cannot hold one wrong belief in common.
//
// Start reading at [New]; state.go owns the invariant that nothing is answered
// before it is in the journal, container.go what becomes of a container.
package instagram

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
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
	// empty id lets every app in.
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
	// Processing is how long a container is IN_PROGRESS; 0 makes it FINISHED at
	// once. Settings change it while the network runs.
	Processing time.Duration
	// MetricsSpeed makes a post age faster for its figures; 0 is 1.
	MetricsSpeed float64
	// Fetch gets images from where clients say that they are; nil fetches from
	// any address, loopback included, within ten seconds.
	Fetch *http.Client
}

// Account is a simulated professional account.
type Account struct {
	ID        string    `json:"id"`
	Handle    string    `json:"handle"`
	Name      string    `json:"name"`
	Bio       string    `json:"bio,omitempty"`
	Followers int       `json:"followers"`
	CreatedAt time.Time `json:"created_at"`
}

// DemoAccounts are the two users of a network that was given none.
func DemoAccounts() []Account {
	return []Account{
		{
			Handle: "tidewater.studio", Name: "Tidewater", Followers: 6240,
			Bio: "Pictures from a small team that writes software for newsrooms.",
		},
		{Handle: "mara.builds", Name: "Mara Lindqvist", Followers: 2310, Bio: "Desk, harbour, whiteboard. Founder of Tidewater."},
	}
}

// Settings are the switches that can be thrown while the network runs.
type Settings struct {
	// ProcessingMS is how long a new container is IN_PROGRESS, in milliseconds.
	ProcessingMS int64 `json:"processing_ms"`
	// QuotaTotal is how many posts an account may publish in 24 hours. Meta's
	// pages say 100, 50 and 25 in turn.
	QuotaTotal int `json:"quota_total"`
	// RefuseRepublish answers an error to a second media_publish of one
	// container; off, it answers the id of the post that is there. Neither is
	// documented.
	RefuseRepublish bool `json:"refuse_republish"`
	// AppUsage and AccountUsage are the percentages of the usage headers; at 100
	// every call is refused. 0 sends no header, as the real one does at first.
	AppUsage     int `json:"app_usage"`
	AccountUsage int `json:"account_usage"`
	// KeepTokens makes a refresh answer the same token, as has been seen.
	KeepTokens bool `json:"keep_tokens"`
	// MetricsSpeed is the factor by which posts age for their figures.
	MetricsSpeed float64 `json:"metrics_speed"`
}

// Server is the simulated network. It is safe for concurrent use.
type Server struct {
	cfg     Config
	handler http.Handler
	script  *fault.Script
	book    *ledger.Book
	fetch   *http.Client

	mu         sync.RWMutex
	journal    *ledger.Journal
	accounts   []Account
	byHandle   map[string]Account
	byID       map[string]Account
	codes      map[string]code
	tokens     map[string]token
	containers map[string]container
	order      []string // ids of containers, oldest first
	fates      []Fate
	settings   Settings
	shift      time.Duration
	lastID     uint64

	files *ledger.Files
}

// New opens the journal, if there is a folder for it, and returns the network
// as it stood when the last process ended, however that ended.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		return nil, errors.New("simulated Instagram: Config.Now is not set")
	}
	s := &Server{
		cfg:        cfg,
		book:       ledger.NewBook(),
		script:     fault.NewScript(cfg.Now, presets()),
		fetch:      cfg.Fetch,
		byHandle:   map[string]Account{},
		byID:       map[string]Account{},
		codes:      map[string]code{},
		tokens:     map[string]token{},
		containers: map[string]container{},
		files:      ledger.NewFiles(""),
		settings: Settings{
			ProcessingMS: cfg.Processing.Milliseconds(), QuotaTotal: 100, RefuseRepublish: true, MetricsSpeed: cmp.Or(cfg.MetricsSpeed, 1),
		},
	}
	if s.fetch == nil {
		s.fetch = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute}}
	}
	path := ""
	if cfg.Dir != "" {
		s.files = ledger.NewFiles(filepath.Join(cfg.Dir, "instagram-media"))
		path = filepath.Join(cfg.Dir, "instagram.jsonl")
	}
	journal, err := ledger.OpenJournal(path, s.replay)
	if err != nil {
		return nil, fmt.Errorf("simulated Instagram: %w", err)
	}
	s.journal = journal
	if err := s.seed(); err != nil {
		return nil, errors.Join(fmt.Errorf("simulated Instagram: %w", err), journal.Close())
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
	s.fetch.CloseIdleConnections()
	return s.journal.Close()
}

// Faults is the script of what goes wrong, as served at /_sim/faults. Its paths
// are without the version: /{account}/media_publish.
func (s *Server) Faults() *fault.Script { return s.script }

// ServeHTTP serves the API, the consent page and the control surface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	api := http.NewServeMux()
	api.HandleFunc("GET /oauth/authorize", s.authorizePage)
	api.HandleFunc("POST /oauth/authorize", s.authorizeAnswer)
	api.HandleFunc("POST /oauth/access_token", s.exchangeCode)
	api.HandleFunc("GET /access_token", s.exchangeToken)
	api.HandleFunc("GET /refresh_access_token", s.refreshToken)
	for _, e := range s.endpoints() {
		api.HandleFunc(e.pattern, s.guard(e))
	}
	api.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, unknownPath()) })
	played := s.script.Wrap(api, s.handleOf)

	mux := http.NewServeMux()
	mux.Handle("/_sim/faults", s.script)
	s.control(mux)
	s.pages(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		first, rest, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if ok && rest == "" && !isVersion(first) {
			s.profilePage(w, r, first)
			return
		}
		// The version is part of the address and changes nothing here.
		if ok && isVersion(first) {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = "/"+rest, ""
		}
		played.ServeHTTP(w, r)
	})
	return mux
}

func isVersion(segment string) bool { return regexp.MustCompile(`^v\d+\.\d$`).MatchString(segment) }

// The permissions that endpoints ask for.
const (
	basic    = "instagram_business_basic"
	publish  = "instagram_business_content_publish"
	insights = "instagram_business_manage_insights"
)

// endpoint is one authenticated call.
type endpoint struct {
	pattern string
	scopes  []string
	// params are all that the call takes beside the token.
	params []string
	handle func(w http.ResponseWriter, r *http.Request, user Account, in params)
}

func (s *Server) endpoints() []endpoint {
	return []endpoint{
		{"GET /me", []string{basic}, []string{"fields"}, s.me},
		{"POST /{id}/media", []string{basic, publish}, []string{
			"image_url", "caption", "alt_text", "is_carousel_item", "media_type", "children",
		}, s.create},
		{"POST /{id}/media_publish", []string{basic, publish}, []string{"creation_id"}, s.publish},
		{"GET /{id}/content_publishing_limit", []string{basic, publish}, []string{"fields"}, s.limit},
		{"GET /{id}/media", []string{basic}, []string{"fields", "limit", "after", "since", "until"}, s.list},
		{"GET /{id}/insights", []string{basic, insights}, []string{"metric", "period"}, s.insights},
		{"GET /{id}", []string{basic}, []string{"fields"}, s.node},
	}
}

// guard checks token, usage, permissions and parameters before the call.
func (s *Server) guard(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in, bad := readParams(r)
		if bad != nil {
			refuse(w, *bad)
			return
		}
		t, user, bad := s.bearer(r, in)
		if bad == nil {
			bad = s.usage(w.Header(), user)
		}
		if bad == nil && !t.covers(e.scopes) {
			f := fault10()
			bad = &f
		}
		if bad == nil {
			bad = in.only(e.params)
		}
		if bad != nil {
			refuse(w, *bad)
			return
		}
		e.handle(w, r, user, in)
	}
}
