package sqsqueue_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/simulator/sqs"
)

type bundle struct {
	queues *sqsqueue.Queues
	api    *awssqs.Client
	url    string
}

// setup gives a publish queue and its dead-letter queue behind a server that
// passes every call through before, which may answer it instead.
func setup(t *testing.T, before func(w http.ResponseWriter, r *http.Request) (answered bool)) *bundle {
	t.Helper()
	server := sqs.New(time.Now)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			server.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		server.Close()
		web.Close()
	})
	api, err := sqsqueue.Connect(t.Context(), web.URL)
	require.NoError(t, err)
	create := func(name string, attributes map[string]string) string {
		out, err := api.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
		require.NoError(t, err)
		return aws.ToString(out.QueueUrl)
	}
	create("publish-dead", nil)
	url := create("publish", map[string]string{
		"RedrivePolicy":      `{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:publish-dead","maxReceiveCount":1}`,
		"MaximumMessageSize": "1000000", "VisibilityTimeout": "0",
	})
	return &bundle{api: api, url: url, queues: sqsqueue.New(api, map[queue.Name]string{queue.Publish: url})}
}

func envelope(body string) queue.Envelope {
	return queue.Envelope{ID: uuid.New(), Queue: queue.Publish, Body: json.RawMessage(body), Group: "workspace"}
}

func ids(envelopes []queue.Envelope) []uuid.UUID {
	var out []uuid.UUID
	for _, e := range envelopes {
		out = append(out, e.ID)
	}
	return out
}

func (b *bundle) receive(t *testing.T) []types.Message {
	t.Helper()
	out, err := b.api.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: aws.String(b.url), MaxNumberOfMessages: 10, VisibilityTimeout: 60,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
	})
	require.NoError(t, err)
	return out.Messages
}

func TestSendDeliversEveryEnvelopeWithItsGroupAndDelay(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var envelopes []queue.Envelope
	for i := range 95 {
		envelopes = append(envelopes, envelope(fmt.Sprintf(`{"n":%d}`, i)))
	}
	delayed := envelope(`{}`)
	delayed.Delay = 90*time.Second + 900*time.Millisecond
	sent, err := b.queues.Send(t.Context(), append(envelopes, delayed))
	require.NoError(t, err)
	require.ElementsMatch(t, ids(append(envelopes, delayed)), sent)
	depths, err := b.queues.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[queue.Name]sqsqueue.Depth{queue.Publish: {Visible: 95, Delayed: 1}}, depths)
	require.Equal(t, "workspace", b.receive(t)[0].Attributes["MessageGroupId"])
}

func TestSendTellsTheReceiverOfADelay(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	delayed := envelope(`{}`)
	delayed.Delay = 1900 * time.Millisecond
	_, err := b.queues.Send(t.Context(), []queue.Envelope{delayed})
	require.NoError(t, err)
	var got []types.Message
	require.Eventually(t, func() bool { got = b.receive(t); return len(got) == 1 }, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, "1", aws.ToString(got[0].MessageAttributes["delay"].StringValue))
}

func TestSendHandsTheTraceOn(t *testing.T) {
	t.Parallel()
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	b := setup(t, nil)
	traced, plain := envelope(`{"traced":true}`), envelope(`{}`)
	traced.Traceparent = parent
	_, err := b.queues.Send(t.Context(), []queue.Envelope{traced, plain})
	require.NoError(t, err)
	for _, m := range b.receive(t) {
		if aws.ToString(m.Body) == `{}` {
			require.Empty(t, m.MessageAttributes)
			continue
		}
		require.Equal(t, parent, aws.ToString(m.MessageAttributes["traceparent"].StringValue))
	}
}

func TestSendKeepsABatchBelowAMebibyte(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var envelopes []queue.Envelope
	for range 7 {
		envelopes = append(envelopes, envelope(strings.Repeat("a", 400_000)))
	}
	sent, err := b.queues.Send(t.Context(), envelopes)
	require.NoError(t, err)
	require.ElementsMatch(t, ids(envelopes), sent)
}

func TestSendReportsWhatWasNotTaken(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	good, large, odd, early, elsewhere := envelope(`{}`), envelope(strings.Repeat("a", 1_000_001)), envelope("\x00"), envelope(`{}`), envelope(`{}`)
	early.Delay = -time.Second
	elsewhere.Queue = queue.Review
	sent, err := b.queues.Send(t.Context(), []queue.Envelope{large, odd, early, good, elsewhere})
	require.Equal(t, []uuid.UUID{good.ID}, sent)
	require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
	for _, e := range []queue.Envelope{large, odd, early, elsewhere} {
		require.ErrorContains(t, err, e.ID.String())
	}
	require.NotContains(t, err.Error(), good.ID.String())
}

func TestSendIsTriedThreeTimesAndNoMore(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	b := setup(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" {
			return false
		}
		calls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	sent, err := b.queues.Send(t.Context(), []queue.Envelope{envelope(`{}`)})
	require.Empty(t, sent)
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
	require.EqualValues(t, 3, calls.Load())
}

func TestSendReturnsTheBatchesThatWereTakenBesideTheOneThatWasNot(t *testing.T) {
	t.Parallel()
	var first atomic.Bool
	b := setup(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessageBatch" || !first.CompareAndSwap(false, true) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		return true
	})
	var envelopes []queue.Envelope
	for range 30 {
		envelopes = append(envelopes, envelope(`{}`))
	}
	sent, err := b.queues.Send(t.Context(), envelopes)
	require.Len(t, sent, 20)
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
}

func TestChangeVisibilityMovesTheWatchdogAndKnowsALostMessage(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := b.queues.Send(t.Context(), []queue.Envelope{envelope(`{}`)})
	require.NoError(t, err)
	m := b.receive(t)[0]
	require.NoError(t, b.queues.ChangeVisibility(t.Context(), queue.Publish, *m.ReceiptHandle, 100*time.Millisecond))
	depths, err := b.queues.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, depths[queue.Publish].InFlight, "a part of a second is rounded up, not down to none")

	_, err = b.api.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: aws.String(b.url), ReceiptHandle: m.ReceiptHandle})
	require.NoError(t, err)
	for _, handle := range []string{*m.ReceiptHandle, "nonsense"} {
		err = b.queues.ChangeVisibility(t.Context(), queue.Publish, handle, time.Second)
		require.True(t, apperr.Is(err, apperr.NotFound), "%v", err)
	}
	err = b.queues.ChangeVisibility(t.Context(), queue.Publish, *m.ReceiptHandle, 13*time.Hour)
	require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
	err = b.queues.ChangeVisibility(t.Context(), queue.Review, *m.ReceiptHandle, time.Second)
	require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
}

func TestDepthsCountTheDeadLetters(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := b.queues.Send(t.Context(), []queue.Envelope{envelope(`{}`)})
	require.NoError(t, err)
	m := b.receive(t)[0]
	require.NoError(t, b.queues.ChangeVisibility(t.Context(), queue.Publish, *m.ReceiptHandle, 0))
	require.Empty(t, b.receive(t))
	depths, err := b.queues.Depths(t.Context())
	require.NoError(t, err)
	require.Equal(t, sqsqueue.Depth{Dead: 1}, depths[queue.Publish])
}

func TestDepthsOfAServerThatIsAwayAreUnavailable(t *testing.T) {
	t.Parallel()
	api, err := sqsqueue.Connect(t.Context(), "http://127.0.0.1:1")
	require.NoError(t, err)
	_, err = sqsqueue.New(api, map[queue.Name]string{queue.Publish: "http://127.0.0.1:1/0/publish"}).Depths(t.Context())
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
}
