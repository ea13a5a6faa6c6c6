package drafting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rostrum/shared/audit"
	"rostrum/shared/store"
)

const (
	// overdue is how long after its time a generation without a worker counts
	// as stuck: its message is lost.
	overdue = 5 * time.Minute
	// rest keeps an account whose last generation failed or found nothing from
	// being tried at every tick.
	rest = 6 * time.Hour
	// maxFill bounds one tick, maxFillWanted one account's share of it.
	maxFill       = 20
	maxFillWanted = 3
	// maxStuck is how many get their message again in one transaction.
	maxStuck = 100
)

// Fill is the schedule's task: it sends stuck generations their message again
// and asks for drafts for the accounts whose coming days are emptier than they
// want, one generation an account. Errors: those of the store; what could be
// done was done.
func (s *Service) Fill(ctx context.Context) error {
	_, err := s.resend(ctx, overdue, store.Stuck{})
	return errors.Join(err, s.fill(ctx))
}

// Recover is for a start at which every queue is known to be empty: all that is
// not finished gets its message again. One that a dead worker still has a lease
// on comes back when that ends.
func (s *Service) Recover(ctx context.Context) error {
	var page []store.Stuck
	var err error
	for last := (store.Stuck{}); ; last = page[len(page)-1] {
		if page, err = s.resend(ctx, -lease, last); err != nil || len(page) < maxStuck {
			return err
		}
	}
}

// resend sends the page behind after its messages again and returns it.
func (s *Service) resend(ctx context.Context, overdue time.Duration, after store.Stuck) ([]store.Stuck, error) {
	var stuck []store.Stuck
	err := s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if stuck, err = tx.StuckGenerations(ctx, overdue, after, maxStuck); err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		for _, g := range stuck {
			if err := enqueue(ctx, tx, g.WorkspaceID, g.SubjectID, g.CorrelationID, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("resend stuck generations: %w", err)
	}
	if len(stuck) > 0 {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "stuck generations sent again", slog.Int("count", len(stuck)))
	}
	return stuck, nil
}

func (s *Service) fill(ctx context.Context) error {
	var gaps []store.Gap
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		gaps, err = tx.AccountsToFill(ctx, rest, maxFill)
		return err
	})
	if err != nil {
		return fmt.Errorf("find calendars to fill: %w", err)
	}
	var errs []error
	for _, gap := range gaps {
		if err := s.fillOne(ctx, gap); err != nil {
			errs = append(errs, fmt.Errorf("fill account %s: %w", gap.AccountID, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) fillOne(ctx context.Context, gap store.Gap) error {
	return s.Relay.InWorkspace(ctx, gap.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LockAccount(ctx, gap.WorkspaceID, gap.AccountID); err != nil {
			return err
		}
		if _, paused, err := tx.AgentPaused(ctx, gap.WorkspaceID, agentName, gap.AccountID); err != nil || paused {
			return err
		}
		// Two ticks at once saw the same gap; the lock lets one of them fill it.
		unfinished, err := tx.UnfinishedGenerations(ctx, gap.WorkspaceID, gap.AccountID)
		if err != nil || unfinished > 0 {
			return err
		}
		_, err = s.add(ctx, tx, store.NewGeneration{
			AccountID: gap.AccountID, Wanted: min(gap.Missing, maxFillWanted), Progress: "Waiting for its turn.",
			Actor: audit.SystemActor(gap.WorkspaceID, "planner"),
		})
		return err
	})
}
