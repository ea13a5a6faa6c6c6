package refreshing_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/platform/x"
	"rostrum/shared/queue"
	"rostrum/shared/simulator/fault"
	simx "rostrum/shared/simulator/x"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/telemetry/telemetrytest"
	"rostrum/shared/vault"
	"rostrum/shared/workflow/refreshing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bench struct {
	*storetest.World
	net     *simx.Server
	vault   *vault.Vault
	service *refreshing.Service
	granted simx.Tokens
	spares  spares
}

// setup connects an account whose access token is good for the given time.
func setup(t *testing.T, goodFor time.Duration) *bench {
	t.Helper()
	b := &bench{World: storetest.NewWorld(t)}
	var err error
	b.net, err = simx.New(simx.Config{Now: time.Now, ClientID: "app", ClientSecret: "s", Accounts: []simx.Account{{Handle: "acme"}}})
	require.NoError(t, err)
	server := httptest.NewServer(b.net)
	client, err := x.New(x.Settings{BaseURL: server.URL, AuthorizeURL: server.URL, WebURL: server.URL, ClientID: "app", ClientSecret: "s"}, clock.System{})
	require.NoError(t, err)
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
		require.NoError(t, b.net.Close())
	})
	keys, err := vault.Generate()
	require.NoError(t, err)
	b.vault, err = keys.Tokens()
	require.NoError(t, err)
	b.service = &refreshing.Service{
		Store: b.Worker, Vault: b.vault, Connectors: map[account.Network]platform.Connector{account.X: client},
		Sender: &b.spares, Queue: queue.Publish, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
	}
	b.granted, err = b.net.Grant("acme")
	require.NoError(t, err)
	b.put(t, goodFor)
	return b
}

func (b *bench) put(t *testing.T, goodFor time.Duration) {
	t.Helper()
	seal := func(name, value string) []byte {
		sealed, err := b.vault.Seal(t.Context(), b.field(name, 1), config.Secret(value))
		require.NoError(t, err)
		return sealed
	}
	b.across(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.PutTokens(ctx, b.Workspace, b.Account.ID, store.SealedTokens{
			Version: 1, Access: seal("access", b.granted.AccessToken), Refresh: seal("refresh", b.granted.RefreshToken), ExpiresAt: time.Now().Add(goodFor),
		})
	})
}

func (b *bench) field(name string, version int64) vault.Field {
	return vault.Field{WorkspaceID: b.Workspace, AccountID: b.Account.ID, Name: name, Version: version}
}

func (b *bench) across(t *testing.T, fn func(context.Context, *store.Tx) error) {
	t.Helper()
	require.NoError(t, b.Worker.Across(t.Context(), fn))
}

func (b *bench) row(t *testing.T) (row store.TokenRow) {
	t.Helper()
	b.across(t, func(ctx context.Context, tx *store.Tx) error {
		var err error
		row, err = tx.Tokens(ctx, b.Workspace, b.Account.ID)
		return err
	})
	return row
}

func (b *bench) token(t *testing.T) (config.Secret, error) {
	t.Helper()
	return b.service.AccessToken(t.Context(), b.Workspace, b.Account.ID)
}

func (b *bench) refreshes() int { return b.net.Faults().Requests()["POST /2/oauth2/token"] }

func (b *bench) fault(t *testing.T, r fault.Rule) {
	t.Helper()
	r.Match = fault.Match{Method: "POST", Path: "/2/oauth2/token"}
	_, err := b.net.Faults().Add(r)
	require.NoError(t, err)
}

func TestAGoodTokenIsHandedOutWithoutAskingTheNetwork(t *testing.T) {
	t.Parallel()
	b := setup(t, time.Hour)
	token, err := b.token(t)
	require.NoError(t, err)
	require.Equal(t, b.granted.AccessToken, token.Reveal())
	require.Zero(t, b.refreshes())
}

func TestFiftyWorkersOnOneExpiredTokenMakeOneRefresh(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	var wg sync.WaitGroup
	tokens := make([]config.Secret, 50)
	for i := range tokens {
		wg.Go(func() {
			var err error
			tokens[i], err = b.token(t)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, b.refreshes())
	for _, token := range tokens {
		require.Equal(t, tokens[0], token)
		require.NotEqual(t, b.granted.AccessToken, token.Reveal())
	}
	require.EqualValues(t, 2, b.row(t).Version)
}

func TestALostAnswerDoesNotUseTheRefreshTokenTwiceAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 40*time.Second)
	b.taken(t, 2*time.Hour)
	b.fault(t, fault.Rule{Preset: "accepted_reset", Times: 1})
	token, err := b.token(t)
	require.NoError(t, err, "the old access token still works")
	require.Equal(t, b.granted.AccessToken, token.Reveal())
	require.NotNil(t, b.row(t).UnclearAt)
	for range 5 {
		_, err = b.token(t)
		require.NoError(t, err)
	}
	require.Equal(t, 1, b.refreshes(), "nobody tries again before the lane is over")
	require.Equal(t, account.Connected, b.row(t).Status)
}

