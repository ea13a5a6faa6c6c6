package openai_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/ai"
	"rostrum/shared/ai/openai"
	"rostrum/shared/apperr"
	"rostrum/shared/httpclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is a scripted server and a client that asks it.
type bundle struct {
	client  *openai.Client
	options openai.Options
	mu      sync.Mutex
	bodies  []string
	pauses  []time.Duration
}

func (b *bundle) asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.bodies)
}

// setup serves the steps one after the other; the last one again and again.
func setup(t *testing.T, model string, steps ...http.HandlerFunc) *bundle {
	t.Helper()
	b := &bundle{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.bodies = append(b.bodies, string(body))
		step := steps[min(len(b.bodies), len(steps))-1]
		b.mu.Unlock()
		step(w, r)
	}))
	t.Cleanup(server.Close)
	httpClient := httpclient.New(httpclient.Options{Timeout: 2 * time.Second, MaxBody: 1 << 20, UserAgent: "rostrum-test"})
	t.Cleanup(httpClient.CloseIdleConnections)
	b.options = openai.Options{
		BaseURL: server.URL + "/v1", APIKey: "sk-test-canary", Model: model, HTTP: httpClient,
		Sleep: func(_ context.Context, d time.Duration) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.pauses = append(b.pauses, d)
			return nil
		},
		Jitter: func() float64 { return 0.5 },
	}
	b.client = openai.New(b.options)
	return b
}

func question() ai.Request {
	return ai.Request{
		Prompt: ai.Prompt{Name: "writer", Version: "1"}, System: "sys", User: `{"a":1}`, SchemaName: "draft",
		Schema: json.RawMessage(`{"type":"object","properties":{"n":{"type":"number"}},"required":["n"],"additionalProperties":false}`), MaxOutputTokens: 50,
	}
}

func answers(content, finish string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		encoded, _ := json.Marshal(content)
		_, _ = fmt.Fprintf(w, `{"id":"c1","object":"chat.completion","created":1,"model":"m-2026","choices":[{"index":0,"message":{"role":"assistant","content":%s,"refusal":null},"finish_reason":%q}],
			"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0}}}`, encoded, finish)
	}
}

func fails(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const busy = `{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}`

func TestCompleteSendsAStrictSchema(t *testing.T) {
	t.Parallel()
	b := setup(t, "m", answers(`{"n":1}`, "stop"))
	answer, err := b.client.Complete(t.Context(), question())
	require.NoError(t, err)
	want := ai.Answer{JSON: json.RawMessage(`{"n":1}`), Model: "m-2026", Usage: ai.Usage{InputTokens: 19, CachedTokens: 4, OutputTokens: 10}}
	require.Empty(t, cmp.Diff(want, answer))

	var sent struct {
		Model          string  `json:"model"`
		Temperature    float64 `json:"temperature"`
		MaxTokens      int     `json:"max_completion_tokens"`
		ResponseFormat struct {
			Type       string `json:"type"`
			JSONSchema struct {
				Name   string          `json:"name"`
				Strict bool            `json:"strict"`
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	require.NoError(t, json.Unmarshal([]byte(b.bodies[0]), &sent))
	require.Equal(t, "m", sent.Model)
	require.Equal(t, 50, sent.MaxTokens)
	require.Positive(t, sent.Temperature, "a temperature of 0 must not be left out")
	require.Equal(t, "json_schema", sent.ResponseFormat.Type)
	require.True(t, sent.ResponseFormat.JSONSchema.Strict)
	require.Equal(t, "draft", sent.ResponseFormat.JSONSchema.Name)
	require.JSONEq(t, string(question().Schema), string(sent.ResponseFormat.JSONSchema.Schema))
}

func TestCompleteAsksReasoningModelsWithoutTemperature(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"gpt-5-mini", "gpt-6-luna", "o4-mini"} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			b := setup(t, model, answers(`{"n":1}`, "stop"))
			r := question()
			r.Temperature = 0.7
			_, err := b.client.Complete(t.Context(), r)
			require.NoError(t, err)
			require.NotContains(t, b.bodies[0], "temperature")
		})
	}
}

