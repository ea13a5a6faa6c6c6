package sqsqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/gather"
	"rostrum/shared/killpoint"
	"rostrum/shared/queue"
)

// Limits of SQS: docs.aws.amazon.com, SQS message quotas, read 2026-11.
const (
	batchSize     = 10
	batchBytes    = 1 << 20
	maxDelay      = 900 * time.Second
	maxVisibility = 12 * time.Hour
)

// inParallel is how many batches of one Send are under way at once. A tick that
// hands out 10,000 posts has 1,000 of them.
const inParallel = 8

// Queues are the queues of one deployment. It is safe for concurrent use.
type Queues struct {
	api  *sqs.Client
	urls map[queue.Name]string
	// hiding gathers, for each queue, what changes visibility in one moment.
	hiding map[queue.Name]*gather.Group[hide, error]
}

var _ queue.Sender = (*Queues)(nil)

// New returns the queues at the addresses given.
func New(api *sqs.Client, urls map[queue.Name]string) *Queues {
	q := &Queues{api: api, urls: urls, hiding: map[queue.Name]*gather.Group[hide, error]{}}
	for name := range urls {
		q.hiding[name] = &gather.Group[hide, error]{Limit: batchSize, AtOnce: inParallel}
	}
	return q
}

// Send puts the envelopes on their queues, in batches of at most ten messages
// and 1 MiB. It returns the ids that were taken, in no order; when that is not
// all, the error says why: Unavailable when SQS could not be reached or was at
// fault, Invalid when it or this method refused a message. A delay is cut to
// whole seconds. Envelopes whose batch was lost on the way may have been taken
// all the same.
func (q *Queues) Send(ctx context.Context, envelopes []queue.Envelope) (sent []uuid.UUID, err error) {
	batches, refused := q.batches(envelopes)
	results := make([][]uuid.UUID, len(batches))
	faults := make([]error, len(batches))
	slots := make(chan struct{}, inParallel)
	var wg sync.WaitGroup
	for i, b := range batches {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i], faults[i] = q.sendBatch(ctx, b)
			killpoint.Here("outbox.half_sent")
		})
	}
	wg.Wait()
	for _, ids := range results {
		sent = append(sent, ids...)
	}
	return sent, errors.Join(errors.Join(faults...), errors.Join(refused...))
}

// batch is what one call sends: envelopes of one queue.
type batch struct {
	queue     queue.Name
	url       string
	envelopes []queue.Envelope
	bytes     int
}

// batches sorts the envelopes into calls, and refuses those no call can carry.
func (q *Queues) batches(envelopes []queue.Envelope) (batches []*batch, refused []error) {
	open := map[queue.Name]*batch{}
	for _, e := range envelopes {
		url, err := q.check(e)
		if err != nil {
			refused = append(refused, err)
			continue
		}
		b := open[e.Queue]
		if b == nil || len(b.envelopes) == batchSize || b.bytes+size(e) > batchBytes {
			b = &batch{queue: e.Queue, url: url}
			open[e.Queue] = b
			batches = append(batches, b)
		}
		b.envelopes = append(b.envelopes, e)
		b.bytes += size(e)
	}
	return batches, refused
}

func (q *Queues) check(e queue.Envelope) (url string, err error) {
	url, ok := q.urls[e.Queue]
	switch {
	case !ok:
		return "", apperr.New(apperr.Invalid, "unknown_queue", "message %s is for queue %q, which has no address", e.ID, e.Queue)
	case e.Delay < 0 || e.Delay > maxDelay:
		return "", apperr.New(apperr.Invalid, "bad_delay", "message %s has a delay of %s; 0 to %s can be had", e.ID, e.Delay, maxDelay)
	case size(e) > batchBytes:
		return "", apperr.New(apperr.Invalid, "message_too_large", "message %s has %d bytes; %d are the most", e.ID, size(e), batchBytes)
	}
	return url, nil
}

