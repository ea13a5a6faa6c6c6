package queuetest

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

func checkReceiveLimit(b *bundle) {
	url := b.queue(nil)
	for range 12 {
		b.send(url, "m", 0)
	}
	require.Len(b, b.receive(url, 1, 5), 1)
	require.LessOrEqual(b, len(b.receive(url, 3, 5)), 3)
	require.LessOrEqual(b, len(b.receive(url, 10, 5)), 10)
}

func checkReceiveRange(b *bundle) {
	url := aws.String(b.queue(nil))
	_, err := b.client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 11})
	b.refused(err, "InvalidParameterValue", "InvalidAttributeValue", "ReadCountOutOfRange")
	_, err = b.client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 21})
	b.refused(err, "InvalidParameterValue", "InvalidAttributeValue")
}

func checkLongPollWakes(b *bundle) {
	url := b.queue(nil)
	var wg sync.WaitGroup
	start := now()
	wg.Go(func() {
		got := b.receive(url, 1, 15)
		if len(got) != 1 || now().Sub(start) > 5*time.Second {
			b.Errorf("got %d messages after %s", len(got), now().Sub(start))
		}
	})
	pause(b, 500*time.Millisecond)
	b.send(url, "m", 0)
	wg.Wait()
}

func checkLongPollEnds(b *bundle) {
	url := b.queue(nil)
	start := now()
	require.Empty(b, b.receive(url, 1, 1))
	b.since(start, time.Second)
}

func checkQueueWait(b *bundle) {
	url := b.queue(map[string]string{"ReceiveMessageWaitTimeSeconds": "1"})
	start := now()
	require.Empty(b, b.receive(url, 1, 0)) // the SDK leaves out a 0
	b.since(start, time.Second)
}

// checkLongPollGivenUp would find the message in flight, and itself without it,
// if a server gave it to a client that had gone.
func checkLongPollGivenUp(b *bundle) {
	url := b.queue(nil)
	ctx, cancel := context.WithTimeout(b.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := b.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(url), WaitTimeSeconds: 15})
	require.Error(b, err)
	pause(b, 500*time.Millisecond)
	b.send(url, "m", 0)
	require.Equal(b, "1", attribute(b.one(url), types.MessageSystemAttributeNameApproximateReceiveCount))
}

func checkVisibility(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "2"})
	b.send(url, "m", 0)
	start := now()
	first := b.one(url)
	require.Empty(b, b.receive(url, 1, 0))
	second := b.one(url)
	b.since(start, 2*time.Second)
	require.Equal(b, aws.ToString(first.MessageId), aws.ToString(second.MessageId))
	require.NotEqual(b, aws.ToString(first.ReceiptHandle), aws.ToString(second.ReceiptHandle))
	require.Equal(b, "2", attribute(second, types.MessageSystemAttributeNameApproximateReceiveCount))
}

func checkReceiveVisibility(b *bundle) {
	url := b.queue(nil)
	b.send(url, "m", 0)
	start := now()
	_, err := b.client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(url), WaitTimeSeconds: 5, VisibilityTimeout: 1,
	})
	require.NoError(b, err)
	b.one(url)
	b.since(start, time.Second)
}

func checkExtend(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "1"})
	b.send(url, "m", 0)
	m := b.one(url)
	start := now()
	require.NoError(b, b.changeVisibility(url, m.ReceiptHandle, 3))
	b.one(url)
	b.since(start, 3*time.Second)
}

func checkReturn(b *bundle) {
	url := b.queue(nil)
	b.send(url, "m", 0)
	m := b.one(url)
	start := now()
	require.NoError(b, b.changeVisibility(url, m.ReceiptHandle, 0))
	require.Equal(b, "2", attribute(b.one(url), types.MessageSystemAttributeNameApproximateReceiveCount))
	b.since(start, 0)
}

func checkVisibilityBatch(b *bundle) {
	url := b.queue(nil)
	b.send(url, "m", 0)
	m := b.one(url)
	out, err := b.client.ChangeMessageVisibilityBatch(b.Context(), &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: aws.String(url),
		Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0},
			{Id: aws.String("bad"), ReceiptHandle: aws.String("nonsense"), VisibilityTimeout: 0},
		},
	})
	require.NoError(b, err)
	require.Len(b, out.Successful, 1)
	require.Equal(b, "good", aws.ToString(out.Successful[0].Id))
	require.Len(b, out.Failed, 1)
	require.Equal(b, "bad", aws.ToString(out.Failed[0].Id))
	b.one(url)
}

func checkVisibilityRange(b *bundle) {
	url := b.queue(nil)
	b.send(url, "m", 0)
	m := b.one(url)
	b.refused(b.changeVisibility(url, m.ReceiptHandle, 43_201), "InvalidParameterValue", "InvalidAttributeValue")
	b.refused(b.changeVisibility(url, m.ReceiptHandle, -1), "InvalidParameterValue", "InvalidAttributeValue")
}

func (b *bundle) remove(url string, handle *string) error {
	_, err := b.client.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String(url), ReceiptHandle: handle})
	return err
}

func checkDelete(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "1"})
	b.send(url, "m", 0)
	m := b.one(url)
	require.NoError(b, b.remove(url, m.ReceiptHandle))
	require.NoError(b, b.remove(url, m.ReceiptHandle))
	require.Empty(b, b.receive(url, 1, 2))
}

func checkDeleteBatch(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "1"})
	b.send(url, "m", 0)
	m := b.one(url)
	out, err := b.client.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{
		QueueUrl: aws.String(url),
		Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle},
			{Id: aws.String("bad"), ReceiptHandle: aws.String("nonsense")},
		},
	})
	require.NoError(b, err)
	require.Len(b, out.Successful, 1)
	require.Equal(b, "good", aws.ToString(out.Successful[0].Id))
	require.Len(b, out.Failed, 1)
	require.Equal(b, "bad", aws.ToString(out.Failed[0].Id))
	require.Contains(b, aws.ToString(out.Failed[0].Code), "ReceiptHandleIsInvalid")
	require.Empty(b, b.receive(url, 1, 2))
}

func checkBadHandle(b *bundle) {
	url := b.queue(nil)
	refusedAs[*types.ReceiptHandleIsInvalid](b, b.remove(url, aws.String("nonsense")))
	refusedAs[*types.ReceiptHandleIsInvalid](b, b.changeVisibility(url, aws.String("nonsense"), 1))
}

func checkManyReceivers(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "60"})
	const total = 300
	var wg sync.WaitGroup
	for w := range total / 10 {
		wg.Go(func() {
			_, err := b.client.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{
				QueueUrl: aws.String(url), Entries: entries(10, strconv.Itoa(w)+"-"),
			})
			if err != nil {
				b.Error(err)
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	for range 6 {
		wg.Go(func() {
			for {
				got := b.receive(url, 10, 2)
				if len(got) == 0 {
					return
				}
				mu.Lock()
				for _, m := range got {
					seen[aws.ToString(m.Body)]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(b, seen, total)
	for body, times := range seen {
		require.Equal(b, 1, times, body)
	}
}

// pause lets the server do something that it gives no sign of.
func pause(b *bundle, d time.Duration) {
	b.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.Context().Done():
	}
}