func TestCompleteSaysWhenSimulated(t *testing.T) {
	t.Parallel()
	b := setup(t, "m", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Simulated", "true")
		answers(`{"n":1}`, "stop")(w, r)
	})
	answer, err := b.client.Complete(t.Context(), question())
	require.NoError(t, err)
	require.True(t, answer.Simulated)
}

func TestCompleteRepeats(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first http.HandlerFunc
		pause time.Duration
	}{
		"AfterRetryAfter":        {fails(429, busy, "Retry-After", "3"), 3 * time.Second},
		"AfterOpenAIResetHeader": {fails(429, busy, "X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "1.5s"), 1500 * time.Millisecond},
		"WithJitterOtherwise":    {fails(429, busy), 500 * time.Millisecond},
		"AfterServerError":       {fails(503, `{"error":{"message":"overloaded","type":"server_error"}}`), 500 * time.Millisecond},
		"AfterProxyPage":         {fails(502, "<html>bad gateway</html>"), 500 * time.Millisecond},
		"AfterConnectionReset":   {hangUp, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "m", tc.first, answers(`{"n":1}`, "stop"))
			_, err := b.client.Complete(t.Context(), question())
			require.NoError(t, err)
			require.Equal(t, 2, b.asked())
			require.Equal(t, []time.Duration{tc.pause}, b.pauses)
		})
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestCompleteGivesUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		step  http.HandlerFunc
		kind  apperr.Kind
		code  string
		asked int
	}{
		"AfterTwoRepeats":        {fails(500, `{"error":{"message":"x","type":"server_error"}}`), apperr.Unavailable, ai.CodeAway, 3},
		"WhenAlwaysBusy":         {fails(429, busy), apperr.RateLimited, ai.CodeBusy, 3},
		"WhenAskedToWaitLong":    {fails(429, busy, "Retry-After", "3600"), apperr.RateLimited, ai.CodeBusy, 1},
		"WithoutCredit":          {fails(429, `{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}`), apperr.Forbidden, ai.CodeOutOfCredit, 1},
		"OnABadKey":              {fails(401, `{"error":{"message":"Incorrect API key provided: sk-test-canary","type":"invalid_request_error","code":"invalid_api_key"}}`), apperr.Forbidden, ai.CodeNotConfigured, 1},
		"OnAnUnknownModel":       {fails(404, `{"error":{"message":"x","code":"model_not_found"}}`), apperr.Forbidden, ai.CodeNotConfigured, 1},
		"OnARefusedQuestion":     {fails(400, `{"error":{"message":"x","code":"context_length_exceeded"}}`), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnATruncatedAnswer":     {answers(`{"n":`, "length"), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnHalfJSON":             {answers(`{"n":`, "stop"), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnProse":                {answers(`Sure! Here you go.`, "stop"), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnAnArray":              {answers(`[1]`, "stop"), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnAnEmptyAnswer":        {answers(``, "stop"), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnNoChoices":            {fails(200, `{"model":"m","choices":[]}`), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnAFilteredAnswer":      {answers(`{}`, "content_filter"), apperr.Invalid, ai.CodeRefused, 1},
		"OnARefusal":             {fails(200, `{"model":"m","choices":[{"message":{"role":"assistant","content":null,"refusal":"I cannot"},"finish_reason":"stop"}]}`), apperr.Invalid, ai.CodeRefused, 1},
		"OnAnAnswerBeyondTheCap": {fails(200, `{"x":"`+strings.Repeat("a", 2<<20)+`"}`), apperr.Invalid, ai.CodeBadAnswer, 1},
		"OnABrokenReply":         {fails(200, `{"choices":`), apperr.Invalid, ai.CodeBadAnswer, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "m", tc.step)
			_, err := b.client.Complete(t.Context(), question())
			require.Error(t, err)
			e := apperr.As(err)
			require.NotNil(t, e, "%v", err)
			require.Equal(t, tc.code, e.Code, "%v", err)
			require.Equal(t, tc.kind, e.Kind)
			require.Equal(t, tc.asked, b.asked())
		})
	}
}

func TestCompleteReportsTokensOfAUselessAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, "m", answers(`{"n":`, "length"))
	answer, err := b.client.Complete(t.Context(), question())
	require.True(t, ai.IsBadAnswer(err))
	require.Equal(t, ai.Usage{InputTokens: 19, CachedTokens: 4, OutputTokens: 10}, answer.Usage)
}

