package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Metric is one fact that is measured in the cloud, under the name that its
// alarm and its graph wait for. Each is kept for its function, and once more for
// each value of the second dimension where it has one. No id is a dimension:
// each value of one is paid for by itself.
type Metric string

// The metrics.
const (
	// Lateness is the time in milliseconds from when a post was due until the
	// network had it; by network. Only of posts that were free to go on their
	// second: one that was held, approved late or tried before is late for a
	// reason that its page names.
	Lateness Metric = "lateness_ms"
	// Calls counts calls that publish; by outcome, a platform.Class.
	Calls Metric = "calls"
	// CallTime is how long such a call took, in milliseconds; by network.
	CallTime Metric = "call_ms"
	// QueueWait is the time in milliseconds for which a message could have been
	// received and was not; by queue.
	QueueWait Metric = "queue_wait_ms"
	// PostsHeld is how many scheduled posts that are due something holds.
	PostsHeld Metric = "posts_held"
	// PostsUnknown is how many posts are unknown, UnknownAge for how many
	// seconds the oldest has been.
	PostsUnknown Metric = "posts_unknown"
	UnknownAge   Metric = "unknown_age_s"
	// PostsNeedPerson is how many unknown posts wait for somebody to decide,
	// NeedPersonAge for how many seconds the oldest has waited.
	PostsNeedPerson Metric = "posts_need_person"
	NeedPersonAge   Metric = "need_person_age_s"
	// BreakersOpen is how many breakers, of networks and of accounts, keep posts
	// back that are due.
	BreakersOpen Metric = "breakers_open"
	// KeptReads counts what was to be read outside; by outcome: hit, when the
	// answer was kept from before, or miss.
	KeptReads Metric = "kept_reads"
	// InputTokens, OutputTokens and AgentCost are what one question of an agent
	// used, the last in micro-USD; by agent.
	InputTokens  Metric = "agent_input_tokens"
	OutputTokens Metric = "agent_output_tokens"
	AgentCost    Metric = "agent_micro_usd"
	// Refreshes counts refreshes of accounts' tokens; by outcome: renewed,
	// refused, unclear or unavailable.
	Refreshes Metric = "token_refreshes"
	// TickTime is how long a tick of the publish function took, in milliseconds,
	// and Dispatched how many posts it handed out.
	TickTime   Metric = "tick_ms"
	Dispatched Metric = "posts_dispatched"
	// DatabaseTime is how long a transaction took, in milliseconds.
	DatabaseTime Metric = "db_ms"
)

// Metrics lists the metrics.
func Metrics() []Metric {
	return []Metric{
		Lateness, Calls, CallTime, QueueWait, PostsHeld, PostsUnknown, UnknownAge, PostsNeedPerson, NeedPersonAge,
		BreakersOpen, KeptReads, InputTokens, OutputTokens, AgentCost, Refreshes, TickTime, Dispatched, DatabaseTime,
	}
}

// Unit is the metric's unit as CloudWatch spells it.
func (m Metric) Unit() string {
	switch m {
	case Lateness, CallTime, QueueWait, TickTime, DatabaseTime:
		return "Milliseconds"
	case UnknownAge, NeedPersonAge:
		return "Seconds"
	case AgentCost:
		return "None" // CloudWatch knows no money.
	default:
		return "Count"
	}
}

// Dimension is what a metric is told apart by beside its function; it may be empty.
func (m Metric) Dimension() string {
	switch m {
	case Lateness, CallTime:
		return "network"
	case Calls, Refreshes, KeptReads:
		return "outcome"
	case QueueWait:
		return "queue"
	case InputTokens, OutputTokens, AgentCost:
		return "agent"
	default:
		return ""
	}
}

// Measure keeps one value of a metric for the function whose span the context is
// in; by is the value of the metric's dimension, empty where it has none. Where
// nobody takes metrics, it does nothing.
func Measure(ctx context.Context, m Metric, by string, value float64) {
	if s, ok := ctx.Value(spanKey{}).(*Span); ok && s.tracer.measures() {
		s.tracer.meter.add(m, by, value)
	}
}

// Since measures in milliseconds how long ago begun was, as the tracer's clock
// tells it: 0 for what that clock has not reached.
func Since(ctx context.Context, m Metric, by string, begun time.Time) {
	if s, ok := ctx.Value(spanKey{}).(*Span); ok && s.tracer.measures() {
		took := max(s.tracer.clock.Now().Sub(begun), 0)
		s.tracer.meter.add(m, by, float64(took)/float64(time.Millisecond))
	}
}

// Time begins to measure a duration in milliseconds; what it returns ends that.
func Time(ctx context.Context, m Metric, by string) (stop func()) {
	s, ok := ctx.Value(spanKey{}).(*Span)
	if !ok || !s.tracer.measures() {
		return func() {}
	}
	begun := s.tracer.clock.Now()
	return func() { Since(ctx, m, by, begun) }
}

func (t *Tracer) measures() bool { return t != nil && t.meter != nil }

const (
	// perLine is how many values of a metric one line may hold, and maxValues
	// how many wait for a flush: a function that writes no line for so long has
	// other troubles.
	perLine   = 100
	maxValues = 10_000
)

// meter keeps values until they are written, in CloudWatch's embedded metric
// format: lines of JSON in the log that CloudWatch makes metrics of
// (docs.aws.amazon.com, Embedded Metric Format Specification, read 2026-11).
type meter struct {
	namespace, function string
	out                 io.Writer
	logger              *slog.Logger

	mu     sync.Mutex
	values map[slot]map[Metric][]float64
	kept   int
}

// slot is what one line is about: a value of a dimension.
type slot struct{ dimension, value string }

func (m *meter) add(metric Metric, by string, value float64) {
	at := slot{dimension: metric.Dimension(), value: by}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == maxValues {
		return
	}
	m.kept++
	if m.values[at] == nil {
		m.values[at] = map[Metric][]float64{}
	}
	m.values[at][metric] = append(m.values[at][metric], value)
}

func (m *meter) write(ctx context.Context, now time.Time) {
	m.mu.Lock()
	values := m.values
	m.values, m.kept = map[slot]map[Metric][]float64{}, 0
	m.mu.Unlock()
	for at, metrics := range values {
		for len(metrics) > 0 {
			if err := m.writeLine(now, at, metrics); err != nil {
				m.logger.LogAttrs(ctx, slog.LevelWarn, "metrics were not written", slog.String("error", err.Error()))
				return
			}
		}
	}
}

// writeLine writes as much as one line takes, and takes it out of metrics.
func (m *meter) writeLine(now time.Time, at slot, metrics map[Metric][]float64) error {
	type form struct{ Name, Unit string }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []form
	}
	line := map[string]any{"function": m.function}
	about := directive{Namespace: m.namespace, Dimensions: [][]string{{"function"}}}
	if at.dimension != "" {
		line[at.dimension] = at.value
		about.Dimensions = append(about.Dimensions, []string{at.dimension})
	}
	for _, metric := range slices.Sorted(maps.Keys(metrics)) {
		all := metrics[metric]
		n := min(len(all), perLine)
		line[string(metric)] = all[:n]
		about.Metrics = append(about.Metrics, form{string(metric), metric.Unit()})
		if metrics[metric] = all[n:]; n == len(all) {
			delete(metrics, metric)
		}
	}
	line["_aws"] = struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}{now.UnixMilli(), []directive{about}}
	raw, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = m.out.Write(append(raw, '\n'))
	return err
}
