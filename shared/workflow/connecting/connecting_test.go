package connecting_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/vault"
	"rostrum/shared/workflow/connecting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is a Connector that hands out what it is told to and checks PKCE. The
// real client is tried against the simulated network in the api's tests.
type network struct {
	t         *testing.T
	challenge string
	tokens    platform.Tokens
	who       platform.Profile
	err       error
}

func (n *network) AuthorizeURL(state, challenge, redirect string) string {
	n.challenge = challenge
	return "https://network.example/authorize?" + url.Values{"state": {state}, "redirect_uri": {redirect}}.Encode()
}

func (n *network) Exchange(_ context.Context, code, verifier, redirect string) (platform.Tokens, error) {
	require.Equal(n.t, "the-code", code)
	require.Equal(n.t, n.challenge, auth.Challenge(config.Secret(verifier)), "the verifier is the one of the challenge")
	require.Equal(n.t, "https://rostrum.example/v1/oauth/x/callback", redirect)
	return n.tokens, n.err
}

func (n *network) Refresh(context.Context, config.Secret) (platform.Tokens, error) {
	return platform.Tokens{}, apperr.New(apperr.Internal, "unused", "connecting never refreshes")
}

func (n *network) WhoAmI(context.Context, config.Secret) (platform.Profile, error) { return n.who, nil }

type bundle struct {
	*storetest.World
	service *connecting.Service
	network *network
	tokens  *vault.Vault
	session uuid.UUID
	// browserZone is what the browser says when it begins.
	browserZone string
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: storetest.NewWorld(t)}
	b.network = &network{
		t: t, who: platform.Profile{RemoteID: "4711", Handle: "harbour", Name: "Harbour"},
		tokens: platform.Tokens{Access: "access-1", Refresh: "refresh-1", ExpiresAt: time.Now().Add(2 * time.Hour).UTC(), Scopes: []string{"tweet.write"}},
	}
	keysets, err := vault.Generate()
	require.NoError(t, err)
	sealer, err := keysets.TokenSealer()
	require.NoError(t, err)
	flows, err := keysets.Apps()
	require.NoError(t, err)
	b.tokens, err = keysets.Tokens()
	require.NoError(t, err)
	b.service = &connecting.Service{
		Store: b.API, Connectors: map[account.Network]platform.Connector{account.X: b.network},
		Tokens: sealer, Flows: flows, PublicURL: "https://rostrum.example",
	}
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		b.session, err = tx.InsertSession(ctx, b.Workspace, b.Person.ID, auth.HashToken("session"), time.Hour)
		return err
	}))
	return b
}

func (b *bundle) begin(t *testing.T, id *account.ID) config.Secret {
	t.Helper()
	address, err := b.service.Begin(t.Context(), b.Person, b.session, account.X, id, b.browserZone)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	return config.Secret(u.Query().Get("state"))
}

func (b *bundle) finish(ctx context.Context, state config.Secret) (account.Account, error) {
	return b.service.Finish(ctx, b.Person, b.session, account.X, state, "the-code")
}

func (b *bundle) opened(t *testing.T, id account.ID) (access, refresh config.Secret, version int64) {
	t.Helper()
	require.NoError(t, b.Worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.Tokens(ctx, b.Workspace, id)
		if err != nil {
			return err
		}
		require.NotContains(t, string(row.Access), "access-")
		version = row.Version
		field := vault.Field{WorkspaceID: b.Workspace, AccountID: id, Name: "access", Version: version}
		if access, err = b.tokens.Unseal(ctx, field, row.Access); err != nil {
			return err
		}
		field.Name = "refresh"
		refresh, err = b.tokens.Unseal(ctx, field, row.Refresh)
		return err
	}))
	return access, refresh, version
}

func TestConnectingStoresTheTokensSealedForTheirPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, err := b.finish(t.Context(), b.begin(t, nil))
	require.NoError(t, err)
	require.Equal(t, "harbour", a.Handle)
	require.Equal(t, account.Connected, a.Status)
	access, refresh, version := b.opened(t, a.ID)
	require.Equal(t, config.Secret("access-1"), access)
	require.Equal(t, config.Secret("refresh-1"), refresh)
	require.EqualValues(t, 1, version)

	b.network.tokens.Access, b.network.tokens.Refresh = "access-2", "refresh-2"
	again, err := b.finish(t.Context(), b.begin(t, &a.ID))
	require.NoError(t, err)
	require.Equal(t, a.ID, again.ID, "it is connected again, not twice")
	access, _, version = b.opened(t, a.ID)
	require.Equal(t, config.Secret("access-2"), access)
	require.EqualValues(t, 2, version)
}

func TestAReconnectMustBeTheSameAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, err := b.finish(t.Context(), b.begin(t, nil))
	require.NoError(t, err)
	b.network.who = platform.Profile{RemoteID: "12", Handle: "other"}
	_, err = b.finish(t.Context(), b.begin(t, &a.ID))
	require.Equal(t, "other_account", apperr.As(err).Code)
	require.Equal(t, "you signed in as @other, but this is the account @harbour", apperr.As(err).Message)
}

func TestTheStateIsBurnedEvenWhenTheNetworkRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.network.err = apperr.New(apperr.Unavailable, "network_away", "the network is away")
	state := b.begin(t, nil)
	_, err := b.finish(t.Context(), state)
	require.Equal(t, "network_away", apperr.As(err).Code)
	b.network.err = nil
	_, err = b.finish(t.Context(), state)
	require.Equal(t, "connect_expired", apperr.As(err).Code)
}

func TestOnlyManagersConnect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	editor := b.Person
	editor.Role = audit.Editor
	_, err := b.service.Begin(t.Context(), editor, b.session, account.X, nil, "")
	require.True(t, apperr.Is(err, apperr.Forbidden))
	_, err = b.service.Finish(t.Context(), editor, b.session, account.X, "s", "c")
	require.True(t, apperr.Is(err, apperr.Forbidden))
	_, err = b.service.Begin(t.Context(), b.Person, b.session, "myspace", nil, "")
	require.Equal(t, "bad_network", apperr.As(err).Code)
	_, err = b.service.Begin(t.Context(), b.Person, b.session, account.X, new(account.ID(uuid.New())), "")
	require.True(t, apperr.Is(err, apperr.NotFound))
}

func TestEditingAProfileChecksItAndKeepsOthersChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	view, err := b.service.EditProfile(t.Context(), b.Person, b.Account.ID, b.Account.ETag, connecting.Unsaid, func(p *account.Profile) {
		p.Slots = []account.Slot{{Weekday: time.Monday, Hour: 9, Minute: 30}}
		p.CatchUp = account.Hold
	})
	require.NoError(t, err)
	require.Len(t, view.NextSlots, 10)
	require.Equal(t, "09:30:00", view.NextSlots[0].Local[11:])
	_, err = b.service.EditProfile(t.Context(), b.Person, b.Account.ID, b.Account.ETag, connecting.Unsaid, func(p *account.Profile) { p.Voice = "loud" })
	require.True(t, apperr.Is(err, apperr.PreconditionFailed))
	_, err = b.service.EditProfile(t.Context(), b.Person, b.Account.ID, view.ETag, connecting.Unsaid, func(p *account.Profile) { p.PostsPerWeek = -1 })
	require.Equal(t, "posts_per_week", apperr.As(err).Field)
	views, err := b.service.Accounts(t.Context(), b.Person)
	require.NoError(t, err)
	require.Len(t, views, 1)
	require.Equal(t, view.ETag, views[0].ETag)
}
