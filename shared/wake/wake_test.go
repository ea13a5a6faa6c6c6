package wake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/queue"
	"rostrum/shared/telemetry"
	"rostrum/shared/wake"
)

func function(handle queue.Handler, tasks map[string]wake.Task) *wake.Function {
	logger := slog.New(slog.DiscardHandler)
	return &wake.Function{
		Name: "publish", Logger: logger, Tasks: tasks,
		Consumer: &queue.Consumer{Queue: queue.Publish, Logger: logger, Handlers: map[queue.Kind]queue.Handler{queue.PublishPost: handle, queue.ReconcilePost: handle}},
	}
}

func payload(t *testing.T, name string) json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "events", "publish", name))
	require.NoError(t, err)
	return raw
}

func TestABatchIsAnsweredWithTheMessagesThatFailed(t *testing.T) {
	t.Parallel()
	seen := make(chan queue.Record, 10)
	f := function(func(_ context.Context, m queue.Message, r queue.Record) error {
		seen <- r
		if m.Kind == queue.ReconcilePost {
			return apperr.New(apperr.Unavailable, "database_away", "away")
		}
		return nil
	}, nil)
	answer, err := f.Handle(t.Context(), payload(t, "one-malformed-of-three.json"))
	require.NoError(t, err)
	response, ok := answer.(events.SQSEventResponse)
	require.True(t, ok)
	var failed []string
	for _, item := range response.BatchItemFailures {
		failed = append(failed, item.ItemIdentifier)
	}
	require.Equal(t, []string{"059f36b4-87a3-44ab-83d2-661975610002", "059f36b4-87a3-44ab-83d2-661975610003"}, failed)
	require.Len(t, seen, 2)
	record := <-seen
	require.Equal(t, 1, record.ReceiveCount)
	require.Equal(t, "01930000-0000-7000-8000-000000000001", record.Group)
	require.Equal(t, time.UnixMilli(1764003600000).UTC(), record.SentAt)
	require.NotEmpty(t, record.ReceiptHandle)
}

func TestAMessageGoesOnInTheTraceOfItsSender(t *testing.T) {
	t.Parallel()
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	m := queue.Message{Kind: queue.PublishPost, WorkspaceID: uuid.New(), SubjectID: uuid.New(), CorrelationID: uuid.New()}
	body, err := queue.Encode(m)
	require.NoError(t, err)
	raw, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m-1", EventSource: "aws:sqs", Body: string(body),
		MessageAttributes: map[string]events.SQSMessageAttribute{
			"traceparent": {DataType: "String", StringValue: new("00-" + trace + "-00f067aa0ba902b7-01")},
		},
	}}})
	require.NoError(t, err)
	var logged bytes.Buffer
	logger := telemetry.NewLogger(&logged, "info")
	onward := ""
	f := function(func(ctx context.Context, _ queue.Message, _ queue.Record) error {
		onward = telemetry.Traceparent(ctx)
		logger.LogAttrs(ctx, slog.LevelInfo, "sent")
		return nil
	}, nil).Traced(nil)
	_, err = f.Handle(t.Context(), raw)
	require.NoError(t, err)
	require.Contains(t, onward, trace)
	require.NotContains(t, onward, "00f067aa0ba902b7")
	require.Contains(t, logged.String(), `"trace_id":"`+trace+`"`)
	require.Contains(t, logged.String(), `"correlation_id":"`+m.CorrelationID.String()+`"`)
}

// What a message was told to wait is no delay of ours.
func TestTheTimeInTheQueueCountsFromWhenAMessageCouldBeHad(t *testing.T) {
	t.Parallel()
	now := clock.NewFake(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	body, err := queue.Encode(queue.Message{Kind: queue.PublishPost, WorkspaceID: uuid.New(), SubjectID: uuid.New(), CorrelationID: uuid.New()})
	require.NoError(t, err)
	sent := map[string]string{"SentTimestamp": strconv.FormatInt(now.Now().UnixMilli(), 10)}
	raw, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-1", EventSource: "aws:sqs", Body: string(body), Attributes: sent},
		{MessageId: "m-2", EventSource: "aws:sqs", Body: string(body), Attributes: sent, MessageAttributes: map[string]events.SQSMessageAttribute{
			"delay": {DataType: "String", StringValue: new("90")},
		}},
	}})
	require.NoError(t, err)
	now.Advance(90*time.Second + 250*time.Millisecond)
	var out bytes.Buffer
	tracer, end, err := telemetry.NewTracer(telemetry.Settings{Namespace: "test"}, "publish", &out, now, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer end()
	f := function(func(context.Context, queue.Message, queue.Record) error { return nil }, nil).Traced(tracer)
	_, err = f.Handle(t.Context(), raw)
	require.NoError(t, err)
	var line struct {
		Queue string    `json:"queue"`
		Wait  []float64 `json:"queue_wait_ms"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line), "one line, written before the function returns")
	require.Equal(t, "publish", line.Queue)
	require.ElementsMatch(t, []float64{90_250, 250}, line.Wait)
}

func TestABatchWithoutFailuresIsAnsweredWithAnEmptyList(t *testing.T) {
	t.Parallel()
	f := function(func(context.Context, queue.Message, queue.Record) error { return nil }, nil)
	answer, err := f.Handle(t.Context(), payload(t, "one-due.json"))
	require.NoError(t, err)
	encoded, err := json.Marshal(answer)
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(encoded))
}

func TestAScheduleRunsItsTask(t *testing.T) {
	t.Parallel()
	ran := 0
	broken := errors.New("broken")
	f := function(nil, map[string]wake.Task{
		"tick":    func(context.Context) error { ran++; return nil },
		"recover": func(context.Context) error { return broken },
	})
	answer, err := f.Handle(t.Context(), payload(t, "tick.json"))
	require.NoError(t, err)
	require.Nil(t, answer)
	require.Equal(t, 1, ran)
	_, err = f.Handle(t.Context(), payload(t, "recover.json"))
	require.ErrorIs(t, err, broken)
}

func TestAnEventOfAWrongKindIsRefusedInWords(t *testing.T) {
	t.Parallel()
	f := function(nil, map[string]wake.Task{"tick": nil, "recover": nil})
	for name, c := range map[string]struct{ raw, says string }{
		"HTTP":        {string(payload(t, "wrong-kind.json")), "neither queue records nor a task"},
		"UnknownTask": {`{"task":"tock"}`, `names the task "tock"; this function has recover, tick`},
		"OtherSource": {`{"Records":[{"eventSource":"aws:s3","messageId":"1"}]}`, "not from a queue"},
		"NotRecords":  {`{"Records":7}`, "not those of a queue"},
		"NotJSON":     {`{`, "not a JSON object"},
		"Null":        {`null`, "neither queue records nor a task"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := f.Handle(t.Context(), json.RawMessage(c.raw))
			require.Equal(t, apperr.Invalid, apperr.KindOf(err))
			require.ErrorContains(t, err, c.says)
		})
	}
}
