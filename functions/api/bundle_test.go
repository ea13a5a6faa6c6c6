package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/blob"
	"rostrum/shared/clock"
	"rostrum/shared/httpclient"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/platform/x"
	domain "rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/ratelimit"
	simx "rostrum/shared/simulator/x"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/telemetry"
	"rostrum/shared/vault"
	"rostrum/shared/workflow/attaching"
	"rostrum/shared/workflow/browsing"
	"rostrum/shared/workflow/connecting"
	"rostrum/shared/workflow/deciding"
	"rostrum/shared/workflow/drafting"
	"rostrum/shared/workflow/operating"
	"rostrum/shared/workflow/recurring"
	"rostrum/shared/workflow/signing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "correct horse battery"

// sink takes messages and forgets them.
type sink struct {
	mu   sync.Mutex
	sent []queue.Envelope
}

func (s *sink) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	s.mu.Lock()
	s.sent = append(s.sent, envelopes...)
	s.mu.Unlock()
	ids := make([]uuid.UUID, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
	}
	return ids, nil
}

// of counts the messages of a kind about a thing.
func (s *sink) of(t *testing.T, kind queue.Kind, subject string) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.sent {
		if m, err := queue.Decode(e.Body); err == nil && m.Kind == kind && m.SubjectID.String() == subject {
			n++
		}
	}
	return n
}

// log keeps what was logged.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

type bundle struct {
	server  *Server
	http    *httptest.Server
	network *httptest.Server
	owner   *store.Store
	worker  *store.Store
	log     *log
	sent    *sink
}

func setup(t *testing.T) *bundle {
	t.Helper()
	address := storetest.Database(t)
	b := &bundle{log: &log{}, sent: &sink{}}
	open := func(role string) *store.Store {
		s, err := store.Open(t.Context(), store.Config{URL: configSecret(address), Role: role, MaxConns: 6})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		return s
	}
	b.owner, b.worker = open(""), open(store.RoleWorker)
	db := open(store.RoleAPI)
	logger := telemetry.NewLogger(b.log, "debug")

	// The address of each server is known before what it serves.
	mux := &swap{}
	b.http = httptest.NewServer(mux)
	t.Cleanup(b.http.Close)
	network := &swap{}
	b.network = httptest.NewServer(network)
	t.Cleanup(b.network.Close)
	sim, err := simx.New(simx.Config{
		Dir: t.TempDir(), Now: time.Now, ClientID: "client", ClientSecret: "app-secret",
		RedirectURIs: []string{b.http.URL + "/v1/oauth/x/callback"}, PublicURL: b.network.URL,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	network.set(sim)
	client, err := x.New(x.Settings{
		BaseURL: b.network.URL, AuthorizeURL: b.network.URL + "/i/oauth2/authorize", WebURL: b.network.URL,
		ClientID: "client", ClientSecret: "app-secret",
	}, clock.System{})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	keysets, err := vault.Generate()
	require.NoError(t, err)
	tokens, err := keysets.TokenSealer()
	require.NoError(t, err)
	flows, err := keysets.Apps()
	require.NoError(t, err)
	limiter, err := ratelimit.New("", clock.System{}, logger)
	require.NoError(t, err)
	kept := blob.Settings{URL: "file://" + t.TempDir()}
	files, err := blob.Open(t.Context(), kept, b.http.URL+blob.Path)
	require.NoError(t, err)
	t.Cleanup(files.Close)
	beside, err := blob.Handler(t.Context(), kept)
	require.NoError(t, err)
	relay := &outbox.Relay{Store: db, Sender: b.sent, Clock: clock.System{}, Logger: logger}
	b.server = &Server{
		Store: db, Signing: &signing.Service{Store: db}, Browsing: &browsing.Service{Store: db},
		Deciding:  &deciding.Service{Relay: relay, ReadingAges: []time.Duration{time.Hour}},
		Recurring: &recurring.Service{Relay: relay},
		Operating: &operating.Service{Relay: relay},
		Connecting: &connecting.Service{
			Store: db, Connectors: map[account.Network]platform.Connector{account.X: client, account.Instagram: client},
			Missing: map[account.Network][]string{account.Instagram: {"INSTAGRAM_CLIENT_ID", "INSTAGRAM_CLIENT_SECRET"}},
			Tokens:  tokens, Flows: flows, PublicURL: b.http.URL,
		},
		Drafting:  &drafting.Service{Relay: relay, CheckAddress: httpclient.NewGuard(nil).Check, Clock: clock.System{}, Logger: logger},
		Attaching: &attaching.Service{Store: db, Files: files, Logger: logger},
		Depths: func(context.Context) (map[queue.Name]sqsqueue.Depth, error) {
			return map[queue.Name]sqsqueue.Depth{queue.Publish: {Visible: 3}}, nil
		},
		Limiter: limiter, Limits: LimitsFor(10_000),
		Clock: clock.System{}, Logger: logger, Settings: Settings{
			PublicURL: b.http.URL, Model: "sim", ModelSimulated: true, NetworkURLs: map[account.Network]string{account.X: b.network.URL},
			SimulatedURLs: map[account.Network]string{account.X: b.network.URL + "/_sim/ledger"},
		},
	}
	both := http.NewServeMux()
	both.Handle("/", b.server.Handler())
	both.Handle(blob.Path, beside)
	mux.set(both)
	return b
}

// swap is a handler that is set after its server has an address.
type swap struct {
	mu sync.RWMutex
	h  http.Handler
}

func (s *swap) set(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h = h
}

func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	h := s.h
	s.mu.RUnlock()
	h.ServeHTTP(w, r)
}

// tenant is a workspace with a signed-in owner and an account.
type tenant struct {
	*bundle
	actor   audit.Actor
	client  *http.Client
	account account.Account
	email   string
}

func (b *bundle) tenant(t *testing.T, name string) *tenant {
	t.Helper()
	tn := &tenant{bundle: b, email: name + "@example.org"}
	hash, err := auth.HashPassword(password)
	require.NoError(t, err)
	tn.actor = audit.Actor{Kind: audit.Person, Name: name, Role: audit.Owner}
	require.NoError(t, b.owner.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if tn.actor.WorkspaceID, err = tx.InsertWorkspace(ctx, name); err != nil {
			return err
		}
		if tn.actor.ID, err = tx.InsertPerson(ctx, tn.email, name, hash); err != nil {
			return err
		}
		if err := tx.InsertMember(ctx, tn.actor.WorkspaceID, tn.actor.ID, audit.Owner); err != nil {
			return err
		}
		tn.account, err = tx.ConnectAccount(ctx, tn.actor.WorkspaceID, account.ID(uuid.Must(uuid.NewV7())), account.X,
			store.Identity{RemoteID: "remote-" + name, Handle: name, Name: name}, "Europe/Berlin")
		return err
	}))
	tn.client = b.browser(t)
	got := tn.call(t, http.MethodPost, "/v1/session", map[string]any{"email": tn.email, "password": password})
	require.Equal(t, http.StatusOK, got.status, got.text)
	return tn
}

