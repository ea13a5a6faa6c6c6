package publishing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"rostrum/shared/killpoint"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/publication"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
)

const (
	// Horizon is how far ahead the tick hands out: two ticks of a one-minute
	// rule can be 119 s apart (EventBridge's precision is 60 s).
	Horizon = 180 * time.Second
	// page is how many rows one statement of the tick takes.
	page = 500
	// planned is for how many rows the order among tenants is laid down at once.
	planned = 20 * page
	// lookOverdue is when the tick stops trusting that a look's message comes.
	lookOverdue = 15 * time.Second
	// clockOff is from when on a clock that is off the database's is worth a word.
	clockOff = time.Second
	// keepSent is how long sent outbox rows are kept, for questions.
	keepSent = 24 * time.Hour
)

// Tick does what the minute needs: resends what was not sent, takes posts back
// from senders that died, holds planned posts to their zone's rules, says why what
// is held is held, gives a backlog its turns, lets breakers try, hands out what
// falls due, and looks after unknowns. Every step is a hint that may be skipped,
// run late or run ten times at once with the same result. One that fails keeps
// none of the others from running; the errors are returned together.
func (s *Service) Tick(ctx context.Context) error { return s.tick(ctx, time.Time{}) }

// Between is how long a step of a tick that is free to begin now does well to wait,
// 0 to 800 ms: posts are due on whole seconds, and looking over a minute of them
// takes the database's time from those of the second that it begins in.
func Between(now time.Time) time.Duration {
	const from, until = 100 * time.Millisecond, 300 * time.Millisecond
	switch into := time.Duration(now.Nanosecond()); {
	case into < from:
		return from - into
	case into > until:
		return time.Second - into + from
	}
	return 0
}

// Recover is Tick for a start at which every queue is known to be empty: what
// was handed out before now is handed out again.
func (s *Service) Recover(ctx context.Context) error {
	now, err := s.databaseTime(ctx)
	if err != nil {
		return err
	}
	return s.tick(ctx, now)
}

func (s *Service) databaseTime(ctx context.Context) (now time.Time, err error) {
	err = s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		now, err = tx.Now(ctx)
		return err
	})
	return now, err
}

func (s *Service) tick(ctx context.Context, lostBefore time.Time) error {
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"compare clocks", s.compareClocks},
		{"resend outbox", func(ctx context.Context) error { _, err := s.Relay.Sweep(ctx); return err }},
		{"recover dead senders", s.recoverExpired},
		{"follow zones", s.followZones},
		{"explain holds", s.explainHolds},
		{"give turns", s.drain},
		{"try breakers", s.probe},
		{"hand out due posts", func(ctx context.Context) error { return s.dispatch(ctx, lostBefore) }},
		{"look after unknowns", s.lookAfterUnknowns},
		{"tidy outbox", s.tidy},
		{"take stock", s.takeStock},
	}
	defer telemetry.Time(ctx, telemetry.TickTime, "")()
	var errs []error
	for _, step := range steps {
		if s.Quiet != nil {
			if err := s.Quiet(ctx); err != nil {
				return errors.Join(append(errs, err)...)
			}
		}
		if err := step.run(ctx); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelError, "tick step failed", slog.String("step", step.name), slog.String("error", err.Error()))
			errs = append(errs, fmt.Errorf("%s: %w", step.name, err))
		}
	}
	return errors.Join(errs...)
}

// dispatch hands out what is due until nothing is left. The order is planned for
// many pages at once: it takes a look at everything that is due.
func (s *Service) dispatch(ctx context.Context, lostBefore time.Time) error {
	var crowd publication.Crowd
	for {
		var plan []store.Planned
		err := s.Relay.Store.ByKey().Across(ctx, func(ctx context.Context, tx *store.Tx) error {
			var err error
			plan, err = tx.PlanDispatch(ctx, Horizon, lateGrace, planned, lostBefore)
			return err
		})
		if err != nil {
			return err
		}
		handed := 0
		for some := range slices.Chunk(plan, page) {
			n, err := s.handOutPage(ctx, some, &crowd)
			if err != nil {
				return err
			}
			handed += n
		}
		telemetry.Measure(ctx, telemetry.Dispatched, "", float64(handed))
		// Another tick that is at the same posts is as good.
		if len(plan) < planned || handed == 0 {
			return nil
		}
	}
}

