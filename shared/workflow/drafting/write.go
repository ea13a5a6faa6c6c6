package drafting

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/agency"
	"rostrum/shared/ai"
	"rostrum/shared/ai/agent"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

// headStart is the least time between a draft and the slot suggested for it, so
// that a review and a person fit in between.
const headStart = 15 * time.Minute

// drafts writes the ideas, best first, until there are as many drafts as were
// wanted, and returns how many there are and why not more.
func (j *job) drafts(ctx context.Context, ideas []store.Idea) (made int, reason string, err error) {
	made, reason = j.gen.Drafts, "No more ideas stood up to their sources."
	for _, idea := range ideas {
		if made >= j.gen.Wanted {
			break
		}
		if idea.State != store.IdeaNew {
			continue
		}
		if err := j.step(ctx, "Writing draft %d of %d: %s.", made+1, j.gen.Wanted, idea.Title); err != nil {
			return made, "", err
		}
		saved, err := j.draft(ctx, idea)
		switch {
		case err != nil && ai.IsAway(err), err != nil && ai.IsStopped(err):
			return made, "", err
		case err != nil && isAgents(err):
			// This one could not be written; the idea stays for another day.
			reason = agency.Sentence(err)
		case err != nil:
			return made, "", err
		case saved:
			made++
		}
	}
	return made, reason, nil
}

// draft writes one idea and puts it into review. It saves nothing when somebody
// drafted or dismissed the idea in between.
func (j *job) draft(ctx context.Context, idea store.Idea) (saved bool, err error) {
	in := agent.DraftInput{Account: j.acc, Idea: agency.IdeaOf(idea)}
	err = j.Relay.Store.InWorkspace(ctx, j.claim.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		if in.Source, err = agency.SourceOf(ctx, tx, j.acc, idea); err != nil {
			return err
		}
		in.Recent, err = agency.Recent(ctx, tx, j.acc, post.ID{})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("prepare idea %s: %w", idea.ID, err)
	}
	draft, err := j.agents.Draft(ctx, in)
	if err != nil {
		return false, fmt.Errorf("write idea %s: %w", idea.ID, err)
	}
	err = j.held(ctx, func(ctx context.Context, tx *store.Tx, _ int) error {
		saved = false
		err := tx.MoveIdea(ctx, j.claim.Workspace, idea.ID, store.IdeaDrafted)
		if apperr.Is(err, apperr.Conflict) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := j.save(ctx, tx, idea, draft); err != nil {
			return err
		}
		saved = true
		return tx.SaveProgress(ctx, j.claim, "Wrote “"+idea.Title+"”.", 1)
	})
	if err != nil {
		return false, fmt.Errorf("save draft of idea %s: %w", idea.ID, err)
	}
	return saved, nil
}

// save makes a post of the draft and sends it to review.
func (j *job) save(ctx context.Context, tx *store.Tx, idea store.Idea, draft agent.Draft) error {
	writer := audit.SystemActor(j.claim.Workspace, "writer")
	// Locked, so that no two drafts are given one slot.
	a, err := tx.LockAccount(ctx, j.claim.Workspace, j.acc.ID)
	if err != nil {
		return err
	}
	slot, err := nextSlot(ctx, tx, a)
	if err != nil {
		return err
	}
	p, err := tx.InsertPost(ctx, store.NewPost{
		AccountID: a.ID, Content: draft.Content, Note: draft.Note, Actor: writer, IdeaID: &idea.ID, GenerationID: &j.gen.ID, Schedule: slot,
	})
	if err != nil {
		return err
	}
	if err := tx.RecordPost(ctx, store.Ref(p), writer, "post.created", map[string]any{"version": p.Version.Number}); err != nil {
		return err
	}
	if p, err = tx.MovePost(ctx, p, post.InReview, post.Draft); err != nil {
		return err
	}
	if err := tx.RecordPost(ctx, store.Ref(p), writer, "post.submitted", map[string]any{"version": p.Version.Number}); err != nil {
		return err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	return outbox.Enqueue(ctx, tx, queue.Review, queue.Message{
		Kind: queue.ReviewPost, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision, CorrelationID: p.CorrelationID,
	}, now)
}

// nextSlot is the account's next free slot, nil when it has none. The account's
// row must be locked.
func nextSlot(ctx context.Context, tx *store.Tx, a account.Account) (*post.Schedule, error) {
	const farthest = 400 * 24 * time.Hour
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	from := now.Add(headStart)
	taken, err := tx.TakenTimes(ctx, a.WorkspaceID, []account.ID{a.ID}, now.Add(-a.Profile.MinGap), from.Add(farthest))
	if err != nil {
		return nil, err
	}
	times := make([]time.Time, len(taken))
	for i, t := range taken {
		times[i] = t.At
	}
	slots, err := schedule.NextSlots(a.Profile.Slots, a.Profile.TimeZone, times, a.Profile.MinGap, from, 1)
	if err != nil || len(slots) == 0 {
		return nil, err
	}
	return &post.Schedule{DueAt: slots[0].At, Local: slots[0].Local, Zone: slots[0].Zone}, nil
}
