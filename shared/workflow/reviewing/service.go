// Package reviewing looks at a draft before a person does. Rules that need no
// model come first and always run; a model then holds the draft against its
// source. A draft that an agent wrote goes back to its writer once when
// something blocks it. The outcome is findings beside the text and a state: a
// person can approve, or something must change first. Nothing here approves.
//
// A review belongs to one revision of a post. When the post has moved on while
// the model was thinking, the review is thrown away. Start reading at Review.
package reviewing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
	"rostrum/shared/store"
)

const (
	// agentName is what a switch calls the reviewer.
	agentName = "review"
	// overdue is how long a post stands in review before its message is sent
	// again; a review takes under two minutes.
	overdue = 10 * time.Minute
	// maxStuck is how many get their message again in one transaction.
	maxStuck = 500
	// maxProblems bounds what a writer is told at once.
	maxProblems = 10
)

// Service reviews posts. All fields are needed.
type Service struct {
	Relay  *outbox.Relay
	Meter  *agency.Meter
	Logger *slog.Logger
}

// subject is a post in review with all it is judged by.
type subject struct {
	post   post.Post
	acc    account.Account
	idea   *store.Idea
	source agent.Source
	recent []string
	// siblings is what the other posts of its recurrence say.
	siblings []string
}

// judgement is what a review came to.
type judgement struct {
	findings []post.Finding
	summary  string
}

func (j judgement) blocks() int {
	n := 0
	for _, f := range j.findings {
		if f.Severity == post.Block {
			n++
		}
	}
	return n
}

// Review reviews the revision of the post that the message names, and does
// nothing when the post has moved on. A model that cannot be asked is no error:
// the rules decide and the review says that the facts were not checked. Errors:
// NotFound for no such post; Unavailable when the database is away. Each is
// safe to repeat.
func (s *Service) Review(ctx context.Context, m queue.Message) error {
	subject, fresh, err := s.load(ctx, m)
	if err != nil || !fresh {
		return err
	}
	if paused, err := s.paused(ctx, m, subject); err != nil || paused {
		return err
	}
	agents := s.Meter.For(agency.Job{
		Workspace: subject.post.WorkspaceID, Account: subject.acc.ID, Post: &subject.post.ID,
	})
	judged, err := s.judge(ctx, agents, subject)
	if err != nil {
		return fmt.Errorf("review post %s: %w", subject.post.ID, err)
	}
	if judged.blocks() > 0 && mayRevise(subject) {
		draft, mended, err := s.revise(ctx, agents, subject, judged)
		if err != nil {
			return fmt.Errorf("revise post %s: %w", subject.post.ID, err)
		}
		if mended {
			return s.replace(ctx, m, subject, judged, draft)
		}
	}
	return s.conclude(ctx, m, subject, judged)
}

// paused reports whether a person's switch stops the reviewer: the post stays
// in review, and resuming sends its message again.
func (s *Service) paused(ctx context.Context, m queue.Message, sub subject) (paused bool, err error) {
	err = s.Relay.Store.InWorkspace(ctx, m.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		_, paused, err = tx.AgentPaused(ctx, m.WorkspaceID, agentName, sub.acc.ID)
		return err
	})
	return paused, err
}

// load reads the post and what it is judged by; fresh is false when there is
// nothing to review any more.
func (s *Service) load(ctx context.Context, m queue.Message) (sub subject, fresh bool, err error) {
	err = s.Relay.Store.InWorkspace(ctx, m.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		sub, fresh = subject{}, false
		if sub.post, err = tx.Post(ctx, m.WorkspaceID, post.ID(m.SubjectID)); err != nil {
			return err
		}
		if !stillAt(sub.post, m) {
			return nil
		}
		fresh = true
		if sub.acc, err = tx.Account(ctx, m.WorkspaceID, sub.post.AccountID); err != nil {
			return err
		}
		if sub.recent, err = agency.Recent(ctx, tx, sub.acc, sub.post.ID); err != nil {
			return err
		}
		if sub.siblings, err = agency.Siblings(ctx, tx, sub.acc, sub.post.ID); err != nil {
			return err
		}
		if sub.post.IdeaID == nil {
			return nil
		}
		idea, err := tx.Idea(ctx, m.WorkspaceID, *sub.post.IdeaID)
		if err != nil {
			return err
		}
		sub.idea = &idea
		sub.source, err = agency.SourceOf(ctx, tx, sub.acc, idea)
		return err
	})
	if err != nil {
		return subject{}, false, fmt.Errorf("load post %s for review: %w", m.SubjectID, err)
	}
	return sub, fresh, nil
}

