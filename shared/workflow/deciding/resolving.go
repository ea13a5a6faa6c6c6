package deciding

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/publication"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

// Resolution is a person's word on a post of which nobody could tell whether it
// is public.
type Resolution struct {
	// Found says that it is on the network; RemoteURL is where.
	Found     bool
	RemoteURL string
	// Resend sends it again when it was not found; else it has failed.
	Resend bool
}

// Resolve settles an unknown post by a person's word. Errors: Forbidden,
// NotFound, PreconditionFailed; Conflict: wrong_state, attempt_settled,
// remote_id_taken; Invalid: bad_remote_url, not_this_account, contradiction.
func (s *Service) Resolve(ctx context.Context, actor audit.Actor, t Target, r Resolution) (post.Post, error) {
	if r.Found && r.Resend || !r.Found && r.RemoteURL != "" {
		return post.Post{}, apperr.New(apperr.Invalid, "contradiction", "a post is either on the network, at an address, or not there").
			WithHint("Say that it was found and where, or that it was not and whether to send it again.")
	}
	return s.change(ctx, actor, auth.ResolveUnknown, t, func(ctx context.Context, tx *store.Tx, was post.Post) error {
		if was.State != post.Unknown {
			return refuse(was.State, "resolved")
		}
		live, ok, err := tx.LiveAttempt(ctx, store.Ref(was))
		if err != nil {
			return err
		}
		if !ok {
			return apperr.New(apperr.Conflict, "wrong_state", "there is no open attempt to resolve").WithHint("Reload the post.")
		}
		settlement := store.Settlement{AttemptID: live.ID, To: post.AttemptAbsent, Code: live.Code, SettledBy: "person"}
		detail := map[string]any{"part": live.Part, "found": r.Found, "resend": r.Resend}
		if r.Found {
			remoteID, err := s.named(ctx, tx, was, r.RemoteURL)
			if err != nil {
				return err
			}
			settlement.To, settlement.RemoteID, settlement.RemoteURL = post.AttemptAccepted, remoteID, r.RemoteURL
			// When it appeared nobody knows; it was not before the attempt.
			settlement.At = live.StartedAt
			detail["remote_url"] = r.RemoteURL
		}
		settlement.Detail = actor.Name + " said so."
		if err := tx.SettleAttempt(ctx, actor.WorkspaceID, settlement); err != nil {
			return err
		}
		if err := record(ctx, tx, was, actor, "post.resolved", detail); err != nil {
			return err
		}
		return s.goOn(ctx, tx, actor, was, live, r)
	})
}

// named is what the network calls the post at an address.
func (s *Service) named(ctx context.Context, tx *store.Tx, p post.Post, address string) (string, error) {
	a, err := tx.Account(ctx, p.WorkspaceID, p.AccountID)
	if err != nil {
		return "", err
	}
	id, ok := platform.PostAt(a.Network, s.WebURLs[a.Network], address)
	if !ok {
		return "", apperr.New(apperr.Invalid, "bad_remote_url", "this is not the address of a post on %s", a.Network.Name()).WithField("remote_url").
			WithHint("Open the post on the network and copy its address.")
	}
	// X shows any post below any handle, so the id alone would take another's.
	if by := platform.PosterAt(a.Network, address); by != "" && !strings.EqualFold(by, a.Handle) {
		return "", apperr.New(apperr.Invalid, "not_this_account", "this is the address of a post of @%s, not of @%s", by, a.Handle).WithField("remote_url").
			WithHint("Copy the address from @%s. If the account has a new name by now, write i in place of the name.", a.Handle)
	}
	return id, nil
}

// goOn takes the post where the person's word leads.
func (s *Service) goOn(ctx context.Context, tx *store.Tx, actor audit.Actor, p post.Post, live post.Attempt, r Resolution) error {
	ref := store.Ref(p)
	lastPart := live.Part == len(p.Version.Content.Parts)-1
	switch {
	case r.Found && lastPart:
		return publication.Finish(ctx, tx, actor, s.ReadingAges, store.Publication{PostRef: ref, At: live.StartedAt})
	case r.Found || r.Resend:
		at, err := tx.BackToScheduled(ctx, ref, store.Requeue{})
		if err != nil {
			return err
		}
		return outbox.Enqueue(ctx, tx, queue.Publish, queue.Message{
			Kind: queue.PublishPost, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision, CorrelationID: p.CorrelationID,
		}, at)
	}
	return tx.FailPost(ctx, ref, "said_absent", actor.Name+" looked and says that it is not on the network.")
}
