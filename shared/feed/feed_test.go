package feed

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func now() time.Time { return time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC) }

// reader is a reader that may fetch from the server.
func reader(t *testing.T, servers ...*httptest.Server) *Reader {
	t.Helper()
	var allowed []string
	for _, s := range servers {
		allowed = append(allowed, strings.TrimPrefix(s.URL, "http://"))
	}
	r := NewReader(httpclient.NewGuard(allowed), clock.NewFake(now()))
	t.Cleanup(r.CloseIdleConnections)
	return r
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func answering(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const small = `<rss version="2.0"><channel><title>News</title><item><guid>1</guid><title>One</title></item></channel></rss>`

func TestASecondFetchIsConditional(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"v1"` && r.Header.Get("If-Modified-Since") == "Tue, 24 Nov 2026 10:00:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Last-Modified", "Tue, 24 Nov 2026 10:00:00 GMT")
		_, _ = io.WriteString(w, small)
	})
	r := reader(t, server)
	first, err := r.Fetch(t.Context(), Request{URL: server.URL})
	require.NoError(t, err)
	require.False(t, first.NotModified)
	require.Equal(t, "News", first.Title)
	require.Len(t, first.Items, 1)
	second, err := r.Fetch(t.Context(), Request{URL: server.URL, ETag: first.ETag, LastModified: first.LastModified})
	require.NoError(t, err)
	require.True(t, second.NotModified)
	require.Equal(t, first.ETag, second.ETag)
	require.Equal(t, first.LastModified, second.LastModified)
}

func TestEachFailureSaysWhatItIs(t *testing.T) {
	t.Parallel()
	big := `<rss version="2.0"><channel>` + strings.Repeat("<item><title>x</title></item>", 80000) + `</channel></rss>`
	require.Greater(t, len(big), maxBody)
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		kind    apperr.Kind
		code    string
	}{
		{"empty body", answering(200, "application/rss+xml", ""), apperr.Invalid, "feed_empty"},
		{"white space", answering(200, "application/rss+xml", " \r\n\t"), apperr.Invalid, "feed_empty"},
		{"no entries", answering(200, "application/rss+xml", `<rss version="2.0"><channel><title>t</title></channel></rss>`), apperr.Invalid, "feed_empty"},
		{"a web page", answering(200, "text/html", "<!DOCTYPE html><html><body>hi</body></html>"), apperr.Invalid, "not_a_feed"},
		{"plain text", answering(200, "text/plain", "hello"), apperr.Invalid, "not_a_feed"},
		{"other XML", answering(200, "application/xml", "<?xml version='1.0'?><note><to>x</to></note>"), apperr.Invalid, "not_a_feed"},
		{"other JSON", answering(200, "application/json", `{"a":1}`), apperr.Invalid, "feed_empty"},
		{"a picture", answering(200, "image/png", "\x89PNG\r\n\x1a\n\x00\x00"), apperr.Invalid, "not_a_feed"},
		{"nested without end", answering(200, "application/rss+xml", `<rss version="2.0"><channel>`+strings.Repeat("<a>", 100000)), apperr.Invalid, "not_a_feed"},
		{"too large", answering(200, "application/rss+xml", big), apperr.Invalid, "feed_too_large"},
		{"too large in pieces", func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				_, _ = io.WriteString(w, strings.Repeat(" ", 1<<20))
				_ = http.NewResponseController(w).Flush()
			}
		}, apperr.Invalid, "feed_too_large"},
		{"a bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat(" ", 3<<20))
			_ = z.Close()
		}, apperr.Invalid, "feed_too_large"},
		{"gone", answering(410, "text/html", "gone"), apperr.Invalid, "source_unreachable"},
		{"not found", answering(404, "text/html", "nothing"), apperr.Invalid, "source_unreachable"},
		{"unasked 304", answering(304, "", ""), apperr.Invalid, "source_unreachable"},
		{"broken", answering(503, "text/html", "down"), apperr.Unavailable, "source_unavailable"},
		{"limited", answering(429, "text/html", "slow down"), apperr.Unavailable, "source_unavailable"},
		{"inward redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, apperr.Invalid, "source_address_refused"},
		{"endless redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, apperr.Invalid, "source_unreachable"},
		{"a cut connection", func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		}, apperr.Invalid, "source_unreachable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, c.handler)
			_, err := reader(t, server).Fetch(t.Context(), Request{URL: server.URL + "/feed"})
			require.True(t, apperr.Is(err, c.kind), "%v", err)
			require.Equal(t, c.code, apperr.As(err).Code)
			require.NotEmpty(t, apperr.As(err).Message)
			require.NotEmpty(t, apperr.As(err).Hint)
		})
	}
}

func TestInwardAndUnreachableAddresses(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	dead := httptest.Server{URL: "http://" + listener.Addr().String()}
	for address, code := range map[string]string{
		"http://127.0.0.1/feed":       "source_address_refused",
		"http://localhost/feed":       "source_address_refused",
		"file:///etc/passwd":          "source_address_refused",
		"::":                          "source_address_refused",
		"http://nowhere.invalid/feed": "source_unreachable",
		dead.URL:                      "source_unreachable",
	} {
		_, err := reader(t, &dead).Fetch(t.Context(), Request{URL: address})
		require.Equal(t, code, apperr.As(err).Code, "%s: %v", address, err)
		require.True(t, apperr.Is(err, apperr.Invalid), address)
	}
}

func TestASlowSourceIsUnavailable(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "<rss>")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := reader(t, server).Fetch(ctx, Request{URL: server.URL})
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
	require.Equal(t, "source_slow", apperr.As(err).Code)
}

func TestAPageThatNamesItsFeedIsHelpful(t *testing.T) {
	t.Parallel()
	server := serve(t, answering(200, "text/html", `<!doctype html><html><head><link rel="stylesheet" href="/s.css">
		<link rel="alternate" type="application/rss+xml" href="/feed.xml"></head></html>`))
	_, err := reader(t, server).Fetch(t.Context(), Request{URL: server.URL + "/blog"})
	require.Equal(t, "not_a_feed", apperr.As(err).Code)
	require.Equal(t, "That is a web page. Its feed is "+server.URL+"/feed.xml", apperr.As(err).Hint)
}

func source(tb testing.TB) *url.URL {
	tb.Helper()
	u, err := url.Parse("https://feeds.example.net/news.xml")
	require.NoError(tb, err)
	return u
}

func parsed(t *testing.T, body string) Result {
	t.Helper()
	result, err := parse([]byte(body), "application/xml", source(t), now())
	require.NoError(t, err)
	return result
}

func TestAFullRSSFeedIsRead(t *testing.T) {
	t.Parallel()
	got := parsed(t, `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:x="urn:x">
<channel><title>Tide &amp; Water</title><link>https://example.com/blog/</link><x:odd><x:deep>1</x:deep></x:odd>
<item><guid isPermaLink="false">post-1</guid><title><![CDATA[Postgres <b>18</b> &amp; you]]></title><link>/2026/11/one</link>
 <description>Short.</description>
 <content:encoded><![CDATA[<p>We moved to <a href="x">Postgres&nbsp;18</a>.</p><script>alert("no")</script><ul><li>First</li><li>Second</li></ul>]]></content:encoded>
 <dc:date>2026-11-20T10:00:00+02:00</dc:date></item>
<item><title>No id</title><link>https://example.com/two</link><pubDate>Fri, 20 Nov 2026 09:00:00 EST</pubDate></item>
<item><title>Neither id nor link</title><description>Only &lt;i&gt;text&lt;/i&gt;</description></item>
<item><guid>post-1</guid><title>Twin of the first id</title><link>https://example.com/three</link></item>
<item><guid>post-1</guid><link>https://example.com/three</link><title>Twin of the twin</title></item>
<item><guid>e</guid></item>
</channel></rss>`)
	require.Equal(t, "Tide & Water", got.Title)
	require.Equal(t, "https://example.com/blog/", got.Link)
	require.Len(t, got.Items, 4)
	first := got.Items[0]
	require.Equal(t, "post-1", first.Key)
	require.Equal(t, "Postgres 18 & you", first.Title)
	require.Equal(t, "https://example.com/2026/11/one", first.URL)
	require.Equal(t, "We moved to Postgres 18.\n\nFirst\n\nSecond", first.Text)
	require.Equal(t, "2026-11-20T08:00:00Z", first.PublishedAt.Format(time.RFC3339))
	require.Equal(t, "https://example.com/two", got.Items[1].Key)
	require.Equal(t, "2026-11-20T14:00:00Z", got.Items[1].PublishedAt.Format(time.RFC3339))
	require.True(t, strings.HasPrefix(got.Items[2].Key, "sha256:"))
	require.Equal(t, "Only text", got.Items[2].Text)
	require.Nil(t, got.Items[2].PublishedAt)
	require.Equal(t, "https://example.com/three", got.Items[3].Key)
}

func TestAnAtomFeedIsRead(t *testing.T) {
	t.Parallel()
	got := parsed(t, `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://example.org/">
<title type="html">News &lt;em&gt;now&lt;/em&gt;</title><link rel="alternate" href="https://example.org/"/>
<entry><id>urn:uuid:1</id><title>A</title><link href="a.html"/><updated>2026-11-01T00:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Rich <b>text</b></p></div></content></entry>
<entry><id>urn:uuid:2</id><title>B</title><link href="javascript:alert(1)"/><summary>Sum</summary></entry></feed>`)
	require.Equal(t, "News now", got.Title)
	require.Equal(t, "https://example.org/a.html", got.Items[0].URL)
	require.Equal(t, "Rich text", got.Items[0].Text)
	require.Equal(t, "2026-11-01T00:00:00Z", got.Items[0].PublishedAt.Format(time.RFC3339))
	require.Empty(t, got.Items[1].URL)
	require.Equal(t, "Sum", got.Items[1].Text)
}

func TestOtherFormsAreRead(t *testing.T) {
	t.Parallel()
	rdf := parsed(t, `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>Old</title></channel><item rdf:about="x"><title>RDF</title><link>https://example.com/r</link></item></rdf:RDF>`)
	require.Equal(t, "RDF", rdf.Items[0].Title)
	json := parsed(t, `{"version":"https://jsonfeed.org/version/1.1","title":"J","items":[{"id":"1","content_text":"a\u0000b","url":"https://example.com/j"}]}`)
	require.Equal(t, "ab", json.Items[0].Text)
}

func TestEncodingsAreRead(t *testing.T) {
	t.Parallel()
	rss := func(text string) string {
		return `<rss version="2.0"><channel><item><title>` + text + `</title></item></channel></rss>`
	}
	utf16 := func(text string) string {
		b := []byte{0xff, 0xfe}
		for _, r := range text {
			b = append(b, byte(r), byte(r>>8))
		}
		return string(b)
	}
	for name, c := range map[string]struct{ contentType, body string }{
		"declared Latin 1":         {"application/xml", `<?xml version="1.0" encoding="ISO-8859-1"?>` + rss("caf\xe9")},
		"Latin 1 by the header":    {"application/xml; charset=iso-8859-1", rss("caf\xe9")},
		"Latin 1 by guess":         {"application/xml", rss("caf\xe9")},
		"UTF-8 with a mark":        {"application/xml", "\ufeff" + rss("café")},
		"UTF-16":                   {"application/xml", utf16(`<?xml version="1.0" encoding="utf-16"?>` + rss("café"))},
		"UTF-8 against the header": {"application/xml; charset=utf-8", rss("café")},
	} {
		got, err := parse([]byte(c.body), c.contentType, source(t), now())
		require.NoError(t, err, name)
		require.Equal(t, "café", got.Items[0].Title, name)
	}
}

func TestDatesThatCannotBeBelievedAreDropped(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]string{
		"Tue, 24 Nov 2026 10:00:00 GMT":       "2026-11-24T10:00:00Z",
		"Tue, 24 Nov 2026 10:00:00 +0200":     "2026-11-24T08:00:00Z",
		"Tue, 24 Nov 2026 10:00:00 PST":       "2026-11-24T18:00:00Z",
		"24 Nov 26 10:00 EDT":                 "2026-11-24T14:00:00Z",
		"24 Nov 2026 10:00 GMT":               "2026-11-24T10:00:00Z",
		"2026-11-24 10:00:00":                 "2026-11-24T10:00:00Z",
		"2026-11-24":                          "2026-11-24T00:00:00Z",
		"Wed, 25 Nov 2026 23:00:00 GMT":       "2026-11-25T23:00:00Z",
		"Mon, 24 Nov 2036 10:00:00 GMT":       "",
		"Thu, 01 Jan 1970 00:00:00 GMT":       "",
		"Mon, 01 Jan 0001 00:00:00 +0000":     "",
		"yesterday":                           "",
		"Tue, 31 Feb 2026 10:00:00 GMT":       "",
		"2026-13-45T99:99:99Z":                "",
		"":                                    "",
		strings.Repeat("9", 10000) + "-01-01": "",
	} {
		got := parsed(t, `<rss version="2.0"><channel><item><title>x</title><pubDate>`+date+`</pubDate></item></channel></rss>`)
		have := ""
		if at := got.Items[0].PublishedAt; at != nil {
			have = at.Format(time.RFC3339)
		}
		require.Equal(t, want, have, "%.40s", date)
	}
}

func TestEverythingIsBounded(t *testing.T) {
	t.Parallel()
	var items strings.Builder
	for i := range 250 {
		fmt.Fprintf(&items, "<item><guid>%d%s</guid><title>%s</title><link>https://example.com/%s</link><description>%s</description></item>",
			i, strings.Repeat("g", 600), strings.Repeat("漢 ", 400), strings.Repeat("l", 3000), strings.Repeat("ü", 100))
	}
	items.WriteString("<item><guid>late</guid><title>late</title></item>")
	got := parsed(t, `<rss version="2.0"><channel><title>`+strings.Repeat("t", 999)+`</title>`+items.String()+`</channel></rss>`)
	require.Len(t, got.Items, maxItems)
	require.Len(t, got.Title, maxTitle)
	for _, item := range got.Items {
		require.LessOrEqual(t, len([]rune(item.Title)), maxTitle)
		require.LessOrEqual(t, len(item.Key), maxKey)
		require.Empty(t, item.URL)
	}
	long := parsed(t, `<rss version="2.0"><channel><item><title>x</title><description>`+strings.Repeat("ü", 20000)+`</description></item></channel></rss>`)
	require.Len(t, []rune(long.Items[0].Text), maxText)
}

func TestPlainLeavesWordsOnly(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"a < b & c", "a < b & c"},
		{"a &lt;b&gt; &amp;amp;", "a <b> &amp;"},
		{"<p>one</p>\n\n\n<p>two</p>", "one\n\ntwo"},
		{"a<br>b<br/>c", "a\nb\nc"},
		{"<style>p{}</style>x<noscript>y</noscript>z", "xz"},
		{"<svg><text>hidden</text></svg>shown", "shown"},
		{"<img src=x onerror=alert(1)>pic", "pic"},
		{"unclosed <a href='", "unclosed"},
		{"zero\u200bwidth \u202eover\U000e0041\U000e0042", "zerowidth over"},
		{"nul\x00 bell\x07", "nul bell"},
		{"bad \xff utf", "bad \ufffd utf"},
	} {
		require.Equal(t, c[1], plain(c[0], 100), "%q", c[0])
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		small, `<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="xhtml"><div>x</div></title></entry></feed>`,
		`{"version":"https://jsonfeed.org/version/1","items":[{"id":1}]}`, "<!doctype html><link type=rss+xml href=//x>",
		"\xff\xfe<\x00", `<?xml version="1.0" encoding="x"?><rss/>`, `<rss xmlns:a="b"><channel><a:c><![CDATA[`, "",
	} {
		f.Add([]byte(seed), "text/xml; charset=latin1")
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		got, err := parse(body, contentType, source(t), now())
		if err != nil {
			require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
			return
		}
		keys := map[string]bool{}
		for _, item := range got.Items {
			require.NotEmpty(t, item.Key)
			require.LessOrEqual(t, len(item.Key), maxKey)
			require.False(t, keys[item.Key], "keys are unique")
			keys[item.Key] = true
			require.NotEmpty(t, item.Title+item.Text)
			require.NotContains(t, item.Title+item.Text+item.Key, "\x00")
			require.NotContains(t, item.Title, "\n")
			require.True(t, item.URL == "" || strings.HasPrefix(item.URL, "http"))
		}
	})
}
