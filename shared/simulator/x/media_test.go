package x_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 3))))
	return b.Bytes()
}

func uploadBody(t *testing.T, file []byte) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"media": base64.StdEncoding.EncodeToString(file), "media_category": "tweet_image", "media_type": "image/png"})
	require.NoError(t, err)
	return string(body)
}

func TestAnImageIsUploadedDescribedPostedAndInTheLedger(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada := n.token("ada")
	up := n.do(http.MethodPost, "/2/media/upload", ada, uploadBody(t, picture(t)))
	require.Equal(t, http.StatusOK, up.status, up.raw)
	id := digAs[string](t, up.body, "data", "id")
	require.Equal(t, "3_"+id, dig(t, up.body, "data", "media_key"))
	require.InDelta(t, 86400, dig(t, up.body, "data", "expires_after_secs"), 0)
	said := n.do(http.MethodPost, "/2/media/metadata", ada, `{"id":"`+id+`","metadata":{"alt_text":{"text":"A harbour"}}}`)
	require.Equal(t, http.StatusOK, said.status, said.raw)
	require.Empty(t, n.texts(), "nobody has seen anything yet")

	made := n.do(http.MethodPost, "/2/tweets", ada, `{"text":"look","media":{"media_ids":["`+id+`"]}}`)
	require.Equal(t, http.StatusCreated, made.status, made.raw)
	require.Regexp(t, `^look https://t\.co/[A-Za-z0-9]{10}$`, dig(t, made.body, "data", "text"))
	items := n.server.Items("", time.Time{})
	require.Len(t, items[0].Media, 1)
	require.Equal(t, "A harbour", items[0].Media[0].Alt)
	require.True(t, strings.HasPrefix(items[0].Media[0].Digest, "sha256:"))

	me := n.do(http.MethodGet, "/2/tweets/"+items[0].ID+"?tweet.fields=entities,attachments", ada, "")
	require.Equal(t, "3_"+id, dig(t, me.body, "data", "attachments", "media_keys", 0))
	require.Equal(t, "3_"+id, dig(t, me.body, "data", "entities", "urls", 0, "media_key"))

	w := httptest.NewRecorder()
	n.server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet,
		"/_sim/media/"+strings.TrimPrefix(items[0].Media[0].Digest, "sha256:"), http.NoBody))
	require.Equal(t, picture(t), w.Body.Bytes(), "the page can show it")
}

func TestAnImageThatIsNotTheirsOrHasRunOutIsRefused(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada, grace := n.token("ada"), n.token("grace")
	up := n.do(http.MethodPost, "/2/media/upload", ada, uploadBody(t, picture(t)))
	id := digAs[string](t, up.body, "data", "id")
	post := func(token, media string) int {
		return n.do(http.MethodPost, "/2/tweets", token, `{"text":"look","media":{"media_ids":[`+media+`]}}`).status
	}
	require.Equal(t, http.StatusBadRequest, post(grace, `"`+id+`"`))
	require.Equal(t, http.StatusBadRequest, post(ada, `"1"`))
	require.Equal(t, http.StatusBadRequest, post(ada, ""))
	require.Equal(t, http.StatusBadRequest, post(ada, `"`+id+`","2","3","4","5"`))
	require.NoError(t, n.server.ExpireMedia("ada"))
	require.Equal(t, http.StatusBadRequest, post(ada, `"`+id+`"`))
	require.Equal(t, http.StatusBadRequest, n.do(http.MethodPost, "/2/media/metadata", ada, `{"id":"`+id+`","metadata":{"alt_text":{"text":"x"}}}`).status)
	require.Empty(t, n.texts())
}

func TestUploadsAreHeldToTypeSizeAndRight(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada := n.token("ada")
	for name, body := range map[string]string{
		"NoImage": uploadBody(t, []byte("<svg/>")), "TooLarge": uploadBody(t, append(picture(t), make([]byte, 5<<20)...)),
		"Nothing": `{}`, "OtherCategory": strings.Replace(uploadBody(t, picture(t)), "tweet_image", "tweet_gif", 1),
		"Unknown": `{"colour":"red"}`,
	} {
		require.Equal(t, http.StatusBadRequest, n.do(http.MethodPost, "/2/media/upload", ada, body).status, name)
	}
	granted, err := n.server.Grant("ada", "tweet.read", "tweet.write", "users.read")
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, n.do(http.MethodPost, "/2/media/upload", granted.AccessToken, uploadBody(t, picture(t))).status)
}
