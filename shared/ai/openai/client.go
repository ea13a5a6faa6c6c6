// Package openai asks any OpenAI-compatible server over go-openai: structured
// output by JSON schema, one owner of the retries, and every way an answer can
// be useless turned into one of package ai's error codes.
package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"rostrum/shared/ai"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/httpclient"
)

const (
	// maxTries is the first try and two repeats. Repeating has no effect but cost.
	maxTries = 3
	// firstPause doubles with each repeat and is jittered by half.
	firstPause = 500 * time.Millisecond
	// maxPause is the longest Retry-After that is waited out here; a longer one
	// is the caller's to schedule.
	maxPause = 20 * time.Second
	// totalTimeout bounds one question with its repeats and pauses.
	totalTimeout = 60 * time.Second
	// leastTemperature stands for 0, which go-openai leaves out of the request,
	// so that the server would take its default of 1.
	leastTemperature = 1e-6
	// simulatedHeader is how a server says that no real model answers.
	simulatedHeader = "X-Simulated"
)

// Settings is what a program sets to reach a model. All are read from the
// environment.
type Settings struct {
	// BaseURL ends where "/chat/completions" begins; empty is OpenAI itself.
	BaseURL string        `env:"OPENAI_BASE_URL"`
	APIKey  config.Secret `env:"OPENAI_API_KEY"`
	Model   string        `env:"OPENAI_MODEL"`
	// Prices goes over the price list that ships; see ai.LoadPrices.
	Prices string `env:"MODEL_PRICES"`
}

const (
	defaultBaseURL = "https://api.openai.com/v1"
	defaultModel   = "gpt-4o-mini"
	tryTimeout     = 45 * time.Second
	maxAnswer      = 1 << 20
)

// Open returns a client by the settings, with the price list, and what closes
// its connections. It makes no call. Errors: Invalid when a setting is wrong.
func Open(s Settings) (*Client, ai.Prices, func(), error) {
	prices, err := ai.LoadPrices(s.Prices)
	if err != nil {
		return nil, ai.Prices{}, nil, err
	}
	base := cmp.Or(s.BaseURL, defaultBaseURL)
	if u, err := url.Parse(base); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, ai.Prices{}, nil, apperr.New(apperr.Invalid, "bad_settings", "OPENAI_BASE_URL is not an http or https address").
			WithHint("Use an address such as %s.", defaultBaseURL)
	}
	client := httpclient.New(httpclient.Options{Timeout: tryTimeout, MaxBody: maxAnswer, UserAgent: "Rostrum/1"})
	return New(Options{
		BaseURL: base, APIKey: s.APIKey, Model: cmp.Or(s.Model, defaultModel), HTTP: client, Sleep: sleep, Jitter: jitter,
	}), prices, client.CloseIdleConnections, nil
}

// Options is what a client is made from. All fields but APIKey are needed.
type Options struct {
	// BaseURL ends where "/chat/completions" begins, for example
	// "https://api.openai.com/v1".
	BaseURL string
	APIKey  config.Secret
	Model   string
	// HTTP bounds one try in time and in bytes; see package httpclient.
	HTTP *http.Client
	// Sleep waits, or returns the context's error if that ends first.
	Sleep func(context.Context, time.Duration) error
	// Jitter returns a number in [0, 1).
	Jitter func() float64
}

// Client is a model behind a chat-completions endpoint. It is safe for
// concurrent use.
type Client struct {
	api     *openai.Client
	options Options
}

var _ ai.Model = (*Client)(nil)

