package telemetry

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
)

// Settings say where traces and metrics go.
type Settings struct {
	// Namespace is CloudWatch's for our metrics, for example rostrum/prod; empty
	// measures nothing.
	Namespace string `env:"METRICS_NAMESPACE"`
	// Endpoint is a collector that speaks OTLP over HTTP, for example
	// http://localhost:4318; empty keeps traces out of sight. This name and the
	// next are OpenTelemetry's own.
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	// Headers are sent along, as "name=value,name=value" with values
	// percent-encoded, for example a key.
	Headers config.Secret `env:"OTEL_EXPORTER_OTLP_HEADERS"`
}

const (
	sendTime  = 2 * time.Second
	maxAnswer = 64 << 10
)

// NewTracer returns the tracer of a function and what ends its connections. What
// it measures is written to out, each line in one write; on Lambda that is the
// standard output. Errors: Invalid when a setting is wrong.
func NewTracer(s Settings, function string, out io.Writer, now clock.Clock, logger *slog.Logger) (*Tracer, func(), error) {
	t := &Tracer{function: function, clock: now}
	if s.Namespace != "" {
		t.meter = &meter{namespace: s.Namespace, function: function, out: out, logger: logger, values: map[slot]map[Metric][]float64{}}
	}
	if s.Endpoint == "" {
		return t, func() {}, nil
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, apperr.New(apperr.Invalid, "bad_settings", "OTEL_EXPORTER_OTLP_ENDPOINT is not an http:// or https:// address")
	}
	headers, err := parseHeaders(s.Headers)
	if err != nil {
		return nil, nil, err
	}
	t.exporter = &exporter{
		url: strings.TrimRight(s.Endpoint, "/") + "/v1/traces", headers: headers, service: "rostrum-" + function, logger: logger,
		client: &http.Client{Timeout: sendTime, Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute}},
	}
	return t, t.exporter.client.CloseIdleConnections, nil
}

func parseHeaders(s config.Secret) (http.Header, error) {
	headers := http.Header{}
	for pair := range strings.SplitSeq(s.Reveal(), ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil {
			return nil, apperr.New(apperr.Invalid, "bad_settings", "OTEL_EXPORTER_OTLP_HEADERS is not of the form name=value,name=value")
		}
		headers.Set(strings.TrimSpace(name), value)
	}
	return headers, nil
}

// exporter sends spans as OTLP/HTTP in JSON (opentelemetry.io, OTLP
// specification 1.x, read 2026-11). It is our own: OpenTelemetry's exporter
// links gRPC, which adds more to each function than all its code for AWS.
type exporter struct {
	url, service string
	headers      http.Header
	client       *http.Client
	logger       *slog.Logger
}

func (e *exporter) send(ctx context.Context, spans []*Span) {
	if err := e.post(ctx, spans); err != nil {
		e.logger.LogAttrs(ctx, slog.LevelWarn, "traces were not delivered", slog.Int("spans", len(spans)), slog.String("error", err.Error()))
	}
}

func (e *exporter) post(ctx context.Context, spans []*Span) error {
	body, err := json.Marshal(e.encode(spans))
	if err != nil {
		return fmt.Errorf("encode traces: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header = e.headers.Clone()
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return err //nolint:wrapcheck // it names the address already.
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the collector answered %d", response.StatusCode)
	}
	return nil
}

// The form of OTLP in JSON: ids in hex, times and integers as text.
//
//nolint:tagliatelle // OpenTelemetry spells them so.
type (
	otlpBody struct {
		ResourceSpans []otlpResource `json:"resourceSpans"`
	}
	otlpResource struct {
		Resource   otlpAttributes `json:"resource"`
		ScopeSpans []otlpScope    `json:"scopeSpans"`
	}
	otlpAttributes struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpScope struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpAttribute struct {
		Key   string `json:"key"`
		Value struct {
			Text string `json:"stringValue"`
		} `json:"value"`
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		ParentID   string          `json:"parentSpanId,omitempty"`
		Name       string          `json:"name"`
		Kind       Kind            `json:"kind"`
		Start      string          `json:"startTimeUnixNano"`
		End        string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Status     otlpStatus      `json:"status"`
	}
	otlpStatus struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
)

// statusError is OTLP's code of a span that failed.
const statusError = 2

func attribute(key, value string) otlpAttribute {
	a := otlpAttribute{Key: key}
	a.Value.Text = value
	return a
}

func (e *exporter) encode(spans []*Span) otlpBody {
	scope := otlpScope{Spans: make([]otlpSpan, len(spans))}
	scope.Scope.Name = "rostrum"
	for i, s := range spans {
		out := otlpSpan{
			TraceID: hex.EncodeToString(s.context.TraceID[:]), SpanID: hex.EncodeToString(s.context.SpanID[:]), Name: s.name, Kind: s.kind,
			Start: strconv.FormatInt(s.start.UnixNano(), 10), End: strconv.FormatInt(s.end.UnixNano(), 10),
		}
		if s.parent != ([8]byte{}) {
			out.ParentID = hex.EncodeToString(s.parent[:])
		}
		for _, a := range s.attrs {
			out.Attributes = append(out.Attributes, attribute(a.Key, redact(nil, a).Value.String()))
		}
		if s.fault != "" {
			out.Status = otlpStatus{Code: statusError, Message: s.fault}
		}
		scope.Spans[i] = out
	}
	resource := otlpResource{ScopeSpans: []otlpScope{scope}}
	resource.Resource.Attributes = []otlpAttribute{attribute("service.name", e.service)}
	return otlpBody{ResourceSpans: []otlpResource{resource}}
}
