package host

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// pollers is how many receives are under way at once for one queue; Lambda
	// begins with five too.
	pollers = 5
	// longPoll is the longest an empty receive waits.
	longPoll = 20 * time.Second
	// receiveLimit is the most messages that one receive returns.
	receiveLimit = 10
	// lastAnswer is how long a receive under way when the host is told to stop
	// may still answer.
	lastAnswer = 250 * time.Millisecond
	minBackoff = 200 * time.Millisecond
	maxBackoff = 10 * time.Second
)

// poller feeds one queue to one function, as Lambda's event source mapping does.
type poller struct {
	host   *Host
	source Source
	url    string
	log    *slog.Logger
	invoke invokeFunc
	// slots has a place for each batch that may run. A receive takes its place
	// first, so that no message is held that no one is free to work on.
	slots chan struct{}

	mu  sync.Mutex
	arn string
}

// poll feeds the queue's messages to the function until ctx ends, and returns
// when the batches that run have been answered.
func (h *Host) poll(ctx, work context.Context, f Function, s Source, invoke invokeFunc) {
	p := &poller{
		host: h, source: s, url: h.options.QueueURLs[s.Queue], invoke: invoke, slots: make(chan struct{}, s.MaxConcurrency),
		log: h.options.Logger.With(slog.String("function", f.Name), slog.String("queue", s.Queue)),
	}
	var wg sync.WaitGroup
	for range min(pollers, s.MaxConcurrency) {
		wg.Go(func() { p.loop(ctx, work, &wg) })
	}
	wg.Wait()
}

func (p *poller) loop(ctx, work context.Context, wg *sync.WaitGroup) {
	backoff := minBackoff
	for {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		batch, err := p.batch(ctx)
		if ctx.Err() != nil {
			p.putBack(work, batch)
			return
		}
		if len(batch) == 0 {
			<-p.slots
		} else {
			wg.Go(func() { p.run(work, batch) })
		}
		if err == nil {
			backoff = minBackoff
			continue
		}
		p.log.LogAttrs(ctx, slog.LevelWarn, "receive failed", slog.String("error", err.Error()), slog.Duration("retry_in", backoff))
		if !pause(ctx, backoff+rand.N(backoff/2)) { //nolint:gosec // jitter is no secret
			return
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// batch collects the messages of one invocation: what one receive returns or,
// with a batching window, what comes until the batch is full or the window ends.
func (p *poller) batch(ctx context.Context) ([]types.Message, error) {
	if err := p.learnARN(ctx); err != nil {
		return nil, err
	}
	batch, err := p.receive(ctx, p.source.BatchSize, longPoll)
	if err != nil || len(batch) == 0 || p.source.Window == 0 {
		return batch, err
	}
	end := p.host.options.Clock.Now().Add(p.source.Window)
	for len(batch) < p.source.BatchSize && ctx.Err() == nil {
		left := end.Sub(p.host.options.Clock.Now())
		if left < time.Second {
			// SQS waits whole seconds: what is left of the window is waited here.
			pause(ctx, left)
		}
		more, err := p.receive(ctx, p.source.BatchSize-len(batch), left)
		batch = append(batch, more...)
		if err != nil || left < time.Second && len(more) == 0 {
			return batch, err
		}
	}
	return batch, nil
}

// receive returns up to limit messages, waiting up to wait, in whole seconds, for
// the first. A receive is not broken off, neither at the end of a window nor at
// once when the host stops: its answer may be on the way, and the messages in it
// would be no one's until their visibility timeout ended.
func (p *poller) receive(ctx context.Context, limit int, wait time.Duration) ([]types.Message, error) {
	late, cancel := outlast(ctx, lastAnswer)
	defer cancel()
	out, err := p.host.options.SQS.ReceiveMessage(late, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(p.url), MaxNumberOfMessages: int32(min(limit, receiveLimit)), WaitTimeSeconds: int32(min(wait, longPoll) / time.Second),
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	}, once)
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// outlast returns a context that ends d after ctx has ended.
func outlast(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		pause(late, d)
		cancel()
	})
	return late, func() {
		stop()
		cancel()
	}
}

// once turns the SDK's retries off: the loop has its own pauses.
func once(o *sqs.Options) { o.RetryMaxAttempts = 1 }

// learnARN asks once for the queue's ARN, which every record names.
func (p *poller) learnARN(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.arn != "" {
		return nil
	}
	out, err := p.host.options.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(p.url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	}, once)
	if err != nil {
		return err
	}
	p.arn = out.Attributes[string(types.QueueAttributeNameQueueArn)]
	return nil
}

