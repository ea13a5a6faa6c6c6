package host

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// firing is one event that a rule has put on a function's queue.
type firing struct {
	schedule Schedule
	busy     *atomic.Bool
}

// follow invokes a function with the inputs that EventBridge's rules put on a
// queue, until ctx ends, and returns when what it invoked has ended. It stands in
// for the rules' own way to Lambda, where an emulator runs rules but no functions.
//
// As with a rule, an input is handed over verbatim and at most once: its message
// is deleted first. One that waited for longer than the rule's event age is left
// out, since the function may have been away while the rule fired on; so is one
// that comes while the same schedule still runs.
func (h *Host) follow(ctx, work context.Context, f Function, url string, invoke invokeFunc) {
	p := &poller{
		host: h, source: Source{Queue: "the rules' queue"}, url: url,
		log: h.options.Logger.With(slog.String("function", f.Name)),
	}
	firings := map[string]firing{}
	for _, s := range f.Schedules {
		firings[string(s.Input)] = firing{s, new(atomic.Bool)}
	}
	var runs sync.WaitGroup
	defer runs.Wait()
	backoff := minBackoff
	for ctx.Err() == nil {
		batch, err := p.receive(ctx, receiveLimit, longPoll)
		if ctx.Err() != nil {
			p.putBack(work, batch)
			return
		}
		if err != nil {
			p.log.LogAttrs(ctx, slog.LevelWarn, "receive of the rules' events failed", slog.String("error", err.Error()), slog.Duration("retry_in", backoff))
			pause(ctx, backoff+rand.N(backoff/2)) //nolint:gosec // jitter is no secret
			backoff = min(2*backoff, maxBackoff)
			continue
		}
		backoff = minBackoff
		p.remove(work, batch)
		for _, m := range batch {
			if one, ok := p.due(ctx, m, firings); ok {
				// What goes wrong has been logged by the invocation.
				runs.Go(func() { _, _ = invoke(work, one.schedule.Input, func() { one.busy.Store(false) }) })
			}
		}
	}
}

// due tells whether a message is to be followed now, and by what.
func (p *poller) due(ctx context.Context, m types.Message, firings map[string]firing) (firing, bool) {
	one, known := firings[aws.ToString(m.Body)]
	if !known {
		p.log.LogAttrs(ctx, slog.LevelWarn, "event skipped: no schedule has this input", slog.Int("bytes", len(aws.ToString(m.Body))))
		return firing{}, false
	}
	log := p.log.With(slog.String("schedule", one.schedule.Name))
	sent, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	age := p.host.options.Clock.Now().Sub(time.UnixMilli(sent))
	if err != nil || age > one.schedule.MaxAge {
		log.LogAttrs(ctx, slog.LevelWarn, "schedule skipped: its event is too old", slog.Int64("age_ms", age.Milliseconds()))
		return firing{}, false
	}
	if !one.busy.CompareAndSwap(false, true) {
		log.LogAttrs(ctx, slog.LevelWarn, "schedule skipped: the run before has not ended")
		return firing{}, false
	}
	return one, true
}
