package refreshing_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

// spares is the queue. then runs once a message lies on it.
type spares struct {
	mu   sync.Mutex
	sent []queue.Envelope
	then func()
}

func (s *spares) Send(_ context.Context, list []queue.Envelope) ([]uuid.UUID, error) {
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

// tokensGone has the database fail whoever asks for tokens until back is called.
func (b *bench) tokensGone(t *testing.T) (gone, back func()) {
	t.Helper()
	rename := func(from, to string) func() {
		return func() {
			conn, err := pgx.Connect(t.Context(), b.URL.Reveal())
			if err == nil {
				_, err = conn.Exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
				_ = conn.Close(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	return rename("account_tokens", "away"), rename("away", "account_tokens")
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
	require.True(t, b.row(t).LeaseLive, "nobody uses the old refresh token in the meantime")
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

// A network that answers without a token takes nothing away.
func TestAnEmptyTokenReplacesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, 40*time.Second)
	b.service.Connectors[account.X] = empty{b.service.Connectors[account.X]}
	token, err := b.token(t)
	require.NoError(t, err)
	require.Equal(t, b.granted.AccessToken, token.Reveal())
	require.EqualValues(t, 1, b.row(t).Version)
}

type empty struct{ platform.Connector }

func (empty) Refresh(context.Context, config.Secret) (platform.Tokens, error) {
	return platform.Tokens{ExpiresAt: time.Now().Add(time.Hour)}, nil
}
