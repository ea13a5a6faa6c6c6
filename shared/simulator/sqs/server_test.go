package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bundle struct {
	t      *testing.T
	server *Server
}

func setup(t *testing.T) *bundle {
	t.Helper()
	s := New(time.Now)
	t.Cleanup(s.Close)
	return &bundle{t: t, server: s}
}

func (b *bundle) raw(ctx context.Context, action, body string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://queues.test/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, r)
	return w
}

// call makes a call that must succeed and decodes its answer.
func (b *bundle) call(action string, in map[string]any, out any) {
	b.t.Helper()
	body, err := json.Marshal(in)
	require.NoError(b.t, err)
	w := b.raw(b.t.Context(), action, string(body))
	require.Equal(b.t, http.StatusOK, w.Code, w.Body.String())
	if out != nil {
		require.NoError(b.t, json.Unmarshal(w.Body.Bytes(), out))
	}
}

func (b *bundle) queue(name string, attributes map[string]string) string {
	b.t.Helper()
	var out queueURLOut
	b.call("CreateQueue", map[string]any{"QueueName": name, "Attributes": attributes}, &out)
	return out.QueueUrl
}

func (b *bundle) send(url, body string, delay int) {
	b.t.Helper()
	b.call("SendMessage", map[string]any{"QueueUrl": url, "MessageBody": body, "DelaySeconds": delay}, nil)
}

func (b *bundle) receive(url string, limit, wait int) []receivedMessage {
	b.t.Helper()
	var out receiveOut
	b.call("ReceiveMessage", map[string]any{
		"QueueUrl": url, "MaxNumberOfMessages": limit, "WaitTimeSeconds": wait, "MessageSystemAttributeNames": []string{"All"},
	}, &out)
	return out.Messages
}

func (b *bundle) depth(url, which string) string {
	b.t.Helper()
	var out attributesOut
	b.call("GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{"All"}}, &out)
	return out.Attributes["ApproximateNumberOfMessages"+which]
}

// The times below are those of a synctest bubble: exact, and they pass at once.

func TestDelayEndsAtItsMillisecondAndWakesTheLongPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", nil)
		start := time.Now()
		b.send(url, "later", 7)
		require.Equal(t, "1", b.depth(url, "Delayed"))
		got := b.receive(url, 10, 20)
		require.Len(t, got, 1)
		require.Equal(t, 7*time.Second, time.Since(start))
		require.Equal(t, "0", b.depth(url, "Delayed"))
		require.Equal(t, "1", b.depth(url, "NotVisible"))
	})
}

func TestQueueDelayAppliesUnlessTheMessageHasItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", map[string]string{"DelaySeconds": "5"})
		b.send(url, "own", 0)
		require.Equal(t, "own", b.receive(url, 10, 0)[0].Body)
		b.call("SendMessage", map[string]any{"QueueUrl": url, "MessageBody": "default"}, nil)
		require.Empty(t, b.receive(url, 10, 4))
		require.Equal(t, "default", b.receive(url, 10, 2)[0].Body)
	})
}

func TestShorterDelaySentDuringAPollWakesItFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", nil)
		b.send(url, "long", 15)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			require.Equal(t, "short", b.receive(url, 10, 20)[0].Body)
			require.Equal(t, 3*time.Second, time.Since(start))
		})
		synctest.Wait()
		time.Sleep(time.Second)
		b.send(url, "short", 2)
		wg.Wait()
	})
}

func TestVisibilityTimeoutReturnsTheMessageWithAHigherCountAndANewHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", map[string]string{"VisibilityTimeout": "10"})
		b.send(url, "m", 0)
		first := b.receive(url, 1, 0)[0]
		require.Equal(t, "1", first.Attributes["ApproximateReceiveCount"])
		start := time.Now()
		second := b.receive(url, 1, 20)[0]
		require.Equal(t, 10*time.Second, time.Since(start))
		require.Equal(t, "2", second.Attributes["ApproximateReceiveCount"])
		require.Equal(t, first.Attributes["ApproximateFirstReceiveTimestamp"], second.Attributes["ApproximateFirstReceiveTimestamp"])
		require.Equal(t, first.MessageId, second.MessageId)
		require.NotEqual(t, first.ReceiptHandle, second.ReceiptHandle)

		b.call("DeleteMessage", map[string]any{"QueueUrl": url, "ReceiptHandle": first.ReceiptHandle}, nil)
		require.Equal(t, "1", b.depth(url, "NotVisible"), "a replaced handle must not delete another's message")
		b.call("DeleteMessage", map[string]any{"QueueUrl": url, "ReceiptHandle": second.ReceiptHandle}, nil)
		require.Equal(t, "0", b.depth(url, "NotVisible"))
	})
}

