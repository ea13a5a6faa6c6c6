package queuetest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func checkCreate(b *bundle) {
	name := "rostrum-" + uuid.NewString()
	url := b.named(name, nil)
	require.True(b, strings.HasSuffix(url, "/"+name), url)
	out, err := b.client.GetQueueUrl(b.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
	require.NoError(b, err)
	require.Equal(b, url, aws.ToString(out.QueueUrl))
}

func checkCreateAgain(b *bundle) {
	name := "rostrum-" + uuid.NewString()
	url := b.named(name, map[string]string{"VisibilityTimeout": "77"})
	require.Equal(b, url, b.named(name, map[string]string{"VisibilityTimeout": "77"}))
}

func checkCreateOther(b *bundle) {
	name := "rostrum-" + uuid.NewString()
	b.named(name, map[string]string{"VisibilityTimeout": "77"})
	_, err := b.client.CreateQueue(b.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String(name), Attributes: map[string]string{"VisibilityTimeout": "78"},
	})
	refusedAs[*types.QueueNameExists](b, err)
}

func checkCreateBad(b *bundle) {
	for _, name := range []string{"with space", strings.Repeat("a", 81), "slash/y", "ä"} {
		_, err := b.client.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name)})
		b.refused(err, "InvalidParameterValue", "InvalidAttributeValue", "InvalidAttributeName", "InvalidAddress")
	}
	_, err := b.client.CreateQueue(b.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("rostrum-" + uuid.NewString()), Attributes: map[string]string{"DelaySeconds": "901"},
	})
	b.refused(err, "InvalidAttributeValue", "InvalidParameterValue")
}

func checkUnknownQueue(b *bundle) {
	known := b.queue(nil)
	url := aws.String(known + "-other")
	_, err := b.client.GetQueueUrl(b.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("rostrum-" + uuid.NewString())})
	refusedAs[*types.QueueDoesNotExist](b, err)
	_, err = b.client.SendMessage(b.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m")})
	refusedAs[*types.QueueDoesNotExist](b, err)
	_, err = b.client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: url})
	refusedAs[*types.QueueDoesNotExist](b, err)
}

func checkDeletedQueue(b *bundle) {
	url := b.queue(nil)
	b.send(url, "m", 0)
	_, err := b.client.DeleteQueue(b.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(url)})
	require.NoError(b, err)
	_, err = b.client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(url)})
	refusedAs[*types.QueueDoesNotExist](b, err)
}

func checkList(b *bundle) {
	prefix := "rostrum-" + uuid.NewString()[:13]
	want := []string{b.named(prefix+"-1", nil), b.named(prefix+"-2", nil), b.named(prefix+"-3", nil)}
	b.queue(nil)
	var got []string
	in := &sqs.ListQueuesInput{QueueNamePrefix: aws.String(prefix), MaxResults: aws.Int32(2)}
	for range 3 {
		out, err := b.client.ListQueues(b.Context(), in)
		require.NoError(b, err)
		require.LessOrEqual(b, len(out.QueueUrls), 2)
		got = append(got, out.QueueUrls...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	require.ElementsMatch(b, want, got)
}

func checkDefaults(b *bundle) {
	url := b.queue(nil)
	got := b.attributes(url)
	for name, want := range map[string]string{
		"VisibilityTimeout": "30", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
	} {
		require.Equal(b, want, got[name], name)
	}
	require.True(b, strings.HasPrefix(got["QueueArn"], "arn:aws:sqs:"), got["QueueArn"])
	require.True(b, strings.HasSuffix(got["QueueArn"], url[strings.LastIndex(url, "/")+1:]), got["QueueArn"])
	require.Positive(b, number(b, got["CreatedTimestamp"]))
}

func checkSetAttributes(b *bundle) {
	url := b.queue(nil)
	set := func(name, value string) error {
		_, err := b.client.SetQueueAttributes(b.Context(), &sqs.SetQueueAttributesInput{
			QueueUrl: aws.String(url), Attributes: map[string]string{name: value},
		})
		return err
	}
	require.NoError(b, set("VisibilityTimeout", "180"))
	require.NoError(b, set("DelaySeconds", "900"))
	got := b.attributes(url)
	require.Equal(b, "180", got["VisibilityTimeout"])
	require.Equal(b, "900", got["DelaySeconds"])
	b.refused(set("VisibilityTimeout", "43201"), "InvalidAttributeValue")
	b.refused(set("DelaySeconds", "901"), "InvalidAttributeValue")
	b.refused(set("ReceiveMessageWaitTimeSeconds", "21"), "InvalidAttributeValue")
	require.Equal(b, "180", b.attributes(url)["VisibilityTimeout"])
}

func checkUnknownAttribute(b *bundle) {
	url := b.queue(nil)
	_, err := b.client.SetQueueAttributes(b.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(url), Attributes: map[string]string{"Colour": "red"},
	})
	refusedAs[*types.InvalidAttributeName](b, err)
	_, err = b.client.GetQueueAttributes(b.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{"Colour"},
	})
	refusedAs[*types.InvalidAttributeName](b, err)
}

func checkTags(b *bundle) {
	url := aws.String(b.queue(nil))
	_, err := b.client.TagQueue(b.Context(), &sqs.TagQueueInput{QueueUrl: url, Tags: map[string]string{"app": "rostrum", "team": "x"}})
	require.NoError(b, err)
	_, err = b.client.UntagQueue(b.Context(), &sqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"team"}})
	require.NoError(b, err)
	out, err := b.client.ListQueueTags(b.Context(), &sqs.ListQueueTagsInput{QueueUrl: url})
	require.NoError(b, err)
	require.Equal(b, map[string]string{"app": "rostrum"}, out.Tags)
}

func checkPurge(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "1"})
	b.send(url, "in flight", 0)
	require.Len(b, b.receive(url, 1, 5), 1)
	b.send(url, "visible", 0)
	b.send(url, "delayed", 2)
	_, err := b.client.PurgeQueue(b.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(url)})
	require.NoError(b, err)
	require.Empty(b, b.receive(url, 10, 3))
}

func checkCounts(b *bundle) {
	url := b.queue(nil)
	for range 3 {
		b.send(url, "visible", 0)
	}
	b.send(url, "delayed", 60)
	require.Len(b, b.receive(url, 1, 5), 1)
	got := b.attributes(url)
	require.Equal(b, "2", got["ApproximateNumberOfMessages"])
	require.Equal(b, "1", got["ApproximateNumberOfMessagesNotVisible"])
	require.Equal(b, "1", got["ApproximateNumberOfMessagesDelayed"])
}
