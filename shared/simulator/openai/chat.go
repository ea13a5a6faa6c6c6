package openai

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"rostrum/shared/simulator/fault"
)

// charsPerToken is the rule of thumb by which tokens are counted.
const charsPerToken = 4

// chatRequest is what is read of a chat completion's request.
type chatRequest struct {
	Model               string          `json:"model"`
	Messages            []chatMessage   `json:"messages"`
	ResponseFormat      *responseFormat `json:"response_format"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	MaxTokens           int             `json:"max_tokens"`
	N                   int             `json:"n"`
	Stream              bool            `json:"stream"`
	Tools               []any           `json:"tools"`
}

type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema *struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

// text returns a message's words, whether it is a string or a list of parts.
func (m chatMessage) text() string {
	var plain string
	if json.Unmarshal(m.Content, &plain) == nil {
		return plain
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(m.Content, &parts) != nil {
		return ""
	}
	var all []string
	for _, p := range parts {
		all = append(all, p.Text)
	}
	return strings.Join(all, "\n")
}

type usage struct{ prompt, completion int }

func tokens(text string) int {
	return (utf8.RuneCountInString(text) + charsPerToken - 1) / charsPerToken
}

// chat is POST /v1/chat/completions.
func (s *Server) chat(w http.ResponseWriter, c call) {
	var r chatRequest
	if err := json.Unmarshal(c.body, &r); err != nil {
		writeError(w, badRequest("", "We could not parse the JSON body of your request."))
		return
	}
	schema, bad := r.check()
	if bad != nil {
		writeError(w, bad)
		return
	}
	used := usage{}
	system, user := "", ""
	for _, m := range r.Messages {
		text := m.text()
		used.prompt += 4 + tokens(text)
		switch m.Role {
		case "system", "developer":
			system += text + "\n"
		case "user":
			user = text
		}
	}
	if schema != nil {
		used.prompt += tokens(string(r.ResponseFormat.JSONSchema.Schema))
	}
	var choices []map[string]any
	for i := range max(r.N, 1) {
		w := newWriter(system, user, c.seed+uint64(i))
		content, err := w.content(r.ResponseFormat, schema)
		if err != nil {
			content = ""
		}
		reason := "stop"
		if limit := max(r.MaxCompletionTokens, r.MaxTokens); limit > 0 && tokens(content) > limit {
			content, reason = string([]rune(content)[:limit*charsPerToken]), "length"
		}
		used.completion += tokens(content)
		choices = append(choices, choice(i, content, reason))
	}
	s.count(used)
	writeJSON(w, http.StatusOK, completion(c.id, r.Model, s.cfg.Now().Unix(), choices, used))
}

func (s *Server) count(used usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.totalCalls++
	s.totalTokens.prompt += used.prompt
	s.totalTokens.completion += used.completion
}

func choice(index int, content, reason string) map[string]any {
	return map[string]any{
		"index": index, "logprobs": nil, "finish_reason": reason,
		"message": map[string]any{"role": "assistant", "content": content, "refusal": nil, "annotations": []any{}},
	}
}

func completion(id, model string, created int64, choices []map[string]any, used usage) map[string]any {
	if !strings.HasPrefix(model, "simulated-") {
		model = "simulated-" + model
	}
	return map[string]any{
		"id": "chatcmpl-" + id, "object": "chat.completion", "created": created, "model": model,
		"service_tier": "default", "system_fingerprint": "fp_simulated", "choices": choices,
		"usage": map[string]any{
			"prompt_tokens": used.prompt, "completion_tokens": used.completion, "total_tokens": used.prompt + used.completion,
			"prompt_tokens_details": map[string]int{"cached_tokens": 0, "audio_tokens": 0},
			"completion_tokens_details": map[string]int{
				"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
			},
		},
	}
}

var schemaName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// check refuses what the API refuses, and says so where this server plays less
// than the API; it returns the schema when there is one.
func (r chatRequest) check() (*schema, *apiError) {
	switch {
	case r.Model == "":
		return nil, badRequest("model", "you must provide a model parameter")
	case len(r.Messages) == 0:
		return nil, badRequest("messages", "[] is too short - 'messages'")
	case r.Stream:
		return nil, badRequest("stream", "The simulated model does not stream.")
	case len(r.Tools) > 0:
		return nil, badRequest("tools", "The simulated model calls no tools.")
	case r.N > 8:
		return nil, badRequest("n", "n has to be at most 8.")
	}
	f := r.ResponseFormat
	if f == nil || f.Type == "text" || f.Type == "json_object" {
		return nil, nil
	}
	if f.Type != "json_schema" || f.JSONSchema == nil {
		return nil, badRequest("response_format", "Invalid value: '%s'. Supported values are: 'json_object', 'json_schema', and 'text'.", f.Type)
	}
	if !schemaName.MatchString(f.JSONSchema.Name) {
		return nil, badRequest("response_format.json_schema.name", "Invalid 'response_format.json_schema.name': string does not match pattern.")
	}
	parsed, err := parseSchema(f.JSONSchema.Schema)
	if err == nil && f.JSONSchema.Strict {
		err = parsed.strict()
	}
	if err != nil {
		return nil, badRequest("response_format", "Invalid schema for response_format '%s': %s", f.JSONSchema.Name, err.Error())
	}
	return parsed, nil
}

// presets are the faults that a rule may name.
func presets() map[string]fault.Action {
	fail := func(status int, kind, code, message string, headers map[string]string) fault.Action {
		e := apiError{status: status, kind: kind, code: code, message: message}
		return fault.Action{Kind: fault.Answer, Status: status, Headers: headers, Body: mustEncode(e.body())}
	}
	answer := func(choices []map[string]any) fault.Action {
		body := completion("fault", "model", 1760000000, choices, usage{prompt: 900, completion: 60})
		return fault.Action{Kind: fault.Answer, Status: http.StatusOK, ContentType: "application/json", Body: mustEncode(body)}
	}
	refusal := choice(0, "", "stop")
	refusal["message"] = map[string]any{"role": "assistant", "content": nil, "refusal": "I'm sorry, I can't help with that request."}
	blank := choice(0, "", "stop")
	const half = `{"parts":["This answer was cut off in the middle of a sen`
	return map[string]fault.Action{
		"rate_limited": fail(429, "requests", rateLimited, "Rate limit reached for requests.",
			map[string]string{"Retry-After": "1", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}),
		"rate_limited_silent": fail(429, "tokens", rateLimited, "Rate limit reached for tokens.", nil),
		"rate_limited_absurd": fail(429, "requests", rateLimited, "Rate limit reached for requests.", map[string]string{"Retry-After": "1000000000"}),
		"insufficient_quota":  fail(429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota, please check your plan and billing details.", nil),
		"invalid_api_key":     fail(401, invalidRequest, "invalid_api_key", "Incorrect API key provided.", nil),
		"model_not_found":     fail(404, invalidRequest, "model_not_found", "The model does not exist or you do not have access to it.", nil),
		"context_length":      fail(400, invalidRequest, "context_length_exceeded", "This model's maximum context length is 128000 tokens.", nil),
		"server_error":        fail(500, "server_error", "", "The server had an error while processing your request.", nil),
		"overloaded":          fail(503, "server_error", "", "The engine is currently overloaded, please try again later.", nil),
		"bad_gateway":         {Kind: fault.Answer, Status: 502, ContentType: "text/html", Body: "<html><body><h1>502 Bad Gateway</h1></body></html>"},
		"cut_off":             answer([]map[string]any{choice(0, half, "length")}),
		"half_json":           answer([]map[string]any{choice(0, half, "stop")}),
		"broken_json":         answer([]map[string]any{choice(0, "Sure! Here is the JSON you asked for: {parts: ['a'}", "stop")}),
		"wrong_schema":        answer([]map[string]any{choice(0, `{"answer":42}`, "stop")}),
		"refusal":             answer([]map[string]any{refusal}),
		"empty_content":       answer([]map[string]any{blank}),
		"empty_choices":       answer([]map[string]any{}),
		"content_filter":      answer([]map[string]any{choice(0, "", "content_filter")}),
		"hang":                {Kind: fault.Hang},
		"reset":               {Kind: fault.Reset},
		"truncated":           {Kind: fault.AcceptThenTruncate},
	}
}

// mustEncode encodes a value of our own making, which cannot fail.
func mustEncode(v any) string {
	encoded, err := encode(v)
	if err != nil {
		return ""
	}
	return string(encoded)
}
