package browsing

import (
	"context"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/store"
)

// Ideas lists at most limit ideas, newest first. Errors: Forbidden, Unavailable.
func (s *Service) Ideas(ctx context.Context, actor audit.Actor, f store.IdeaFilter, limit int) (ideas []store.Idea, err error) {
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		ideas, err = tx.Ideas(ctx, actor.WorkspaceID, f, limit)
		return err
	})
	return ideas, err
}

// Generations lists at most limit generations, newest first. Errors: Forbidden, Unavailable.
func (s *Service) Generations(ctx context.Context, actor audit.Actor, f store.GenerationFilter, limit int) (gs []store.Generation, err error) {
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		gs, err = tx.Generations(ctx, actor.WorkspaceID, f, limit)
		return err
	})
	return gs, err
}

// Generation returns one generation. Errors: Forbidden, NotFound, Unavailable.
func (s *Service) Generation(ctx context.Context, actor audit.Actor, id uuid.UUID) (g store.Generation, err error) {
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		g, err = tx.Generation(ctx, actor.WorkspaceID, id)
		return err
	})
	return g, err
}

// Runs lists at most limit runs of the agents, newest first. Errors: Forbidden, Unavailable.
func (s *Service) Runs(ctx context.Context, actor audit.Actor, f store.RunFilter, limit int) (runs []store.Run, err error) {
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		runs, err = tx.Runs(ctx, actor.WorkspaceID, f, limit)
		return err
	})
	return runs, err
}

// Sources lists an account's sources. Errors: Forbidden, NotFound, Unavailable.
func (s *Service) Sources(ctx context.Context, actor audit.Actor, id account.ID) (sources []store.Source, err error) {
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Account(ctx, actor.WorkspaceID, id); err != nil {
			return err
		}
		sources, err = tx.Sources(ctx, actor.WorkspaceID, id)
		return err
	})
	return sources, err
}
