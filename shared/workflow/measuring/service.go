// Package measuring reads what an audience did with a post, at fixed ages. A
// reading that nobody took at its age is not made up later from a newer one.
package measuring

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/config"
	"rostrum/shared/engagement"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/throttle"
)

const (
	// horizon is how far ahead Collect hands out: one period of its schedule
	// and a little more. Queue delays reach further.
	horizon = 6 * time.Minute
	page    = 500
	// maxTries is how often one reading is tried.
	maxTries     = 5
	callDeadline = 15 * time.Second
	// idsPerCall is how many posts a network reads in one call (X: 100).
	idsPerCall = 100
)

// TokenSource gives access tokens; workflow/refreshing implements it. Errors:
// Unauthenticated when a person must connect the account again, Unavailable
// when a token may be had later.
type TokenSource func(ctx context.Context, workspace uuid.UUID, id account.ID) (config.Secret, error)

// Service takes readings.
type Service struct {
	Relay       *outbox.Relay
	Publishers  map[account.Network]platform.Publisher
	AccessToken TokenSource
	Logger      *slog.Logger
}

// Collect hands out the readings that fall due before the schedule comes by again.
func (s *Service) Collect(ctx context.Context) error {
	for {
		n := 0
		err := s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
			due, err := tx.ReadingsDue(ctx, horizon, page)
			if err != nil {
				return err
			}
			n = len(due)
			for _, d := range due {
				err := outbox.Enqueue(ctx, tx, queue.Metrics, queue.Message{
					Kind: queue.ReadMetrics, WorkspaceID: d.WorkspaceID, SubjectID: uuid.UUID(d.PostID), CorrelationID: d.CorrelationID,
				}, d.DueAt.Add(time.Second))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < page {
			return err
		}
	}
}

// Daily removes what has run out.
func (s *Service) Daily(ctx context.Context) error {
	return s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		gone, err := tx.DeleteExpired(ctx)
		if err != nil {
			return err
		}
		s.Logger.LogAttrs(ctx, slog.LevelInfo, "expired rows removed", slog.Int64("idempotency_keys", gone.IdempotencyKeys),
			slog.Int64("oauth_states", gone.OAuthStates), slog.Int64("sessions", gone.Sessions))
		return nil
	})
}

// Read handles one message: it takes the newest reading of the post that is
// due and gives older ones up. It returns nil when there is nothing to read.
// Errors: Unavailable when the database is away.
func (s *Service) Read(ctx context.Context, m queue.Message) error {
	ref := store.PostRef{WorkspaceID: m.WorkspaceID, PostID: post.ID(m.SubjectID), CorrelationID: m.CorrelationID}
	var view store.Sending
	var open []store.OpenReading
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if view, err = tx.LoadSending(ctx, ref.WorkspaceID, ref.PostID); err != nil {
			return err
		}
		open, err = tx.OpenReadings(ctx, ref)
		return err
	})
	if err != nil {
		return err
	}
	due := 0
	for due < len(open) && open[due].Due {
		due++
	}
	if due == 0 || view.Post.State != post.Published {
		return nil
	}
	numbers, err := s.fetch(ctx, view)
	if err != nil {
		return s.problem(ctx, store.Ref(view.Post), open[due-1], err)
	}
	return s.save(ctx, store.Ref(view.Post), open[:due], numbers)
}

// fetch reads the post's parts and sums them.
func (s *Service) fetch(ctx context.Context, view store.Sending) (engagement.Numbers, error) {
	publisher, ok := s.Publishers[view.Network]
	if !ok {
		return engagement.Numbers{}, apperr.New(apperr.Forbidden, "network_not_configured", "Rostrum is not set up to read this network")
	}
	var ids []string
	for _, a := range view.Attempts {
		if a.State == post.AttemptAccepted && len(ids) < idsPerCall {
			ids = append(ids, a.RemoteID)
		}
	}
	token, err := s.AccessToken(ctx, view.Post.WorkspaceID, view.Post.AccountID)
	if err != nil {
		return engagement.Numbers{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	target := platform.Target{Network: view.Network, RemoteID: view.RemoteID, Handle: view.Handle, AccessToken: token}
	heard := store.Heard{WorkspaceID: view.Post.WorkspaceID, AccountID: view.Post.AccountID, Network: view.Network}
	target.Heard = func(quotas []throttle.Quota) { heard.Quotas = append(heard.Quotas, quotas...) }
	readings, err := publisher.ReadMetrics(ctx, target, ids)
	if err != nil {
		return engagement.Numbers{}, err
	}
	err = s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Hear(ctx, []store.Heard{heard})
		return err
	})
	if err != nil {
		return engagement.Numbers{}, err
	}
	if len(readings) == 0 {
		return engagement.Numbers{}, apperr.New(apperr.NotFound, "post_gone", "the post is no longer on the network")
	}
	var total engagement.Numbers
	for _, m := range readings {
		total = total.Add(engagement.Numbers(m))
	}
	return total, nil
}

func (s *Service) save(ctx context.Context, ref store.PostRef, due []store.OpenReading, n engagement.Numbers) error {
	newest := due[len(due)-1]
	return s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, r := range due[:len(due)-1] {
			if err := tx.ReadingProblem(ctx, ref, r.Age, "Nobody was there to read it at that age.", true); err != nil {
				return err
			}
		}
		fresh, err := tx.SaveReading(ctx, ref, newest.Age, n)
		if err != nil || !fresh {
			return err
		}
		return tx.RecordPost(ctx, ref, audit.SystemActor(ref.WorkspaceID, "metrics"), "post.measured", map[string]any{"age_seconds": int64(newest.Age / time.Second)})
	})
}

// problem records why there is no reading; the schedule brings it back until
// the tries are used up.
func (s *Service) problem(ctx context.Context, ref store.PostRef, r store.OpenReading, cause error) error {
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "reading not taken", slog.String("post_id", ref.PostID.String()), slog.String("error", cause.Error()),
		slog.Int("tries", r.Tries+1), slog.String("correlation_id", ref.CorrelationID.String()))
	text, final := "The network could not be read.", r.Tries+1 >= maxTries
	if e := apperr.As(cause); e != nil {
		switch e.Kind {
		case apperr.NotFound:
			text, final = "The post is no longer on the network.", true
		case apperr.Unauthenticated:
			text = "The account has to be connected again."
		case apperr.RateLimited:
			text, final = "The network's rate limit is used up.", false
		default:
		}
	}
	return s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.ReadingProblem(ctx, ref, r.Age, text, final)
	})
}
