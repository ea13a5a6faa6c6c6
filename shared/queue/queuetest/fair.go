package queuetest

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

// checkFair holds the server to fair queues: a group with more than a tenth of
// what is in flight, and at least 30 messages of its own, lets others pass
// (docs.aws.amazon.com, SQS developer guide, sqs-fair-queues-detailed, read
// 2026-11-24). The service calls its thresholds approximate, so three times as
// many are in flight here, and the other's message may come with the first 20.
func checkFair(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "60"})
	for n := range 20 {
		batch := entries(10, strconv.Itoa(n)+"-")
		for i := range batch {
			batch[i].MessageGroupId = aws.String("flood")
		}
		out, err := b.client.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: aws.String(url), Entries: batch})
		require.NoError(b, err)
		require.Empty(b, out.Failed)
	}
	for taken := 0; taken < 100; {
		got := b.receive(url, 10, 5)
		require.NotEmpty(b, got)
		taken += len(got)
	}
	_, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(url), MessageBody: aws.String("m"), MessageGroupId: aws.String("quiet"),
	})
	require.NoError(b, err)
	for range 20 {
		for _, m := range b.receive(url, 1, 5) {
			if attribute(m, types.MessageSystemAttributeNameMessageGroupId) == "quiet" {
				return
			}
		}
	}
	require.Fail(b, "the quiet group waits behind the noisy one")
}
