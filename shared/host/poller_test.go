package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/simulator/sqs"
)

// queued is a host that consumes one queue, with the queue's own client.
type queued struct {
	*bundle

	api      *awssqs.Client
	url      string
	receives *atomic.Int32
}

// endpoint starts an SQS endpoint, which counts the receives it is asked for.
func endpoint(t *testing.T, receives *atomic.Int32) *awssqs.Client {
	t.Helper()
	server := sqs.New(time.Now)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "AmazonSQS.ReceiveMessage" {
			receives.Add(1)
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		web.Close()
	})
	api, err := sqsqueue.Connect(t.Context(), web.URL)
	require.NoError(t, err)
	return api
}

func consuming(t *testing.T, s Source, timeout time.Duration, handler lambda.Handler) *queued {
	t.Helper()
	s.Queue = "TaskQueue"
	if s.MaxConcurrency == 0 {
		s.MaxConcurrency = 2
	}
	if s.BatchSize == 0 {
		s.BatchSize = 10
	}
	tmpl := &Template{
		Functions: []Function{{LogicalID: "TaskFunction", Name: "task", Timeout: timeout, Sources: []Source{s}}},
		Queues: []Queue{
			{LogicalID: "TaskQueue", Name: "task", Visibility: time.Second, Retention: time.Hour, DeadLetter: "DeadQueue", MaxReceives: 2},
			{LogicalID: "DeadQueue", Name: "dead", Visibility: time.Second, Retention: time.Hour},
		},
	}
	receives := new(atomic.Int32)
	api := endpoint(t, receives)
	urls, err := EnsureQueues(t.Context(), api, tmpl)
	require.NoError(t, err)
	b := setup(t, tmpl, Options{SQS: api, QueueURLs: urls, Functions: map[string]lambda.Handler{"task": handler}})
	return &queued{bundle: b, api: api, url: urls["TaskQueue"], receives: receives}
}

// hide sets how long the queue hides a message; a second otherwise.
func (q *queued) hide(t *testing.T, seconds int) {
	t.Helper()
	_, err := q.api.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{
		QueueUrl: aws.String(q.url), Attributes: map[string]string{"VisibilityTimeout": strconv.Itoa(seconds)},
	})
	require.NoError(t, err)
}

// single makes the host receive from one place only.
func (q *queued) single() { q.host.template.Functions[0].Sources[0].MaxConcurrency = 1 }

func (q *queued) send(t *testing.T, bodies ...string) {
	t.Helper()
	in := &awssqs.SendMessageBatchInput{QueueUrl: aws.String(q.url)}
	for i, body := range bodies {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(body), MessageGroupId: aws.String("workspace"),
			MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("v")}},
		})
	}
	out, err := q.api.SendMessageBatch(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, out.Failed)
}

// counts are the visible, in-flight and dead messages.
func (q *queued) counts(t *testing.T) string {
	t.Helper()
	read := func(url, which string) string {
		out, err := q.api.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
			QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		require.NoError(t, err)
		return out.Attributes["ApproximateNumberOfMessages"+which]
	}
	dead := q.host.options.QueueURLs["DeadQueue"]
	return read(q.url, "") + " " + read(q.url, "NotVisible") + " " + read(dead, "")
}

func (q *queued) eventually(t *testing.T, want string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(q.counts(t), q.logs.String())
		}
	}()
	var got string
	require.Eventually(t, func() bool {
		got = q.counts(t)
		return got == want
	}, 15*time.Second, 20*time.Millisecond, "want %s", want)
}

func TestBatchArrivesAsTheEventOfLambda(t *testing.T) {
	t.Parallel()
	eachWay(t, batchArrives)
}

