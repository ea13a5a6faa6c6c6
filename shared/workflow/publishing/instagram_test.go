package publishing_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/blob"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/platform/instagram"
	"rostrum/shared/post"
	"rostrum/shared/simulator/fault"
	siminstagram "rostrum/shared/simulator/instagram"
	"rostrum/shared/store"
)

// fixedToken is for accounts whose token needs no renewal.
type fixedToken config.Secret

// AccessToken returns it.
func (f fixedToken) AccessToken(context.Context, uuid.UUID, account.ID) (config.Secret, error) {
	return config.Secret(f), nil
}

// Reject keeps it.
func (fixedToken) Reject(context.Context, uuid.UUID, account.ID) error { return nil }

// onInstagram puts the bench's account on the simulated Instagram, which fetches
// the images from the folder as it is served.
func onInstagram(t *testing.T) (*bench, *siminstagram.Server) {
	t.Helper()
	b := setup(t)
	net, err := siminstagram.New(siminstagram.Config{Now: time.Now, ClientID: "app", ClientSecret: "app-secret", Accounts: []siminstagram.Account{{Handle: "acme"}}})
	require.NoError(t, err)
	settings := blob.Settings{URL: "file://" + t.TempDir()}
	handler, err := blob.Handler(t.Context(), settings)
	require.NoError(t, err)
	web, server := httptest.NewServer(handler), httptest.NewServer(net)
	b.service.Files, err = blob.Open(t.Context(), settings, web.URL+blob.Path)
	require.NoError(t, err)
	client, err := instagram.New(instagram.Settings{
		APIURL: server.URL, APIVersion: "v25.0", AuthorizeURL: server.URL, TokenURL: server.URL, WebURL: server.URL, ClientID: "app", ClientSecret: "app-secret",
	}, clock.System{})
	require.NoError(t, err)
	t.Cleanup(func() {
		client.CloseIdleConnections()
		for _, s := range []*httptest.Server{server, web} {
			s.CloseClientConnections()
			s.Close()
		}
		b.service.Files.Close()
		require.NoError(t, net.Close())
	})
	token, err := net.Grant("acme")
	require.NoError(t, err)
	b.service.Tokens = fixedToken(token.AccessToken)
	b.service.Publishers = map[account.Network]platform.Publisher{account.Instagram: client}
	b.exec(t, "UPDATE accounts SET network = 'instagram', remote_id = $1", net.Accounts()[0].ID)
	return b, net
}

// photo stores a square JPEG as a person's upload leaves it.
func (b *bench) photo(t *testing.T, shade uint8) post.Media {
	t.Helper()
	drawn := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range drawn.Pix {
		drawn.Pix[i] = shade
	}
	var file bytes.Buffer
	require.NoError(t, jpeg.Encode(&file, drawn, nil))
	m := store.Media{Name: "a.jpg", Type: "image/jpeg", Bytes: int64(file.Len()), Digest: blob.Digest(file.Bytes()), Width: 64, Height: 64}
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		added, err := tx.AddMedia(ctx, b.Person, m)
		if err != nil {
			return err
		}
		m.ID = added.ID
		_, err = tx.FinishMedia(ctx, b.Workspace, m)
		return err
	}))
	require.NoError(t, b.service.Files.Write(t.Context(), blob.MediaKey(b.Workspace, m.ID, m.Digest), m.Type, file.Bytes()))
	return post.Media{ID: m.ID, Digest: m.Digest, Alt: "A harbour", Type: m.Type, Bytes: m.Bytes, Width: 64, Height: 64}
}

func TestInstagramShowsTheApprovedImagesAtTheirTime(t *testing.T) {
	t.Parallel()
	for name, images := range map[string]int{"One": 1, "Three": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, net := onInstagram(t)
			var media []post.Media
			for i := range images {
				media = append(media, b.photo(t, uint8(10*i)))
			}
			p := b.illustratedIn(t, time.Minute, media)
			b.early(t, p)
			require.Empty(t, net.Items("", time.Time{}))
			require.Empty(t, b.Post(t, p.ID).Hold)
			made := len(net.Containers())
			b.fallsDue(t, p)
			b.send(t, p)
			require.Equal(t, post.Published, b.Post(t, p.ID).State)
			seen := net.Items("", time.Time{})
			require.Len(t, seen, 1)
			require.Equal(t, "part a", seen[0].Text)
			require.Len(t, seen[0].Media, images)
			for i, m := range media {
				require.Equal(t, [2]string{m.Digest, "A harbour"}, [2]string{seen[0].Media[i].Digest, seen[0].Media[i].Alt})
			}
			require.Len(t, net.Containers(), made, "all of it was there already")
		})
	}
}

func TestAPostThatInstagramPublishedWithoutAWordIsFoundAndNotShownAgain(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"accepted_reset", "accepted_server_error", "accepted_transient", "accepted_blocked", "accepted_no_id", "accepted_truncated"} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			b, net := onInstagram(t)
			_, err := net.Faults().Add(fault.Rule{Preset: preset, Times: 1, Match: fault.Match{Method: http.MethodPost, Path: "/*/media_publish"}})
			require.NoError(t, err)
			p := b.illustrated(t, []post.Media{b.photo(t, 1)})
			b.send(t, p)
			require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
			b.look(t, p)
			require.Equal(t, post.Published, b.Post(t, p.ID).State)
			require.Len(t, net.Items("", time.Time{}), 1)
			require.Equal(t, net.Items("", time.Time{})[0].ID, b.Attempts(t, p.ID)[0].RemoteID)
		})
	}
}

func TestAPostThatInstagramRefusedWithoutProofGoesOutFromTheSameContainer(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"server_error", "blocked", "container_unknown"} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			b, net := onInstagram(t)
			_, err := net.Faults().Add(fault.Rule{Preset: preset, Times: 1, Match: fault.Match{Method: http.MethodPost, Path: "/*/media_publish"}})
			require.NoError(t, err)
			p := b.illustrated(t, []post.Media{b.photo(t, 1)})
			b.send(t, p)
			b.age(t, p, time.Hour)
			b.look(t, p)
			require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
			b.look(t, p)
			b.send(t, b.retryNow(t, p))
			require.Equal(t, post.Published, b.Post(t, p.ID).State)
			require.Len(t, net.Items("", time.Time{}), 1)
			require.Len(t, net.Containers(), 1)
		})
	}
}
