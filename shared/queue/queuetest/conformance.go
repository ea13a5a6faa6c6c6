// Package queuetest holds any server that speaks the SQS protocol to what the
// rest of the house relies on: the public contract of standard queues. Run it
// against a simulator, an emulator or the real service by its address.
//
// It makes queues with random names and deletes them. Waits are real; every
// check but one runs in parallel with the others. What known servers do otherwise is
// written down in deviations.json, one by one.
package queuetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/queue/sqsqueue"
)

// late is how much later than asked a message may become visible. The real
// service and emulators sweep about once a second.
const late = 1500 * time.Millisecond

// Run holds the server at the endpoint to the contract, check by check, and
// returns how each went. server names it in deviations.json; of one that is not
// named there, nothing else than SQS's own behaviour is taken.
func Run(t *testing.T, server, endpoint string) map[string]Outcome {
	t.Helper()
	client, err := sqsqueue.Connect(t.Context(), endpoint)
	require.NoError(t, err)
	checks := contract()
	known, err := readDeviations(rawDeviations, slices.Collect(maps.Keys(checks)))
	require.NoError(t, err)
	var mu sync.Mutex
	outcomes := map[string]Outcome{}
	one := func(t *testing.T, name string) {
		t.Helper()
		findings := observe(t.Context(), func(r *recorder) { checks[name](&bundle{recorder: r, client: client}) })
		outcome, why := judge(findings, known[name][server])
		mu.Lock()
		outcomes[name] = outcome
		mu.Unlock()
		switch outcome {
		case Broken:
			t.Error(why)
		case Deviates:
			t.Log("as known, " + server + " " + why)
		case Kept:
		}
	}
	t.Run("Checks", func(t *testing.T) {
		for name := range checks {
			if name != brokenPolicy {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					one(t, name)
				})
			}
		}
	})
	t.Run(brokenPolicy, func(t *testing.T) { one(t, brokenPolicy) })
	return outcomes
}

// brokenPolicy runs when all other checks have ended. LocalStack 4.14 keeps the
// policy that it could not read, and until that queue is gone it answers every
// call that looks for dead-letter queues, whichever queue it is about, with 500.
const brokenPolicy = "RedrivePolicyMustNameAQueue"

// contract is every check by its name.
func contract() map[string]func(*bundle) {
	return map[string]func(*bundle){
		"CreateAnswersTheURLThatGetQueueUrlFinds":         checkCreate,
		"CreateAgainWithTheSameAttributesIsNoError":       checkCreateAgain,
		"CreateAgainWithOtherAttributesIsRefused":         checkCreateOther,
		"CreateRefusesBadNamesAndAttributes":              checkCreateBad,
		"UnknownQueueDoesNotExist":                        checkUnknownQueue,
		"DeletedQueueDoesNotExist":                        checkDeletedQueue,
		"ListQueuesFiltersByPrefixAndPages":               checkList,
		"AttributesHaveTheirDefaults":                     checkDefaults,
		"AttributesCanBeSetWithinTheirRange":              checkSetAttributes,
		"UnknownAttributeIsRefused":                       checkUnknownAttribute,
		"TagsAreKept":                                     checkTags,
		"PurgeEmptiesTheQueue":                            checkPurge,
		"CountsTellVisibleInFlightAndDelayed":             checkCounts,
		"BodyArrivesAsItWasSent":                          checkBody,
		"EmptyAndForbiddenBodiesAreRefused":               checkBadBody,
		"MessageOfAMebibyteFitsAndOneMoreByteDoesNot":     checkSize,
		"MessageAttributesArriveWithTheirChecksum":        checkMessageAttributes,
		"OnlyTheAttributesAskedForAreReturned":            checkAttributeSelection,
		"BadMessageAttributesAreRefused":                  checkBadMessageAttributes,
		"SystemAttributesTellTimeAndCount":                checkSystemAttributes,
		"GroupOnAStandardQueueIsReturned":                 checkGroup,
		"NoisyGroupLetsOthersPass":                        checkFair,
		"BatchOfTenIsTakenWhole":                          checkBatch,
		"BatchFailsOnlyTheEntryAtFault":                   checkBatchEntryFault,
		"BatchesThatCannotBeReadAreRefusedWhole":          checkBadBatches,
		"BatchOverAMebibyteIsRefused":                     checkBatchSize,
		"DelayHoldsAMessageBackAndIsNeverShort":           checkDelay,
		"DelayOfTheQueueAppliesToMessagesWithoutOne":      checkQueueDelay,
		"DelayOver900SecondsIsRefused":                    checkDelayRange,
		"ReceiveNeverReturnsMoreThanAskedFor":             checkReceiveLimit,
		"ReceiveOutOfRangeIsRefused":                      checkReceiveRange,
		"LongPollIsWokenByAMessage":                       checkLongPollWakes,
		"LongPollEndsEmptyAfterItsTime":                   checkLongPollEnds,
		"LongPollTakesTheQueuesWaitTime":                  checkQueueWait,
		"LongPollThatIsGivenUpTakesNoMessage":             checkLongPollGivenUp,
		"MessageReturnsAfterItsVisibilityTimeout":         checkVisibility,
		"ReceiveCanSetItsOwnVisibilityTimeout":            checkReceiveVisibility,
		"ChangeVisibilityExtends":                         checkExtend,
		"ChangeVisibilityToZeroReturnsAtOnce":             checkReturn,
		"ChangeVisibilityBatchFailsOnlyTheEntryAtFault":   checkVisibilityBatch,
		"ChangeVisibilityOutOfRangeIsRefused":             checkVisibilityRange,
		"DeletedMessageIsGoneAndDeletingTwiceIsNoError":   checkDelete,
		"DeleteBatchFailsOnlyTheEntryAtFault":             checkDeleteBatch,
		"BrokenReceiptHandleIsInvalid":                    checkBadHandle,
		"MessageReceivedTooOftenGoesToTheDeadLetterQueue": checkRedrive,
		"DeadLetterQueueKnowsItsSources":                  checkSources,
		brokenPolicy:                                      checkBadRedrivePolicy,
		"MoveTaskBringsDeadLettersBack":                   checkMoveTask,
		"EachMessageIsReceivedOnceByManyReceivers":        checkManyReceivers,
	}
}

