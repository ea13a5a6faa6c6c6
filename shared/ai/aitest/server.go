// Package aitest serves a scripted model over the real wire, so that tests of
// what agents do with an answer decide every answer themselves. For a model
// that answers sensibly by itself there is the simulator.
package aitest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"rostrum/shared/ai"
	"rostrum/shared/ai/openai"
	"rostrum/shared/httpclient"
)

// Question is one question as the server got it.
type Question struct {
	// Schema is the name of the schema that was asked for.
	Schema string
	// System is our own words, Data the user message, which is one JSON object.
	System string
	Data   json.RawMessage
}

// Answer writes the answer to a question.
type Answer func(w http.ResponseWriter, q Question)

// Server is a model whose answers a test decides. It is safe for concurrent use.
type Server struct {
	url string

	mu     sync.Mutex
	asked  []Question
	answer Answer
}

// NewServer starts a server that lives as long as the test.
func NewServer(tb testing.TB, answer Answer) *Server {
	tb.Helper()
	s := &Server{answer: answer}
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// ServeHTTP takes POST /chat/completions.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Messages []struct {
			Content string `json:"content"`
		} `json:"messages"`
		ResponseFormat struct {
			JSONSchema struct {
				Name string `json:"name"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(raw, &body) != nil || len(body.Messages) != 2 || !json.Valid([]byte(body.Messages[1].Content)) {
		http.Error(w, "not a question of ours", http.StatusBadRequest)
		return
	}
	q := Question{Schema: body.ResponseFormat.JSONSchema.Name, System: body.Messages[0].Content, Data: json.RawMessage(body.Messages[1].Content)}
	s.mu.Lock()
	s.asked = append(s.asked, q)
	answer := s.answer
	s.mu.Unlock()
	answer(w, q)
}

// Set changes how questions are answered from now on.
func (s *Server) Set(answer Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Asked returns the questions so far; with a schema's name only those for it.
func (s *Server) Asked(schema string) []Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Question
	for _, q := range s.asked {
		if schema == "" || q.Schema == schema {
			out = append(out, q)
		}
	}
	return out
}

// Model is a client of the server that repeats without waiting.
func (s *Server) Model(tb testing.TB) ai.Model {
	tb.Helper()
	return Client(tb, s.url)
}

// Client is a model at any address, asked as "gpt-5-mini", that repeats without
// waiting.
func Client(tb testing.TB, baseURL string) ai.Model {
	tb.Helper()
	client := httpclient.New(httpclient.Options{Timeout: 10 * time.Second, MaxBody: 1 << 20, UserAgent: "rostrum-test"})
	tb.Cleanup(client.CloseIdleConnections)
	return openai.New(openai.Options{
		BaseURL: baseURL, APIKey: "test-key", Model: "gpt-5-mini", HTTP: client,
		Sleep: func(context.Context, time.Duration) error { return nil }, Jitter: func() float64 { return 0 },
	})
}

// Reply answers with a content, which costs 1,000 tokens in and 100 out: 450
// micro-USD on gpt-5-mini.
func Reply(w http.ResponseWriter, content any) {
	raw, err := json.Marshal(content)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	ReplyText(w, string(raw))
}

// ReplyText is Reply with the very text of the answer.
func ReplyText(w http.ResponseWriter, content string) {
	_, _ = fmt.Fprintf(w, `{"model":"gpt-5-mini","choices":[{"message":{"role":"assistant","content":%s},"finish_reason":"stop"}],
		"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}`, quoted(content))
}

func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return b
}
