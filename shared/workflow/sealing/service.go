// Package sealing keeps the audit log from being changed unseen. A sealer chains
// the events that were committed since it last came by, and signs the chain's
// head; the heads are kept where the database's owner cannot reach them. A check
// walks the chain and names the first thing that is not as it was.
//
// It seals after the fact, beside the acts themselves: a chain whose head every
// act had to lock would let one act through at a time (infra/decisions/0010).
package sealing

import (
	"context"
	"log/slog"
	"time"

	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/store"
)

const (
	// page is how many events one transaction seals: some ten milliseconds, since
	// the feed of changes stands still behind every open transaction.
	page = 2000
	// checkPage is how many seals one read of a check takes.
	checkPage = 5000
	// passedOverAtMost bounds what a check lists.
	passedOverAtMost = 20
	// spare is what a run leaves of its invocation's time.
	spare = 5 * time.Second
)

// Keep puts a signed head where the database's owner cannot change it: a file,
// or the log. It is given one line of JSON without the newline.
type Keep func(ctx context.Context, head string) error

// Service seals and checks.
type Service struct {
	Store *store.Store
	// Key signs the heads; without one none are kept, and a check can only tell
	// what was changed without making the chain anew.
	Key    *audit.Key
	Keep   Keep
	Clock  clock.Clock
	Logger *slog.Logger
}

// Seal seals what has no seal, in the time that its invocation has, and keeps
// the signed head. Running it twice, at once, late or not at all does no harm:
// the next run seals what this one did not. Errors: Unavailable; that of Keep.
func (s *Service) Seal(ctx context.Context) error {
	var walk store.Sealing
	sealed := 0
	for !walk.Done && s.timeLeft(ctx) {
		n := 0
		err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
			// A transaction that is run again begins where this page began.
			again := walk
			var err error
			n, err = tx.SealEvents(ctx, &again, page)
			if err == nil {
				walk = again
			}
			return err
		})
		if err != nil {
			return err
		}
		sealed += n
	}
	if sealed == 0 {
		return nil
	}
	s.Logger.LogAttrs(ctx, slog.LevelInfo, "audit events sealed", slog.Int("events", sealed), slog.Int64("position", walk.Last.Position))
	return s.keepHead(ctx, walk.Last)
}

func (s *Service) keepHead(ctx context.Context, last audit.Seal) error {
	if s.Key == nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "audit head is not signed: AUDIT_KEY is not set", slog.Int64("position", last.Position))
		return nil
	}
	line, err := s.Key.Sign(audit.Head{Position: last.Position, Sequence: last.Sequence, Digest: last.Digest, At: last.SealedAt})
	if err != nil {
		return err
	}
	return s.Keep(ctx, line)
}

func (s *Service) timeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || deadline.Sub(s.Clock.Now()) > spare
}

// Report is what a check found.
type Report struct {
	// Events were held against their seals.
	Events int64
	// Whole says that the check reached the chain's end.
	Whole bool
	// Faults are empty when the log is as it was written.
	Faults  []audit.Fault
	Waiting store.Waiting
}

// Intact reports that the whole chain was checked and nothing is wrong.
func (r Report) Intact() bool { return r.Whole && len(r.Faults) == 0 }

// Check walks the whole chain. Heads, in the order of their positions, are what
// was signed and kept; without them a chain that was made anew is not noticed.
// It reads only. Errors: Unavailable.
func (s *Service) Check(ctx context.Context, heads []audit.Head) (Report, error) {
	c := audit.NewChecker(heads)
	more := true
	for more && s.timeLeft(ctx) {
		err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
			var err error
			more, err = tx.CheckSeals(ctx, c, checkPage)
			return err
		})
		if err != nil {
			return Report{}, err
		}
	}
	r := Report{Events: c.Last().Position, Whole: !more}
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		r.Waiting, err = tx.CheckUnsealed(ctx, c, passedOverAtMost)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	if r.Whole {
		r.Faults = c.Faults()
	} else {
		r.Faults = c.SoFar()
	}
	return r, nil
}

// Daily checks the chain without heads, which it cannot reach, notes what it
// found beside the chain, and says in the log when something is wrong. Errors:
// Unavailable.
func (s *Service) Daily(ctx context.Context) error {
	r, err := s.Check(ctx, nil)
	if err != nil {
		return err
	}
	for _, f := range r.Faults {
		s.Logger.LogAttrs(ctx, slog.LevelError, "audit chain does not verify", slog.String("fault", f.What),
			slog.Int64("position", f.Position), slog.Int64("sequence", f.Sequence), slog.String("event_id", f.EventID.String()))
	}
	if !r.Whole {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "audit chain is longer than a check has time for", slog.Int64("events", r.Events))
		if len(r.Faults) == 0 {
			return nil
		}
	}
	return s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NoteVerified(ctx, r.Events, r.Intact())
	})
}