// run invokes the function with a batch and settles its messages: those that
// succeeded are deleted, those that failed come back when their visibility
// timeout ends. The slot is free again when the function has really returned.
func (p *poller) run(work context.Context, batch []types.Message) {
	var once sync.Once
	release := func() { once.Do(func() { <-p.slots }) }
	payload, err := json.Marshal(p.event(batch))
	if err != nil {
		release()
		p.log.LogAttrs(work, slog.LevelError, "batch could not be encoded", slog.String("error", err.Error()))
		return
	}
	answer, err := p.invoke(work, payload, release)
	if err != nil {
		return // logged by the invocation; the whole batch has failed
	}
	failed, ok := map[string]bool{}, true
	if p.source.PartialFailures {
		failed, ok = failures(answer, batch)
	}
	if !ok {
		p.log.LogAttrs(work, slog.LevelError, "batch failed: the function's answer names no message of it", slog.Int("bytes", len(answer)))
		return
	}
	p.remove(work, slices.DeleteFunc(batch, func(m types.Message) bool { return failed[aws.ToString(m.MessageId)] }))
}

// failures reads a function's answer as Lambda reads it: nothing, null and an
// object without failures are a success; anything that cannot be read, and an
// identifier that is none of the batch's, make the whole batch a failure.
// docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, read 2026-11.
func failures(answer []byte, batch []types.Message) (failed map[string]bool, ok bool) {
	if len(answer) == 0 {
		return nil, true
	}
	var response *struct {
		Failures []struct {
			ID *string `json:"itemIdentifier"` //nolint:tagliatelle // Lambda's spelling
		} `json:"batchItemFailures"` //nolint:tagliatelle // Lambda's spelling
	}
	if json.Unmarshal(answer, &response) != nil {
		return nil, false
	}
	if response == nil {
		return nil, true
	}
	failed = map[string]bool{}
	for _, f := range response.Failures {
		known := func(m types.Message) bool { return f.ID != nil && aws.ToString(m.MessageId) == *f.ID }
		if !slices.ContainsFunc(batch, known) {
			return nil, false
		}
		failed[*f.ID] = true
	}
	return failed, true
}

// remove deletes messages. One that could not be deleted comes back, which the
// function must bear anyway.
func (p *poller) remove(work context.Context, done []types.Message) {
	for chunk := range slices.Chunk(done, receiveLimit) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(p.url)}
		for i, m := range chunk {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		out, err := p.host.options.SQS.DeleteMessageBatch(work, in)
		switch {
		case err != nil:
			p.log.LogAttrs(work, slog.LevelWarn, "delete failed", slog.Int("messages", len(chunk)), slog.String("error", err.Error()))
		case len(out.Failed) > 0:
			p.log.LogAttrs(work, slog.LevelWarn, "delete failed", slog.Int("messages", len(out.Failed)), slog.String("error", aws.ToString(out.Failed[0].Code)))
		}
	}
}

// putBack makes messages that no invocation has seen visible again at once.
func (p *poller) putBack(work context.Context, batch []types.Message) {
	for chunk := range slices.Chunk(batch, receiveLimit) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(p.url)}
		for i, m := range chunk {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := p.host.options.SQS.ChangeMessageVisibilityBatch(work, in); err != nil {
			p.log.LogAttrs(work, slog.LevelWarn, "put back failed", slog.Int("messages", len(chunk)), slog.String("error", err.Error()))
		}
	}
}

// event is the batch as Lambda would hand it over.
func (p *poller) event(batch []types.Message) events.SQSEvent {
	p.mu.Lock()
	arn := p.arn
	p.mu.Unlock()
	region := ""
	if parts := strings.Split(arn, ":"); len(parts) == 6 {
		region = parts[3]
	}
	event := events.SQSEvent{Records: make([]events.SQSMessage, 0, len(batch))}
	for _, m := range batch {
		r := events.SQSMessage{
			MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
			Md5OfBody: aws.ToString(m.MD5OfBody), Md5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
			Attributes: maps.Clone(m.Attributes), MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource: "aws:sqs", EventSourceARN: arn, AWSRegion: region,
		}
		for name, a := range m.MessageAttributes {
			r.MessageAttributes[name] = events.SQSMessageAttribute{
				StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: aws.ToString(a.DataType),
				StringListValues: []string{}, BinaryListValues: [][]byte{},
			}
		}
		event.Records = append(event.Records, r)
	}
	return event
}

// pause waits and reports whether ctx lasted that long.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
