package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/platform/instagram"
	siminstagram "rostrum/shared/simulator/instagram"
	"rostrum/shared/store"
)

// withInstagram sets Instagram up in the bundle, against a simulated one.
func withInstagram(t *testing.T, b *bundle) {
	t.Helper()
	network := &swap{}
	web := httptest.NewServer(network)
	t.Cleanup(web.Close)
	sim, err := siminstagram.New(siminstagram.Config{
		Now: time.Now, ClientID: "client", ClientSecret: "app-secret", PublicURL: web.URL,
		RedirectURIs: []string{b.http.URL + "/v1/oauth/instagram/callback"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	network.set(sim)
	client, err := instagram.New(instagram.Settings{
		APIURL: web.URL, APIVersion: "v25.0", AuthorizeURL: web.URL + "/oauth/authorize", TokenURL: web.URL + "/oauth/access_token",
		WebURL: web.URL, ClientID: "client", ClientSecret: "app-secret",
	}, clock.System{})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	b.server.Connecting.Connectors[account.Instagram], b.server.Connecting.Missing = client, nil
}

func TestConnectingInstagramWithoutPKCE(t *testing.T) {
	t.Parallel()
	b := setup(t)
	withInstagram(t, b)
	tn := b.tenant(t, "ada")
	begun := tn.call(t, "POST", "/v1/accounts/connect", map[string]any{"network": "instagram"})
	require.Equal(t, http.StatusOK, begun.status, begun.text)
	require.NotContains(t, begun.str("authorize_url"), "code_challenge")
	handle := siminstagram.DemoAccounts()[0].Handle
	consent := call(t, tn.client, "GET", begun.str("authorize_url")+"&sim_account="+handle+"&sim_approve=1", nil)
	// Browsers keep what stands behind # to themselves.
	callback, _, _ := strings.Cut(consent.header.Get("Location"), "#")
	require.True(t, strings.HasPrefix(callback, b.http.URL+"/v1/oauth/instagram/callback?"), callback)

	got := call(t, tn.client, "GET", callback, nil)
	require.Equal(t, http.StatusSeeOther, got.status, got.text)
	id := strings.TrimSuffix(strings.TrimPrefix(got.header.Get("Location"), "/accounts/"), "?connected=1")
	a := tn.call(t, "GET", "/v1/accounts/"+id, nil)
	require.Equal(t, http.StatusOK, a.status, got.header.Get("Location"))
	require.Equal(t, []any{"instagram", handle, "connected"}, []any{a.json["network"], a.json["handle"], a.json["status"]})

	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.Tokens(ctx, tn.actor.WorkspaceID, account.ID(uuid.MustParse(id)))
		require.NotEmpty(t, row.Refresh, "the token renews itself")
		require.WithinDuration(t, time.Now().Add(60*24*time.Hour), row.ExpiresAt, time.Hour)
		return err
	}))
}

func TestACaptionSaysWhatItLacksAndCannotBeApproved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	require.NoError(t, b.server.Store.InWorkspace(t.Context(), tn.actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		tn.account, err = tx.ConnectAccount(ctx, tn.actor.WorkspaceID, account.ID(uuid.Must(uuid.NewV7())), account.Instagram,
			store.Identity{RemoteID: "18", Handle: "harbour", Name: "Harbour"}, "Europe/Berlin")
		return err
	}))
	p := tn.awaiting(t, "A caption")
	require.Equal(t, []any{"Instagram takes no post without an image. Add one first."}, p.json["lacks"])
	require.NotContains(t, p.json["actions"], "approve")
	requireProblem(t, tn.call(t, "POST", "/v1/posts/"+p.str("id")+"/approve", seen(p)), http.StatusUnprocessableEntity, "image_required")
}
