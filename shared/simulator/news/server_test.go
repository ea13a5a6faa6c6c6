package news_test

import (
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/clock"
	"rostrum/shared/simulator/news"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type stand struct {
	t      *testing.T
	url    string
	clock  *clock.Fake
	server *news.Server
	client *http.Client
}

func start(t *testing.T) *stand {
	t.Helper()
	fake := clock.NewFake(time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC))
	server, err := news.New(news.Config{Now: fake.Now})
	require.NoError(t, err)
	listener := httptest.NewServer(server)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(func() { transport.CloseIdleConnections(); server.Close(); listener.Close() })
	return &stand{t: t, url: listener.URL, clock: fake, server: server, client: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is what came back, without its body.
type page struct {
	status int
	header http.Header
}

func (s *stand) get(path string) (page, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	require.NoError(s.t, err)
	res, err := s.client.Do(r)
	require.NoError(s.t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, res.Body.Close())
	return page{res.StatusCode, res.Header}, string(body)
}

type rss struct {
	Items []struct {
		Title   string `xml:"title"`
		Link    string `xml:"link"`
		GUID    string `xml:"guid"`
		Date    string `xml:"pubDate"`
		Encoded string `xml:"http://purl.org/rss/1.0/modules/content/ encoded"`
		DCDate  string `xml:"http://purl.org/dc/elements/1.1/ date"`
	} `xml:"channel>item"`
}

func TestRSSHasTwelveStoriesWithCDATAAndOddDates(t *testing.T) {
	t.Parallel()
	s := start(t)
	res, body := s.get("/founders/feed.xml")
	require.Equal(t, "application/rss+xml; charset=utf-8", res.header.Get("Content-Type"))
	require.Contains(t, body, "<![CDATA[")
	var feed rss
	require.NoError(t, xml.Unmarshal([]byte(body), &feed))
	require.GreaterOrEqual(t, len(feed.Items), 12)
	forms, guids := map[string]bool{}, map[string]bool{}
	for _, item := range feed.Items {
		require.NotEmpty(t, item.Title)
		require.Greater(t, len(item.Encoded), 300)
		require.True(t, item.Date != "" || item.DCDate != "", item.Title)
		forms[regexp.MustCompile(`\d`).ReplaceAllString(item.Date, "0")] = true
		guids[item.GUID] = true
		story, text := s.get(strings.TrimPrefix(item.Link, s.url))
		require.Equal(t, http.StatusOK, story.status, item.Link)
		require.Contains(t, text, "Simulated news.")
	}
	require.Greater(t, len(forms), 4)
	require.Len(t, guids, len(feed.Items))
}

func TestAtomHasTwelveEntriesAndTheirDatesFollowTheClock(t *testing.T) {
	t.Parallel()
	s := start(t)
	newest := func() time.Time {
		_, body := s.get("/engineering/atom.xml")
		var feed struct {
			Entries []struct {
				Title     string `xml:"title"`
				Published string `xml:"published"`
				Content   string `xml:"content"`
				Links     []struct {
					Href string `xml:"href,attr"`
				} `xml:"link"`
			} `xml:"http://www.w3.org/2005/Atom entry"`
		}
		require.NoError(t, xml.Unmarshal([]byte(body), &feed))
		require.GreaterOrEqual(t, len(feed.Entries), 12)
		for _, e := range feed.Entries {
			require.Contains(t, e.Content, "<p>")
			require.True(t, strings.HasPrefix(e.Links[0].Href, s.url+"/engineering/"))
		}
		at, err := time.Parse(time.RFC3339, feed.Entries[0].Published)
		require.NoError(t, err)
		return at
	}
	before := newest()
	require.Equal(t, 3*time.Hour, s.clock.Now().Sub(before))
	s.clock.Advance(24 * time.Hour)
	require.Equal(t, 24*time.Hour, newest().Sub(before))
}

func TestHostileFeeds(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, huge := s.get("/hostile/huge")
	require.Greater(t, len(huge), 3<<20)
	var feed rss
	require.NoError(t, xml.Unmarshal([]byte(huge), &feed), "it is large, not broken")
	_, empty := s.get("/hostile/empty")
	require.Empty(t, empty)
	form, _ := s.get("/hostile/html")
	require.Contains(t, form.header.Get("Content-Type"), "text/html")
	_, broken := s.get("/hostile/broken")
	require.Error(t, xml.Unmarshal([]byte(broken), &feed))
	moved, _ := s.get("/hostile/redirect?to=http://10.0.0.1/")
	require.Equal(t, "http://10.0.0.1/", moved.header.Get("Location"))
	moved, _ = s.get("/hostile/redirect")
	require.Contains(t, moved.header.Get("Location"), "169.254.169.254")
	down, _ := s.get("/hostile/status/503")
	require.Equal(t, http.StatusServiceUnavailable, down.status)
	_, injection := s.get("/hostile/injection")
	require.Contains(t, injection, "ignore all previous instructions")
	_, article := s.get("/hostile/injection/article")
	require.Contains(t, article, "OPENAI_API_KEY")
	missing, _ := s.get("/engineering/nothing")
	require.Equal(t, http.StatusNotFound, missing.status)
}

func TestTheBombIsSmallOnTheWire(t *testing.T) {
	t.Parallel()
	s := start(t)
	res, packed := s.get("/hostile/bomb.gz")
	require.Equal(t, "gzip", res.header.Get("Content-Encoding"))
	require.Less(t, len(packed), 1<<20)
	unpacked, err := gzip.NewReader(strings.NewReader(packed))
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, io.LimitReader(unpacked, 64<<20))
	require.NoError(t, err)
	require.EqualValues(t, 64<<20, n)
}

func TestTheSlowFeedDripsUntilTheStandCloses(t *testing.T) {
	t.Parallel()
	s := start(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/hostile/slow", nil)
	require.NoError(t, err)
	res, err := s.client.Do(r)
	require.NoError(t, err)
	_, err = io.ReadFull(res.Body, make([]byte, 2))
	require.NoError(t, err)
	s.server.Close()
	rest, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, len(rest), 3)
	require.NoError(t, res.Body.Close())
}

func TestTheJournalShowsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, etag := range []string{"", `"1"`} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/founders/feed.xml", http.NoBody)
		require.NoError(t, err)
		req.Header.Set("If-None-Match", etag)
		res, err := s.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/_sim/requests", http.NoBody)
	require.NoError(t, err)
	res, err := s.client.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	var journal struct {
		Items []struct {
			At          time.Time
			Path        string
			Conditional bool
		}
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&journal))
	require.Len(t, journal.Items, 2, "looking at it is not in it")
	require.Equal(t, "/founders/feed.xml", journal.Items[0].Path)
	require.False(t, journal.Items[0].Conditional)
	require.True(t, journal.Items[1].Conditional)
	require.True(t, journal.Items[1].At.Equal(s.clock.Now()))
}
