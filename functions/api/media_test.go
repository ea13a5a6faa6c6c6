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
	big := ada.call(t, "POST", "/v1/media", map[string]any{"name": "big.jpg", "content_type": "image/jpeg", "bytes": 7_200_000})
	require.Equal(t, http.StatusRequestEntityTooLarge, big.status)
	require.Equal(t, "Big.jpg has 7.2 MB; X takes images of at most 5 MB.", big.str("detail"))
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