func (s *Service) handOutPage(ctx context.Context, plan []store.Planned, crowd *publication.Crowd) (int, error) {
	n := 0
	err := s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		due, err := tx.DispatchPlanned(ctx, plan)
		if err != nil {
			return err
		}
		n = len(due)
		deliveries := make([]outbox.Delivery, 0, n)
		for _, d := range due {
			deliveries = append(deliveries, crowd.HandOut(d)...)
			killpoint.Here("dispatch.before_commit")
		}
		return outbox.EnqueueAll(ctx, tx, deliveries)
	})
	if err != nil {
		return 0, err
	}
	if n > 0 {
		killpoint.Here("dispatch.committed")
	}
	return n, nil
}

func (s *Service) recoverExpired(ctx context.Context) error {
	var refs []store.PostRef
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		refs, err = tx.ExpiredLeases(ctx, page)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, ref := range refs {
		if err := s.recover(ctx, ref); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// recover takes a post back from a sender that died: what it was sending is
// unknown, what it had not begun is sent by the next.
func (s *Service) recover(ctx context.Context, ref store.PostRef) error {
	defer killpoint.Here("recover.committed")
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		defer killpoint.Here("recover.before_commit")
		if _, err := tx.LockPost(ctx, ref.WorkspaceID, ref.PostID); err != nil {
			return err
		}
		view, err := tx.LoadSending(ctx, ref.WorkspaceID, ref.PostID)
		if err != nil || view.Post.State != post.Sending || view.LeaseLive {
			return err
		}
		return s.recoverLocked(ctx, tx, store.Ref(view.Post))
	})
}

func (s *Service) recoverLocked(ctx context.Context, tx *store.Tx, ref store.PostRef) error {
	live, ok, err := tx.LiveAttempt(ctx, ref)
	if err != nil {
		return err
	}
	if err := tx.RecordPost(ctx, ref, actor(ref.WorkspaceID), "post.recovered", map[string]any{"call_in_flight": ok}); err != nil {
		return err
	}
	if !ok {
		p, err := tx.Post(ctx, ref.WorkspaceID, ref.PostID)
		if err != nil {
			return err
		}
		return s.requeue(ctx, tx, ref, p.Revision, store.Requeue{})
	}
	const code, detail = "sender_died", "The sender stopped in the middle of the call, so it is not known whether the network has the post."
	if live.State == post.AttemptSending {
		err := tx.SettleAttempt(ctx, ref.WorkspaceID, store.Settlement{AttemptID: live.ID, To: post.AttemptUnknown, Code: code, Detail: detail})
		if err != nil {
			return err
		}
	}
	return s.becomeUnknown(ctx, tx, ref, time.Second, code, detail)
}

func (s *Service) lookAfterUnknowns(ctx context.Context) error {
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		due, err := tx.ReconcilesDue(ctx, lookOverdue, page)
		if err != nil {
			return err
		}
		for _, d := range due {
			if err := enqueueLook(ctx, tx, d.PostRef, d.SendAt); err != nil {
				return err
			}
		}
		return nil
	})
}

// compareClocks says when this machine's clock is off the database's. Nothing is
// decided by it, but logs are ordered by it.
func (s *Service) compareClocks(ctx context.Context) error {
	asked := s.Clock.Now()
	now, err := s.databaseTime(ctx)
	if err != nil {
		return err
	}
	heard := s.Clock.Now()
	// The database read its clock somewhere between the two.
	off := max(asked.Sub(now), now.Sub(heard))
	if off > clockOff {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "clock is off", slog.Duration("by", off), slog.Time("database", now), slog.Time("here", heard))
	}
	return nil
}

func (s *Service) tidy(ctx context.Context) error {
	return s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.DeleteSent(ctx, keepSent)
		return err
	})
}