func TestExpiredHandleStillDeletesWhatNoOneReceivedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", map[string]string{"VisibilityTimeout": "1"})
		b.send(url, "m", 0)
		m := b.receive(url, 1, 0)[0]
		time.Sleep(2 * time.Second)
		require.Equal(t, "1", b.depth(url, ""))
		w := b.raw(t.Context(), "ChangeMessageVisibility", fmt.Sprintf(`{"QueueUrl":%q,"ReceiptHandle":%q,"VisibilityTimeout":9}`, url, m.ReceiptHandle))
		require.Contains(t, w.Body.String(), "MessageNotInflight")
		b.call("DeleteMessage", map[string]any{"QueueUrl": url, "ReceiptHandle": m.ReceiptHandle}, nil)
		require.Empty(t, b.receive(url, 1, 1))
	})
}

func TestMessagesOlderThanTheRetentionPeriodAreGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", map[string]string{"MessageRetentionPeriod": "60", "VisibilityTimeout": "10"})
		b.send(url, "waiting", 0)
		b.send(url, "in flight", 0)
		b.send(url, "delayed", 900)
		require.Len(t, b.receive(url, 1, 0), 1)
		time.Sleep(59 * time.Second)
		require.Equal(t, "2", b.depth(url, ""))
		time.Sleep(time.Second)
		require.Equal(t, []string{"0", "0", "0"}, []string{b.depth(url, ""), b.depth(url, "NotVisible"), b.depth(url, "Delayed")})
	})
}

func TestEachWaitingPollGetsOneOfTheMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { require.Len(t, b.receive(url, 1, 20), 1) })
		}
		synctest.Wait()
		start := time.Now()
		for range 10 {
			b.send(url, "now", 0)
			b.send(url, "soon", 3)
		}
		wg.Wait()
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestAPollThatGoesAwayWhenWokenPassesTheMessageOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", nil)
		ctx, cancel := context.WithCancel(t.Context())
		body := fmt.Sprintf(`{"QueueUrl":%q,"WaitTimeSeconds":20}`, url)
		var wg sync.WaitGroup
		wg.Go(func() { b.raw(ctx, "ReceiveMessage", body) })
		synctest.Wait()
		wg.Go(func() { require.Len(t, b.receive(url, 1, 20), 1) })
		synctest.Wait()
		start := time.Now()
		// Holding the lock lets the wake-up and the departure happen at once.
		b.server.mu.Lock()
		q := b.server.queues["q"]
		q.add(&message{id: newID(), body: "m", sentAt: start}, start, 0)
		cancel()
		b.server.mu.Unlock()
		wg.Wait()
		require.Zero(t, time.Since(start))
	})
}

func TestReceiveWhoseClientHasGoneGivesTheMessageBackUncounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	b.send(url, "first", 0)
	b.send(url, "second", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.raw(ctx, "ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q,"MaxNumberOfMessages":2}`, url))
	got := b.receive(url, 10, 0)
	require.Len(t, got, 2)
	require.Equal(t, "first", got[0].Body)
	require.Equal(t, "1", got[0].Attributes["ApproximateReceiveCount"])
}

type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

func TestReceiveWhoseAnswerCannotBeWrittenGivesTheMessageBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	b.send(url, "m", 0)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(fmt.Sprintf(`{"QueueUrl":%q}`, url)))
	r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
	b.server.ServeHTTP(brokenWriter{httptest.NewRecorder()}, r)
	require.Equal(t, "0", b.depth(url, "NotVisible"))
	require.Equal(t, "1", b.receive(url, 1, 0)[0].Attributes["ApproximateReceiveCount"])
}

func TestCloseWakesLongPollsAndRefusesLaterCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", nil)
		b.send(url, "delayed", 600)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { require.Empty(t, b.receive(url, 1, 20)) })
		synctest.Wait()
		b.server.Close()
		wg.Wait()
		require.Zero(t, time.Since(start))
		require.Equal(t, http.StatusServiceUnavailable, b.raw(t.Context(), "ListQueues", "{}").Code)
	})
}

func TestDeletingAQueueEndsItsLongPollsWithNonExistentQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			w := b.raw(t.Context(), "ReceiveMessage", fmt.Sprintf(`{"QueueUrl":%q,"WaitTimeSeconds":20}`, url))
			require.Equal(t, "AWS.SimpleQueueService.NonExistentQueue;Sender", w.Header().Get("X-Amzn-Query-Error"))
		})
		synctest.Wait()
		b.call("DeleteQueue", map[string]any{"QueueUrl": url}, nil)
		wg.Wait()
	})
}

