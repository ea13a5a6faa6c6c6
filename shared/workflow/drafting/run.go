package drafting

import (
	"context"
	"fmt"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/agency"
	"rostrum/shared/ai"
	"rostrum/shared/ai/agent"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/queue"
	"rostrum/shared/store"
)

const (
	// lease outlives the function's own timeout of 120 s (template.yaml), so
	// that a live worker is never fenced out.
	lease = 150 * time.Second
	// maxTries bounds how often a generation is taken up: deaths, waits for the
	// model and continuations all count.
	maxTries = 8
	// stepTime is what one question with its repeats may take; with less left
	// the work goes on in another invocation.
	stepTime = time.Minute
	// agentName is what a switch calls the agents that draft.
	agentName = "generate"
	// firstWait doubles with each try that found the model away.
	firstWait = time.Minute
	maxWait   = 15 * time.Minute
	// spareIdeas are asked for beyond the drafts: for those that cannot be
	// written, and for the list of ideas.
	spareIdeas = 2
)

// job is one try at a generation.
type job struct {
	*Service

	claim  store.Claim
	gen    store.Generation
	acc    account.Account
	agents agent.Agents
}

// Run works on the generation that the message names, for as long as this
// invocation has time, and leaves a message for the rest. What the agents
// cannot do ends in the generation's progress, not in an error. Errors:
// NotFound for no such generation; Conflict when another worker has taken over;
// Unavailable when the database is away. Each is safe to repeat.
func (s *Service) Run(ctx context.Context, m queue.Message) error {
	j := &job{Service: s}
	claimed, err := j.take(ctx, m)
	if err != nil || !claimed {
		return err
	}
	if err := j.work(ctx); err != nil {
		return j.settle(ctx, err)
	}
	return nil
}

// take claims the generation and leaves a message for the moment the claim
// would run out, which finds it finished unless this worker has died.
func (j *job) take(ctx context.Context, m queue.Message) (claimed bool, err error) {
	err = j.Relay.InWorkspace(ctx, m.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		claimed = false
		if paused, err := j.paused(ctx, tx, m); err != nil || paused {
			return err
		}
		claim, err := tx.ClaimGeneration(ctx, m.WorkspaceID, m.SubjectID, lease)
		if apperr.Is(err, apperr.Conflict) {
			at, unfinished, err := tx.GenerationWait(ctx, m.WorkspaceID, m.SubjectID)
			if err != nil || !unfinished {
				return err
			}
			return enqueue(ctx, tx, m.WorkspaceID, m.SubjectID, m.CorrelationID, at.Add(time.Second))
		}
		if err != nil {
			return err
		}
		if j.gen, err = tx.Generation(ctx, m.WorkspaceID, m.SubjectID); err != nil {
			return err
		}
		if j.acc, err = tx.Account(ctx, m.WorkspaceID, j.gen.AccountID); err != nil {
			return err
		}
		j.claim = claim
		if claim.Try > maxTries {
			return j.finishIn(ctx, tx, j.gen.Drafts, "It was tried too often.")
		}
		claimed = true
		return enqueue(ctx, tx, m.WorkspaceID, m.SubjectID, m.CorrelationID, claim.LeaseUntil.Add(time.Second))
	})
	if err != nil {
		return false, fmt.Errorf("take generation %s: %w", m.SubjectID, err)
	}
	j.agents = j.Meter.For(agency.Job{Workspace: m.WorkspaceID, Account: j.gen.AccountID, Generation: &j.gen.ID})
	return claimed, nil
}

// paused leaves the generation while a person's switch stops the agents that
// draft. Resuming sends its message again.
func (j *job) paused(ctx context.Context, tx *store.Tx, m queue.Message) (bool, error) {
	gen, err := tx.Generation(ctx, m.WorkspaceID, m.SubjectID)
	if err != nil || gen.State == store.GenerationDone || gen.State == store.GenerationFailed {
		return false, err
	}
	sw, paused, err := tx.AgentPaused(ctx, m.WorkspaceID, agentName, gen.AccountID)
	if err != nil || !paused {
		return false, err
	}
	return true, tx.PostponeGeneration(ctx, m.WorkspaceID, m.SubjectID, "Drafting is paused by "+sw.By+"; it goes on once somebody resumes it.")
}

// work does what is not done yet, and finishes the generation.
func (j *job) work(ctx context.Context) error {
	ideas, err := j.ideas(ctx)
	if err != nil {
		return err
	}
	drafts, reason, err := j.drafts(ctx, ideas)
	if err != nil {
		return err
	}
	return j.finish(ctx, drafts, reason)
}

// ideas returns the ideas to draft, best first; they are looked for only once.
// Nobody waits for what the planner asks for, so it first uses up the ideas that
// were found, paid for and left over.
func (j *job) ideas(ctx context.Context) ([]store.Idea, error) {
	var ideas []store.Idea
	err := j.Relay.Store.InWorkspace(ctx, j.claim.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		if j.gen.IdeaID != nil {
			idea, err := tx.Idea(ctx, j.claim.Workspace, *j.gen.IdeaID)
			ideas = []store.Idea{idea}
			return err
		}
		if ideas, err = tx.IdeasOf(ctx, j.claim.Workspace, j.gen.ID); err != nil || len(ideas) > 0 || !j.planned() {
			return err
		}
		missing := j.gen.Wanted - j.gen.Drafts
		left, err := tx.Ideas(ctx, j.claim.Workspace, store.IdeaFilter{AccountID: &j.acc.ID, State: store.IdeaNew}, missing)
		if len(left) == missing {
			ideas = left
		}
		return err
	})
	if err != nil || len(ideas) > 0 {
		return ideas, err
	}
	return j.research(ctx)
}

