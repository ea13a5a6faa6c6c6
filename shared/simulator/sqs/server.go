package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The fixed parts of every queue's ARN.
const (
	Region  = "eu-central-1"
	Account = "000000000000"
)

const (
	// maxMessageBytes is the largest message, and the largest batch together
	// (1 MiB since August 2025).
	maxMessageBytes = 1 << 20
	// maxRequestBytes bounds what is read of one request: a batch of 1 MiB whose
	// every byte is a six-character JSON escape, and its envelope.
	maxRequestBytes = 8 << 20
	maxBatch        = 10
	maxWait         = 20 * time.Second
	maxDelay        = 15 * time.Minute
	maxVisibility   = 12 * time.Hour
	// maxInFlight is the standard queue's limit of received, undeleted messages.
	maxInFlight = 120_000
)

const targetPrefix = "AmazonSQS."

// Server is one SQS endpoint: an http.Handler that holds its queues in memory.
// It is safe for concurrent use.
type Server struct {
	now     func() time.Time
	actions map[string]action

	mu     sync.Mutex
	queues map[string]*queue
	tasks  []*moveTask
	closed bool

	done chan struct{}
	wg   sync.WaitGroup
}

// action answers one call. host is how the caller addressed the server; queue
// URLs are built from it, so that they work from wherever the caller stands.
type action func(ctx context.Context, host string, body []byte) (answer, error)

// answer is a call's result. undo, when set, takes the call back: it runs if
// the caller has gone away before the result could be written.
type answer struct {
	body any
	undo func()
}

// New returns an endpoint without queues. now tells the time; delays and
// timeouts are measured with it, so it should keep a monotonic reading.
func New(now func() time.Time) *Server {
	s := &Server{now: now, queues: map[string]*queue{}, done: make(chan struct{})}
	s.actions = map[string]action{
		"CreateQueue":                  decoded(s.createQueue),
		"DeleteQueue":                  decoded(s.deleteQueue),
		"GetQueueUrl":                  decoded(s.getQueueURL),
		"ListQueues":                   decoded(s.listQueues),
		"GetQueueAttributes":           decoded(s.getQueueAttributes),
		"SetQueueAttributes":           decoded(s.setQueueAttributes),
		"PurgeQueue":                   decoded(s.purgeQueue),
		"TagQueue":                     decoded(s.tagQueue),
		"UntagQueue":                   decoded(s.untagQueue),
		"ListQueueTags":                decoded(s.listQueueTags),
		"SendMessage":                  decoded(s.sendMessage),
		"SendMessageBatch":             decoded(s.sendMessageBatch),
		"ReceiveMessage":               decoded(s.receiveMessage),
		"DeleteMessage":                decoded(s.deleteMessage),
		"DeleteMessageBatch":           decoded(s.deleteMessageBatch),
		"ChangeMessageVisibility":      decoded(s.changeMessageVisibility),
		"ChangeMessageVisibilityBatch": decoded(s.changeMessageVisibilityBatch),
		"ListDeadLetterSourceQueues":   decoded(s.listDeadLetterSourceQueues),
		"StartMessageMoveTask":         decoded(s.startMessageMoveTask),
		"ListMessageMoveTasks":         decoded(s.listMessageMoveTasks),
		"CancelMessageMoveTask":        decoded(s.cancelMessageMoveTask),
	}
	return s
}

// Close wakes every long poll, which then answers without messages, stops the
// move tasks and waits for them. Later calls are answered with 503.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
		for _, q := range s.queues {
			q.stopTimer()
		}
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// ServeHTTP answers one call of the JSON protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	if out.undo != nil && r.Context().Err() != nil {
		out.undo()
		return
	}
	if err := writeJSON(w, http.StatusOK, out.body); err != nil && out.undo != nil {
		out.undo()
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) (answer, error) {
	if r.Method != http.MethodPost {
		return answer{}, &apiError{status: http.StatusMethodNotAllowed, typ: "UnsupportedHttpVerb", message: "calls are made with POST"}
	}
	if s.isClosed() {
		return answer{}, &apiError{status: http.StatusServiceUnavailable, typ: "ServiceUnavailable", message: "the endpoint is closed"}
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	act := s.actions[name]
	if !ok || act == nil {
		return answer{}, &apiError{status: http.StatusBadRequest, typ: "UnknownOperationException", message: "The action is not known to this endpoint."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return answer{}, &apiError{status: http.StatusRequestEntityTooLarge, typ: "RequestEntityTooLarge", message: "The request body is larger than 8 MiB."}
		}
		return answer{}, &apiError{status: http.StatusBadRequest, typ: "IncompleteBody", message: "The request body ended early."}
	}
	return act(r.Context(), r.Host, body)
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// decoded turns a typed call into an action.
func decoded[In any](call func(ctx context.Context, host string, in In) (answer, error)) action {
	return func(ctx context.Context, host string, body []byte) (answer, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return answer{}, &apiError{status: http.StatusBadRequest, typ: "SerializationException", message: "The request body is not valid JSON for this action."}
		}
		return call(ctx, host, in)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", newID())
	// With a length the answer leaves in one piece. In chunks, its end would come
	// after its content, and a client that was slow in between asked again.
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return err
	}
	// Without the flush the write ends in a buffer, and a connection that broke
	// meanwhile would not show.
	if err := http.NewResponseController(w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