func TestBadRequestsAreAnsweredWithAnErrorOfTheProtocol(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	for name, c := range map[string]struct {
		action, body string
		status       int
		typ          string
	}{
		"unknown action":       {"LaunchRocket", "{}", 400, "UnknownOperationException"},
		"no action":            {"", "{}", 400, "UnknownOperationException"},
		"broken JSON":          {"SendMessage", `{"QueueUrl":`, 400, "SerializationException"},
		"JSON of another form": {"SendMessage", `["QueueUrl"]`, 400, "SerializationException"},
		"wrong type":           {"ReceiveMessage", `{"MaxNumberOfMessages":"many"}`, 400, "SerializationException"},
		"deeply nested":        {"SendMessage", strings.Repeat("[", 100_000), 400, "SerializationException"},
		"empty body":           {"SendMessage", "", 400, "SerializationException"},
		"no queue URL":         {"SendMessage", `{"MessageBody":"m"}`, 400, "MissingRequiredParameterException"},
		"unknown queue":        {"SendMessage", `{"QueueUrl":"http://x/1/none","MessageBody":"m"}`, 400, "QueueDoesNotExist"},
		"garbage handle":       {"DeleteMessage", fmt.Sprintf(`{"QueueUrl":%q,"ReceiptHandle":"AAAA"}`, url), 404, "ReceiptHandleIsInvalid"},
		"control character":    {"SendMessage", fmt.Sprintf(`{"QueueUrl":%q,"MessageBody":"a\u0000b"}`, url), 400, "InvalidMessageContents"},
		"FIFO queue":           {"CreateQueue", `{"QueueName":"q.fifo"}`, 400, "UnsupportedOperation"},
		"over-large":           {"SendMessage", strings.Repeat(" ", maxRequestBytes+1), 413, "RequestEntityTooLarge"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := b.raw(t.Context(), c.action, c.body)
			require.Equal(t, c.status, w.Code, w.Body.String())
			var got errorBody
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
			require.Equal(t, "com.amazonaws.sqs#"+c.typ, got.Type)
			require.NotEmpty(t, got.Message)
			require.Contains(t, w.Header().Get("X-Amzn-Query-Error"), ";Sender")
			require.NotEmpty(t, w.Header().Get("X-Amzn-Requestid"))
		})
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, r)
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
}

func FuzzAnyRequestIsAnswered(f *testing.F) {
	f.Add("SendMessage", []byte(`{"QueueUrl":"http://h/0/q","MessageBody":"m"}`))
	f.Add("CreateQueue", []byte(`{"QueueName":"q","Attributes":{"RedrivePolicy":"{\"maxReceiveCount\":\"5\"}"}}`))
	f.Add("ReceiveMessage", []byte(`{"QueueUrl":"q","MaxNumberOfMessages":-1}`))
	f.Add("SendMessageBatch", []byte(`{"QueueUrl":"q","Entries":[{"Id":"a","MessageAttributes":{"x":{"DataType":"Binary"}}}]}`))
	f.Fuzz(func(t *testing.T, action string, body []byte) {
		s := New(time.Now)
		defer s.Close()
		for _, b := range [][]byte{[]byte(`{"QueueName":"q"}`), body} {
			a := action
			if bytes.Contains(b, []byte(`{"QueueName":"q"}`)) {
				a = "CreateQueue"
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(b))
			r.Header["X-Amz-Target"] = []string{"AmazonSQS." + a}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r.WithContext(ctx))
			cancel()
			if !json.Valid(w.Body.Bytes()) && ctx.Err() == nil {
				t.Fatalf("answer is not JSON: %q", w.Body)
			}
		}
	})
}

func TestHoldsAHundredThousandMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", map[string]string{"VisibilityTimeout": "600"})
	const workers, each = 4, 2_500 // batches of 10
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				entries := make([]map[string]any, 10)
				for j := range entries {
					entries[j] = map[string]any{"Id": strconv.Itoa(j), "MessageBody": fmt.Sprintf("%d-%d-%d", w, i, j)}
				}
				b.call("SendMessageBatch", map[string]any{"QueueUrl": url, "Entries": entries}, nil)
			}
		})
	}
	wg.Wait()
	require.Equal(t, "100000", b.depth(url, ""))

	var mu sync.Mutex
	seen := map[string]int{}
	for range workers {
		wg.Go(func() {
			for {
				got := b.receive(url, 10, 0)
				if len(got) == 0 {
					return
				}
				entries := make([]map[string]any, len(got))
				mu.Lock()
				for i, m := range got {
					seen[m.Body]++
					entries[i] = map[string]any{"Id": strconv.Itoa(i), "ReceiptHandle": m.ReceiptHandle}
				}
				mu.Unlock()
				b.call("DeleteMessageBatch", map[string]any{"QueueUrl": url, "Entries": entries}, nil)
			}
		})
	}
	wg.Wait()
	require.Len(t, seen, workers*each*10)
	require.Equal(t, []string{"0", "0"}, []string{b.depth(url, ""), b.depth(url, "NotVisible")})
	q := b.server.queues["q"]
	require.Zero(t, len(q.messages)+q.byAge.Len()+q.hidden.Len(), "nothing may be kept of deleted messages")
}
