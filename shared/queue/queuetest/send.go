package queuetest

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum; it guards nothing
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

const mebibyte = 1 << 20

func checkBody(b *bundle) {
	url := b.queue(nil)
	body := "{\"text\":\"tab\tnewline\r\nquote \\\" ä 漢字 👩‍👩‍👧 <&>\"}"
	sent := b.send(url, body, 0)
	m := b.one(url)
	require.Equal(b, body, aws.ToString(m.Body))
	require.Equal(b, aws.ToString(sent.MessageId), aws.ToString(m.MessageId))
	sum := md5.Sum([]byte(body)) //nolint:gosec // see the import
	require.Equal(b, hex.EncodeToString(sum[:]), aws.ToString(sent.MD5OfMessageBody))
	require.Equal(b, hex.EncodeToString(sum[:]), aws.ToString(m.MD5OfBody))
}

func checkBadBody(b *bundle) {
	url := aws.String(b.queue(nil))
	_, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("a\x00b")})
	b.refused(err, "InvalidMessageContents", "InvalidParameterValue", "InvalidAttributeValue")
	_, err = b.client.SendMessage(b.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("")})
	b.refused(err, "MissingParameter", "InvalidParameterValue", "InvalidAttributeValue")
}

func checkSize(b *bundle) {
	url := b.queue(nil)
	b.send(url, strings.Repeat("a", mebibyte), 0)
	_, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(url), MessageBody: aws.String(strings.Repeat("a", mebibyte+1)),
	})
	b.refused(err, "InvalidParameterValue", "InvalidAttributeValue")
	require.Len(b, aws.ToString(b.one(url).Body), mebibyte)
}

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
}

func checkMessageAttributes(b *bundle) {
	url := b.queue(nil)
	attributes := map[string]types.MessageAttributeValue{
		"colour": text("rot"),
		"count":  {DataType: aws.String("Number"), StringValue: aws.String("12.5")},
		"raw":    {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 254, 255}},
		"custom": {DataType: aws.String("String.uuid"), StringValue: aws.String("abc")},
	}
	sent, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(url), MessageBody: aws.String("m"), MessageAttributes: attributes,
	})
	require.NoError(b, err)
	m := b.one(url)
	require.Len(b, m.MessageAttributes, len(attributes))
	for name, want := range attributes {
		got := m.MessageAttributes[name]
		require.Equal(b, aws.ToString(want.DataType), aws.ToString(got.DataType))
		require.Equal(b, aws.ToString(want.StringValue), aws.ToString(got.StringValue))
		require.Equal(b, want.BinaryValue, got.BinaryValue)
	}
	// Worked out with another program from the algorithm in the service's guide.
	const want = "80fdd2ebd69cf12a4a65c39947b76369"
	require.Equal(b, want, aws.ToString(sent.MD5OfMessageAttributes))
	require.Equal(b, want, aws.ToString(m.MD5OfMessageAttributes))
}

func checkAttributeSelection(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "0"})
	_, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(url), MessageBody: aws.String("m"),
		MessageAttributes: map[string]types.MessageAttributeValue{"a": text("1"), "b.one": text("2"), "b.two": text("3")},
	})
	require.NoError(b, err)
	for want, names := range map[string][]string{"": nil, "a": {"a", "missing"}, "b.one b.two": {"b.*"}, "a b.one b.two": {".*"}} {
		out, err := b.client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(url), WaitTimeSeconds: 5, MessageAttributeNames: names,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
		})
		require.NoError(b, err)
		require.Len(b, out.Messages, 1)
		require.Len(b, out.Messages[0].Attributes, 1)
		var got []string
		for name := range out.Messages[0].MessageAttributes {
			got = append(got, name)
		}
		require.ElementsMatch(b, strings.Fields(want), got)
	}
}

func checkBadMessageAttributes(b *bundle) {
	url := b.queue(nil)
	many := map[string]types.MessageAttributeValue{}
	for i := range 11 {
		many["a"+strconv.Itoa(i)] = text("x")
	}
	bad := map[string]map[string]types.MessageAttributeValue{
		"eleven":       many,
		"empty":        {"a": text("")},
		"unknown type": {"a": {DataType: aws.String("Colour"), StringValue: aws.String("x")}},
		"reserved":     {"AWS.x": text("x")},
		"bad name":     {"a b": text("x")},
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		_, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String(url), MessageBody: aws.String("m"), MessageAttributes: bad[name],
		})
		require.Error(b, err, name)
		b.refused(err, "InvalidParameterValue", "InvalidAttributeValue", "InvalidMessageContents")
	}
}

func checkSystemAttributes(b *bundle) {
	url := b.queue(map[string]string{"VisibilityTimeout": "0"})
	before := now().UnixMilli()
	b.send(url, "m", 0)
	first := b.one(url)
	second := b.one(url)
	after := now().UnixMilli()
	sent := number(b, attribute(first, types.MessageSystemAttributeNameSentTimestamp))
	received := number(b, attribute(first, types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp))
	require.LessOrEqual(b, before-1000, sent, "the server's clock may differ by a second")
	require.LessOrEqual(b, sent, received)
	require.LessOrEqual(b, received, after+1000)
	require.Equal(b, "1", attribute(first, types.MessageSystemAttributeNameApproximateReceiveCount))
	require.Equal(b, "2", attribute(second, types.MessageSystemAttributeNameApproximateReceiveCount))
	require.Equal(b, received, number(b, attribute(second, types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp)))
}

