package host

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
	"github.com/stretchr/testify/require"
)

// send makes a request and returns its answer's status, headers and body.
func send(t *testing.T, server *httptest.Server, method, target string, header http.Header, body string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	require.NoError(t, err)
	maps.Copy(r.Header, header)
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header, string(content)
}

// eventOf returns the event that a request becomes, as raw JSON.
func eventOf(t *testing.T, method, target string, header http.Header, body string) map[string]any {
	t.Helper()
	server, _ := serve(t, time.Second, echo())
	_, _, content := send(t, server, method, target, header, body)
	var event map[string]any
	require.NoError(t, json.Unmarshal([]byte(content), &event), content)
	return event
}

func TestRequestBecomesTheEventOfAPIGateway(t *testing.T) {
	t.Parallel()
	event := eventOf(t, http.MethodPost, "/v1/posts/a%20b?tag=x&tag=y%2Cz&empty=&q=%C3%A4", http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Cookie": {"a=1; b=2", "c=3"}, "X-Multi": {"one", "two"},
		"User-Agent": {"test/1"}, "X-Forwarded-For": {"203.0.113.9"},
	}, `{"text":"ä"}`)
	require.Equal(t, "2.0", event["version"])
	require.Equal(t, "$default", event["routeKey"])
	require.Equal(t, "/v1/posts/a b", event["rawPath"])
	require.Equal(t, "tag=x&tag=y%2Cz&empty=&q=%C3%A4", event["rawQueryString"])
	require.Equal(t, map[string]any{"tag": "x,y,z", "empty": "", "q": "ä"}, event["queryStringParameters"])
	require.Equal(t, []any{"a=1", "b=2", "c=3"}, event["cookies"])
	require.Equal(t, any(`{"text":"ä"}`), event["body"])
	require.Equal(t, false, event["isBase64Encoded"])

	headers, ok := event["headers"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "one,two", headers["x-multi"])
	require.Equal(t, "13", headers["content-length"])
	require.Equal(t, "application/json; charset=utf-8", headers["content-type"])
	require.Equal(t, "203.0.113.9, 127.0.0.1", headers["x-forwarded-for"])
	require.Equal(t, "http", headers["x-forwarded-proto"])
	require.NotContains(t, headers, "cookie")
	for name := range headers {
		require.Equal(t, strings.ToLower(name), name)
	}

	request, ok := event["requestContext"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, headers["host"], request["domainName"])
	require.NotEmpty(t, request["requestId"])
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", fmt.Sprint(request["time"]))
	require.NoError(t, err)
	require.InDelta(t, at.UnixMilli(), request["timeEpoch"], 1000)
	require.WithinDuration(t, time.Now(), at, time.Minute)
	require.Equal(t, map[string]any{
		"method": "POST", "path": "/v1/posts/a b", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test/1",
	}, request["http"])
}

