package publishing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/platform/x"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	simx "rostrum/shared/simulator/x"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/vault"
	"rostrum/shared/workflow/publishing"
	"rostrum/shared/workflow/refreshing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a world with a simulated X on the wire: what its ledger holds is
// what the audience saw.
type bench struct {
	*storetest.World
	net     *simx.Server
	client  *x.Client
	sent    *recorder
	service *publishing.Service
	conn    *pgx.Conn
	tokens  *vault.Vault
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{World: storetest.NewAuditedWorld(t), sent: &recorder{}}
	var err error
	b.net, err = simx.New(simx.Config{
		Now: time.Now, ClientID: "app", ClientSecret: "app-secret",
		Accounts: []simx.Account{{Handle: "acme", Name: "Acme"}},
	})
	require.NoError(t, err)
	server := httptest.NewServer(b.net)
	b.client, err = x.New(x.Settings{
		BaseURL: server.URL, AuthorizeURL: server.URL + "/i/oauth2/authorize", WebURL: server.URL, ClientID: "app", ClientSecret: "app-secret",
	}, clock.System{})
	require.NoError(t, err)
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
		require.NoError(t, b.net.Close())
	})
	keys, err := vault.Generate()
	require.NoError(t, err)
	tokens, err := keys.Tokens()
	require.NoError(t, err)
	logger := slog.New(slog.NewJSONHandler(&logWriter{t: t}, nil))
	refresher := &refreshing.Service{
		Store: b.Worker, Vault: tokens, Connectors: map[account.Network]platform.Connector{account.X: b.client}, Clock: clock.System{}, Logger: logger,
	}
	b.service = &publishing.Service{
		Relay:      &outbox.Relay{Store: b.Worker, Sender: b.sent, Clock: clock.System{}, Logger: logger},
		Publishers: map[account.Network]platform.Publisher{account.X: b.client},
		Tokens:     refresher, Clock: clock.System{}, Logger: logger, ReadingAges: []time.Duration{10 * time.Second, time.Hour},
	}
	cfg, err := pgx.ParseConfig(b.URL.Reveal())
	require.NoError(t, err)
	b.conn, err = pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.conn.Close(context.WithoutCancel(t.Context())) })
	b.exec(t, "UPDATE accounts SET remote_id = $1, handle = 'acme'", b.net.Accounts()[0].ID)
	b.tokens = tokens
	b.connect(t, tokens)
	return b
}

// logWriter hands the log to the test and fails it when a token stands in it.
type logWriter struct{ t *testing.T }

func (w *logWriter) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("app-secret")) {
		w.t.Errorf("a secret reached the log: %s", line)
	}
	w.t.Log(strings.TrimSpace(string(line)))
	return len(line), nil
}

// connect gives the account a pair of tokens as a connect flow would.
func (b *bench) connect(t *testing.T, v *vault.Vault) {
	t.Helper()
	granted, err := b.net.Grant("acme")
	require.NoError(t, err)
	field := vault.Field{WorkspaceID: b.Workspace, AccountID: b.Account.ID, Name: "access", Version: 1}
	access, err := v.Seal(t.Context(), field, config.Secret(granted.AccessToken))
	require.NoError(t, err)
	field.Name = "refresh"
	refresh, err := v.Seal(t.Context(), field, config.Secret(granted.RefreshToken))
	require.NoError(t, err)
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.PutTokens(ctx, b.Workspace, b.Account.ID, store.SealedTokens{Version: 1, Access: access, Refresh: refresh, ExpiresAt: time.Now().Add(2 * time.Hour)})
	}))
}

func (b *bench) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := b.conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func (b *bench) fault(t *testing.T, r fault.Rule) {
	t.Helper()
	if r.Match.Path == "" {
		r.Match = fault.Match{Method: http.MethodPost, Path: "/2/tweets"}
	}
	_, err := b.net.Faults().Add(r)
	require.NoError(t, err)
}

func (b *bench) message(p post.Post, kind queue.Kind) queue.Message {
	return queue.Message{Version: queue.Version, Kind: kind, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision, CorrelationID: p.CorrelationID}
}

func (b *bench) send(t *testing.T, p post.Post) {
	t.Helper()
	require.NoError(t, b.service.Send(t.Context(), b.message(p, queue.PublishPost), nil))
}

// look makes the next look due now and takes it.
func (b *bench) look(t *testing.T, p post.Post) {
	t.Helper()
	b.exec(t, "UPDATE posts SET reconcile_at = clock_timestamp() WHERE id = $1 AND state = 'unknown'", uuid.UUID(p.ID))
	require.NoError(t, b.service.Reconcile(t.Context(), b.message(p, queue.ReconcilePost)))
}

// age makes the post's open attempt older, as if the time had passed.
func (b *bench) age(t *testing.T, p post.Post, by time.Duration) {
	t.Helper()
	b.exec(t, "UPDATE attempts SET started_at = started_at - make_interval(secs => $2) WHERE post_id = $1 AND state IN ('sending', 'unknown')", uuid.UUID(p.ID), by.Seconds())
}

// aged makes the post's open attempt exactly so old, however long the test took
// to come here.
func (b *bench) aged(t *testing.T, p post.Post, age time.Duration) {
	t.Helper()
	b.exec(t, "UPDATE attempts SET started_at = clock_timestamp() - make_interval(secs => $2) WHERE post_id = $1 AND state IN ('sending', 'unknown')", uuid.UUID(p.ID), age.Seconds())
}

// retryNow ends the wait of a post that is to be tried again.
func (b *bench) retryNow(t *testing.T, p post.Post) post.Post {
	t.Helper()
	b.exec(t, "UPDATE posts SET not_before = clock_timestamp() WHERE id = $1 AND not_before IS NOT NULL", uuid.UUID(p.ID))
	b.exec(t, "UPDATE accounts SET limited_until = NULL")
	b.exec(t, "DELETE FROM account_quotas; DELETE FROM app_quotas")
	return b.Post(t, p.ID)
}

// audience returns what the network shows, oldest first.
func (b *bench) audience() []simx.Item { return b.net.Items("", time.Time{}) }

func (b *bench) audienceTexts() []string {
	var out []string
	for _, item := range b.audience() {
		out = append(out, item.Text)
	}
	return out
}

// actions returns what the audit log says of a post, in its order.
func (b *bench) actions(t *testing.T, p post.Post) []string {
	t.Helper()
	rows, err := b.conn.Query(t.Context(), "SELECT action FROM audit_events WHERE subject_id = $1 ORDER BY seq", uuid.UUID(p.ID))
	require.NoError(t, err)
	actions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return actions
}

// recorder is a queue that takes everything and keeps it for the test.
type recorder struct {
	mu   sync.Mutex
	down bool
	all  []queue.Envelope
}

// Send keeps the envelopes, or refuses all of them while the queue is down.
func (r *recorder) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return nil, http.ErrServerClosed
	}
	ids := make([]uuid.UUID, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
	}
	r.all = append(r.all, envelopes...)
	return ids, nil
}

func (r *recorder) of(t *testing.T, kind queue.Kind) []queue.Envelope {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []queue.Envelope
	for _, e := range r.all {
		var m queue.Message
		require.NoError(t, json.Unmarshal(e.Body, &m))
		if m.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}
