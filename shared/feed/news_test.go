package feed

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/httpclient"
	"rostrum/shared/simulator/news"
)

func newsstand(t *testing.T) (*Reader, string) {
	t.Helper()
	stand, err := news.New(news.Config{Now: time.Now})
	require.NoError(t, err)
	server := httptest.NewServer(stand)
	t.Cleanup(func() {
		stand.Close()
		server.Close()
	})
	r := NewReader(httpclient.NewGuard([]string{server.Listener.Addr().String()}), clock.System{})
	t.Cleanup(r.CloseIdleConnections)
	return r, server.URL
}

func TestTheSimulatedPublicationsAreRead(t *testing.T) {
	t.Parallel()
	r, address := newsstand(t)
	for _, path := range []string{"/founders/feed.xml", "/engineering/atom.xml"} {
		got, err := r.Fetch(t.Context(), Request{URL: address + path})
		require.NoError(t, err, path)
		require.NotEmpty(t, got.Title)
		require.NotEmpty(t, got.Items)
		for _, item := range got.Items {
			require.NotEmpty(t, item.Title, path)
			require.NotEmpty(t, item.Text, path)
			require.Contains(t, item.URL, address, path)
			require.NotNil(t, item.PublishedAt, "%s %s", path, item.Title)
			require.NotRegexp(t, `</?[a-z]+[ >]|&[a-z]+;|CDATA`, item.Title+item.Text)
		}
	}
}

func TestTheHostileFeedsAreRefusedByName(t *testing.T) {
	t.Parallel()
	r, address := newsstand(t)
	for path, code := range map[string]string{
		"huge": "feed_too_large", "bomb.gz": "feed_too_large", "empty": "feed_empty", "html": "not_a_feed",
		"redirect": "source_address_refused", "loop": "source_unreachable",
		"status/404": "source_unreachable", "status/503": "source_unavailable",
	} {
		_, err := r.Fetch(t.Context(), Request{URL: address + "/hostile/" + path})
		require.Error(t, err, path)
		require.NotNil(t, apperr.As(err), "%s: %v", path, err)
		require.Equal(t, code, apperr.As(err).Code, path)
	}
}
