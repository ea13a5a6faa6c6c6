package networks_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/platform/networks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func settings(t *testing.T, environ map[string]string) networks.Settings {
	t.Helper()
	var s struct{ Networks networks.Settings }
	require.NoError(t, config.LoadFrom(&s, environ))
	return s.Networks
}

func TestEveryNetworkHasItsClientsWhateverIsSet(t *testing.T) {
	t.Parallel()
	clients, err := networks.Open(settings(t, nil), clock.System{})
	require.NoError(t, err)
	defer clients.CloseIdleConnections()
	for _, n := range account.Networks() {
		require.NotNil(t, clients.Publishers[n], n)
		require.NotNil(t, clients.Connectors[n], n)
		require.NotEmpty(t, clients.WebURLs[n], n)
	}
	require.Implements(t, (*platform.Stager)(nil), clients.Publishers[account.Instagram])
	require.Equal(t, map[account.Network][]string{
		account.X: {"X_CLIENT_ID"}, account.Instagram: {"INSTAGRAM_CLIENT_ID", "INSTAGRAM_CLIENT_SECRET"},
	}, clients.Missing)
}

func TestWhatIsSetIsNotMissing(t *testing.T) {
	t.Parallel()
	clients, err := networks.Open(settings(t, map[string]string{"X_CLIENT_ID": "a", "INSTAGRAM_CLIENT_ID": "b"}), clock.System{})
	require.NoError(t, err)
	require.Equal(t, map[account.Network][]string{account.Instagram: {"INSTAGRAM_CLIENT_SECRET"}}, clients.Missing)
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X_BASE_URL", "INSTAGRAM_API_URL"} {
		_, err := networks.Open(settings(t, map[string]string{name: "nowhere"}), clock.System{})
		require.ErrorContains(t, err, name)
	}
}