func checkGroup(b *bundle) {
	url := b.queue(nil)
	_, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(url), MessageBody: aws.String("m"), MessageGroupId: aws.String("workspace-1"), DelaySeconds: 1,
	})
	require.NoError(b, err)
	m := b.one(url)
	require.Equal(b, "workspace-1", attribute(m, types.MessageSystemAttributeNameMessageGroupId))
	_, err = b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(url), MessageBody: aws.String("m"), MessageGroupId: aws.String(strings.Repeat("g", 129)),
	})
	b.refused(err, "InvalidParameterValue", "InvalidAttributeValue")
}

func entries(n int, body string) []types.SendMessageBatchRequestEntry {
	out := make([]types.SendMessageBatchRequestEntry, n)
	for i := range out {
		id := strconv.Itoa(i)
		out[i] = types.SendMessageBatchRequestEntry{Id: aws.String(id), MessageBody: aws.String(body + id)}
	}
	return out
}

func checkBatch(b *bundle) {
	url := b.queue(nil)
	out, err := b.client.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: aws.String(url), Entries: entries(10, "m")})
	require.NoError(b, err)
	require.Empty(b, out.Failed)
	require.Len(b, out.Successful, 10)
	ids := map[string]string{}
	for _, s := range out.Successful {
		ids[aws.ToString(s.MessageId)] = "m" + aws.ToString(s.Id)
	}
	require.Len(b, ids, 10)
	for got := 0; got < 10; {
		messages := b.receive(url, 10, 5)
		require.NotEmpty(b, messages)
		for _, m := range messages {
			require.Equal(b, ids[aws.ToString(m.MessageId)], aws.ToString(m.Body))
			got++
		}
	}
}

func checkBatchEntryFault(b *bundle) {
	url := b.queue(nil)
	batch := entries(3, "m")
	batch[1].DelaySeconds = 901
	out, err := b.client.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: aws.String(url), Entries: batch})
	require.NoError(b, err)
	require.Len(b, out.Successful, 2)
	require.Len(b, out.Failed, 1)
	require.Equal(b, "1", aws.ToString(out.Failed[0].Id))
	require.True(b, out.Failed[0].SenderFault)
	require.Contains(b, aws.ToString(out.Failed[0].Code), "InvalidParameterValue")
	require.Equal(b, "2", b.attributes(url)["ApproximateNumberOfMessages"])
}

func checkBadBatches(b *bundle) {
	url := b.queue(nil)
	send := func(batch []types.SendMessageBatchRequestEntry) error {
		_, err := b.client.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: aws.String(url), Entries: batch})
		return err
	}
	refusedAs[*types.TooManyEntriesInBatchRequest](b, send(entries(11, "m")))
	refusedAs[*types.EmptyBatchRequest](b, send([]types.SendMessageBatchRequestEntry{}))
	twice := entries(2, "m")
	twice[1].Id = twice[0].Id
	refusedAs[*types.BatchEntryIdsNotDistinct](b, send(twice))
	odd := entries(1, "m")
	odd[0].Id = aws.String("not an id")
	refusedAs[*types.InvalidBatchEntryId](b, send(odd))
	require.Equal(b, "0", b.attributes(url)["ApproximateNumberOfMessages"])
}

func checkBatchSize(b *bundle) {
	url := b.queue(nil)
	_, err := b.client.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{
		QueueUrl: aws.String(url), Entries: entries(3, strings.Repeat("a", mebibyte/3)),
	})
	refusedAs[*types.BatchRequestTooLong](b, err)
}

func checkDelay(b *bundle) {
	url := b.queue(nil)
	start := now()
	b.send(url, "m", 2)
	require.Empty(b, b.receive(url, 1, 0))
	b.one(url)
	took := now().Sub(start)
	require.GreaterOrEqual(b, took.Seconds(), 2.0)
	b.since(start, 2e9)
}

func checkQueueDelay(b *bundle) {
	url := b.queue(map[string]string{"DelaySeconds": "2"})
	start := now()
	b.send(url, "own", 1)
	b.send(url, "queue's", 0) // the SDK leaves out a 0
	require.Equal(b, "own", aws.ToString(b.one(url).Body))
	b.since(start, 1e9)
	require.Equal(b, "queue's", aws.ToString(b.one(url).Body))
	b.since(start, 2e9)
}

func checkDelayRange(b *bundle) {
	url := aws.String(b.queue(nil))
	for _, seconds := range []int32{-1, 901} {
		_, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m"), DelaySeconds: seconds})
		b.refused(err, "InvalidParameterValue", "InvalidAttributeValue")
	}
	b.send(aws.ToString(url), "m", 900)
}
