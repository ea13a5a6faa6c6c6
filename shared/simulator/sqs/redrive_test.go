package sqs

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// deadLetter fills a dead-letter queue with n messages of its source.
func (b *bundle) deadLetter(n int) (source, dead string) {
	b.t.Helper()
	dead = b.queue("dead", nil)
	source = b.queue("source", map[string]string{
		"VisibilityTimeout": "1",
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:dead","maxReceiveCount":"2"}`, Region, Account),
	})
	for i := range n {
		b.send(source, strconv.Itoa(i), 0)
	}
	for range 3 {
		for len(b.receive(source, 10, 0)) > 0 {
		}
		time.Sleep(time.Second)
	}
	require.Equal(b.t, strconv.Itoa(n), b.depth(dead, ""))
	return source, dead
}

func TestMessageReceivedOftenEnoughGoesToTheDeadLetterQueueWithItsOrigin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		source, dead := b.deadLetter(1)
		require.Empty(t, b.receive(source, 1, 3))
		got := b.receive(dead, 1, 0)
		require.Len(t, got, 1)
		require.Equal(t, "arn:aws:sqs:eu-central-1:000000000000:source", got[0].Attributes["DeadLetterQueueSourceArn"])
		require.Equal(t, "3", got[0].Attributes["ApproximateReceiveCount"])
	})
}

func TestMoveTaskBringsMessagesBackAsNewOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		source, _ := b.deadLetter(25)
		b.call("StartMessageMoveTask", map[string]any{"SourceArn": "arn:aws:sqs:eu-central-1:000000000000:dead"}, nil)
		require.Equal(t, "25", b.depth(source, ""))
		got := b.receive(source, 1, 0)[0]
		require.Equal(t, "1", got.Attributes["ApproximateReceiveCount"])
		require.NotContains(t, got.Attributes, "DeadLetterQueueSourceArn")
		var tasks listMovesOut
		b.call("ListMessageMoveTasks", map[string]any{"SourceArn": "arn:aws:sqs:eu-central-1:000000000000:dead"}, &tasks)
		require.Equal(t, "COMPLETED", tasks.Results[0].Status)
		require.Equal(t, 25, tasks.Results[0].ApproximateNumberOfMessagesMoved)
	})
}

func TestMoveTaskKeepsItsRateAndCanBeCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		source, dead := b.deadLetter(20)
		var task taskHandle
		start := map[string]any{"SourceArn": "arn:aws:sqs:eu-central-1:000000000000:dead", "MaxNumberOfMessagesPerSecond": 5}
		b.call("StartMessageMoveTask", start, &task)
		synctest.Wait()
		require.Equal(t, "1", b.depth(source, ""))
		require.Contains(t, b.raw(t.Context(), "StartMessageMoveTask", `{"SourceArn":"arn:aws:sqs:eu-central-1:000000000000:dead"}`).Body.String(), "UnsupportedOperation")
		time.Sleep(time.Second + time.Millisecond)
		require.Equal(t, "6", b.depth(source, ""))
		b.call("CancelMessageMoveTask", map[string]any{"TaskHandle": task.TaskHandle}, nil)
		time.Sleep(time.Minute)
		require.Equal(t, "14", b.depth(dead, ""))
	})
}

func TestMoveTaskStopsAtAMessageWithoutAnOrigin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		_, dead := b.deadLetter(0)
		b.send(dead, "by hand", 0)
		b.call("StartMessageMoveTask", map[string]any{"SourceArn": "arn:aws:sqs:eu-central-1:000000000000:dead"}, nil)
		var tasks listMovesOut
		b.call("ListMessageMoveTasks", map[string]any{"SourceArn": "arn:aws:sqs:eu-central-1:000000000000:dead"}, &tasks)
		require.Equal(t, "FAILED", tasks.Results[0].Status)
		require.Equal(t, "CouldNotDetermineMessageSource", tasks.Results[0].FailureReason)
		require.Equal(t, "1", b.depth(dead, ""), "the message must stay where it is")
	})
}

func TestMoveTaskNeedsADeadLetterQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.queue("plain", nil)
	require.Contains(t, b.raw(t.Context(), "StartMessageMoveTask", `{"SourceArn":"arn:aws:sqs:eu-central-1:000000000000:plain"}`).Body.String(), "InvalidParameterValue")
	require.Contains(t, b.raw(t.Context(), "StartMessageMoveTask", `{"SourceArn":"arn:aws:sqs:eu-central-1:000000000000:none"}`).Body.String(), "ResourceNotFoundException")
}
