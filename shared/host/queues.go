package host

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"rostrum/shared/apperr"
)

// EnsureQueues makes the template's queues where they are missing, sets the
// attributes of those that are there, and returns their addresses by logical id.
// It is for emulators: in the cloud the queues are made by what deploys them.
// Errors: Unavailable.
func EnsureQueues(ctx context.Context, client *sqs.Client, t *Template) (map[string]string, error) {
	urls := map[string]string{}
	arns := map[string]string{}
	// Those with a dead-letter queue come after it.
	for _, withDeadLetters := range []bool{false, true} {
		for _, q := range t.Queues {
			if (q.DeadLetter != "") != withDeadLetters {
				continue
			}
			url, arn, err := ensureQueue(ctx, client, q, arns[q.DeadLetter])
			if err != nil {
				return nil, apperr.New(apperr.Unavailable, "queue_unavailable", "make queue %s", q.Name).WithCause(err)
			}
			urls[q.LogicalID], arns[q.LogicalID] = url, arn
		}
	}
	return urls, nil
}

func ensureQueue(ctx context.Context, client *sqs.Client, q Queue, deadLetterARN string) (url, arn string, err error) {
	attributes := map[string]string{
		"VisibilityTimeout":      strconv.Itoa(int(q.Visibility / time.Second)),
		"MessageRetentionPeriod": strconv.Itoa(int(q.Retention / time.Second)),
	}
	if q.DeadLetter != "" {
		attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, deadLetterARN, q.MaxReceives)
	}
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(q.Name), Attributes: attributes})
	if err == nil {
		url = aws.ToString(made.QueueUrl)
	} else {
		if _, exists := errors.AsType[*types.QueueNameExists](err); !exists {
			return "", "", err
		}
		found, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(q.Name)})
		if err != nil {
			return "", "", err
		}
		url = aws.ToString(found.QueueUrl)
		if _, err := client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: found.QueueUrl, Attributes: attributes}); err != nil {
			return "", "", err
		}
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", "", err
	}
	return url, out.Attributes["QueueArn"], nil
}