// textType is the type of the attributes that we send.
const textType = "String"

// attributes are the message's trace, and its delay in seconds, which the queue
// tells no receiver.
func attributes(e queue.Envelope) map[string]types.MessageAttributeValue {
	out := map[string]types.MessageAttributeValue{}
	add := func(name, value string) {
		out[name] = types.MessageAttributeValue{DataType: aws.String(textType), StringValue: aws.String(value)}
	}
	if e.Traceparent != "" {
		add("traceparent", e.Traceparent)
	}
	if d := e.Delay / time.Second; d > 0 {
		add("delay", strconv.Itoa(int(d)))
	}
	return out
}

// size is what a message counts for: attributes count with name, type and value.
func size(e queue.Envelope) int {
	n := len(e.Body)
	for name, a := range attributes(e) {
		n += len(name) + len(textType) + len(aws.ToString(a.StringValue))
	}
	return n
}

func (q *Queues) sendBatch(ctx context.Context, b *batch) ([]uuid.UUID, error) {
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(b.url)}
	for i, e := range b.envelopes {
		entry := types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(e.Body)), DelaySeconds: int32(e.Delay / time.Second),
		}
		if e.Group != "" {
			entry.MessageGroupId = aws.String(e.Group)
		}
		if with := attributes(e); len(with) > 0 {
			entry.MessageAttributes = with
		}
		in.Entries = append(in.Entries, entry)
	}
	out, err := q.api.SendMessageBatch(ctx, in)
	if err != nil {
		return nil, unavailable(err, "send %d messages to queue %s", len(b.envelopes), b.queue)
	}
	var sent []uuid.UUID
	for _, s := range out.Successful {
		if e := b.at(s.Id); e != nil {
			sent = append(sent, e.ID)
		}
	}
	var faults []error
	for _, f := range out.Failed {
		faults = append(faults, b.fault(f))
	}
	return sent, errors.Join(faults...)
}

func (b *batch) at(id *string) *queue.Envelope {
	i, err := strconv.Atoi(aws.ToString(id))
	if err != nil || i < 0 || i >= len(b.envelopes) {
		return nil
	}
	return &b.envelopes[i]
}

func (b *batch) fault(f types.BatchResultErrorEntry) error {
	id := uuid.Nil
	if e := b.at(f.Id); e != nil {
		id = e.ID
	}
	kind, code := apperr.Unavailable, "queue_unavailable"
	if f.SenderFault {
		kind, code = apperr.Invalid, "message_refused"
	}
	return apperr.New(kind, code, "queue %s did not take message %s", b.queue, id).
		WithCause(fmt.Errorf("%s: %s", aws.ToString(f.Code), aws.ToString(f.Message)))
}

// ChangeVisibility hides the message of one receive for d from now, rounded up
// to whole seconds; 0 returns it at once. The publish function sets it to the
// end of its lease, so that a worker that died is noticed by then. Errors:
// NotFound when that receive no longer holds the message, Invalid when d is not
// from 0 to 12 hours, Unavailable.
func (q *Queues) ChangeVisibility(ctx context.Context, name queue.Name, receiptHandle string, d time.Duration) error {
	url, ok := q.urls[name]
	if !ok {
		return apperr.New(apperr.Invalid, "unknown_queue", "queue %q has no address", name)
	}
	if d < 0 || d > maxVisibility {
		return apperr.New(apperr.Invalid, "bad_visibility", "a message is hidden for 0 to %s, not %s", maxVisibility, d)
	}
	h := hide{receiptHandle, int32((d + time.Second - 1) / time.Second)}
	fault, err := q.hiding[name].Do(ctx, uuid.Nil, h, func(ctx context.Context, all []hide) ([]error, error) {
		return q.hideAll(ctx, name, url, all), nil
	})
	return errors.Join(err, fault)
}

// hide is one message that is to be hidden for whole seconds.
type hide struct {
	receiptHandle string
	seconds       int32
}

