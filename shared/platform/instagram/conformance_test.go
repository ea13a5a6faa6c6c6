package instagram

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/platform/platformtest"
	"rostrum/shared/simulator/fault"
	simulator "rostrum/shared/simulator/instagram"
	"rostrum/shared/simulator/ledger"
)

// network is the simulated Instagram with one client on it, and a host that
// serves images to it.
type network struct {
	sim    *simulator.Server
	server *httptest.Server
	media  *mediaHost
	client *Client
	target platform.Target
	token  config.Secret
}

// mediaHost serves files until it is told to lose them.
type mediaHost struct {
	*httptest.Server

	mu    sync.Mutex
	files map[string][]byte
}

func newMediaHost(t *testing.T) *mediaHost {
	t.Helper()
	h := &mediaHost{files: map[string][]byte{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		data, ok := h.files[r.URL.Path]
		h.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(h.Close)
	return h
}

// put serves a file and returns its address.
func (h *mediaHost) put(name string, data []byte) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files["/"+name] = data
	return h.URL + "/" + name
}

func picture(t *testing.T, width, height int, shade uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	img.SetGray(0, 0, color.Gray{Y: shade})
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, img, nil))
	return out.Bytes()
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	sim, err := simulator.New(simulator.Config{
		Now: time.Now, PublicURL: "http://" + server.Listener.Addr().String(), ClientID: "app", ClientSecret: "app-secret",
		Accounts: []simulator.Account{{Handle: "tester", Name: "A Tester", Followers: 10}},
	})
	require.NoError(t, err)
	server.Config.Handler = sim
	server.Start()
	media := newMediaHost(t)
	media.put("image.jpg", picture(t, 40, 40, 1))
	t.Cleanup(func() {
		_ = sim.Close()
		server.Close()
	})
	token, err := sim.Grant("tester")
	require.NoError(t, err)
	return &network{
		sim: sim, server: server, media: media, client: newClient(t, server.URL), token: config.Secret(token.AccessToken),
		target: platform.Target{
			Network: account.Instagram, RemoteID: sim.Accounts()[0].ID, Handle: "tester", AccessToken: config.Secret(token.AccessToken),
		},
	}
}

func newClient(t *testing.T, address string) *Client {
	t.Helper()
	client, err := New(Settings{
		APIURL: address, APIVersion: "v25.0", AuthorizeURL: address + "/oauth/authorize", TokenURL: address + "/oauth/access_token",
		WebURL: address, ClientID: "app", ClientSecret: "app-secret",
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
		platformtest.AcceptedBomb:    {Action: fault.Action{Kind: fault.GzipBomb, SizeMB: 64}},
		platformtest.Redirected:      {Action: fault.Action{Kind: fault.Redirect, Location: "/v25.0/1/media_publish"}},
		platformtest.ResetUnread:     {Preset: "reset"},
		platformtest.Late:            {Action: fault.Action{Kind: fault.LateEffect, DelayMS: 100}},
	}[trouble]
}

func (n *network) stage(t *testing.T) platformtest.Stage {
	t.Helper()
	stage := platformtest.Stage{
		Publisher: n.client, Connector: n.client, Target: n.target, Refresh: n.token,
		Unreachable: newClient(t, platformtest.DeadAddress(t)),
		Image:       platform.StagedImage{URL: n.media.URL + "/image.jpg", Alt: "A grey square."},
		Lacks:       []platformtest.Trait{platformtest.Threads, platformtest.TwinRefusal, platformtest.Deletion, platformtest.Rotation},
		Seen: func(*testing.T) []platformtest.Seen {
			var entries []ledger.Entry
			for _, item := range n.sim.Items("", time.Time{}) {
				entries = append(entries, item.Entry)
			}
			return platformtest.SeenIn(entries)
		},
		Requests: func(*testing.T) int { return n.sim.Faults().Requests()["POST /{id}/media_publish"] },
	}
	return stage.WithFaults(n.sim.Faults(), fault.Match{Method: http.MethodPost, Path: "/*/media_publish"}, rule)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	platformtest.Run(t, func(t *testing.T) platformtest.Stage {
		t.Helper()
		return newNetwork(t).stage(t)
	})
}
