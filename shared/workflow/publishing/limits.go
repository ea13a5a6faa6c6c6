package publishing

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/publication"
	"rostrum/shared/store"
	"rostrum/shared/throttle"
)

const (
	// drainWindow is how far ahead turns are given: as far as the tick hands out.
	drainWindow = Horizon
	// drainPage is how many posts of all backlogs one planning looks at: what a
	// network takes in a window, and half as much again.
	drainPage = 5400
	// probeHorizon is how far ahead the tick hands a breaker's probe out.
	probeHorizon = 70 * time.Second
)

// downs reports whether an outcome speaks for the other side being down. Only
// these can open a breaker: a refusal is an answer, and what we did not send for
// reasons of our own says nothing of the network.
func downs(o platform.Outcome) bool {
	return o.Class == platform.Unclear && o.Code != shownAlready || o.Class == platform.NotSent && o.Code != leaseSpent
}

// proper reports whether the network answered as it should, whatever it said.
func proper(o platform.Outcome) bool {
	return o.Class != platform.Unclear && o.Class != platform.NotSent
}

// heardOf is what the answers say beside what became of the posts.
func heardOf(rs []settled) []store.Heard {
	out := make([]store.Heard, len(rs))
	for i, r := range rs {
		out[i] = store.Heard{
			WorkspaceID: r.job.ref.WorkspaceID, AccountID: r.job.view.Post.AccountID, Network: r.job.view.Network,
			Proper: proper(r.outcome), Quotas: r.quotas,
		}
		if r.outcome.Class == platform.NotSent {
			out[i].Returned = r.judged.Reserved
		}
	}
	return out
}

// letGo says which breakers closed and hands out what they kept back.
func (s *Service) letGo(ctx context.Context, closed []store.Closing) {
	if len(closed) == 0 {
		return
	}
	for _, c := range closed {
		s.Logger.LogAttrs(ctx, slog.LevelInfo, "breaker closed", breakerAttrs(string(c.Network), c.WorkspaceID, uuid.UUID(c.AccountID),
			slog.Time("failing_since", c.FailingSince))...)
	}
	for _, step := range []func(context.Context) error{s.explainHolds, s.drain, s.dispatchDue} {
		if err := step(ctx); err != nil {
			// The tick does the same.
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "what a breaker kept back waits for the tick", slog.String("error", err.Error()))
			return
		}
	}
}

// count tells the breakers of a call that speaks for the other side being down.
// The post's result stands already; what is lost here is a count.
func (s *Service) count(ctx context.Context, r settled) {
	if !downs(r.outcome) || ctx.Err() != nil {
		return // A call that our own end cut short says nothing of the network.
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callDeadline)
	defer cancel()
	var opened []store.Opening
	err := s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		opened, err = tx.CountFailure(ctx, r.job.ref.WorkspaceID, r.job.view.Network, throttle.Failure{
			Attempt: r.intent.AttemptID, Account: uuid.UUID(r.job.view.Post.AccountID), Code: r.outcome.Code, At: r.at,
		})
		if err != nil || len(opened) == 0 {
			return err
		}
		// Its probe leaves with the opening, so that the next try waits for no tick.
		return handOutProbes(ctx, tx, longestDelay)
	})
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "failure not counted", slog.String("error", err.Error()))
		return
	}
	for _, o := range opened {
		network := string(o.Network)
		if o.WorkspaceID != uuid.Nil {
			network = ""
		}
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "breaker opened", breakerAttrs(network, o.WorkspaceID, uuid.UUID(o.AccountID),
			slog.Int("failures", o.Breaker.Failures), slog.Int("openings", o.Breaker.Openings), slog.String("code", o.Breaker.LastCode),
			slog.Time("failing_since", o.Breaker.FailingSince), slog.Time("retry_at", o.Breaker.RetryAt))...)
	}
}

// breakerAttrs names a breaker: of a network, or of an account.
func breakerAttrs(network string, workspace, account uuid.UUID, more ...slog.Attr) []slog.Attr {
	if account == uuid.Nil {
		return append([]slog.Attr{slog.String("scope", "network"), slog.String("network", network)}, more...)
	}
	return append([]slog.Attr{
		slog.String("scope", "account"), slog.String("workspace_id", workspace.String()), slog.String("account_id", account.String()),
	}, more...)
}

func handOutProbes(ctx context.Context, tx *store.Tx, horizon time.Duration) error {
	probes, err := tx.Probes(ctx, horizon, lateGrace)
	if err != nil {
		return err
	}
	return handOutAll(ctx, tx, probes)
}

func handOutAll(ctx context.Context, tx *store.Tx, due []store.Due) error {
	deliveries := make([]outbox.Delivery, 0, len(due))
	for _, d := range due {
		deliveries = append(deliveries, publication.HandOut(d)...)
	}
	return outbox.EnqueueAll(ctx, tx, deliveries)
}

// probe hands out the posts by which breakers try again.
func (s *Service) probe(ctx context.Context) error {
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error { return handOutProbes(ctx, tx, probeHorizon) })
}

// drain gives turns to what is of a backlog and hands it out for them.
func (s *Service) drain(ctx context.Context) error {
	return s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		due, err := tx.Drain(ctx, lateGrace, drainWindow, drainPage)
		if err != nil {
			return err
		}
		if len(due) > 0 {
			s.Logger.LogAttrs(ctx, slog.LevelInfo, "turns given to a backlog", slog.Int("posts", len(due)))
		}
		return handOutAll(ctx, tx, due)
	})
}

func (s *Service) explainHolds(ctx context.Context) error {
	return s.Relay.Store.ByKey().Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExplainHolds(ctx, Horizon, lateGrace)
		return err
	})
}

func (s *Service) dispatchDue(ctx context.Context) error { return s.dispatch(ctx, time.Time{}) }
