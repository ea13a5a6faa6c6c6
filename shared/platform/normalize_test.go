package platform

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNormalizeMatchesWhatANetworkRewrites(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"hello", "hello"},
		{" hello \n\n world ", "hello world"},
		{"cafe\u0301", "café"},
		{"see example.com", "see http://example.com"},
		{"see https://example.com/", "see https://example.com"},
		{"see https://Example.COM/Path/", "see http://example.com/Path"},
		{"see https://example.com:443/a?b=c", "see https://example.com/a?b=c"},
		{"see https://example.com/?b=c", "see https://example.com?b=c"},
		{"a\u3000b", "a b"},
		{"a\r\nb", "a\nb"},
	} {
		require.Equal(t, Normalize(pair[0]), Normalize(pair[1]), "%q and %q", pair[0], pair[1])
	}
}

func TestNormalizeKeepsApartWhatDiffers(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"hello", "Hello"},
		{"hello", "hello."},
		{"https://example.com/a", "https://example.com/b"},
		{"https://example.com/a", "https://example.com/A"},
		{"https://example.com?a=1", "https://example.com?a=2"},
		{"https://example.com:8080", "https://example.com"},
		{"👍", "👍🏽"},
		{"ab", "a b"},
	} {
		require.NotEqual(t, Normalize(pair[0]), Normalize(pair[1]), "%q and %q", pair[0], pair[1])
	}
}

func TestNormalizeProperties(t *testing.T) {
	t.Parallel()
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"https://", "HTTP://", "example.com", "Sub.Example.org/Path/", "t.co/x", ".", "/", ":443", "?a=b", " ", "\n", "\u0301",
			"a", "A", "-", "_", "(", ")", "@", "#", "é", "漢", "😀", "\ufe0f", "\u200d", "İ",
		}),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		once := Normalize(text)
		require.Equal(t, once, Normalize(once), "%q: applied twice it changes nothing more", text)
		require.True(t, utf8.ValidString(once))
		require.Equal(t, once, Normalize("\n "+text+"\t "), "%q: white space at the ends is nothing", text)
		require.Equal(t, once, Normalize(strings.ReplaceAll(text, " ", "  ")), "%q: one space or two is the same", text)
		require.NotContains(t, once, "  ")
		require.NotContains(t, once, "\n")
	})
}