// New returns a client. It makes no call.
func New(o Options) *Client {
	cfg := openai.DefaultConfig(o.APIKey.Reveal())
	cfg.BaseURL = o.BaseURL
	cfg.HTTPClient = o.HTTP
	return &Client{api: openai.NewClientWithConfig(cfg), options: o}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func jitter() float64 {
	return rand.Float64() //nolint:gosec // spreads retries; nothing secret hangs on it
}

// Name is the configured model.
func (c *Client) Name() string { return c.options.Model }

// Complete asks, and asks again after a 429, a 5xx or a transport fault, at
// most twice. Its errors are those of ai.Model. The tokens of an answer that
// could not be used are in the Answer beside the error.
func (c *Client) Complete(ctx context.Context, r ai.Request) (ai.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	request := c.request(r)
	for try := 1; ; try++ {
		response, err := c.api.CreateChatCompletion(ctx, request)
		if err == nil {
			return c.read(r, response)
		}
		failure := classify(err, response.Header())
		answer := ai.Answer{Model: c.options.Model, Simulated: c.simulated(response)}
		if !failure.repeat || try == maxTries || ctx.Err() != nil {
			return answer, fmt.Errorf("ask %s for %s: %w", c.options.Model, r.SchemaName, failure.err)
		}
		pause := c.pause(try, failure.after)
		if pause > maxPause {
			return answer, fmt.Errorf("ask %s for %s: %w", c.options.Model, r.SchemaName, failure.err)
		}
		if c.options.Sleep(ctx, pause) != nil {
			return answer, fmt.Errorf("ask %s for %s: %w", c.options.Model, r.SchemaName, failure.err)
		}
	}
}

func (c *Client) request(r ai.Request) openai.ChatCompletionRequest {
	request := openai.ChatCompletionRequest{
		Model: c.options.Model,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: r.System},
			{Role: openai.ChatMessageRoleUser, Content: r.User},
		},
		MaxCompletionTokens: r.MaxOutputTokens,
		ResponseFormat: &openai.ChatCompletionResponseFormat{
			Type: openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{
				Name: r.SchemaName, Schema: r.Schema, Strict: true,
			},
		},
	}
	if reasons(c.options.Model) {
		// A reasoning model refuses a temperature, and pays for its thoughts
		// out of the same output tokens.
		request.ReasoningEffort = openai.ReasoningEffortLow
	} else {
		request.Temperature = max(float32(r.Temperature), leastTemperature)
	}
	return request
}

// reasons goes by the name, as go-openai's own check does: it refuses a
// temperature for these before any call.
func reasons(model string) bool {
	for _, family := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return false
}

func (c *Client) pause(try int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	pause := firstPause << (try - 1)
	return pause/2 + time.Duration(c.options.Jitter()*float64(pause))
}

func (c *Client) simulated(r openai.ChatCompletionResponse) bool {
	return r.Header().Get(simulatedHeader) != "" || strings.Contains(r.Model, "simulated")
}

func (c *Client) read(asked ai.Request, r openai.ChatCompletionResponse) (ai.Answer, error) {
	answer := ai.Answer{
		Model: r.Model, Simulated: c.simulated(r),
		Usage: ai.Usage{InputTokens: max(int64(r.Usage.PromptTokens), 0), OutputTokens: max(int64(r.Usage.CompletionTokens), 0)},
	}
	if answer.Model == "" {
		answer.Model = c.options.Model
	}
	if d := r.Usage.PromptTokensDetails; d != nil {
		answer.Usage.CachedTokens = max(int64(d.CachedTokens), 0)
	}
	if len(r.Choices) == 0 {
		return answer, ai.BadAnswerError("it holds no choice")
	}
	choice := r.Choices[0]
	switch {
	case choice.Message.Refusal != "":
		return answer, refusedError()
	case choice.FinishReason == openai.FinishReasonContentFilter:
		return answer, refusedError()
	case choice.FinishReason == openai.FinishReasonLength:
		return answer, ai.BadAnswerError("it was cut off at its longest")
	case strings.TrimSpace(choice.Message.Content) == "":
		return answer, ai.BadAnswerError("it is empty")
	}
	content := json.RawMessage(unfenced(choice.Message.Content))
	if err := ai.CheckAnswer(asked, content); err != nil {
		return answer, fmt.Errorf("answer of %s to %s: %w", answer.Model, asked.SchemaName, err)
	}
	answer.JSON = content
	return answer, nil
}

// unfenced takes away the fence of Markdown that some models, local ones above
// all, put around JSON whatever they are asked for.
func unfenced(content string) string {
	content = strings.TrimSpace(content)
	inner, ok := strings.CutSuffix(content, "```")
	if !ok || !strings.HasPrefix(content, "```") {
		return content
	}
	return strings.TrimPrefix(strings.TrimPrefix(inner, "```"), "json")
}