func TestADeadRefreshTokenAsksForAPersonAndFailsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, -time.Minute)
	require.NoError(t, b.net.RevokeTokens("acme"))
	_, err := b.token(t)
	require.Equal(t, apperr.Unauthenticated, apperr.KindOf(err))
	require.Equal(t, account.ReauthNeeded, b.row(t).Status)
	require.NotEmpty(t, b.row(t).Access, "tokens are never replaced by nothing")
	_, err = b.token(t)
	require.Equal(t, apperr.Unauthenticated, apperr.KindOf(err))
	require.Equal(t, 1, b.refreshes(), "a dead token is not tried again")
}

func TestANetworkThatIsDownIsNoReasonToDisconnect(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"unavailable", "server_error", "rate_limited", "reset"} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			b := setup(t, -time.Minute)
			b.fault(t, fault.Rule{Preset: preset})
			_, err := b.token(t)
			require.Equal(t, apperr.Unavailable, apperr.KindOf(err))
			require.Equal(t, account.Connected, b.row(t).Status)
			require.EqualValues(t, 1, b.row(t).Version)
		})
	}
}

func TestTokensAreRefreshedAheadOfTheirEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, 20*time.Minute)
	ctx, measured := telemetrytest.Measured(t, nil)
	require.NoError(t, b.service.Ahead(ctx))
	require.EqualValues(t, 2, b.row(t).Version)
	require.NoError(t, b.service.Ahead(t.Context()))
	require.Equal(t, 1, b.refreshes())
	require.Equal(t, []float64{1}, measured()["token_refreshes renewed"])
}

func TestARejectedTokenIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t, time.Hour)
	require.NoError(t, b.service.Reject(t.Context(), b.Workspace, b.Account.ID))
	token, err := b.token(t)
	require.NoError(t, err)
	require.NotEqual(t, b.granted.AccessToken, token.Reveal())
}

// The row is sealed for version 1 and account acme; under another version it
// must not open.
func TestARowThatWasTamperedWithDoesNotOpen(t *testing.T) {
	t.Parallel()
	b := setup(t, time.Hour)
	row := b.row(t)
	row.Version = 7
	b.across(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.PutTokens(ctx, b.Workspace, b.Account.ID, row.SealedTokens)
	})
	_, err := b.token(t)
	require.Equal(t, "vault_mismatch", apperr.As(err).Code)
}

// Those who ask in one moment share one statement; each gets its own account's.
func TestManyAccountsAtOnceEachGetTheirOwnToken(t *testing.T) {
	t.Parallel()
	b := setup(t, time.Hour)
	accounts := []account.Account{b.Account, b.AddAccount(t, b.Workspace, "second"), b.AddAccount(t, b.Workspace, "third")}
	for _, a := range accounts[1:] {
		sealed, err := b.vault.Seal(t.Context(), vault.Field{WorkspaceID: b.Workspace, AccountID: a.ID, Name: "access", Version: 1}, config.Secret("token of "+a.Handle))
		require.NoError(t, err)
		b.across(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutTokens(ctx, b.Workspace, a.ID, store.SealedTokens{Version: 1, Access: sealed, ExpiresAt: time.Now().Add(time.Hour)})
		})
	}
	never := b.AddAccount(t, b.Workspace, "never")
	want := map[account.ID]string{accounts[0].ID: b.granted.AccessToken, accounts[1].ID: "token of second", accounts[2].ID: "token of third"}
	var wg sync.WaitGroup
	for range 20 {
		for _, a := range accounts {
			wg.Go(func() {
				got, err := b.service.AccessToken(t.Context(), b.Workspace, a.ID)
				if err != nil || got.Reveal() != want[a.ID] {
					t.Errorf("account %s got %q, %v", a.Handle, got.Reveal(), err)
				}
			})
		}
		wg.Go(func() {
			if _, err := b.service.AccessToken(t.Context(), b.Workspace, never.ID); apperr.KindOf(err) != apperr.NotFound {
				t.Errorf("an account that was never connected was answered with %v", err)
			}
		})
	}
	wg.Wait()
}