func TestCompleteTakesAnAnswerOutOfItsFence(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"```json\n{\"n\":1}\n```", "\n```\n{\"n\":1}\n```\n"} {
		answer, err := setup(t, "m", answers(content, "stop")).client.Complete(t.Context(), question())
		require.NoError(t, err)
		require.JSONEq(t, `{"n":1}`, string(answer.JSON))
	}
	_, err := setup(t, "m", answers("```json\n{\"n\":1}\n``` as you wished", "stop")).client.Complete(t.Context(), question())
	require.True(t, ai.IsBadAnswer(err), "nothing is cut out of prose")
}

func TestCompleteCountsNoNegativeTokens(t *testing.T) {
	t.Parallel()
	b := setup(t, "m", fails(http.StatusOK, `{"model":"m","choices":[{"message":{"content":"{\"n\":1}"},"finish_reason":"stop"}],
		"usage":{"prompt_tokens":-5,"completion_tokens":-7,"prompt_tokens_details":{"cached_tokens":-1}}}`))
	answer, err := b.client.Complete(t.Context(), question())
	require.NoError(t, err)
	require.Equal(t, ai.Usage{}, answer.Usage)
}

func TestCompleteStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := setup(t, "m", func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := b.client.Complete(ctx, question())
	require.True(t, ai.IsAway(err), "got %v", err)
	require.Equal(t, 1, b.asked())
}

func TestCompleteGivesASlowServerUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	b := setup(t, "m", func(w http.ResponseWriter, _ *http.Request) {
		// One byte, then silence: the deadline covers the body too.
		_, _ = io.WriteString(w, "{")
		_ = http.NewResponseController(w).Flush()
		<-release
	})
	t.Cleanup(func() { close(release) })
	impatient := b.options
	impatient.HTTP = &http.Client{Timeout: 100 * time.Millisecond, Transport: b.options.HTTP.Transport}
	_, err := openai.New(impatient).Complete(t.Context(), question())
	require.True(t, ai.IsAway(err), "got %v", err)
	require.Equal(t, 3, b.asked())
}

func TestErrorsNeverHoldTheKey(t *testing.T) {
	t.Parallel()
	echo := `{"error":{"message":"Incorrect API key provided: sk-test-canary","type":"invalid_request_error","code":"invalid_api_key"}}`
	for _, status := range []int{400, 401, 403, 404, 429, 500} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			b := setup(t, "m", fails(status, echo))
			_, err := b.client.Complete(t.Context(), question())
			require.Error(t, err)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestOpenRefusesWrongSettings(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]openai.Settings{
		"NoAddress":  {BaseURL: "localhost:8080"},
		"FileScheme": {BaseURL: "file:///etc"},
		"BadPrices":  {Prices: "cheap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := openai.Open(settings)
			require.True(t, apperr.Is(err, apperr.Invalid), "got %v", err)
		})
	}
	client, prices, closeAll, err := openai.Open(openai.Settings{})
	require.NoError(t, err)
	t.Cleanup(closeAll)
	require.False(t, prices.Of(client.Name()).Assumed, "the model asked by default has a price")
}
