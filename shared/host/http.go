package host

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
)

// Limits of HTTP APIs: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html, read 2026-11.
const (
	maxHTTPBody    = 10 << 20
	maxHeaderBytes = 10 << 10
)

// handler answers HTTP requests with a function, through the event and the answer
// of API Gateway's payload format 2.0. Invocations run in work: a client that
// goes away does not stop them, as in Lambda.
func (h *Host) handler(work context.Context, invoke invokeFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, failed := h.event(w, r)
		if failed != nil {
			failed.write(w)
			return
		}
		payload, err := json.Marshal(event)
		if err != nil || len(payload) > maxRequestPayload {
			tooLargeRequest.write(w)
			return
		}
		answer, err := invoke(work, payload, func() {})
		if err != nil {
			problemOf(err).write(w)
			return
		}
		if !respond(w, answer) {
			h.options.Logger.LogAttrs(work, slog.LevelError, "function's answer is no HTTP response", slog.Int("bytes", len(answer)))
			badAnswer.write(w)
		}
	})
}

// event is the request as API Gateway would hand it over.
// docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, read 2026-11.
func (h *Host) event(w http.ResponseWriter, r *http.Request) (*events.APIGatewayV2HTTPRequest, *edgeProblem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHTTPBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, &tooLargeRequest
		}
		return nil, &brokenRequest
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	now := h.options.Clock.Now().UTC()
	// The path arrives decoded, and an encoded question mark in it ends it, on
	// HTTP APIs (measured by others: github.com/hotsock/voker/pull/8). The query
	// stays as it was sent.
	path, _, _ := strings.Cut(r.URL.Path, "?")
	prefix, _, _ := strings.Cut(r.Host, ".")
	event := &events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.URL.RawQuery,
		Cookies: cookies(r.Header), Headers: headers(r, source), QueryStringParameters: query(r),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "000000000000", Stage: "$default", RequestID: uuid.NewString(), APIID: "local",
			DomainName: r.Host, DomainPrefix: prefix,
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	if len(body) > 0 {
		event.Body = string(body)
		if event.IsBase64Encoded = !isText(r.Header, body); event.IsBase64Encoded {
			event.Body = base64.StdEncoding.EncodeToString(body)
		}
	}
	return event, nil
}

// cookies are the single cookies of all Cookie headers.
func cookies(header http.Header) []string {
	var out []string
	for _, line := range header.Values("Cookie") {
		for part := range strings.SplitSeq(line, ";") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// headers are all headers but the cookies: names in lower case, values of one
// name joined by commas, and those that the edge adds.
func headers(r *http.Request, source string) map[string]string {
	out := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name != "Cookie" {
			out[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	if r.ContentLength >= 0 && r.Body != http.NoBody {
		out["content-length"] = strconv.FormatInt(r.ContentLength, 10)
	}
	if before := out["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	out["x-forwarded-for"] = source
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	if _, given, err := net.SplitHostPort(r.Host); err == nil {
		port = given
	}
	if out["x-forwarded-proto"] == "" {
		out["x-forwarded-proto"] = scheme
	}
	if out["x-forwarded-port"] == "" {
		out["x-forwarded-port"] = port
	}
	return out
}

// query are the decoded parameters, the values of one name joined by commas in
// their order.
func query(r *http.Request) map[string]string {
	values := r.URL.Query()
	if len(values) == 0 {
		return nil
	}
	out := make(map[string]string, len(values))
	for name, all := range values {
		out[name] = strings.Join(all, ",")
	}
	return out
}

// isText tells the bodies that arrive as they are from those in base64: the
// former have one of a few media types and no encoding. A form is among the
// latter.
func isText(header http.Header, body []byte) bool {
	if header.Get("Content-Encoding") != "" || !utf8.Valid(body) {
		return false
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return false
	}
	switch kind {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// respond writes a function's answer as the response that format 2.0 makes of it
// and reports whether it could be read as one. Values of one header arrive joined
// by commas; the field multiValueHeaders belongs to format 1.0 and, as on AWS,
// counts for nothing here.
func respond(w http.ResponseWriter, answer []byte) bool {
	var probe struct {
		StatusCode *int `json:"statusCode"` //nolint:tagliatelle // API Gateway's spelling
	}
	if json.Unmarshal(answer, &probe) != nil || probe.StatusCode == nil {
		// Format 2.0 takes any other JSON for the body of a 200.
		if !json.Valid(answer) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // a client that has gone is no fault of ours
		return true
	}
	var response events.APIGatewayV2HTTPResponse
	if json.Unmarshal(answer, &response) != nil || response.StatusCode < 200 || response.StatusCode > 599 {
		return false
	}
	body := []byte(response.Body)
	if response.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(response.Body); err != nil {
			return false
		}
	}
	for name, value := range response.Headers {
		switch http.CanonicalHeaderKey(name) {
		case "Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Upgrade", "Trailer":
			// They describe a connection that is not the function's.
		default:
			w.Header().Set(name, value)
		}
	}
	for _, cookie := range response.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body) // as above
	return true
}

// edgeProblem is an answer that the edge gives by itself, in the form that the
// API's own problems have (RFC 9457).
type edgeProblem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}

//nolint:gochecknoglobals // constants
var (
	brokenRequest = edgeProblem{
		"Bad Request", http.StatusBadRequest, "broken_request", "The request ended before its body was complete.", "Send it again.",
	}
	tooLargeRequest = edgeProblem{
		"Content Too Large", http.StatusRequestEntityTooLarge, "request_too_large", "The request is larger than the edge takes.",
		"A request has at most 10 MB, and 6 MB once binary content is encoded.",
	}
	badAnswer = edgeProblem{
		"Bad Gateway", http.StatusBadGateway, "bad_answer", "The function's answer could not be read.", "Try again; the log says more.",
	}
	tooLargeAnswer = edgeProblem{
		"Bad Gateway", http.StatusBadGateway, "answer_too_large", "The answer is larger than the 6 MB that the edge carries.", "Ask for less at once.",
	}
	timedOut = edgeProblem{
		"Gateway Timeout", http.StatusGatewayTimeout, "timed_out", "The function did not answer in time.",
		"It may still have done what was asked: look before you send it again.",
	}
	failure = edgeProblem{
		"Internal Server Error", http.StatusInternalServerError, "internal", "Something went wrong.", "Try again; the log says more.",
	}
)

func problemOf(err error) *edgeProblem {
	switch {
	case errors.Is(err, errTimeout):
		return &timedOut
	case errors.Is(err, errTooLarge):
		return &tooLargeAnswer
	}
	return &failure
}

func (p *edgeProblem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		body = nil // not reached: five plain fields
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a client that has gone is no fault of ours
}
