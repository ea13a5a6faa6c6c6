package post_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/post"
)

func drawContent(t *rapid.T, name string) post.Content {
	// Few letters, so that equal contents and shifted borders are drawn often.
	words := rapid.StringMatching(`[a1]{0,2}`)
	media := rapid.Custom(func(t *rapid.T) post.Media {
		return post.Media{Digest: words.Draw(t, "digest"), Alt: words.Draw(t, "alt")}
	})
	parts := rapid.Custom(func(t *rapid.T) post.Part {
		return post.Part{Text: words.Draw(t, "text"), Media: rapid.SliceOfN(media, 0, 2).Draw(t, "media")}
	})
	return post.Content{Parts: rapid.SliceOfN(parts, 1, 3).Draw(t, name)}
}

func TestHashTellsImagesAltTextsAndTheirPlacesApart(t *testing.T) {
	t.Parallel()
	id := account.ID(uuid.New())
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawContent(t, "x"), drawContent(t, "y")
		if x.Equal(y) != (x.Hash(id) == y.Hash(id)) {
			t.Fatalf("%+v and %+v", x, y)
		}
	})
}

func TestAnApprovalOfTextIsNeverOneOfImages(t *testing.T) {
	t.Parallel()
	id := account.ID(uuid.New())
	text := post.Text("hello")
	require.Equal(t, "v1:", text.Hash(id)[:3])
	shown := post.Text("hello")
	shown.Parts[0].Media = []post.Media{{Digest: "sha256:a"}}
	require.Equal(t, "v2:", shown.Hash(id)[:3])
	require.NotEqual(t, text.Hash(id)[3:], shown.Hash(id)[3:])
	later := post.Text("hello", "world")
	later.Parts[1].Media = []post.Media{{Digest: "sha256:a"}}
	require.Equal(t, "v2:", later.Hash(id)[:3], "one image makes the whole content the new form")
}

// stableMediaHash was computed by an independent program.
const stableMediaHash = "v2:69453f55b2e843b685eb5a9417fd65bebe67079c041c7b6081d0adffa1d65594"

func TestHashVersion2IsStable(t *testing.T) {
	t.Parallel()
	id := account.ID(uuid.MustParse("018f0000-0000-7000-8000-000000000001"))
	c := post.Text("hello", "world")
	c.Parts[0].Media = []post.Media{{
		ID: uuid.New(), Digest: "sha256:" + strings.Repeat("0", 64), Alt: "A harbour", Type: "image/png", Bytes: 3, Width: 1, Height: 1,
	}}
	require.Equal(t, stableMediaHash, c.Hash(id), "neither the file's id nor its size is what was approved")
}

func TestCanonicalMedia(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	c := post.Text("hello")
	c.Parts[0].Media = []post.Media{{ID: id, Digest: "d", Alt: "  Cafe\u0301\r\n"}}
	canonical, err := c.Canonical()
	require.NoError(t, err)
	require.Equal(t, []post.Media{{ID: id, Digest: "d", Alt: "Café"}}, canonical.Media())
	require.Equal(t, "  Cafe\u0301\r\n", c.Parts[0].Media[0].Alt, "what was given is left as it was")

	for code, media := range map[string][]post.Media{
		"alt_too_long": {{Alt: strings.Repeat("x", post.MaxAlt+1)}},
		"bad_text":     {{Alt: "bell\a"}},
		"media_twice":  {{ID: id}, {ID: id}},
	} {
		c.Parts[0].Media = media
		_, err := c.Canonical()
		require.Equal(t, apperr.Invalid, apperr.KindOf(err), code)
		require.Equal(t, code, apperr.As(err).Code)
	}
	c.Parts[0] = post.Part{Media: []post.Media{{ID: id}}}
	_, err = c.Canonical()
	require.Equal(t, "empty_part", apperr.As(err).Code, "an image alone is not found again")
}
