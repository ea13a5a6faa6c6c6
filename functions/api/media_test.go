package api

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))))
	return b.Bytes()
}

// addMedia uploads a picture as a browser does and returns it as answered.
func (tn *tenant) addMedia(t *testing.T, name string) answer {
	t.Helper()
	file := picture(t)
	begun := tn.call(t, "POST", "/v1/media", map[string]any{"name": name, "content_type": "image/png", "bytes": len(file)})
	require.Equal(t, http.StatusCreated, begun.status, begun.text)
	upload, _ := begun.json["upload"].(map[string]any)
	method, _ := upload["method"].(string)
	address, _ := upload["url"].(string)
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(file))
	require.NoError(t, err)
	headers, _ := upload["headers"].(map[string]any)
	for name, value := range headers {
		text, _ := value.(string)
		r.Header.Set(name, text)
	}
	got, err := tn.http.Client().Do(r)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	require.Equal(t, http.StatusOK, got.StatusCode)
	done := tn.call(t, "POST", "/v1/media/"+begun.str("id")+"/complete", map[string]any{})
	require.Equal(t, http.StatusOK, done.status, done.text)
	return done
}

func TestAnImageIsUploadedBesideTheAPIAndShownFromThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := b.tenant(t, "ada")
	first, second := ada.addMedia(t, "first.png"), ada.addMedia(t, "second.png")
	require.Equal(t, "ready", first.str("state"))
	require.InDelta(t, 40, first.json["width"], 0)
	require.True(t, strings.HasPrefix(first.str("digest"), "sha256:"))

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, first.str("url"), http.NoBody)
	require.NoError(t, err)
	got, err := ada.http.Client().Do(r)
	require.NoError(t, err)
	shown, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	require.Equal(t, picture(t), shown)

	page := ada.call(t, "GET", "/v1/media?limit=1", nil)
	items, _ := page.json["items"].([]any)
	require.Len(t, items, 1)
	require.Contains(t, page.text, second.str("id"))
	rest := ada.call(t, "GET", "/v1/media?limit=1&cursor="+page.str("next_cursor"), nil)
	require.Contains(t, rest.text, first.str("id"))
	require.Nil(t, rest.json["next_cursor"])

	require.Equal(t, http.StatusNoContent, ada.call(t, "DELETE", "/v1/media/"+first.str("id"), nil).status)
	require.Equal(t, http.StatusNotFound, ada.call(t, "GET", "/v1/media/"+first.str("id"), nil).status)
}

func TestAFileThatIsNoImageIsRefusedInWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada := b.tenant(t, "ada")
	big := ada.call(t, "POST", "/v1/media", map[string]any{"name": "big.jpg", "content_type": "image/jpeg", "bytes": 9_200_000})
	require.Equal(t, http.StatusRequestEntityTooLarge, big.status)
	require.Equal(t, "The file big.jpg has 9.2 MB; no network takes images of more than 8.4 MB.", big.str("detail"))
	require.Equal(t, "image_too_large", big.str("code"))
	film := ada.call(t, "POST", "/v1/media", map[string]any{"name": "film.mp4", "content_type": "video/mp4", "bytes": 10})
	require.Equal(t, http.StatusUnprocessableEntity, film.status)
	require.Equal(t, "unsupported_image", film.str("code"))
	early := ada.call(t, "POST", "/v1/media", map[string]any{"name": "a.png", "content_type": "image/png", "bytes": 10})
	require.Equal(t, "not_uploaded", ada.call(t, "POST", "/v1/media/"+early.str("id")+"/complete", map[string]any{}).str("code"))
}

func TestThePolicyOfPagesAllowsImagesFromWhereTheyAreKept(t *testing.T) {
	t.Parallel()
	require.NotContains(t, cspWith(""), "  ")
	policy := cspWith("https://bucket.s3.example")
	require.Contains(t, policy, "img-src 'self' data: blob: https://bucket.s3.example;")
	require.Contains(t, policy, "connect-src 'self' https://bucket.s3.example;")
	require.Contains(t, policy, "script-src 'self';")
}

func TestAPostShowsItsImagesAndAnEditOfOneTakesTheApprovalBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada, bo := b.tenant(t, "ada"), b.tenant(t, "bo")
	mine, theirs := ada.addMedia(t, "mine.png"), bo.addMedia(t, "theirs.png")
	part := func(id, alt string) []any {
		return []any{map[string]any{"text": "look", "media": []any{map[string]any{"id": id, "alt": alt}}}}
	}
	create := func(parts any) answer {
		return ada.call(t, "POST", "/v1/posts", map[string]any{"account_id": ada.account.ID.String(), "parts": parts})
	}
	require.Equal(t, "no_such_media", create(part(theirs.str("id"), "")).code())
	early := ada.call(t, "POST", "/v1/media", map[string]any{"name": "a.png", "content_type": "image/png", "bytes": 10})
	require.Equal(t, "media_not_ready", create(part(early.str("id"), "")).code())
	five := part(mine.str("id"), "")
	var many []any
	for range 5 {
		many = append(many, map[string]any{"id": ada.addMedia(t, "more.png").str("id")})
	}
	five[0].(map[string]any)["media"] = many //nolint:forcetypeassert // made above.
	require.Equal(t, "too_many_images", create(five).code())

	made := create(part(mine.str("id"), " A harbour "))
	require.Equal(t, http.StatusCreated, made.status, made.text)
	require.Contains(t, made.text, `"alt":"A harbour"`)
	require.Contains(t, made.text, mine.str("digest"))
	require.Contains(t, made.text, "/files/")
	require.True(t, strings.HasPrefix(made.str("content_hash"), "v2:"))
	same := ada.call(t, "PATCH", "/v1/posts/"+made.str("id"), map[string]any{"parts": part(mine.str("id"), "A harbour")}, "If-Match", made.header.Get("ETag"))
	require.Equal(t, made.str("etag"), same.str("etag"), "what says the same changes nothing")
	other := ada.call(t, "PATCH", "/v1/posts/"+made.str("id"), map[string]any{"parts": part(mine.str("id"), "A harbour at dawn")}, "If-Match", made.header.Get("ETag"))
	require.Equal(t, http.StatusOK, other.status, other.text)
	require.NotEqual(t, made.str("content_hash"), other.str("content_hash"), "an alt text is approved too")
	versions := ada.call(t, "GET", "/v1/posts/"+made.str("id")+"/versions", nil)
	require.Contains(t, versions.text, "A harbour at dawn")
	require.Equal(t, "media_in_use", ada.call(t, "DELETE", "/v1/media/"+mine.str("id"), nil).code())
}
