package measuring_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
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
	"rostrum/shared/engagement"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/platform/x"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	simx "rostrum/shared/simulator/x"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/measuring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bench struct {
	*storetest.World
	net     *simx.Server
	client  *x.Client
	target  platform.Target
	service *measuring.Service
	sent    recorder
	conn    *pgx.Conn
}

type recorder struct {
	mu  sync.Mutex
	all []queue.Envelope
}

// Send takes everything.
func (r *recorder) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]uuid.UUID, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
	}
	r.all = append(r.all, envelopes...)
	return ids, nil
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{World: storetest.NewWorld(t)}
	var err error
	b.net, err = simx.New(simx.Config{Now: time.Now, Accounts: []simx.Account{{Handle: "acme", Followers: 9000}}, MetricsSpeed: 3600})
	require.NoError(t, err)
	server := httptest.NewServer(b.net)
	b.client, err = x.New(x.Settings{BaseURL: server.URL, AuthorizeURL: server.URL, WebURL: server.URL}, clock.System{})
	require.NoError(t, err)
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
		require.NoError(t, b.net.Close())
	})
	granted, err := b.net.Grant("acme")
	require.NoError(t, err)
	b.target = platform.Target{Network: account.X, RemoteID: b.net.Accounts()[0].ID, Handle: "acme", AccessToken: config.Secret(granted.AccessToken)}
	logger := slog.New(slog.DiscardHandler)
	b.service = &measuring.Service{
		Relay:      &outbox.Relay{Store: b.Worker, Sender: &b.sent, Clock: clock.System{}, Logger: logger},
		Publishers: map[account.Network]platform.Publisher{account.X: b.client},
		AccessToken: func(context.Context, uuid.UUID, account.ID) (config.Secret, error) {
			return b.target.AccessToken, nil
		},
		Logger: logger,
	}
	cfg, err := pgx.ParseConfig(b.URL.Reveal())
	require.NoError(t, err)
	b.conn, err = pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.conn.Close(context.WithoutCancel(t.Context())) })
	_, err = b.conn.Exec(t.Context(), "UPDATE accounts SET remote_id = $1", b.target.RemoteID)
	require.NoError(t, err)
	return b
}

// published puts a post of the given parts on the network and records it, with
// readings planned at the ages.
func (b *bench) published(t *testing.T, ages []time.Duration, parts ...string) post.Post {
	t.Helper()
	p := b.Scheduled(t, 0, parts...)
	ref := store.Ref(p)
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		fence := 0
		for i, text := range parts {
			in := store.Intent{
				WorkspaceID: b.Workspace, PostID: p.ID, AccountID: p.AccountID, Revision: p.Revision, Part: i, Fence: fence,
				AttemptID: uuid.Must(uuid.NewV7()), Hash: p.Version.Content.Hash(p.AccountID), Lease: time.Minute, Grace: time.Minute,
			}
			j, err := storetest.Begin(ctx, tx, in)
			require.NoError(t, err)
			require.Equal(t, store.Go, j.Verdict)
			fence = j.Fence
			o := b.client.Publish(ctx, platform.PublishRequest{Target: b.target, Text: text})
			require.Equal(t, platform.Accepted, o.Class)
			require.NoError(t, tx.SettleAttempt(ctx, b.Workspace, store.Settlement{AttemptID: in.AttemptID, To: post.AttemptAccepted, RemoteID: o.RemoteID}))
		}
		now, err := tx.Now(ctx)
		require.NoError(t, err)
		published := []store.Publication{{PostRef: ref, At: now}}
		require.NoError(t, tx.FinishPosts(ctx, published))
		return tx.PlanReadings(ctx, published, ages)
	}))
	return p
}

func (b *bench) read(t *testing.T, p post.Post) {
	t.Helper()
	require.NoError(t, b.service.Read(t.Context(), queue.Message{Version: 1, Kind: queue.ReadMetrics, WorkspaceID: b.Workspace, SubjectID: uuid.UUID(p.ID)}))
}

func (b *bench) readings(t *testing.T, p post.Post) (list []engagement.Reading) {
	t.Helper()
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		list, err = tx.Readings(ctx, b.Workspace, p.ID)
		return err
	}))
	return list
}

func (b *bench) pass(t *testing.T, d time.Duration) {
	t.Helper()
	_, err := b.conn.Exec(t.Context(), "UPDATE readings SET due_at = due_at - make_interval(secs => $1)", d.Seconds())
	require.NoError(t, err)
}

func TestAReadingIsTakenAtItsAgeAndNotBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.published(t, []time.Duration{time.Minute, time.Hour}, "one", "two")
	b.read(t, p)
	require.Nil(t, b.readings(t, p)[0].TakenAt, "not due yet")
	b.pass(t, time.Minute)
	require.Eventually(t, func() bool { return b.net.Items("", time.Time{})[1].Metrics.Impressions > 0 }, 10*time.Second, 10*time.Millisecond)
	b.read(t, p)
	list := b.readings(t, p)
	require.NotNil(t, list[0].TakenAt)
	require.Positive(t, *list[0].Numbers.Impressions)
	require.Nil(t, list[1].TakenAt)
	first := list[0]
	b.read(t, p)
	require.Equal(t, first, b.readings(t, p)[0], "a reading is taken once")
}

func TestAReadingThatNobodyTookIsNotMadeUpLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.published(t, []time.Duration{time.Minute, time.Hour, 24 * time.Hour}, "one")
	b.pass(t, 2*time.Hour)
	b.read(t, p)
	list := b.readings(t, p)
	require.Nil(t, list[0].TakenAt)
	require.NotEmpty(t, list[0].Problem)
	require.NotNil(t, list[1].TakenAt)
	require.Nil(t, list[2].TakenAt)
	require.Empty(t, list[2].Problem)
}

func TestANetworkThatIsDownIsAskedAgainAndAGonePostIsNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.published(t, []time.Duration{time.Minute}, "one")
	b.pass(t, time.Minute)
	_, err := b.net.Faults().Add(fault.Rule{Preset: "unavailable", Times: 1, Match: fault.Match{Method: "GET"}})
	require.NoError(t, err)
	b.read(t, p)
	require.NotEmpty(t, b.readings(t, p)[0].Problem)
	b.read(t, p)
	require.NotNil(t, b.readings(t, p)[0].TakenAt)
	require.Empty(t, b.readings(t, p)[0].Problem)

	gone := b.published(t, []time.Duration{time.Minute}, "gone")
	b.pass(t, time.Minute)
	require.NoError(t, b.client.Delete(t.Context(), b.target, b.net.Items("", time.Time{})[1].ID))
	b.read(t, gone)
	require.Equal(t, "The post is no longer on the network.", b.readings(t, gone)[0].Problem)
	require.NoError(t, b.service.Collect(t.Context()))
	require.Empty(t, b.sent.all, "it is not asked for again")
}

func TestCollectHandsOutEachDueReadingOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.published(t, []time.Duration{time.Minute, time.Hour}, "one")
	require.NoError(t, b.service.Collect(t.Context()))
	require.NoError(t, b.service.Collect(t.Context()))
	require.Len(t, b.sent.all, 1)
	require.InDelta(t, 61, b.sent.all[0].Delay.Seconds(), 2)
}
