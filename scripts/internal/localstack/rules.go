package localstack

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"rostrum/shared/host"
)

// target is the one target of each rule.
const target = "function"

// Rules makes an EventBridge rule of each schedule in the template, and for each
// function with schedules the queue that its rules fill with their inputs. It
// returns the queues' addresses by function name. Errors: those of LocalStack.
func (a *Account) Rules(ctx context.Context, t *host.Template) (map[string]string, error) {
	events := eventbridge.NewFromConfig(a.cfg)
	urls := map[string]string{}
	for _, f := range t.Functions {
		if len(f.Schedules) == 0 {
			continue
		}
		url, arn, err := a.queue(ctx, f.Name)
		if err != nil {
			return nil, fmt.Errorf("make the queue of function %s's rules in LocalStack: %w", f.Name, err)
		}
		urls[f.Name] = url
		for _, s := range f.Schedules {
			if err := a.rule(ctx, events, f, s, arn); err != nil {
				return nil, fmt.Errorf("make the rule %s of function %s in LocalStack: %w", s.Name, f.Name, err)
			}
		}
	}
	return urls, nil
}

// queue makes the queue that stands in for a function as a target. It keeps an
// event for an hour at the most; the host looks at each event's own age.
func (a *Account) queue(ctx context.Context, function string) (url, arn string, err error) {
	made, err := a.queues.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String(a.name + "-schedules-" + function), Attributes: map[string]string{"MessageRetentionPeriod": "3600"},
	})
	if err != nil {
		return "", "", err
	}
	a.onRemove(func(ctx context.Context) error {
		_, err := a.queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl})
		return err
	})
	found, err := a.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return "", "", err
	}
	return aws.ToString(made.QueueUrl), found.Attributes[string(sqstypes.QueueAttributeNameQueueArn)], nil
}

func (a *Account) rule(ctx context.Context, events *eventbridge.Client, f host.Function, s host.Schedule, arn string) error {
	name := aws.String(strings.ToLower(a.name + "-" + f.Name + "-" + s.Name))
	if _, err := events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: name, ScheduleExpression: aws.String(s.Expression), State: types.RuleStateEnabled,
	}); err != nil {
		return err
	}
	a.onRemove(func(ctx context.Context) error {
		if _, err := events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: name, Ids: []string{target}}); err != nil {
			return err
		}
		_, err := events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: name})
		return err
	})
	out, err := events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: name, Targets: []types.Target{{
		Id: aws.String(target), Arn: aws.String(arn), Input: aws.String(string(s.Input)),
	}}})
	if err != nil {
		return err
	}
	for _, failed := range out.FailedEntries {
		return fmt.Errorf("%s: %s", aws.ToString(failed.ErrorCode), aws.ToString(failed.ErrorMessage))
	}
	return nil
}

// FireNow puts a schedule's input on its queue as its rule will: the first event
// of a rule comes after its first period.
func (a *Account) FireNow(ctx context.Context, url string, s host.Schedule) error {
	if _, err := a.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: aws.String(string(s.Input))}); err != nil {
		return fmt.Errorf("fire %s in LocalStack: %w", s.Name, err)
	}
	return nil
}
