package refreshing

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

// keepAgain is when a pair is tried again that the database still cannot take.
const keepAgain = 5 * time.Second

// spare leaves a new pair on the queue and reports whether it is there.
func (s *Service) spare(ctx context.Context, workspace uuid.UUID, id account.ID, from int64, t store.SealedTokens) bool {
	err := s.leave(ctx, queue.Message{
		Kind: queue.KeepTokens, WorkspaceID: workspace, SubjectID: uuid.UUID(id), CorrelationID: uuid.Must(uuid.NewV7()),
		Pair: &queue.SealedPair{From: from, Access: t.Access, Refresh: t.Refresh, Scopes: t.Scopes, ExpiresAt: t.ExpiresAt},
	})
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "refreshed tokens are not on the queue", slog.String("account_id", id.String()), slog.String("error", err.Error()))
	}
	return err == nil
}

func (s *Service) leave(ctx context.Context, m queue.Message) error {
	body, err := queue.Encode(m)
	if err != nil {
		return err
	}
	_, err = s.Sender.Send(ctx, []queue.Envelope{{
		ID: uuid.Must(uuid.NewV7()), Queue: s.Queue, Body: body, Group: m.WorkspaceID.String(), Delay: keepAgain,
	}})
	return err
}

// Keep stores a pair that the queue brings, unless the account has newer tokens
// by now. While the database is away, it goes back on the queue as a new message:
// by a failed one's fifth receive it would lie among the dead letters. Errors:
// Internal for a pair that does not open as this account's next, which replaces
// nothing, and for one that the database refuses; those of the queue.
func (s *Service) Keep(ctx context.Context, m queue.Message) error {
	id := account.ID(m.SubjectID)
	t := store.SealedTokens{
		Version: m.Pair.From + 1, Access: m.Pair.Access, Refresh: m.Pair.Refresh, Scopes: m.Pair.Scopes, ExpiresAt: m.Pair.ExpiresAt,
	}
	for _, name := range []string{"access", "refresh"} {
		if _, err := s.unseal(ctx, m.WorkspaceID, id, store.TokenRow{SealedTokens: t}, name); err != nil {
			return err
		}
	}
	err := s.put(ctx, m.WorkspaceID, id, m.Pair.From, t)
	if !apperr.Is(err, apperr.Unavailable) && !apperr.Is(err, apperr.Uncertain) {
		return err
	}
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "kept tokens cannot be stored yet", slog.String("account_id", id.String()), slog.String("error", err.Error()))
	return s.leave(ctx, m)
}
