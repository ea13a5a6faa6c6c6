// Package openai simulates an OpenAI-compatible model server: chat completions
// with structured output, embeddings, moderations, models. It writes from what
// the request holds, by the JSON schema that it is asked for, and the same
// request always gets the same answer. It never pretends to be a real model:
// every answer carries the header "x-simulated: true", a model name that begins
// with "simulated-" and the fingerprint "fp_simulated".
//
// The wire is that of openai/openai-openapi (info.version 2.3.0, read 2026-11).
// Start reading at chat.go; schema.go walks the schema, material.go reads the
// prompt, write.go and review.go compose.
package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"rostrum/shared/simulator/fault"
)

// Limits of the server, per minute, as its headers tell them.
const (
	requestsPerMinute = 10_000
	tokensPerMinute   = 20_000_000
	// maxBody is above the longest prompt that the models take.
	maxBody = 8 << 20
)

// Config says how the model is set up.
type Config struct {
	// Now tells the time. It is needed.
	Now func() time.Time
	// Seed varies the answers as a whole.
	Seed uint64
	// APIKey is the only key let in; empty lets every key in.
	APIKey string
}

// Server is the simulated model. It is safe for concurrent use.
type Server struct {
	cfg     Config
	handler http.Handler
	script  *fault.Script

	mu          sync.Mutex
	minute      time.Time
	requests    int
	tokens      int
	totalCalls  int
	totalTokens usage
}

// New returns a model that keeps nothing between requests but its counts.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		return nil, errors.New("simulated model: Config.Now is not set")
	}
	s := &Server{cfg: cfg, script: fault.NewScript(cfg.Now, presets())}
	api := http.NewServeMux()
	api.HandleFunc("POST /v1/chat/completions", s.guard(s.chat))
	api.HandleFunc("POST /v1/embeddings", s.guard(s.embeddings))
	api.HandleFunc("POST /v1/moderations", s.guard(s.moderations))
	api.HandleFunc("GET /v1/models", s.guard(s.models))
	api.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &apiError{http.StatusNotFound, "Unknown request URL: " + r.Method + " " + r.URL.Path, invalidRequest, "", "unknown_url"})
	})
	mux := http.NewServeMux()
	mux.Handle("/_sim/faults", s.script)
	mux.HandleFunc("GET /_sim/usage", s.usage)
	mux.Handle("/", s.script.Wrap(api, func(*http.Request) string { return "" }))
	s.handler = mux
	return s, nil
}

// Faults is the script of what goes wrong, as served at /_sim/faults.
func (s *Server) Faults() *fault.Script { return s.script }

// Close lets go of requests that a fault holds.
func (s *Server) Close() { s.script.Close() }

// ServeHTTP serves the API under /v1 and the control surface under /_sim.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Simulated", "true")
	s.handler.ServeHTTP(w, r)
}

// apiError is the error shape of the API.
type apiError struct {
	status                     int
	message, kind, param, code string
}

const (
	invalidRequest = "invalid_request_error"
	rateLimited    = "rate_limit_exceeded"
)

func badRequest(param, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, fmt.Sprintf(format, args...), invalidRequest, param, ""}
}

// body is the error as JSON; empty parameters and codes are null.
func (e *apiError) body() map[string]any {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return map[string]any{"error": map[string]any{
		"message": e.message, "type": e.kind, "param": orNull(e.param), "code": orNull(e.code),
	}}
}

func writeError(w http.ResponseWriter, e *apiError) { writeJSON(w, e.status, e.body()) }

func writeJSON(w http.ResponseWriter, status int, body any) {
	encoded, err := encode(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}

func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimRight(out.Bytes(), "\n"), err
}

// call is a request after the guard: its body, and a hash of it that seeds
// everything random in the answer.
type call struct {
	body []byte
	seed uint64
	id   string
}

// guard checks key and limits and writes the headers of every answer.
func (s *Server) guard(handle func(w http.ResponseWriter, c call)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || key == "" || (s.cfg.APIKey != "" && key != s.cfg.APIKey) {
			writeError(w, &apiError{http.StatusUnauthorized, "Incorrect API key provided.", invalidRequest, "", "invalid_api_key"})
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(body) > maxBody {
			writeError(w, badRequest("", "The request body could not be read."))
			return
		}
		c := call{body: body, seed: hash(strconv.FormatUint(s.cfg.Seed, 10), r.URL.Path, string(body))}
		c.id = fmt.Sprintf("%016x", c.seed)
		if !s.admit(w.Header(), c) {
			writeError(w, &apiError{http.StatusTooManyRequests, "Rate limit reached for requests.", "requests", "", rateLimited})
			return
		}
		handle(w, c)
	}
}

// admit counts a request in the running minute and writes the limits down.
func (s *Server) admit(h http.Header, c call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	if now.Sub(s.minute) >= time.Minute {
		s.minute, s.requests, s.tokens = now, 0, 0
	}
	ok := s.requests < requestsPerMinute
	if ok {
		s.requests++
		s.tokens += len(c.body) / charsPerToken
	}
	reset := (time.Minute - now.Sub(s.minute)).Round(time.Millisecond).String()
	for name, value := range map[string]string{
		"x-ratelimit-limit-requests": strconv.Itoa(requestsPerMinute), "x-ratelimit-limit-tokens": strconv.Itoa(tokensPerMinute),
		"x-ratelimit-remaining-requests": strconv.Itoa(requestsPerMinute - s.requests),
		"x-ratelimit-remaining-tokens":   strconv.Itoa(max(tokensPerMinute-s.tokens, 0)),
		"x-ratelimit-reset-requests":     reset, "x-ratelimit-reset-tokens": reset,
		"x-request-id": "req_" + c.id, "openai-version": "2020-10-01", "openai-processing-ms": "12",
	} {
		h.Set(name, value)
	}
	if !ok {
		h.Set("Retry-After", strconv.Itoa(1+int((time.Minute-now.Sub(s.minute))/time.Second)))
	}
	return ok
}

// usage answers how often the model was asked and what that took.
func (s *Server) usage(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]int{
		"completions": s.totalCalls, "prompt_tokens": s.totalTokens.prompt, "completion_tokens": s.totalTokens.completion,
	})
}

func (s *Server) models(w http.ResponseWriter, _ call) {
	var list []map[string]any
	for _, id := range []string{"simulated-writer", "simulated-embedding", "simulated-moderation"} {
		list = append(list, map[string]any{"id": id, "object": "model", "created": 1760000000, "owned_by": "simulator"})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

// hash spreads its parts over 64 bits, the same in every run.
func hash(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	v := h.Sum64()
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	v *= 0xc4ceb9fe1a85ec53
	return v ^ v>>33
}
