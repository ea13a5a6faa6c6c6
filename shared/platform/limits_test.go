package platform

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
)

func codes(violations []Violation) []string {
	var list []string
	for _, v := range violations {
		list = append(list, v.Code)
	}
	return list
}

func TestCheckPartsFindsEachViolation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		parts []string
		want  []string
	}{
		{"a fine post", []string{"hello"}, nil},
		{"a fine thread with line breaks", []string{"one\r\n\ttwo", "three"}, nil},
		{"no parts", nil, []string{"no_parts"}},
		{"an empty part", []string{"a", ""}, []string{"part_empty"}},
		{"a part of spaces", []string{" \n\u3000"}, []string{"part_empty"}},
		{"at the limit", []string{strings.Repeat("a", 280)}, nil},
		{"over the limit", []string{strings.Repeat("a", 281)}, []string{"text_too_long"}},
		{"over the limit in Chinese", []string{strings.Repeat("漢", 141)}, []string{"text_too_long"}},
		{"long address", []string{"https://example.com/" + strings.Repeat("a", 400)}, nil},
		{"a null character", []string{"a\x00b"}, []string{"bad_character"}},
		{"an escape character", []string{"a\x1bb"}, []string{"bad_character"}},
		{"a byte order mark", []string{"\ufeffa"}, []string{"bad_character"}},
		{"broken UTF-8", []string{"a\xff"}, []string{"bad_character"}},
		{"one cashtag", []string{"buy $AAPL now"}, nil},
		{"two cashtags", []string{"$AAPL and $MSFT."}, []string{"too_many_cashtags"}},
		{"two cashtags with suffix", []string{"$BRK.B $BRK_A"}, []string{"too_many_cashtags"}},
		{"prices are no cashtags", []string{"$5 $10 US$A $TOOLONGG $A1 $AAPL"}, nil},
		{"too many parts", slices.Repeat([]string{"a"}, 26), []string{"too_many_parts"}},
		{"two at once", []string{"\x01" + strings.Repeat("a", 300)}, []string{"bad_character", "text_too_long"}},
	} {
		require.Empty(t, cmp.Diff(c.want, codes(CheckParts(account.X, c.parts))), c.name)
	}
}

func TestTooLongSaysHowLong(t *testing.T) {
	t.Parallel()
	got := CheckParts(account.X, []string{"fine", strings.Repeat("a", 301)})
	want := []Violation{{Part: 1, Code: "text_too_long", Message: "Part 2 is 301 of 280.", Length: 301, Limit: 280}}
	require.Empty(t, cmp.Diff(want, got))
}
