package x

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/platform/platformtest"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
	simulator "rostrum/shared/simulator/x"
)

// network is the simulated X with one client on it.
type network struct {
	sim    *simulator.Server
	server *httptest.Server
	client *Client
	target platform.Target
	tokens simulator.Tokens
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	sim, err := simulator.New(simulator.Config{
		Now: time.Now, ClientID: "app", ClientSecret: "app-secret",
		Accounts: []simulator.Account{{Handle: "tester", Name: "A Tester", Followers: 10}},
	})
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		_ = sim.Close()
		server.Close()
	})
	tokens, err := sim.Grant("tester")
	require.NoError(t, err)
	return &network{
		sim: sim, server: server, tokens: tokens, client: newClient(t, server.URL),
		target: platform.Target{
			Network: account.X, RemoteID: sim.Accounts()[0].ID, Handle: "tester", AccessToken: config.Secret(tokens.AccessToken),
		},
	}
}

func newClient(t *testing.T, address string) *Client {
	t.Helper()
	client, err := New(Settings{
		BaseURL: address, AuthorizeURL: address + "/i/oauth2/authorize", WebURL: address, ClientID: "app", ClientSecret: "app-secret",
	}, clock.System{})
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func rule(trouble platformtest.Trouble) fault.Rule {
	return map[platformtest.Trouble]fault.Rule{
		platformtest.RateLimited:     {Preset: "rate_limited"},
		platformtest.RateLimitAbsurd: {Preset: "rate_limited_absurd"},
		platformtest.RateLimitPast:   {Preset: "rate_limited_past"},
		platformtest.RateLimitSilent: {Preset: "rate_limited_silent"},
		platformtest.TokenRefused:    {Preset: "unauthorized"},
		platformtest.ServerError:     {Preset: "server_error"},
		platformtest.AcceptedError:   {Preset: "accepted_server_error"},
		platformtest.AcceptedReset:   {Preset: "accepted_reset"},
		platformtest.AcceptedSilence: {Preset: "accepted_hang"},
		platformtest.AcceptedCut:     {Preset: "accepted_truncated"},
		platformtest.AcceptedNoID:    {Preset: "accepted_no_id"},
		platformtest.AcceptedNoJSON:  {Preset: "accepted_not_json"},
		platformtest.AcceptedBomb:    {Action: fault.Action{Kind: fault.GzipBomb, Status: http.StatusOK, SizeMB: 5}},
		platformtest.Redirected:      {Action: fault.Action{Kind: fault.Redirect, Location: "/2/tweets"}},
		platformtest.ResetUnread:     {Preset: "reset"},
		platformtest.Late:            {Action: fault.Action{Kind: fault.LateEffect, DelayMS: 100}},
	}[trouble]
}

func (n *network) stage(t *testing.T) platformtest.Stage {
	t.Helper()
	stage := platformtest.Stage{
		Publisher: n.client, Connector: n.client, Target: n.target, Refresh: config.Secret(n.tokens.RefreshToken),
		Unreachable: newClient(t, platformtest.DeadAddress(t)),
		Seen: func(*testing.T) []platformtest.Seen {
			var entries []ledger.Entry
			for _, item := range n.sim.Items("", time.Time{}) {
				entries = append(entries, item.Entry)
			}
			return platformtest.SeenIn(entries)
		},
		Requests: func(*testing.T) int { return n.sim.Faults().Requests()["POST /2/tweets"] },
	}
	return stage.WithFaults(n.sim.Faults(), fault.Match{Method: http.MethodPost, Path: "/2/tweets"}, rule)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	platformtest.Run(t, func(t *testing.T) platformtest.Stage {
		t.Helper()
		return newNetwork(t).stage(t)
	})
}
