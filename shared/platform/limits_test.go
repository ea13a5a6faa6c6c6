package platform

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/post"
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

func TestInstagramTakesOneCaption(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		parts []string
		want  []string
	}{
		{"at the limit", []string{strings.Repeat("a", 2200)}, nil},
		{"over the limit", []string{strings.Repeat("a", 2201)}, []string{"text_too_long"}},
		{"over the limit with emoji of two units", []string{strings.Repeat("\U0001f600", 1101)}, []string{"text_too_long"}},
		{"a thread", []string{"one", "two"}, []string{"too_many_parts"}},
		{"thirty hashtags, joined or not", []string{"#a#b" + strings.Repeat(" #\u6f22", 28)}, nil},
		{"one more", []string{"#a#b" + strings.Repeat(" #\u6f22", 29)}, []string{"too_many_hashtags"}},
		{"what is no hashtag", []string{strings.Repeat("# &#39; C#.", 31)}, nil},
		{"twenty mentions and an address", []string{"mail a@b.example" + strings.Repeat(" @c", 20)}, nil},
		{"one mention more", []string{strings.Repeat("@c ", 21)}, []string{"too_many_mentions"}},
		{"cashtags", []string{"$AAPL and $MSFT."}, nil},
		{"two at once", []string{strings.Repeat("#a ", 800)}, []string{"text_too_long", "too_many_hashtags"}},
	} {
		require.Empty(t, cmp.Diff(c.want, codes(CheckParts(account.Instagram, c.parts))), c.name)
	}
	require.Equal(t, "Instagram has no threads; this post has 2 parts.", CheckParts(account.Instagram, []string{"a", "b"})[0].Message)
}

func TestEachNetworkHasItsRulesForImages(t *testing.T) {
	t.Parallel()
	image := func(width, height int) post.Media {
		return post.Media{Type: "image/jpeg", Bytes: 1000, Width: width, Height: height}
	}
	big := func(n int64) post.Media { m := image(100, 100); m.Bytes = n; return m }
	png := image(100, 100)
	png.Type = "image/png"
	for _, c := range []struct {
		name         string
		images       []post.Media
		x, instagram []string
	}{
		{"none", nil, nil, nil},
		{"a square", []post.Media{image(1080, 1080)}, nil, nil},
		{"as tall as may be", []post.Media{image(1080, 1350)}, nil, nil},
		{"taller", []post.Media{image(1080, 1351)}, nil, []string{"image_aspect"}},
		{"as wide as may be", []post.Media{image(1910, 1000)}, nil, nil},
		{"wider", []post.Media{image(1911, 1000)}, nil, []string{"image_aspect"}},
		{"a PNG", []post.Media{png}, nil, []string{"image_type"}},
		{"a film", []post.Media{{Type: "video/mp4", Bytes: 1, Width: 1, Height: 1}}, []string{"image_type"}, []string{"image_type"}},
		{"five megabytes", []post.Media{big(5_000_000)}, nil, nil},
		{"eight", []post.Media{big(8 << 20)}, []string{"image_too_large"}, nil},
		{"more", []post.Media{big(8<<20 + 1)}, []string{"image_too_large"}, []string{"image_too_large"}},
		{"five images", slices.Repeat([]post.Media{image(1, 1)}, 5), []string{"too_many_images"}, nil},
		{"eleven images", slices.Repeat([]post.Media{image(1, 1)}, 11), []string{"too_many_images"}, []string{"too_many_images"}},
	} {
		parts := []post.Part{{Text: "a", Media: c.images}}
		require.Empty(t, cmp.Diff(c.x, codes(CheckImages(account.X, parts))), c.name)
		require.Empty(t, cmp.Diff(c.instagram, codes(CheckImages(account.Instagram, parts))), c.name)
		require.Empty(t, CheckReady(account.X, parts), c.name)
		require.Equal(t, len(c.images) == 0, len(CheckReady(account.Instagram, parts)) > 0, c.name)
	}
	got := CheckImages(account.Instagram, []post.Part{{Media: []post.Media{image(1, 1), image(3, 4)}}})
	require.Equal(t, "Image 2 is too tall: Instagram takes images up to 4:5. Crop it and add it again.", got[0].Message)
	got = CheckImages(account.Instagram, []post.Part{{Media: []post.Media{image(2, 1)}}})
	require.Equal(t, "Image 1 is too wide: Instagram takes images up to 1.91:1. Crop it and add it again.", got[0].Message)
}
