package sqs

import (
	"context"
	"slices"
	"time"
)

const (
	taskRunning   = "RUNNING"
	taskCompleted = "COMPLETED"
	taskFailed    = "FAILED"
	taskCanceled  = "CANCELLED"
)

// moveTask moves the messages of a dead-letter queue back, or elsewhere. All
// fields but stop are guarded by Server.mu.
type moveTask struct {
	handle      string
	source      *queue
	destination string // an ARN; empty for each message's own source
	perSecond   int    // 0 is no limit
	started     time.Time
	status      string
	reason      string
	moved       int
	toMove      int
	stop        chan struct{}
}

func (s *Server) listDeadLetterSourceQueues(_ context.Context, host string, in listSourcesIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	urls, next, err := s.page(host, s.sourcesOf(q), in.MaxResults, in.NextToken)
	if urls == nil {
		urls = []string{}
	}
	return answer{body: listSourcesOut{QueueURLs: urls, NextToken: next}}, err
}

func (s *Server) sourcesOf(dead *queue) []string {
	var names []string
	for name, q := range s.queues {
		if q.settings.deadLetterARN == dead.arn() {
			names = append(names, name)
		}
	}
	return names
}

func (s *Server) startMessageMoveTask(_ context.Context, _ string, in startMoveIn) (answer, error) {
	rate, err := within(in.MaxNumberOfMessagesPerSecond, 0, "MaxNumberOfMessagesPerSecond", 1, 500)
	if err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return answer{}, &apiError{status: 503, typ: "ServiceUnavailable", message: "the endpoint is closed"}
	}
	source := s.byARN(in.SourceArn)
	if source == nil {
		return answer{}, noResource("SourceArn")
	}
	if in.DestinationArn != "" && !s.known(in.DestinationArn) {
		return answer{}, noResource("DestinationArn")
	}
	if len(s.sourcesOf(source)) == 0 {
		return answer{}, invalidValue("Source queue must be configured as a Dead Letter Queue.")
	}
	if slices.ContainsFunc(s.tasks, func(t *moveTask) bool { return t.source == source && t.status == taskRunning }) {
		return answer{}, notSupported("There is already a task running for the source queue.")
	}
	now := s.now()
	source.advance(now)
	t := &moveTask{
		handle: newHandle(source.name, newID(), 0), source: source, destination: in.DestinationArn, perSecond: rate,
		started: now, status: taskRunning, toMove: source.ready.count, stop: make(chan struct{}),
	}
	s.tasks = append(s.tasks, t)
	if rate == 0 {
		for t.status == taskRunning {
			t.step(now)
		}
	} else {
		s.wg.Go(func() { s.run(t) })
	}
	return answer{body: taskHandle{t.handle}}, nil
}

// run takes a limited task to its end, one message at a time.
func (s *Server) run(t *moveTask) {
	tick := time.NewTicker(time.Second / time.Duration(t.perSecond))
	defer tick.Stop()
	for {
		s.mu.Lock()
		if t.status == taskRunning {
			t.step(s.now())
		}
		running := t.status == taskRunning
		s.mu.Unlock()
		if !running {
			return
		}
		select {
		case <-tick.C:
		case <-t.stop:
			return
		case <-s.done:
			return
		}
	}
}

// step moves one message. What is moved counts as new: it has another id, its
// age and its receive count begin again.
func (t *moveTask) step(now time.Time) {
	t.source.advance(now)
	m := t.source.ready.next(now, t.source.inFlight)
	if m == nil || t.moved == t.toMove {
		t.status = taskCompleted
		return
	}
	arn := t.destination
	if arn == "" {
		arn = m.source
	}
	target := t.source.server.byARN(arn)
	if target == nil {
		// A message that was sent straight to the dead-letter queue has no
		// source to go back to; the real service ends the task there.
		t.status, t.reason = taskFailed, "CouldNotDetermineMessageSource"
		return
	}
	t.source.remove(m)
	m.id, m.sentAt, m.firstReceivedAt = newID(), now, time.Time{}
	m.receives, m.handle, m.source = 0, "", ""
	target.add(m, now, 0)
	t.moved++
}

func (s *Server) listMessageMoveTasks(_ context.Context, _ string, in listMovesIn) (answer, error) {
	limit, err := within(in.MaxResults, 1, "MaxResults", 1, 10)
	if err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source := s.byARN(in.SourceArn)
	if source == nil {
		return answer{}, noResource("SourceArn")
	}
	out := listMovesOut{Results: []moveResult{}}
	for _, t := range slices.Backward(s.tasks) {
		if t.source != source || len(out.Results) == limit {
			continue
		}
		r := moveResult{
			Status: t.status, SourceArn: in.SourceArn, DestinationArn: t.destination, MaxNumberOfMessagesPerSecond: t.perSecond,
			ApproximateNumberOfMessagesMoved: t.moved, ApproximateNumberOfMessagesToMove: t.toMove,
			FailureReason: t.reason, StartedTimestamp: t.started.UnixMilli(),
		}
		if t.status == taskRunning {
			r.TaskHandle = t.handle
		}
		out.Results = append(out.Results, r)
	}
	return answer{body: out}, nil
}

func (s *Server) cancelMessageMoveTask(_ context.Context, _ string, in taskHandle) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.tasks, func(t *moveTask) bool { return t.handle == in.TaskHandle })
	if i < 0 {
		return answer{}, noResource("TaskHandle")
	}
	t := s.tasks[i]
	if t.status != taskRunning {
		return answer{}, notSupported("Only a running task can be canceled.")
	}
	t.status = taskCanceled
	close(t.stop)
	return answer{body: cancelMoveOut{t.moved}}, nil
}
