package refreshing_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/store"
)

// spares is the queue. then runs once a message lies on it.
type spares struct {
	mu   sync.Mutex
	sent []queue.Envelope
	then func()
}

func (s *spares) Send(ctx context.Context, list []queue.Envelope) ([]uuid.UUID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.sent = append(s.sent, list...)
	s.mu.Unlock()
	if s.then != nil {
		s.then()
	}
	return nil, nil
}

// take returns the one message that lies there.
func (s *spares) take(t *testing.T) queue.Message {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.sent, 1)
	m, err := queue.Decode(s.sent[0].Body)
	require.NoError(t, err)
	require.Equal(t, queue.Publish, s.sent[0].Queue)
	s.sent = nil
	return m
}

// rotation runs after the network has given a new pair.
type rotation struct {
	platform.Connector

	then func()
}

func (r rotation) Refresh(ctx context.Context, token config.Secret) (platform.Tokens, error) {
	pair, err := r.Connector.Refresh(ctx, token)
	r.then()
	return pair, err
}

// tokensGone has the database say that it shuts down to whoever stores tokens,
// until back is called.
func (b *bench) tokensGone(t *testing.T) (gone, back func()) {
	t.Helper()
	exec := func(sql string) func() {
		return func() {
			conn, err := pgx.Connect(t.Context(), b.URL.Reveal())
			if err == nil {
				_, err = conn.Exec(t.Context(), sql)
				_ = conn.Close(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	exec(`CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''away'' USING ERRCODE = ''57P03''; END'`)()
	return exec("CREATE TRIGGER away BEFORE UPDATE ON account_tokens EXECUTE FUNCTION away()"), exec("DROP TRIGGER away ON account_tokens")
}

// laneLeft is for how much longer nobody else refreshes the account.
func (b *bench) laneLeft(t *testing.T) (left time.Duration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.URL.Reveal())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT refresh_lease_until - clock_timestamp() FROM account_tokens").Scan(&left))
	return left
}

// A sender rotates the token, finds the database gone, and dies. The pair exists
// nowhere but on the queue, which stores it once the database is back.
func TestAPairThatCannotBeStoredOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	gone, back := b.tokensGone(t)
	b.service.Connectors[account.X] = rotation{b.service.Connectors[account.X], gone}
	b.spares.then = runtime.Goexit
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = b.token(t) })
	wg.Wait()
	m := b.spares.take(t)
	b.spares.then = nil

	require.NoError(t, b.service.Keep(t.Context(), m), "still away: it goes back on the queue")
	again := b.spares.take(t)
	require.Equal(t, m, again)
	back()
	require.Greater(t, b.laneLeft(t), time.Minute, "nobody uses the old refresh token in the meantime")
	require.NoError(t, b.service.Keep(t.Context(), again))
	require.Empty(t, b.spares.sent)
	require.EqualValues(t, 2, b.row(t).Version)
	token, err := b.token(t)
	require.NoError(t, err)
	require.NotEqual(t, b.granted.AccessToken, token.Reveal())
	require.Equal(t, 1, b.refreshes())
	require.NoError(t, b.service.Keep(t.Context(), again), "a second delivery finds newer tokens")
	require.EqualValues(t, 2, b.row(t).Version)
}

// What does not open would only take the tokens away that the account has.
func TestAPairOfAnotherPlaceReplacesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, time.Hour)
	seal := func(name string, version int64) []byte {
		sealed, err := b.vault.Seal(t.Context(), b.field(name, version), "secret")
		require.NoError(t, err)
		return sealed
	}
	for name, pair := range map[string]queue.SealedPair{
		"AccessOfAnotherVersion":  {Access: seal("access", 3), Refresh: seal("refresh", 2)},
		"RefreshOfAnotherVersion": {Access: seal("access", 2), Refresh: seal("refresh", 3)},
		"NoRefresh":               {Access: seal("access", 2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair.From, pair.ExpiresAt = 1, time.Now().Add(time.Hour)
			err := b.service.Keep(t.Context(), queue.Message{
				Version: queue.Version, Kind: queue.KeepTokens, WorkspaceID: b.Workspace, SubjectID: uuid.UUID(b.Account.ID), Pair: &pair,
			})
			require.Equal(t, apperr.Internal, apperr.KindOf(err), "it ends among the dead letters")
			require.EqualValues(t, 1, b.row(t).Version)
			require.Empty(t, b.spares.sent)
		})
	}
}

