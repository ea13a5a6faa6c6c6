package queuetest

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

// pair makes a queue and its dead-letter queue, which takes a message that was
// received twice.
func (b *bundle) pair() (source, dead string) {
	b.Helper()
	dead = b.queue(nil)
	source = b.queue(map[string]string{
		"VisibilityTimeout": "0",
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, b.arn(dead)),
	})
	return source, dead
}

func checkRedrive(b *bundle) {
	source, dead := b.pair()
	b.send(source, "m", 0)
	for range 2 {
		require.Equal(b, "m", aws.ToString(b.one(source).Body))
	}
	require.Empty(b, b.receive(source, 1, 1))
	m := b.one(dead)
	require.Equal(b, "m", aws.ToString(m.Body))
	require.Greater(b, number(b, attribute(m, types.MessageSystemAttributeNameApproximateReceiveCount)), int64(2),
		"the count goes on across queues")
	require.Equal(b, "0", b.attributes(source)["ApproximateNumberOfMessages"])
}

func checkSources(b *bundle) {
	source, dead := b.pair()
	out, err := b.client.ListDeadLetterSourceQueues(b.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String(dead)})
	require.NoError(b, err)
	require.Equal(b, []string{source}, out.QueueUrls)
}

func checkBadRedrivePolicy(b *bundle) {
	url := b.queue(nil)
	arn := b.arn(url)
	for _, policy := range []string{
		"{", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, arn+"-other"),
		fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":0}`, arn),
	} {
		_, err := b.client.SetQueueAttributes(b.Context(), &sqs.SetQueueAttributesInput{
			QueueUrl: aws.String(url), Attributes: map[string]string{"RedrivePolicy": policy},
		})
		b.refused(err, "InvalidAttributeValue", "InvalidParameterValue", "NonExistentQueue", "QueueDoesNotExist")
	}
}

func checkMoveTask(b *bundle) {
	source, dead := b.pair()
	b.send(source, "m", 0)
	for range 2 {
		b.one(source)
	}
	require.Empty(b, b.receive(source, 1, 0))
	require.Eventually(b, func() bool { return b.attributes(dead)["ApproximateNumberOfMessages"] == "1" }, 10*time.Second, 50*time.Millisecond)
	_, err := b.client.StartMessageMoveTask(b.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(b.arn(dead))})
	require.NoError(b, err)
	require.Equal(b, "1", attribute(b.one(source), types.MessageSystemAttributeNameApproximateReceiveCount))
}