// bundle is what a check works with.
type bundle struct {
	*recorder

	client *sqs.Client
}

// queue makes a queue with a random name, which is deleted after the check.
func (b *bundle) queue(attributes map[string]string) string {
	b.Helper()
	return b.named("rostrum-"+uuid.NewString(), attributes)
}

func (b *bundle) named(name string, attributes map[string]string) string {
	b.Helper()
	out, err := b.client.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
	require.NoError(b, err)
	b.Cleanup(func() {
		// The test's own context has ended by now.
		_, err := b.client.DeleteQueue(context.WithoutCancel(b.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		if _, gone := errors.AsType[*types.QueueDoesNotExist](err); !gone {
			require.NoError(b, err)
		}
	})
	return aws.ToString(out.QueueUrl)
}

func (b *bundle) attributes(url string) map[string]string {
	b.Helper()
	out, err := b.client.GetQueueAttributes(b.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	require.NoError(b, err)
	return out.Attributes
}

func (b *bundle) arn(url string) string {
	b.Helper()
	return b.attributes(url)["QueueArn"]
}

func (b *bundle) send(url, body string, delaySeconds int32) *sqs.SendMessageOutput {
	b.Helper()
	out, err := b.client.SendMessage(b.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(url), MessageBody: aws.String(body), DelaySeconds: delaySeconds,
	})
	require.NoError(b, err)
	return out
}

// receive receives up to limit messages with everything that is known of them.
func (b *bundle) receive(url string, limit, waitSeconds int32) []types.Message {
	b.Helper()
	out, err := b.client.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(url), MaxNumberOfMessages: limit, WaitTimeSeconds: waitSeconds,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	require.NoError(b, err)
	return out.Messages
}

// one receives exactly one message, waiting for it.
func (b *bundle) one(url string) types.Message {
	b.Helper()
	got := b.receive(url, 1, 10)
	require.Len(b, got, 1)
	return got[0]
}

func (b *bundle) changeVisibility(url string, handle *string, seconds int32) error {
	_, err := b.client.ChangeMessageVisibility(b.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: aws.String(url), ReceiptHandle: handle, VisibilityTimeout: seconds,
	})
	return err
}

// refused requires an error of the service whose code ends in one of those
// given. Where the reference lists no code for a refusal, servers differ, and a
// check names several; where it has a type for it, a check uses refusedAs.
func (b *bundle) refused(err error, codes ...string) {
	b.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	require.True(b, ok, "want an error of the service, got %v", err)
	for _, code := range codes {
		if strings.HasSuffix(api.ErrorCode(), code) {
			return
		}
	}
	require.Fail(b, "another code", "want one of %v, got %s: %s", codes, api.ErrorCode(), api.ErrorMessage())
}

func refusedAs[T error](b *bundle, err error) {
	b.Helper()
	_, ok := errors.AsType[T](err)
	require.True(b, ok, "want %T, got %v", *new(T), err)
}

// since requires that what started at start took at least want, and no more than
// is allowed beyond it.
func (b *bundle) since(start time.Time, want time.Duration) {
	b.Helper()
	took := clock.System{}.Now().Sub(start)
	require.GreaterOrEqual(b, took, want)
	require.LessOrEqual(b, took, want+late)
}

func now() time.Time { return clock.System{}.Now() }

func attribute(m types.Message, name types.MessageSystemAttributeName) string {
	return m.Attributes[string(name)]
}

func number(b *bundle, text string) int64 {
	b.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(b, err)
	return n
}