// A database that does not answer at all: the one connection never comes free.
// The pair is on the queue before whoever has it loses patience.
func TestAPairIsOnTheQueueBeforeASilentDatabaseUsesUpTheTime(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	one, err := store.Open(t.Context(), store.Config{URL: b.URL, Role: store.RoleWorker, MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(one.Close)
	b.service.Store = one
	free := make(chan struct{})
	// Longer than any patience, so that a pair that is not on the queue by then
	// fails this test and does not hang it.
	silent, end := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(end)
	b.spares.then = sync.OnceFunc(func() { close(free) })
	b.service.Connectors[account.X] = rotation{b.service.Connectors[account.X], func() {
		taken := make(chan struct{})
		go func() {
			err := one.Across(silent, func(ctx context.Context, _ *store.Tx) error {
				close(taken)
				select {
				case <-free:
				case <-ctx.Done():
				}
				return ctx.Err()
			})
			if err != nil {
				t.Error(err)
			}
		}()
		<-taken
	}}
	token, err := b.token(t)
	require.NoError(t, err)
	require.NotEqual(t, b.granted.AccessToken, token.Reveal())
	b.spares.take(t)
}

// Whoever is refused finds that somebody else has renewed the tokens and uses those.
func TestALoserOfARaceUsesTheWinnersTokens(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	require.NoError(t, b.net.RevokeTokens("acme"))
	won := func() {
		seal := func(name, value string, version int64) []byte {
			sealed, err := b.vault.Seal(t.Context(), b.field(name, version), config.Secret(value))
			if err != nil {
				t.Error(err)
			}
			return sealed
		}
		err := b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.PutTokens(ctx, b.Workspace, b.Account.ID, store.SealedTokens{
				Version: 2, Access: seal("access", "the winner's", 2), Refresh: seal("refresh", "next", 2), ExpiresAt: time.Now().Add(time.Hour),
			})
		})
		if err != nil {
			t.Error(err)
		}
	}
	b.service.Connectors[account.X] = rotation{b.service.Connectors[account.X], won}
	token, err := b.token(t)
	require.NoError(t, err)
	require.Equal(t, "the winner's", token.Reveal())
	require.Equal(t, account.Connected, b.row(t).Status)
	require.Equal(t, 1, b.refreshes())
}