func TestBodiesThatAreNoPlainTextArriveInBase64(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contentType, encoding, body string
		base64                      bool
	}{
		"json":         {"application/json", "", `{}`, false},
		"text":         {"text/csv", "", `a,b`, false},
		"form":         {"application/x-www-form-urlencoded", "", `a=b`, true},
		"image":        {"image/png", "", "\x89PNG\x00", true},
		"nothing said": {"", "", `{}`, true},
		"compressed":   {"application/json", "gzip", `{}`, true},
		"broken text":  {"text/plain", "", "\xff\xfe", true},
		"problem":      {"application/problem+json", "", `{}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event := eventOf(t, http.MethodPut, "/", http.Header{"Content-Type": {c.contentType}, "Content-Encoding": {c.encoding}}, c.body)
			require.Equal(t, c.base64, event["isBase64Encoded"])
			want := c.body
			if c.base64 {
				want = base64.StdEncoding.EncodeToString([]byte(c.body))
			}
			require.Equal(t, want, event["body"])
		})
	}
	require.NotContains(t, eventOf(t, http.MethodGet, "/", nil, ""), "body")
}

func TestEncodedQuestionMarkEndsThePath(t *testing.T) {
	t.Parallel()
	event := eventOf(t, http.MethodGet, "/a%3Fadmin=1?x=1", nil, "")
	require.Equal(t, "/a", event["rawPath"])
	require.Equal(t, "x=1", event["rawQueryString"])
}

func answering(answer string) lambda.Handler {
	return handlerFunc(func(context.Context, []byte) ([]byte, error) { return []byte(answer), nil })
}

func TestAnswerBecomesTheResponse(t *testing.T) {
	t.Parallel()
	eachWay(t, answerBecomesTheResponse)
}

func answerBecomesTheResponse(t *testing.T, via way) {
	t.Helper()
	server, _ := serve(t, time.Second, via(t, answering(`{"statusCode":201,"headers":{"content-type":"image/png","x-list":"a,b","connection":"close","content-length":"999"},
		"multiValueHeaders":{"x-old":["1"]},"cookies":["s=1; Path=/; HttpOnly","t=2"],"body":"iVBORwA=","isBase64Encoded":true}`)))
	status, header, body := send(t, server, http.MethodGet, "/", nil, "")
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, "image/png", header.Get("Content-Type"))
	require.Equal(t, "a,b", header.Get("X-List"))
	require.Equal(t, []string{"s=1; Path=/; HttpOnly", "t=2"}, header.Values("Set-Cookie"))
	require.Empty(t, header.Get("X-Old"))
	require.Equal(t, "\x89PNG\x00", body)
}

func TestAnswerWithoutAStatusIsTheBodyOfA200(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, time.Second, answering(`{"hello":"world"}`))
	status, header, body := send(t, server, http.MethodGet, "/", nil, "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "application/json", header.Get("Content-Type"))
	require.JSONEq(t, `{"hello":"world"}`, body)
}

func TestInvocationThatGoesWrongIsAProblemAndNothingElseFails(t *testing.T) {
	t.Parallel()
	eachWay(t, whatGoesWrongIsAProblem)
}

func whatGoesWrongIsAProblem(t *testing.T, via way) {
	t.Helper()
	large := fmt.Appendf(nil, `{"statusCode":200,"body":%q}`, strings.Repeat("a", maxResponsePayload))
	server, b := serve(t, 3*time.Second, via(t, handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var event events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		switch event.RawPath {
		case "/panic":
			panic("planted-secret is for the log only")
		case "/error":
			return nil, errors.New("planted-secret is for the log only")
		case "/overrun":
			<-ctx.Done()
			return []byte(`{"statusCode":200,"body":"too late"}`), nil
		case "/garbage":
			return []byte(`{"statusCode":`), nil
		case "/status":
			return []byte(`{"statusCode":99}`), nil
		case "/base64":
			return []byte(`{"statusCode":200,"isBase64Encoded":true,"body":"%"}`), nil
		case "/large":
			return large, nil
		}
		return []byte(`{"statusCode":200}`), nil
	})))
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/panic": {500, "internal"}, "/error": {500, "internal"}, "/overrun": {504, "timed_out"}, "/garbage": {502, "bad_answer"},
		"/status": {502, "bad_answer"}, "/base64": {502, "bad_answer"}, "/large": {502, "answer_too_large"},
	} {
		status, header, body := send(t, server, http.MethodGet, path, nil, "")
		require.Equal(t, want.status, status, path)
		require.Equal(t, "application/problem+json", header.Get("Content-Type"))
		var got edgeProblem
		require.NoError(t, json.Unmarshal([]byte(body), &got))
		require.Equal(t, want.code, got.Code)
		require.NotEmpty(t, got.Hint)
		require.NotContains(t, body, "planted-secret")
		status, _, _ = send(t, server, http.MethodGet, "/fine", nil, "")
		require.Equal(t, http.StatusOK, status)
	}
	require.Contains(t, b.logs.String(), "planted-secret")
	require.Eventually(t, func() bool { return b.host.running.Load() == 0 }, 5*time.Second, time.Millisecond)
}

func TestRequestThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	server, _ := serve(t, time.Second, answering(`{"statusCode":200}`))
	for name, c := range map[string]struct {
		size   int
		kind   string
		status int
	}{
		"text that fits":           {6_000_000, "text/plain", 200},
		"binary that fits raw":     {6_000_000, "image/png", 413},
		"more than the edge reads": {maxHTTPBody + 1, "text/plain", 413},
	} {
		status, _, _ := send(t, server, http.MethodPost, "/", http.Header{"Content-Type": {c.kind}}, strings.Repeat("a", c.size))
		require.Equal(t, c.status, status, name)
	}
}

func TestClientThatGoesAwayDoesNotStopTheInvocation(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}), make(chan error, 1)
	server, _ := serve(t, 10*time.Second, handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
		close(began)
		timer := time.NewTimer(200 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
			ended <- nil
		case <-ctx.Done():
			ended <- ctx.Err()
		}
		return nil, nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	require.NoError(t, err)
	_, err = server.Client().Do(r) //nolint:bodyclose // there is none
	require.Error(t, err)
	require.NoError(t, <-ended)
}

func TestFunctionBehindTheHTTPAdapterSeesAndAnswersAnOrdinaryRequest(t *testing.T) {
	t.Parallel()
	eachWay(t, behindTheHTTPAdapter)
}

func behindTheHTTPAdapter(t *testing.T, via way) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/posts/{id}", func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		session, _ := r.Cookie("session")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2", Path: "/"})
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintf(w, "%s %s %v %s %s %d", r.PathValue("id"), session.Value, r.URL.Query()["tag"], r.Host, content[:3], len(content))
	})
	server, _ := serve(t, time.Second, via(t, lambda.NewHandler(httpadapter.NewV2(http.NewCrossOriginProtection().Handler(mux)).ProxyWithContext)))
	host := strings.TrimPrefix(server.URL, "http://")
	status, header, body := send(t, server, http.MethodPost, "/v1/posts/7?tag=x&tag=y", http.Header{
		"Cookie": {"theme=dark; session=s1"}, "Content-Type": {"image/png"}, "Origin": {server.URL},
	}, "PNG"+string(bytes.Repeat([]byte{0xff}, 1000)))
	require.Equal(t, http.StatusAccepted, status, body)
	require.Equal(t, "7 s1 [x y] "+host+" PNG 1003", body)
	require.Equal(t, []string{"a=1; Path=/", "b=2; Path=/"}, header.Values("Set-Cookie"))

	status, _, _ = send(t, server, http.MethodPost, "/v1/posts/7", http.Header{"Origin": {"http://evil.test"}}, "")
	require.Equal(t, http.StatusForbidden, status)
}