func batchArrives(t *testing.T, via way) {
	t.Helper()
	payloads := make(chan []byte, 10)
	q := consuming(t, Source{PartialFailures: true}, time.Second, via(t, handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		payloads <- payload
		return []byte("null"), nil
	})))
	q.send(t, "hello")
	q.run(t)
	var event struct{ Records []map[string]any }
	require.NoError(t, json.Unmarshal(<-payloads, &event))
	require.Len(t, event.Records, 1)
	r := event.Records[0]
	require.Equal(t, "hello", r["body"])
	require.Equal(t, "5d41402abc4b2a76b9719d911017c592", r["md5OfBody"])
	require.Equal(t, "aws:sqs", r["eventSource"])
	require.Equal(t, "arn:aws:sqs:eu-central-1:000000000000:task", r["eventSourceARN"])
	require.Equal(t, "eu-central-1", r["awsRegion"])
	require.NotEmpty(t, r["messageId"])
	require.NotEmpty(t, r["receiptHandle"])
	attributes, ok := r["attributes"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "1", attributes["ApproximateReceiveCount"])
	require.Equal(t, "workspace", attributes["MessageGroupId"])
	require.NotEmpty(t, attributes["SentTimestamp"])
	require.Contains(t, fmt.Sprint(r["messageAttributes"]), "stringValue:v")
	q.eventually(t, "0 0 0")
}

// reply answers each batch with what build makes of its records.
func reply(build func([]events.SQSMessage) (string, error)) lambda.Handler {
	return handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		answer, err := build(event.Records)
		return []byte(answer), err
	})
}

func TestOnlyTheMessagesThatFailedComeBackAndEndInTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	eachWay(t, onlyFailedComeBack)
}

func onlyFailedComeBack(t *testing.T, via way) {
	t.Helper()
	var receives sync.Map
	q := consuming(t, Source{PartialFailures: true}, time.Second, via(t, reply(func(records []events.SQSMessage) (string, error) {
		var failed []string
		for _, r := range records {
			n, _ := receives.LoadOrStore(r.Body, new(atomic.Int32))
			counter(n).Add(1)
			if strings.HasPrefix(r.Body, "poison") {
				failed = append(failed, fmt.Sprintf(`{"itemIdentifier":%q}`, r.MessageId))
			}
		}
		return `{"batchItemFailures":[` + strings.Join(failed, ",") + `]}`, nil
	})))
	q.run(t)
	q.send(t, "good 1", "poison 1", "good 2", "poison 2")
	q.eventually(t, "0 0 2")
	for body, want := range map[string]int32{"good 1": 1, "good 2": 1, "poison 1": 2, "poison 2": 2} {
		n, ok := receives.Load(body)
		require.True(t, ok)
		require.Equal(t, want, counter(n).Load(), body)
	}
}

func counter(v any) *atomic.Int32 {
	if n, ok := v.(*atomic.Int32); ok {
		return n
	}
	return new(atomic.Int32)
}

func TestAnswersThatFailTheWholeBatchOrNoneOfIt(t *testing.T) {
	t.Parallel()
	eachWay(t, answersFailTheWholeBatchOrNone)
}