// The winner has the network's answer and is slow to commit it.
func TestALoserOfARaceWaitsForTheWinnersCommit(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	require.NoError(t, b.net.RevokeTokens("acme"))
	access, err := b.vault.Seal(t.Context(), b.field("access", 2), config.Secret("the winner's"))
	require.NoError(t, err)
	var winner sync.WaitGroup
	b.service.Connectors[account.X] = rotation{b.service.Connectors[account.X], func() {
		winner.Go(func() {
			err := b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				pair := store.SealedTokens{Version: 2, Access: access, ExpiresAt: time.Now().Add(time.Hour)}
				return errors.Join(tx.PutTokens(ctx, b.Workspace, b.Account.ID, pair), clock.Wait(ctx, 500*time.Millisecond))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}}
	token, err := b.token(t)
	winner.Wait()
	require.NoError(t, err)
	require.Equal(t, "the winner's", token.Reveal())
	require.Equal(t, account.Connected, b.row(t).Status)
}

// A person connects the account anew, and commits as the mark waits for its row.
func TestAnAccountThatIsBeingConnectedAnewIsNotMarked(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	require.NoError(t, b.net.RevokeTokens("acme"))
	access, err := b.vault.Seal(t.Context(), b.field("access", 2), config.Secret("the person's"))
	require.NoError(t, err)
	watch, err := pgx.Connect(t.Context(), b.URL.Reveal())
	require.NoError(t, err)
	defer func() { require.NoError(t, watch.Close(context.WithoutCancel(t.Context()))) }()
	somebodyWaits := func(ctx context.Context) (waits bool, err error) {
		err = watch.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database())").Scan(&waits)
		return waits, err
	}
	var person sync.WaitGroup
	b.service.Connectors[account.X] = rotation{b.service.Connectors[account.X], func() {
		holds := make(chan struct{})
		goOn := sync.OnceFunc(func() { close(holds) })
		person.Go(func() {
			defer goOn()
			err := b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
				who := store.Identity{RemoteID: b.Account.RemoteID, Handle: b.Account.Handle, Name: "Acme"}
				if _, err := tx.ConnectAccount(ctx, b.Workspace, b.Account.ID, account.X, who, "UTC"); err != nil {
					return err
				}
				goOn()
				for {
					if waits, err := somebodyWaits(ctx); waits || err != nil {
						return errors.Join(err, tx.PutTokens(ctx, b.Workspace, b.Account.ID, store.SealedTokens{
							Version: 2, Access: access, ExpiresAt: time.Now().Add(time.Hour),
						}))
					}
					if err := clock.Wait(ctx, 5*time.Millisecond); err != nil {
						return err
					}
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-holds
	}}
	token, err := b.token(t)
	person.Wait()
	require.NoError(t, err)
	require.Equal(t, "the person's", token.Reveal())
	require.Equal(t, account.Connected, b.row(t).Status)
}

// The invocation's time is up as the network answers. By then the old refresh
// token is used up: the new pair is stored all the same.
func TestANewPairIsStoredThoughTheInvocationIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	ctx, over := context.WithCancel(t.Context())
	b.service.Connectors[account.X] = rotation{b.service.Connectors[account.X], over}
	_, _ = b.service.AccessToken(ctx, b.Workspace, b.Account.ID)
	require.EqualValues(t, 2, b.row(t).Version)
	token, err := b.token(t)
	require.NoError(t, err)
	require.NotEqual(t, b.granted.AccessToken, token.Reveal())
	require.Equal(t, 1, b.refreshes())
}

// And if the answer was lost with it, that is recorded, and the lane is free
// again before its two minutes are over.
func TestALostAnswerIsRecordedThoughTheInvocationIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	b.fault(t, fault.Rule{Preset: "accepted_reset", Times: 1})
	ctx, over := context.WithCancel(t.Context())
	b.service.Connectors[account.X] = rotation{b.service.Connectors[account.X], over}
	_, err := b.service.AccessToken(ctx, b.Workspace, b.Account.ID)
	require.Error(t, err)
	require.NotNil(t, b.row(t).UnclearAt)
}

// once gives an access token alone: the refresh token stays in force.
type once struct {
	platform.Connector

	asked *[]string
}

func (o once) Refresh(_ context.Context, token config.Secret) (platform.Tokens, error) {
	*o.asked = append(*o.asked, token.Reveal())
	return platform.Tokens{Access: "access", ExpiresAt: time.Now().Add(time.Hour)}, nil
}

// Sealed for version 1 it would not open as one of version 2.
func TestARefreshTokenThatTheNetworkDoesNotReplaceStaysInForce(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	var asked []string
	b.service.Connectors[account.X] = once{b.service.Connectors[account.X], &asked}
	for range 2 {
		_, err := b.token(t)
		require.NoError(t, err)
		require.NoError(t, b.service.Reject(t.Context(), b.Workspace, b.Account.ID))
	}
	require.Equal(t, []string{b.granted.RefreshToken, b.granted.RefreshToken}, asked)
}

// A network that answers without a token takes nothing away.
func TestAnEmptyTokenReplacesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, 40*time.Second)
	b.taken(t, 2*time.Hour)
	asked := 0
	b.service.Connectors[account.X] = empty{b.service.Connectors[account.X], &asked}
	token, err := b.token(t)
	require.NoError(t, err)
	require.Positive(t, asked)
	require.Equal(t, b.granted.AccessToken, token.Reveal())
	require.EqualValues(t, 1, b.row(t).Version)
}

// empty counts how often it is asked.
type empty struct {
	platform.Connector

	asked *int
}

func (e empty) Refresh(context.Context, config.Secret) (platform.Tokens, error) {
	*e.asked++
	return platform.Tokens{ExpiresAt: time.Now().Add(time.Hour)}, nil
}
