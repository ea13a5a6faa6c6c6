package x

import (
	"net"
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

func deadAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return "http://" + listener.Addr().String()
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
	return platformtest.Stage{
		Publisher: n.client, Connector: n.client, Target: n.target, Refresh: config.Secret(n.tokens.RefreshToken),
		Unreachable: newClient(t, deadAddress(t)),
		Meet: func(t *testing.T, trouble platformtest.Trouble) {
			t.Helper()
			r := rule(trouble)
			r.Times, r.Match = 1, fault.Match{Method: http.MethodPost, Path: "/2/tweets"}
			_, err := n.sim.Faults().Add(r)
			require.NoError(t, err)
		},
		MeetEverywhere: func(t *testing.T, trouble platformtest.Trouble) {
			t.Helper()
			n.sim.Faults().Clear()
			_, err := n.sim.Faults().Add(rule(trouble))
			require.NoError(t, err)
		},
		Seen: func(*testing.T) []platformtest.Seen {
			var seen []platformtest.Seen
			for _, item := range n.sim.Items("", time.Time{}) {
				if !item.Deleted() {
					seen = append(seen, platformtest.Seen{ID: item.ID, Text: item.Text, ReplyTo: item.ReplyTo})
				}
			}
			return seen
		},
		Requests: func(*testing.T) int { return n.sim.Faults().Requests()["POST /2/tweets"] },
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	platformtest.Run(t, func(t *testing.T) platformtest.Stage {
		t.Helper()
		return newNetwork(t).stage(t)
	})
}
