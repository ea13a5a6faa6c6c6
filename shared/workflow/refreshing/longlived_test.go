package refreshing_test

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
)

const life = 60 * 24 * time.Hour

// renewing is a network as Instagram is one: its token renews itself, may stay
// the same string, and there is no other.
type renewing struct {
	calls []string
	err   error
	// lives is how long what it gives is good for; 0 is sixty days.
	lives time.Duration
}

func (*renewing) AuthorizeURL(string, string, string) string { return "" }
func (*renewing) Exchange(context.Context, string, string, string) (platform.Tokens, error) {
	return platform.Tokens{}, apperr.New(apperr.Internal, "unused", "refreshing exchanges nothing")
}

func (*renewing) WhoAmI(context.Context, config.Secret) (platform.Profile, error) {
	return platform.Profile{}, apperr.New(apperr.Internal, "unused", "refreshing asks nobody")
}

func (n *renewing) Refresh(_ context.Context, token config.Secret) (platform.Tokens, error) {
	n.calls = append(n.calls, token.Reveal())
	return platform.Tokens{Access: token, Refresh: token, ExpiresAt: time.Now().Add(cmp.Or(n.lives, life))}, n.err
}

// longLived is an account whose token, of sixty days, is of that age.
func longLived(t *testing.T, age time.Duration) (*bench, *renewing) {
	t.Helper()
	b := setup(t, life-age)
	b.taken(t, age)
	n := &renewing{}
	b.service.Connectors[account.X] = n
	return b, n
}

// taken makes the tokens as old as that.
func (b *bench) taken(t *testing.T, age time.Duration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.URL.Reveal())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "UPDATE account_tokens SET updated_at = clock_timestamp() - make_interval(secs => $1::float8)", age.Seconds())
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

func TestATokenOfSixtyDaysIsRenewedDaysBeforeItsEnd(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for age, calls := range map[time.Duration]int{time.Hour: 0, 44 * day: 0, 46 * day: 1} {
		b, n := longLived(t, age)
		require.NoError(t, b.service.Ahead(t.Context()))
		require.NoError(t, b.service.Ahead(t.Context()))
		require.Len(t, n.calls, calls, "at the age of %s", age)
		if calls == 0 {
			continue
		}
		require.Equal(t, b.granted.RefreshToken, n.calls[0])
		row := b.row(t)
		require.EqualValues(t, 2, row.Version)
		require.WithinDuration(t, time.Now().Add(life), row.ExpiresAt, time.Minute)
		token, err := b.token(t)
		require.NoError(t, err, "the same string is sealed anew under its version")
		require.Equal(t, b.granted.RefreshToken, token.Reveal())
	}
}

func TestARenewalThatFailsDaysAheadIsNotTriedEachMinute(t *testing.T) {
	t.Parallel()
	b, n := longLived(t, 50*24*time.Hour)
	n.err = apperr.New(apperr.Unavailable, "http_500", "it answered 500")
	require.Error(t, b.service.Ahead(t.Context()))
	require.NoError(t, b.service.Ahead(t.Context()))
	require.Len(t, n.calls, 1)
	token, err := b.token(t)
	require.NoError(t, err, "the token is good for days yet")
	require.Equal(t, b.granted.AccessToken, token.Reveal())
}

// A network whose tokens live for less than the minute that is asked of others.
func TestATokenThatLivesShortlyIsNotRenewedAtEachCall(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	n := &renewing{lives: 50 * time.Second}
	b.service.Connectors[account.X] = n
	for range 3 {
		_, err := b.token(t)
		require.NoError(t, err)
	}
	require.Len(t, n.calls, 1)
}