func stillAt(p post.Post, m queue.Message) bool {
	return p.State == post.InReview && p.Revision == m.Revision
}

// judge applies the rules and asks the model. Its error is never the model's.
func (s *Service) judge(ctx context.Context, agents agent.Agents, sub subject) (judgement, error) {
	subject := agent.Subject{
		Account: sub.acc, Parts: sub.post.Version.Content.Texts(), Source: sub.source, Recent: sub.recent,
		Siblings: sub.siblings, ByAgent: byAgent(sub.post),
	}
	judged := judgement{findings: agent.CheckRules(subject)}
	report, err := agents.CheckFacts(ctx, subject)
	switch {
	case err == nil:
		judged.findings = append(judged.findings, report.Findings...)
		judged.summary = report.Summary
		if judged.summary == "" || hasBlock(judged.findings) {
			judged.summary = summaryOf(judged.findings)
		}
		return judged, nil
	case ctx.Err() != nil || !isModels(err):
		return judgement{}, err
	}
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "reviewed by the rules alone", slog.String("post_id", sub.post.ID.String()),
		slog.String("workspace_id", sub.post.WorkspaceID.String()), slog.String("error", err.Error()))
	judged.findings = append(judged.findings, post.Finding{
		Rule: agent.RuleFactsUnchecked, Severity: post.Warn, Message: "Nobody has checked the facts: " + lowerFirst(messageOf(err)),
		Suggestion: "Compare the text with its source yourself before you approve it.",
	})
	judged.summary = "Only the fixed rules were applied; the facts were not checked."
	return judged, nil
}

// isModels reports whether an error is that of a question that was not
// answered, rather than ours.
func isModels(err error) bool {
	e := apperr.As(err)
	return ai.IsAway(err) || ai.IsStopped(err) || ai.IsBadAnswer(err) || (e != nil && e.Code == ai.CodeRefused)
}

func messageOf(err error) string {
	if e := apperr.As(err); e != nil {
		return e.Message
	}
	return "the model gave no answer."
}

func byAgent(p post.Post) bool { return p.Version.CreatedBy.Kind == audit.System }

// mayRevise allows one revision of what an agent wrote: only its first version,
// so that writer and reviewer cannot go round in circles, and never a person's
// words.
func mayRevise(s subject) bool { return byAgent(s.post) && s.post.Version.Number == 1 && s.idea != nil }

// revise asks the writer to mend what blocks; mended is false when it could not
// or changed nothing, so that the findings stand.
func (s *Service) revise(ctx context.Context, agents agent.Agents, sub subject, judged judgement) (draft agent.Draft, mended bool, err error) {
	var problems []agent.Problem
	for _, f := range judged.findings {
		if f.Severity == post.Note || f.Rule == agent.RuleFactsUnchecked || len(problems) == maxProblems {
			continue
		}
		problems = append(problems, agent.Problem{Part: f.Part, Message: problemText(f)})
	}
	draft, err = agents.Revise(ctx, agent.DraftInput{
		Account: sub.acc, Idea: agency.IdeaOf(*sub.idea), Source: sub.source, Recent: sub.recent,
	}, sub.post.Version.Content.Texts(), problems)
	if err == nil {
		return draft, draft.Content.Hash(sub.acc.ID) != sub.post.Version.Content.Hash(sub.acc.ID), nil
	}
	e := apperr.As(err)
	if ctx.Err() == nil && (isModels(err) || (e != nil && e.Code == agent.CodeDraftTooLong)) {
		return agent.Draft{}, false, nil
	}
	return agent.Draft{}, false, err
}

func problemText(f post.Finding) string {
	text := f.Message
	if f.Quote != "" {
		text = "“" + f.Quote + "”: " + text
	}
	if f.Suggestion != "" {
		text += " Suggestion: " + f.Suggestion
	}
	return text
}

// replace records the review of the first version and puts the writer's second
// in its place, to be reviewed by itself.
func (s *Service) replace(ctx context.Context, m queue.Message, sub subject, judged judgement, draft agent.Draft) error {
	writer := audit.SystemActor(m.WorkspaceID, "writer")
	return s.write(ctx, m, sub, judged, func(ctx context.Context, tx *store.Tx, p post.Post) error {
		note := draft.Note
		if note == "" {
			note = "Mended after the review."
		}
		p, err := tx.AddVersion(ctx, p, draft.Content, note, writer)
		if err != nil {
			return err
		}
		if err := tx.RecordPost(ctx, store.Ref(p), writer, "post.edited", map[string]any{"version": p.Version.Number}); err != nil {
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
		return enqueue(ctx, tx, store.Stuck{
			WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), CorrelationID: p.CorrelationID, Revision: p.Revision,
		}, now)
	})
}