// planned reports whether no person asked for this generation.
func (j *job) planned() bool { return j.gen.RequestedBy.Kind == audit.System }

// pause is not a failure: the work goes on in another invocation.
type pauseError struct{}

func (pauseError) Error() string { return "this invocation's time is up" }

// step is called before each long step: it says where the generation stands,
// and stops when there is not enough time left for another.
func (j *job) step(ctx context.Context, format string, args ...any) error {
	if deadline, ok := ctx.Deadline(); ok && deadline.Sub(j.Clock.Now()) < stepTime {
		return pauseError{}
	}
	return j.held(ctx, func(ctx context.Context, tx *store.Tx, _ int) error {
		return tx.SaveProgress(ctx, j.claim, fmt.Sprintf(format, args...), 0)
	})
}

// held runs fn in a transaction in which the claim is proved to stand; it gets
// the number of drafts made so far.
func (j *job) held(ctx context.Context, fn func(context.Context, *store.Tx, int) error) error {
	return j.Relay.InWorkspace(ctx, j.claim.Workspace, func(ctx context.Context, tx *store.Tx) error {
		drafts, err := tx.HoldGeneration(ctx, j.claim)
		if err != nil {
			return err
		}
		return fn(ctx, tx, drafts)
	})
}

// settle turns what stopped the work into a state that people understand.
// Errors that are not the agents' are returned: the message comes again.
func (j *job) settle(ctx context.Context, stopped error) error {
	if _, ok := stopped.(pauseError); ok { //nolint:errorlint // it is never wrapped
		return j.yield(ctx, 0, "Going on in a moment.")
	}
	if ctx.Err() != nil {
		return stopped
	}
	switch {
	case ai.IsAway(stopped) && j.claim.Try < maxTries:
		wait := min(firstWait<<(j.claim.Try-1), maxWait)
		if e := apperr.As(stopped); e != nil {
			wait = min(max(wait, e.RetryAfter), maxWait)
		}
		return j.yield(ctx, wait, fmt.Sprintf("The model cannot be reached; trying again in %s.", inWords(wait)))
	case isAgents(stopped):
		return j.held(ctx, func(ctx context.Context, tx *store.Tx, drafts int) error {
			return j.finishIn(ctx, tx, drafts, agency.Sentence(stopped))
		})
	}
	return stopped
}

// isAgents reports whether an error is the model's or a step's of an agent, so
// that a repeat of the message would not help.
func isAgents(err error) bool {
	if ai.IsAway(err) || ai.IsStopped(err) || ai.IsBadAnswer(err) {
		return true
	}
	e := apperr.As(err)
	return e != nil && (e.Code == ai.CodeRefused || e.Code == agent.CodeDraftTooLong || e.Code == codeNothingToRead)
}

func (j *job) yield(ctx context.Context, wait time.Duration, progress string) error {
	err := j.held(ctx, func(ctx context.Context, tx *store.Tx, _ int) error {
		at, err := tx.YieldGeneration(ctx, j.claim, wait, progress)
		if err != nil {
			return err
		}
		return enqueue(ctx, tx, j.claim.Workspace, j.gen.ID, j.gen.CorrelationID, at)
	})
	if err != nil {
		return fmt.Errorf("yield generation %s: %w", j.gen.ID, err)
	}
	return nil
}

func (j *job) finish(ctx context.Context, drafts int, reason string) error {
	err := j.held(ctx, func(ctx context.Context, tx *store.Tx, _ int) error {
		return j.finishIn(ctx, tx, drafts, reason)
	})
	if err != nil {
		return fmt.Errorf("finish generation %s: %w", j.gen.ID, err)
	}
	return nil
}

// finishIn ends the generation: done when it made a draft, else failed, with
// the reason why there are not as many as were wanted.
func (j *job) finishIn(ctx context.Context, tx *store.Tx, drafts int, reason string) error {
	state, progress := store.GenerationDone, plural(drafts, "draft")+" went into review."
	if drafts < j.gen.Wanted {
		progress = fmt.Sprintf("%d of %s went into review. %s", drafts, plural(j.gen.Wanted, "draft"), reason)
	}
	action := "generation.finished"
	if drafts == 0 {
		state, progress, action = store.GenerationFailed, reason, "generation.failed"
	}
	if err := tx.FinishGeneration(ctx, j.claim, state, progress); err != nil {
		return err
	}
	return record(ctx, tx, j.gen, audit.SystemActor(j.claim.Workspace, "generate"), action, map[string]any{"drafts": drafts})
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func inWords(d time.Duration) string {
	if d < time.Minute {
		return plural(int(d.Round(time.Second)/time.Second), "second")
	}
	return plural(int(d.Round(time.Minute)/time.Minute), "minute")
}
