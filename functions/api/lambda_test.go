package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
	"github.com/stretchr/testify/require"
)

// What API Gateway does to a request must not change what it means.
func TestTheGatewaysEnvelopeChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	fn := &Function{adapter: httpadapter.NewV2(b.server.Handler())}
	invoke := func(method, path, body string, header map[string]string, cookies ...string) events.APIGatewayV2HTTPResponse {
		event := events.APIGatewayV2HTTPRequest{
			Version: "2.0", RouteKey: "$default", RawPath: path, Headers: map[string]string{"host": "rostrum.example", "content-type": "application/json"},
			Cookies: cookies, Body: body,
		}
		event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = method, path
		maps.Copy(event.Headers, header)
		got, err := fn.Handle(t.Context(), event)
		require.NoError(t, err)
		return got
	}
	in := invoke("POST", "/v1/session", `{"email":"ada@example.org","password":"`+password+`"}`, nil)
	require.Equal(t, http.StatusOK, in.StatusCode, in.Body)
	require.Len(t, in.Cookies, 1)
	cookie, _, _ := strings.Cut(in.Cookies[0], ";")
	require.Equal(t, http.StatusOK, invoke("GET", "/v1/me", "", nil, "theme=dark", cookie).StatusCode)

	body, err := json.Marshal(newPost(tn, "through the gateway"))
	require.NoError(t, err)
	// The gateway joins repeated headers with a comma, and the adapter splits them.
	twice := invoke("POST", "/v1/posts", string(body), map[string]string{"idempotency-key": "a,b"}, cookie)
	require.Equal(t, http.StatusBadRequest, twice.StatusCode, twice.Body)
	require.Contains(t, twice.Body, "bad_idempotency_key")
	made := invoke("POST", "/v1/posts", string(body), map[string]string{"idempotency-key": "a"}, cookie)
	require.Equal(t, http.StatusCreated, made.StatusCode, made.Body)
	require.NotEmpty(t, made.Headers["Etag"])
	var p map[string]any
	require.NoError(t, json.Unmarshal([]byte(made.Body), &p))
	id, _ := p["id"].(string)
	edited := invoke("PATCH", "/v1/posts/"+id, `{"parts":[{"text":"edited"}]}`, map[string]string{"if-match": made.Headers["Etag"]}, cookie)
	require.Equal(t, http.StatusOK, edited.StatusCode, edited.Body)

	// Paths arrive decoded: these were /v1/posts/%25 and /v1/posts/%00.
	require.Equal(t, http.StatusNotFound, invoke("GET", "/v1/posts/%", "", nil, cookie).StatusCode)
	require.Equal(t, http.StatusBadRequest, invoke("GET", "/v1/posts/\x00", "", nil, cookie).StatusCode)

	// A browser's Accept arrives in pieces, and still opens a page.
	page := invoke("GET", "/calendar", "", map[string]string{"accept": "application/xhtml+xml,text/html;q=0.9,*/*;q=0.8"})
	require.True(t, strings.HasPrefix(page.Headers["Content-Type"], "text/html"), page.Body)
	require.Equal(t, http.StatusNotFound, invoke("GET", "/calendar", "", map[string]string{"accept": "*/*"}).StatusCode)
}

// refused is no status: the event is not for this function.
const refused = -1

func TestEveryPayloadOfEventsIsAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fn := &Function{adapter: httpadapter.NewV2(b.server.Handler())}
	want := map[string]int{
		"live.json": 200, "me-without-session.json": 401, "sign-in-wrong.json": 401, "sign-in-base64.json": 401,
		"broken-json.json": 400, "cross-origin.json": 403, "oauth-denied.json": 303,
		// 503 says that the dashboard is not built in this tree.
		"page.json": 0, "wrong-kind.json": refused,
	}
	files, err := filepath.Glob("../../events/api/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(want))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			var event events.APIGatewayV2HTTPRequest
			require.NoError(t, json.Unmarshal(raw, &event))
			got, err := fn.Handle(t.Context(), event)
			status, ok := want[filepath.Base(file)]
			require.True(t, ok, "name its status here")
			if status == refused {
				require.ErrorContains(t, err, "it holds no HTTP request")
				return
			}
			require.NoError(t, err)
			if status == 0 {
				require.Contains(t, []int{200, 503}, got.StatusCode, got.Body)
				require.Contains(t, got.Body, "<html")
				return
			}
			require.Equal(t, status, got.StatusCode, got.Body)
		})
	}
}