// conclude records the review and hands the post to people.
func (s *Service) conclude(ctx context.Context, m queue.Message, sub subject, judged judgement) error {
	return s.write(ctx, m, sub, judged, func(ctx context.Context, tx *store.Tx, p post.Post) error {
		to := post.AwaitingApproval
		if judged.blocks() > 0 {
			to = post.ChangesRequested
		}
		_, err := tx.MovePost(ctx, p, to, post.InReview)
		return err
	})
}

// write records the review and runs then, unless the post has moved on since it
// was read: then the review is of something that is no more. A new time is a new
// revision, and the review stands.
func (s *Service) write(
	ctx context.Context, m queue.Message, sub subject, judged judgement, then func(context.Context, *store.Tx, post.Post) error,
) error {
	verdict := store.ReviewPass
	if judged.blocks() > 0 {
		verdict = store.ReviewChanges
	}
	err := s.Relay.InWorkspace(ctx, m.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.LockPost(ctx, m.WorkspaceID, sub.post.ID)
		if err != nil {
			return err
		}
		if p.State != post.InReview || p.Version.ID != sub.post.Version.ID {
			return nil
		}
		err = tx.AddReview(ctx, m.WorkspaceID, store.Review{
			PostID: p.ID, VersionID: p.Version.ID, Verdict: verdict, Summary: judged.summary, Findings: judged.findings,
		})
		if err != nil {
			return err
		}
		reviewer := audit.SystemActor(m.WorkspaceID, "reviewer")
		detail := map[string]any{"version": p.Version.Number, "verdict": string(verdict), "findings": len(judged.findings)}
		if err := tx.RecordPost(ctx, store.Ref(p), reviewer, "post.reviewed", detail); err != nil {
			return err
		}
		return then(ctx, tx, p)
	})
	if err != nil {
		return fmt.Errorf("record review of post %s: %w", sub.post.ID, err)
	}
	return nil
}

// Remind is the schedule's task: posts that have stood in review for ten
// minutes get their message again. Errors: those of the store.
func (s *Service) Remind(ctx context.Context) error {
	_, err := s.resend(ctx, overdue, store.Stuck{})
	return err
}

// Recover is Remind for a start at which every queue is known to be empty: all
// that stands in review gets its message again.
func (s *Service) Recover(ctx context.Context) error {
	var page []store.Stuck
	var err error
	for last := (store.Stuck{}); ; last = page[len(page)-1] {
		if page, err = s.resend(ctx, 0, last); err != nil || len(page) < maxStuck {
			return err
		}
	}
}

// resend sends the page behind after its messages again and returns it.
func (s *Service) resend(ctx context.Context, overdue time.Duration, after store.Stuck) ([]store.Stuck, error) {
	var stuck []store.Stuck
	err := s.Relay.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if stuck, err = tx.StuckReviews(ctx, overdue, after, maxStuck); err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		var errs []error
		for _, p := range stuck {
			errs = append(errs, enqueue(ctx, tx, p, now))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return nil, fmt.Errorf("resend stuck reviews: %w", err)
	}
	if len(stuck) > 0 {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "stuck reviews sent again", slog.Int("count", len(stuck)))
	}
	return stuck, nil
}

func enqueue(ctx context.Context, tx *store.Tx, p store.Stuck, at time.Time) error {
	return outbox.Enqueue(ctx, tx, queue.Review, queue.Message{
		Kind: queue.ReviewPost, WorkspaceID: p.WorkspaceID, SubjectID: p.SubjectID, Revision: p.Revision, CorrelationID: p.CorrelationID,
	}, at)
}

func hasBlock(list []post.Finding) bool { return judgement{findings: list}.blocks() > 0 }

// summaryOf says in a sentence what was found; the model's own words may be at
// odds with what the rules found.
func summaryOf(list []post.Finding) string {
	blocks := judgement{findings: list}.blocks()
	others := len(list) - blocks
	switch {
	case blocks > 0 && others > 0:
		return fmt.Sprintf("%s must change before this can go out, and %s to look at.", things(blocks), areThings(others))
	case blocks > 0:
		return things(blocks) + " must change before this can go out."
	case others > 0:
		return "Nothing stands in the way; there " + areThings(others) + " to look at."
	}
	return "Nothing to object to."
}

func things(n int) string {
	if n == 1 {
		return "One thing"
	}
	return fmt.Sprintf("%d things", n)
}

func areThings(n int) string {
	if n == 1 {
		return "is one more"
	}
	return fmt.Sprintf("are %d more", n)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