// hideAll changes the visibility of messages in one call and returns the fault
// of each. A call that is lost is lost for all of them: asking again for each
// would keep their posts waiting.
func (q *Queues) hideAll(ctx context.Context, name queue.Name, url string, all []hide) []error {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(url)}
	for i, h := range all {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(h.receiptHandle), VisibilityTimeout: h.seconds,
		})
	}
	faults := make([]error, len(all))
	out, err := q.api.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		for i := range faults {
			faults[i] = unavailable(err, "change visibility on queue %s", name)
		}
		return faults
	}
	for _, f := range out.Failed {
		i, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil || i < 0 || i >= len(all) {
			continue
		}
		cause := fmt.Errorf("%s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
		if notHeld(aws.ToString(f.Code)) {
			faults[i] = apperr.New(apperr.NotFound, "message_not_in_flight", "the message is no longer in flight on queue %s", name).WithCause(cause)
			continue
		}
		faults[i] = unavailable(cause, "change visibility on queue %s", name)
	}
	return faults
}

// notHeld tells the codes with which SQS says that a receipt handle holds no
// message any more. The service documents the second; it answers with the first
// or the last as well, depending on how long the message has been gone.
func notHeld(code string) bool {
	for _, known := range []string{"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"} {
		if strings.HasSuffix(code, known) {
			return true
		}
	}
	return false
}

// Depth is how many messages a queue holds, by the approximate count of SQS.
type Depth struct {
	Visible  int
	InFlight int
	Delayed  int
	// Dead counts the visible messages of its dead-letter queue.
	Dead int
}

// Depths returns the depth of every queue. Errors: Unavailable.
func (q *Queues) Depths(ctx context.Context) (map[queue.Name]Depth, error) {
	type result struct {
		name  queue.Name
		depth Depth
		err   error
	}
	results := make(chan result, len(q.urls))
	for name, url := range q.urls {
		go func() {
			d, err := q.depth(ctx, url)
			results <- result{name, d, err}
		}()
	}
	depths := map[queue.Name]Depth{}
	var faults []error
	for range q.urls {
		r := <-results
		if r.err != nil {
			faults = append(faults, unavailable(r.err, "read depth of queue %s", r.name))
			continue
		}
		depths[r.name] = r.depth
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return depths, nil
}

func (q *Queues) depth(ctx context.Context, url string) (Depth, error) {
	attributes, err := q.attributes(ctx, url)
	if err != nil {
		return Depth{}, err
	}
	d := Depth{
		Visible:  count(attributes, types.QueueAttributeNameApproximateNumberOfMessages),
		InFlight: count(attributes, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		Delayed:  count(attributes, types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
	}
	policy := attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if policy == "" {
		return d, nil
	}
	var target struct {
		ARN string `json:"deadLetterTargetArn"` //nolint:tagliatelle // SQS's spelling
	}
	if err := json.Unmarshal([]byte(policy), &target); err != nil {
		return Depth{}, fmt.Errorf("read redrive policy: %w", err)
	}
	dead, err := q.api.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(target.ARN[strings.LastIndex(target.ARN, ":")+1:])})
	if err != nil {
		return Depth{}, err
	}
	attributes, err = q.attributes(ctx, aws.ToString(dead.QueueUrl))
	d.Dead = count(attributes, types.QueueAttributeNameApproximateNumberOfMessages)
	return d, err
}

func (q *Queues) attributes(ctx context.Context, url string) (map[string]string, error) {
	out, err := q.api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func count(attributes map[string]string, name types.QueueAttributeName) int {
	n, err := strconv.Atoi(attributes[string(name)])
	if err != nil {
		return 0 // the attribute is approximate, and absent where a server has no count
	}
	return n
}

func unavailable(err error, format string, args ...any) error {
	return apperr.New(apperr.Unavailable, "queue_unavailable", format, args...).WithCause(err)
}
