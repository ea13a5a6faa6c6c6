package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
)

// way is how a host reaches a function.
type way func(t *testing.T, handler lambda.Handler) lambda.Handler

// eachWay runs a test once with the function in process and once over the wire.
func eachWay(t *testing.T, test func(t *testing.T, via way)) {
	t.Helper()
	t.Run("InProcess", func(t *testing.T) {
		t.Parallel()
		test(t, func(_ *testing.T, handler lambda.Handler) lambda.Handler { return handler })
	})
	t.Run("OverTheWire", func(t *testing.T) {
		t.Parallel()
		test(t, overTheWire)
	})
}

// overTheWire puts the function behind an Invoke API of its own.
func overTheWire(t *testing.T, handler lambda.Handler) lambda.Handler {
	t.Helper()
	server := httptest.NewServer(invokeAPI(handler))
	t.Cleanup(server.Close)
	return &Remote{Client: server.Client(), Endpoint: server.URL, Function: "TaskFunction"}
}

// invokeAPI answers as API_Invoke.html describes: what failed comes with 200 and
// a header.
func invokeAPI(handler lambda.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/TaskFunction/invocations", func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fail := func(kind string, what any) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": fmt.Sprint(what)})
		}
		defer func() {
			if p := recover(); p != nil {
				fail("panic", p)
			}
		}()
		answer, err := handler.Invoke(r.Context(), payload)
		if err != nil {
			fail("errorString", err)
			return
		}
		_, _ = w.Write(answer)
	})
	return mux
}

func remote(t *testing.T, answer http.HandlerFunc) *Remote {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &Remote{Client: server.Client(), Endpoint: server.URL + "/", Function: "TaskFunction"}
}

func TestPayloadAndAnswerCrossUnchanged(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, via way) {
		t.Helper()
		payload := []byte(`{ "text": "ä < & \u2028" , "n": 1e3 }`)
		answer, err := via(t, echo()).Invoke(t.Context(), payload)
		require.NoError(t, err)
		require.True(t, bytes.Equal(payload, answer), "%s", answer)
	})
}

func TestErrorOfTheFunctionIsAnError(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, via way) {
		t.Helper()
		_, err := via(t, handlerFunc(func(context.Context, []byte) ([]byte, error) {
			return []byte("half"), errors.New("the database is away")
		})).Invoke(t.Context(), []byte("{}"))
		require.ErrorContains(t, err, "the database is away")
		require.False(t, apperr.Is(err, apperr.Unavailable))
	})
}

func TestRemoteTellsWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	failed := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer      http.HandlerFunc
		want        string
		unavailable bool
	}{
		"Nothing":      {func(http.ResponseWriter, *http.Request) {}, "without an answer", false},
		"Timeout":      {failed(`{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 3.00 seconds"}`), errTimeout.Error(), false},
		"NoReason":     {failed(``), "without saying why", false},
		"NoJSON":       {failed(`<html>`), "without saying why", false},
		"Unknown":      {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such function", http.StatusNotFound) }, "404", true},
		"Throttled":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "429", true},
		"Asynchronous": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }, "202", true},
		"Cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "null")
		}, "EOF", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := remote(t, c.answer).Invoke(t.Context(), []byte("{}"))
			require.Empty(t, answer)
			require.Error(t, err)
			text := err.Error()
			if e := apperr.As(err); e != nil {
				text += " " + fmt.Sprint(errors.Unwrap(e))
			}
			require.Contains(t, text, c.want)
			require.Equal(t, c.unavailable, apperr.Is(err, apperr.Unavailable))
		})
	}
}

func TestRemoteThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	r := remote(t, func(http.ResponseWriter, *http.Request) {})
	r.Endpoint = "http://127.0.0.1:1"
	_, err := r.Invoke(t.Context(), []byte("{}"))
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
}

func TestAnswerThatIsTooLargeIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	r := remote(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("a", 2*maxResponsePayload))
	})
	answer, err := r.Invoke(t.Context(), []byte("{}"))
	require.NoError(t, err)
	require.Len(t, answer, maxResponsePayload+1, "which the host then refuses")
}

func TestInvocationEndsAtTheFunctionsTimeout(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, via way) {
		t.Helper()
		ended := make(chan struct{})
		handler := via(t, handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			close(ended)
			return []byte("{}"), nil
		}))
		b := setup(t, web(50*time.Millisecond), Options{Listener: unused{}, Functions: map[string]lambda.Handler{"api": handler}})
		_, err := b.host.invoker(b.host.template.Functions[0], handler)(t.Context(), []byte("{}"), func() {})
		require.ErrorIs(t, err, errTimeout)
		<-ended
	})
}