// browser is a client with cookies that follows no redirect.
func (b *bundle) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type answer struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

func (a answer) code() string { s, _ := a.json["code"].(string); return s }

func (a answer) str(key string) string { s, _ := a.json[key].(string); return s }

func (tn *tenant) call(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	return call(t, tn.client, method, tn.http.URL+path, body, header...)
}

func call(t *testing.T, client *http.Client, method, address string, body any, header ...string) answer {
	t.Helper()
	var reader io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(v)
	default:
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, reader)
	require.NoError(t, err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(raw)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(raw, &a.json), a.text)
	}
	return a
}

func (tn *tenant) post(t *testing.T, texts ...string) answer {
	t.Helper()
	got := tn.call(t, http.MethodPost, "/v1/posts", newPost(tn, texts...))
	require.Equal(t, http.StatusCreated, got.status, got.text)
	return got
}

func newPost(tn *tenant, texts ...string) map[string]any {
	parts := []map[string]any{}
	for _, text := range texts {
		parts = append(parts, map[string]any{"text": text})
	}
	return map[string]any{"account_id": tn.account.ID.String(), "parts": parts}
}

// awaiting makes a post that waits for approval, as the review function would.
func (tn *tenant) awaiting(t *testing.T, text string) answer {
	t.Helper()
	id := tn.post(t, text).str("id")
	require.Equal(t, http.StatusOK, tn.call(t, http.MethodPost, "/v1/posts/"+id+"/submit", map[string]any{}).status)
	require.NoError(t, tn.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.Post(ctx, tn.actor.WorkspaceID, domain.ID(uuid.MustParse(id)))
		if err != nil {
			return err
		}
		err = tx.AddReview(ctx, tn.actor.WorkspaceID, store.Review{
			PostID: p.ID, VersionID: p.Version.ID, Verdict: store.ReviewPass, Summary: "Fine.",
			Findings: []domain.Finding{{Rule: "tone", Severity: domain.Note, Start: 3, End: 7, Message: "A little loud."}},
		})
		if err != nil {
			return err
		}
		_, err = tx.MovePost(ctx, p, domain.AwaitingApproval, domain.InReview)
		return err
	}))
	got := tn.call(t, http.MethodGet, "/v1/posts/"+id, nil)
	require.Equal(t, "awaiting_approval", got.str("state"))
	return got
}

func seen(p answer) map[string]any {
	return map[string]any{"revision": p.json["revision"], "content_hash": p.json["content_hash"]}
}

func requireProblem(t *testing.T, got answer, status int, code string) {
	t.Helper()
	require.Equal(t, status, got.status, got.text)
	require.Equal(t, code, got.code(), got.text)
	require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
	require.NotEmpty(t, got.str("detail"))
	require.EqualValues(t, status, got.json["status"])
}
