// Package wake tells what woke a function: a batch of queue messages or a
// schedule with its task name. It is the edge that generate, review, publish
// and metrics share; each of them only names its consumer and its tasks.
package wake

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"rostrum/shared/apperr"
	"rostrum/shared/queue"
	"rostrum/shared/telemetry"
)

// Task is the work of one schedule.
type Task func(ctx context.Context) error

// Function is a function that queues and schedules wake.
type Function struct {
	// Name is the function's, for logs and errors.
	Name     string
	Consumer *queue.Consumer
	Tasks    map[string]Task
	// Tracer begins a span for each task, and sends what has ended before Handle
	// returns. The consumer has the same.
	Tracer *telemetry.Tracer
	Logger *slog.Logger
}

// Traced gives the function and its consumer a tracer, and returns the function.
func (f *Function) Traced(t *telemetry.Tracer) *Function {
	f.Tracer, f.Consumer.Tracer = t, t
	return f
}

// Handle is the Lambda handler. A batch of messages is answered with the ids of
// those that failed (ReportBatchItemFailures); a schedule with nothing. Errors:
// Invalid for an event that is neither, or a task that this function has not;
// those of the task itself. It returns only when all work it began has ended.
func (f *Function) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	var probe struct {
		Records *json.RawMessage `json:"Records"` //nolint:tagliatelle // AWS spells it so.
		// Task is what our EventBridge rules send as their Input.
		Task *string `json:"task"`
	}
	if err := json.Unmarshal(raw, &probe); err != nil {
		return nil, f.refuse("it is not a JSON object")
	}
	defer f.Tracer.Flush(ctx)
	switch {
	case probe.Records != nil:
		return f.consume(ctx, raw)
	case probe.Task != nil:
		return nil, f.run(ctx, *probe.Task)
	}
	return nil, f.refuse("it holds neither queue records nor a task")
}

func (f *Function) consume(ctx context.Context, raw json.RawMessage) (any, error) {
	var event events.SQSEvent
	if err := json.Unmarshal(raw, &event); err != nil {
		return nil, f.refuse("its records are not those of a queue")
	}
	records := make([]queue.Record, len(event.Records))
	for i, m := range event.Records {
		if m.EventSource != "aws:sqs" || m.MessageId == "" {
			return nil, f.refuse("its records come from %q, not from a queue", m.EventSource)
		}
		records[i] = record(m)
	}
	failed := f.Consumer.Consume(ctx, records)
	answer := events.SQSEventResponse{BatchItemFailures: make([]events.SQSBatchItemFailure, len(failed))}
	for i, id := range failed {
		answer.BatchItemFailures[i] = events.SQSBatchItemFailure{ItemIdentifier: id}
	}
	return answer, nil
}

func (f *Function) run(ctx context.Context, name string) error {
	task, ok := f.Tasks[name]
	if !ok {
		return f.refuse("it names the task %q; this function has %s", name, f.taskNames())
	}
	ctx, span := f.Tracer.Start(ctx, "task "+name, telemetry.Task, "")
	err := task(ctx)
	if err == nil {
		span.End("")
		return nil
	}
	span.End(apperr.KindOf(err).String())
	f.Logger.LogAttrs(ctx, slog.LevelError, "task failed", slog.String("function", f.Name), slog.String("task", name),
		slog.String("error", err.Error()), slog.String("error_kind", apperr.KindOf(err).String()))
	return fmt.Errorf("task %s: %w", name, err)
}

func (f *Function) taskNames() string {
	names := make([]string, 0, len(f.Tasks))
	for name := range f.Tasks {
		names = append(names, name)
	}
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (f *Function) refuse(format string, args ...any) error {
	return apperr.New(apperr.Invalid, "wrong_event", "function %s cannot take this event: %s", f.Name, fmt.Sprintf(format, args...)).
		WithHint("Look at events/%s for the events it takes.", f.Name)
}

func record(m events.SQSMessage) queue.Record {
	count, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil {
		count = 1
	}
	r := queue.Record{
		ID: m.MessageId, ReceiptHandle: m.ReceiptHandle, Body: m.Body, Group: m.Attributes["MessageGroupId"], ReceiveCount: count,
	}
	if a, ok := m.MessageAttributes["traceparent"]; ok && a.StringValue != nil {
		r.Traceparent = *a.StringValue
	}
	if a, ok := m.MessageAttributes["delay"]; ok && a.StringValue != nil {
		if seconds, err := strconv.Atoi(*a.StringValue); err == nil {
			r.Delay = time.Duration(seconds) * time.Second
		}
	}
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		r.SentAt = time.UnixMilli(ms).UTC()
	}
	return r
}
