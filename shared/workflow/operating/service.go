// Package operating is what people who run a workspace see and do when sending
// is held up: the quotas, the breakers, the switches, and how much waits for
// what. It sends nothing; a try that a person asks for goes the way of every
// other post.
package operating

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/outbox"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

// The agents that a switch can stop.
const (
	Generate = "generate"
	Review   = "review"
)

// Agents returns the agents that a switch can stop.
func Agents() []string { return []string{Generate, Review} }

// Service shows and switches.
type Service struct {
	Relay *outbox.Relay
}

// Limits returns what keeps posts back just now, or might. Errors: Forbidden,
// Unavailable.
func (s *Service) Limits(ctx context.Context, actor audit.Actor) (store.Limits, error) {
	if err := auth.Require(actor, auth.ReadWorkspace); err != nil {
		return store.Limits{}, err
	}
	var l store.Limits
	err := s.Relay.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		l, err = tx.Limits(ctx, actor.WorkspaceID)
		return err
	})
	return l, err
}

// TryNow lets an open breaker try at once, with one post: the network's, or the
// account's when id is not nil. It reports whether a post of the workspace was
// there to try with; else the next that falls due is it. Errors: Forbidden,
// NotFound (code not_open), Unavailable.
func (s *Service) TryNow(ctx context.Context, actor audit.Actor, network account.Network, id *account.ID) (bool, error) {
	if err := auth.Require(actor, auth.ManageAccounts); err != nil {
		return false, err
	}
	tried := false
	err := s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		event := audit.Event{
			Actor: actor, Action: "breaker.tried", SubjectKind: "workspace", SubjectID: actor.WorkspaceID,
			Detail: map[string]any{"network": string(network)},
		}
		if id != nil {
			a, err := tx.Account(ctx, actor.WorkspaceID, *id)
			if err != nil {
				return err
			}
			network = a.Network
			event.SubjectKind, event.SubjectID, event.AccountID = "account", uuid.UUID(*id), uuid.UUID(*id)
		}
		due, err := tx.TryNow(ctx, actor.WorkspaceID, network, id)
		if err != nil {
			return err
		}
		if tried = due != nil; tried {
			err := outbox.Enqueue(ctx, tx, queue.Publish, queue.Message{
				Kind: queue.PublishPost, WorkspaceID: due.WorkspaceID, SubjectID: uuid.UUID(due.PostID),
				Revision: due.Revision, CorrelationID: due.CorrelationID,
			}, due.SendAt)
			if err != nil {
				return err
			}
		}
		return tx.Record(ctx, event)
	})
	return tried, err
}

// Pause throws the switch of a network or of an agent. Errors: Forbidden,
// Invalid, NotFound for no such account, Unavailable.
func (s *Service) Pause(ctx context.Context, actor audit.Actor, sw store.Switch) error {
	return s.turn(ctx, actor, sw, "paused", func(ctx context.Context, tx *store.Tx) (bool, error) {
		return true, tx.ThrowSwitch(ctx, actor, sw)
	})
}

// Resume lifts it. What it kept back goes within a minute, a backlog paced.
// Lifting what is not thrown is no error. Errors as Pause.
func (s *Service) Resume(ctx context.Context, actor audit.Actor, sw store.Switch) error {
	return s.turn(ctx, actor, sw, "resumed", func(ctx context.Context, tx *store.Tx) (bool, error) {
		was, err := tx.LiftSwitch(ctx, actor.WorkspaceID, sw)
		if err != nil || !was {
			return was, err
		}
		return true, letGo(ctx, tx, actor.WorkspaceID, sw)
	})
}

// letGo sends what an agent's switch kept back its message again. What another
// switch still stops finds that out by itself.
func letGo(ctx context.Context, tx *store.Tx, workspace uuid.UUID, sw store.Switch) error {
	var waiting []store.Stuck
	var err error
	name, kind := queue.Generate, queue.GenerateDrafts
	switch {
	case sw.Kind != store.SwitchAgent:
		return nil
	case sw.Subject == Review:
		name, kind = queue.Review, queue.ReviewPost
		waiting, err = tx.WaitingReviews(ctx, workspace, sw.AccountID)
	default:
		waiting, err = tx.WaitingGenerations(ctx, workspace, sw.AccountID)
	}
	if err != nil || len(waiting) == 0 {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		err := outbox.Enqueue(ctx, tx, name, queue.Message{
			Kind: kind, WorkspaceID: w.WorkspaceID, SubjectID: w.SubjectID, Revision: w.Revision, CorrelationID: w.CorrelationID,
		}, now)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) turn(
	ctx context.Context, actor audit.Actor, sw store.Switch, verb string, fn func(context.Context, *store.Tx) (bool, error),
) error {
	right := auth.ManageAccounts
	if sw.Kind == store.SwitchNetwork {
		right = auth.ManageWorkspace
	}
	if err := auth.Require(actor, right); err != nil {
		return err
	}
	if err := check(sw); err != nil {
		return err
	}
	return s.Relay.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		event := audit.Event{
			Actor: actor, Action: string(sw.Kind) + "." + verb, SubjectKind: "workspace", SubjectID: actor.WorkspaceID,
			Detail: map[string]any{"subject": sw.Subject, "reason": sw.Reason},
		}
		if sw.AccountID != nil {
			if _, err := tx.Account(ctx, actor.WorkspaceID, *sw.AccountID); err != nil {
				return err
			}
			event.SubjectKind, event.SubjectID, event.AccountID = "account", uuid.UUID(*sw.AccountID), uuid.UUID(*sw.AccountID)
		}
		changed, err := fn(ctx, tx)
		if err != nil || !changed {
			return err
		}
		return tx.Record(ctx, event)
	})
}

func check(sw store.Switch) error {
	switch sw.Kind {
	case store.SwitchNetwork:
		if sw.AccountID != nil {
			return apperr.New(apperr.Invalid, "bad_subject", "a network is paused for the whole workspace").
				WithHint("Leave account_id out, or pause the account.").WithField("account_id")
		}
		if slices.Contains(account.Networks(), account.Network(sw.Subject)) {
			return nil
		}
		return apperr.New(apperr.Invalid, "bad_subject", "%q is not a network", sw.Subject).WithField("subject")
	case store.SwitchAgent:
		if slices.Contains(Agents(), sw.Subject) {
			return nil
		}
		return apperr.New(apperr.Invalid, "bad_subject", "%q is not an agent", sw.Subject).
			WithHint("Use one of: %s.", strings.Join(Agents(), ", ")).WithField("subject")
	case store.SwitchWorkspace, store.SwitchAccount:
	}
	return apperr.New(apperr.Invalid, "bad_kind", "%q is switched elsewhere", sw.Kind).WithField("kind")
}
