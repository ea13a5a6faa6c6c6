package x

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The expectations are vectors of twitter-text's conformance suite
// (validate.yml) and values that follow from config/v3.json.
func TestWeightedLength(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"plain":                     {"hello", 5},
		"link in a sentence":        {"Hi http://test.co", 26},
		"link alone":                {"https://www.example.com/a/very/long/path?with=query", 23},
		"bare domain":               {"example.com", 23},
		"ten links":                 {strings.Repeat("https://www.twitter.com/aloha ", 10), 240},
		"wide characters":           {strings.Repeat("字", 160), 320},
		"overlong label":            {strings.Repeat("a", 64) + ".com", 68},
		"emoji":                     {"😀", 2},
		"family joined":             {"👨‍👩‍👧‍👦", 2},
		"skin tone":                 {"👍🏽", 2},
		"flag":                      {"🇫🇮", 2},
		"keycap":                    {"1️⃣", 2},
		"heart in emoji style":      {"❤️", 2},
		"decomposed accent":         {"e\u0301", 1},
		"composed accent":           {"é", 1},
		"general punctuation":       {"–“”", 3},
		"ellipsis counts two":       {"…", 2},
		"an email is no link":       {"me@example.com", 14},
		"a file name is no link":    {"see main.rs and notes.md", 24},
		"a bare country code path":  {"notes.md/x", 23},
		"full stop after a link":    {"See https://example.com/a.", 28},
		"brackets round a link":     {"(https://example.com/a)", 25},
		"bracket inside a link":     {"https://example.com/a_(b)", 23},
		"no such ending":            {"http://localhost/abc", 20},
		"version number":            {"go 1.26.8", 9},
		"link after wide character": {"見https://example.com", 25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, weightedLength(c.text))
		})
	}
}

func TestStoredFormShortensLinksAndEscapes(t *testing.T) {
	t.Parallel()
	stored, links := storedForm("42", "a&b <c> example.com/x and https://go.dev/doc/a-rather-long-name-of-a-page")
	require.Len(t, links, 2)
	require.Equal(t, "a&amp;b &lt;c&gt; "+links[0].Short+" and "+links[1].Short, stored)
	require.NotEqual(t, links[0].Short, links[1].Short)
	require.Equal(t, "http://example.com/x", links[0].Expanded)
	require.Equal(t, "go.dev/doc/a-rather-long-n…", links[1].Display)
}