func answersFailTheWholeBatchOrNone(t *testing.T, via way) {
	t.Helper()
	for name, c := range map[string]struct {
		partial bool
		answer  func([]events.SQSMessage) (string, error)
		want    string // visible, in flight, dead, at last
	}{
		"Null":        {true, func([]events.SQSMessage) (string, error) { return "null", nil }, "0 0 0"},
		"EmptyObject": {true, func([]events.SQSMessage) (string, error) { return "{}", nil }, "0 0 0"},
		"NullList":    {true, func([]events.SQSMessage) (string, error) { return `{"batchItemFailures":null}`, nil }, "0 0 0"},
		"EmptyList":   {true, func([]events.SQSMessage) (string, error) { return `{"batchItemFailures":[]}`, nil }, "0 0 0"},
		"Error":       {true, func([]events.SQSMessage) (string, error) { return "", errors.New("database away") }, "0 0 2"},
		"Panic":       {true, func([]events.SQSMessage) (string, error) { panic("at the disco") }, "0 0 2"},
		"Text":        {true, func([]events.SQSMessage) (string, error) { return `"ok"`, nil }, "0 0 2"},
		"BrokenJSON":  {true, func([]events.SQSMessage) (string, error) { return `{"batchItem`, nil }, "0 0 2"},
		"UnknownIdentifier": {true, func([]events.SQSMessage) (string, error) {
			return `{"batchItemFailures":[{"itemIdentifier":"x"}]}`, nil
		}, "0 0 2"},
		"EmptyIdentifier": {true, func([]events.SQSMessage) (string, error) { return `{"batchItemFailures":[{"itemIdentifier":""}]}`, nil }, "0 0 2"},
		"NullIdentifier": {true, func([]events.SQSMessage) (string, error) {
			return `{"batchItemFailures":[{"itemIdentifier":null}]}`, nil
		}, "0 0 2"},
		"MisspelledKey": {true, func([]events.SQSMessage) (string, error) { return `{"batchItemFailures":[{"id":"x"}]}`, nil }, "0 0 2"},
		"FailuresNotAskedFor": {false, func(r []events.SQSMessage) (string, error) {
			return `{"batchItemFailures":[{"itemIdentifier":"` + r[0].MessageId + `"}]}`, nil
		}, "0 0 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := consuming(t, Source{PartialFailures: c.partial}, time.Second, via(t, reply(c.answer)))
			q.send(t, "one", "two")
			stop := q.run(t)
			q.eventually(t, c.want)
			require.NoError(t, stop())
		})
	}
}

func TestNoMoreBatchesRunAtOnceThanAllowed(t *testing.T) {
	t.Parallel()
	var running, most atomic.Int32
	full, release := make(chan struct{}, 100), make(chan struct{})
	q := consuming(t, Source{MaxConcurrency: 3, BatchSize: 1}, 30*time.Second, handlerFunc(func(context.Context, []byte) ([]byte, error) {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		full <- struct{}{}
		<-release
		return nil, nil
	}))
	q.send(t, "1", "2", "3", "4", "5", "6", "7", "8")
	q.run(t)
	for range 3 {
		<-full
	}
	close(release)
	q.eventually(t, "0 0 0")
	require.EqualValues(t, 3, most.Load())
}

func TestBatchThatOverranKeepsItsPlaceUntilItReturns(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var calls atomic.Int32
	q := consuming(t, Source{MaxConcurrency: 2, BatchSize: 1}, 50*time.Millisecond, handlerFunc(func(context.Context, []byte) ([]byte, error) {
		calls.Add(1)
		<-release
		return nil, nil
	}))
	q.send(t, "1", "2", "3")
	q.run(t)
	require.Eventually(t, func() bool { return strings.Count(q.logs.String(), "overran its timeout") == 2 }, 5*time.Second, 5*time.Millisecond)
	require.Never(t, func() bool { return calls.Load() > 2 }, 300*time.Millisecond, 20*time.Millisecond)
	close(release)
	require.Eventually(t, func() bool { return calls.Load() > 2 }, 5*time.Second, 5*time.Millisecond)
}

func TestWindowCollectsABatchAndAFullOneDoesNotWait(t *testing.T) {
	t.Parallel()
	sizes := make(chan int, 10)
	q := consuming(t, Source{BatchSize: 4, Window: 20 * time.Second}, time.Second, reply(func(records []events.SQSMessage) (string, error) {
		sizes <- len(records)
		return "", nil
	}))
	q.hide(t, 600)
	q.single() // others would take the fourth
	q.send(t, "1", "2", "3")
	start := time.Now()
	q.run(t)
	require.Eventually(t, func() bool { return q.counts(t) == "0 3 0" }, 5*time.Second, 10*time.Millisecond)
	q.send(t, "4")
	require.Equal(t, 4, <-sizes)
	require.Less(t, time.Since(start), 15*time.Second)
	q.eventually(t, "0 0 0")
}

