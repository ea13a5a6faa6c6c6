package platform

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
)

type weightVector struct {
	Text   string `json:"text"`
	Length int    `json:"length"`
}

func weightVectors(tb testing.TB) []weightVector {
	tb.Helper()
	raw, err := os.ReadFile("testdata/weight.json")
	require.NoError(tb, err)
	var file struct {
		Vectors []weightVector `json:"vectors"`
	}
	require.NoError(tb, json.Unmarshal(raw, &file))
	return file.Vectors
}

func TestWeightedLengthAgreesWithTwitterText(t *testing.T) {
	t.Parallel()
	vectors := weightVectors(t)
	require.GreaterOrEqual(t, len(vectors), 200)
	for _, v := range vectors {
		length, limit := Measure(account.X, v.Text)
		require.Equal(t, v.Length, length, "%q", v.Text)
		require.Equal(t, 280, limit)
	}
}

// The library's list of emoji is of 2018; X's documents say that any emoji
// sequence counts two.
func TestEmojiNewerThanTheLibraryCountTwo(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"technologist":            "🧑\u200d💻",
		"mended heart":            "❤\ufe0f\u200d🩹",
		"pinched fingers":         "🤌🏽",
		"couple with skin tones":  "👩🏽\u200d🤝\u200d👨🏿",
		"transgender flag":        "🏳\ufe0f\u200d⚧\ufe0f",
		"handshake in two tones":  "🫱🏻\u200d🫲🏿",
		"unqualified runner":      "🏃\u200d♀",
		"eye in a speech bubble":  "👁\ufe0f\u200d🗨\ufe0f",
		"phoenix":                 "🐦\u200d🔥",
		"flag of Sark":            "🇨🇶",
		"a face that is not made": "\U0001fae9",
	} {
		require.Equal(t, 2, weightedLength(text), name)
	}
}

func FuzzWeightedLength(f *testing.F) {
	for _, v := range weightVectors(f) {
		f.Add(v.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		length := weightedLength(text)
		require.GreaterOrEqual(t, length, 0)
		if !strings.Contains(text, ".") {
			// Without a dot there is no link, so no stretch counts more than two
			// for each byte. (NFC can only add to the bytes of a rune it splits.)
			require.LessOrEqual(t, length, 6*len(text))
		}
		// A line break ends whatever came before it, and counts one.
		require.Equal(t, length+1+weightedLength("x"), weightedLength(text+"\nx"))
	})
}