func TestWindowEndsWithWhatHasCome(t *testing.T) {
	t.Parallel()
	sizes := make(chan int, 10)
	q := consuming(t, Source{BatchSize: 100, Window: 300 * time.Millisecond}, time.Second, reply(func(records []events.SQSMessage) (string, error) {
		sizes <- len(records)
		return "", nil
	}))
	q.hide(t, 600)
	q.single()
	q.send(t, "1", "2", "3")
	start := time.Now()
	q.run(t)
	require.Equal(t, 3, <-sizes)
	require.GreaterOrEqual(t, time.Since(start), 300*time.Millisecond)
}

func TestStopPutsBackMessagesThatNoInvocationHasSeen(t *testing.T) {
	t.Parallel()
	q := consuming(t, Source{BatchSize: 100, Window: time.Minute}, time.Second, reply(func([]events.SQSMessage) (string, error) {
		t.Error("the window had not ended")
		return "", nil
	}))
	q.hide(t, 600)
	q.single()
	q.send(t, "1", "2", "3")
	stop := q.run(t)
	// The second receive shows that the messages of the first have arrived.
	require.Eventually(t, func() bool { return q.receives.Load() == 2 }, 5*time.Second, time.Millisecond)
	require.NoError(t, stop())
	require.Equal(t, "3 0 0", q.counts(t))
}

func TestPollerGoesOnAfterTheQueueWasAway(t *testing.T) {
	t.Parallel()
	done := make(chan struct{}, 10)
	q := consuming(t, Source{}, time.Second, reply(func([]events.SQSMessage) (string, error) {
		done <- struct{}{}
		return "", nil
	}))
	_, err := q.api.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: aws.String(q.url)})
	require.NoError(t, err)
	q.run(t)
	require.Eventually(t, func() bool { return strings.Contains(q.logs.String(), "receive failed") }, 5*time.Second, 5*time.Millisecond)
	_, err = EnsureQueues(t.Context(), q.api, q.host.template)
	require.NoError(t, err)
	q.send(t, "1")
	<-done
}

func TestEnsureQueuesBringsExistingOnesUpToDate(t *testing.T) {
	t.Parallel()
	api := endpoint(t, new(atomic.Int32))
	tmpl := loadReal(t, nil)
	first, err := EnsureQueues(t.Context(), api, tmpl)
	require.NoError(t, err)
	require.Len(t, first, 8)
	for i := range tmpl.Queues {
		tmpl.Queues[i].Visibility += time.Minute
	}
	second, err := EnsureQueues(t.Context(), api, tmpl)
	require.NoError(t, err)
	require.Equal(t, first, second)
	out, err := api.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: aws.String(first["PublishQueue"]), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	require.NoError(t, err)
	require.Equal(t, "240", out.Attributes["VisibilityTimeout"])
	require.JSONEq(t, `{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:rostrum-publish-dead-letter","maxReceiveCount":5}`, out.Attributes["RedrivePolicy"])
}

func TestBurstOfMessagesIsHandledOnce(t *testing.T) {
	t.Parallel()
	eachWay(t, burst)
}

func burst(t *testing.T, via way) {
	t.Helper()
	const total = 2_000
	var seen sync.Map
	var count atomic.Int32
	q := consuming(t, Source{MaxConcurrency: 100, PartialFailures: true}, 10*time.Second, via(t, reply(func(records []events.SQSMessage) (string, error) {
		for _, r := range records {
			if _, twice := seen.LoadOrStore(r.Body, true); twice {
				return "", errors.New("twice")
			}
			count.Add(1)
		}
		return "null", nil
	})))
	q.hide(t, 600)
	for i := range total / 10 {
		bodies := make([]string, 10)
		for j := range bodies {
			bodies[j] = strconv.Itoa(i*10 + j)
		}
		q.send(t, bodies...)
	}
	q.run(t)
	require.Eventually(t, func() bool { return count.Load() == total }, 30*time.Second, 10*time.Millisecond)
	q.eventually(t, "0 0 0")
}
