package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
	"rostrum/shared/throttle"
)

// SwitchKind says what a switch stops.
type SwitchKind string

// The kinds.
const (
	SwitchWorkspace SwitchKind = "workspace"
	SwitchNetwork   SwitchKind = "network"
	SwitchAccount   SwitchKind = "account"
	// SwitchAgent stops one kind of agent, of one account or of all.
	SwitchAgent SwitchKind = "agent"
)

// Switch is a pause that is in force.
type Switch struct {
	Kind SwitchKind
	// Subject is the network, or the agent (generate, review).
	Subject string
	// AccountID is nil for a switch that is not of one account.
	AccountID *account.ID
	Handle    string
	Reason    string
	Since     time.Time
	// By is the name of who threw it.
	By string
}

// ThrowSwitch records a pause with who, when and why; thrown again, it keeps
// its time. What the intent reads of workspaces and accounts is set by
// PauseWorkspace and PauseAccount; of a network it is set here.
func (tx *Tx) ThrowSwitch(ctx context.Context, actor audit.Actor, s Switch) error {
	err := tx.q.ThrowSwitch(ctx, dbsqlc.ThrowSwitchParams{
		WorkspaceID: actor.WorkspaceID, Kind: string(s.Kind), Subject: s.Subject, AccountID: s.account(), Reason: s.Reason,
		ByID: actor.ID, ByName: actor.Name,
	})
	if err == nil && s.Kind == SwitchNetwork {
		err = tx.q.PauseNetwork(ctx, dbsqlc.PauseNetworkParams{Network: s.Subject, WorkspaceID: actor.WorkspaceID})
	}
	if err != nil {
		return fmt.Errorf("throw switch %s %s: %w", s.Kind, s.Subject, classify(err))
	}
	return nil
}

// LiftSwitch takes a pause back and reports whether there was one.
func (tx *Tx) LiftSwitch(ctx context.Context, workspace uuid.UUID, s Switch) (bool, error) {
	n, err := tx.q.LiftSwitch(ctx, dbsqlc.LiftSwitchParams{
		WorkspaceID: workspace, Kind: string(s.Kind), Subject: s.Subject, AccountID: s.account(),
	})
	if err == nil && s.Kind == SwitchNetwork {
		err = tx.q.ResumeNetwork(ctx, dbsqlc.ResumeNetworkParams{Network: s.Subject, WorkspaceID: workspace})
	}
	if err != nil {
		return false, fmt.Errorf("lift switch %s %s: %w", s.Kind, s.Subject, classify(err))
	}
	return n > 0, nil
}

func (s Switch) account() uuid.UUID {
	if s.AccountID == nil {
		return uuid.Nil
	}
	return uuid.UUID(*s.AccountID)
}

// AgentPaused returns the pause that stops an agent (generate, review) for an
// account, of that account or of all, and false when there is none.
func (tx *Tx) AgentPaused(ctx context.Context, workspace uuid.UUID, agent string, id account.ID) (Switch, bool, error) {
	r, err := tx.q.AgentSwitch(ctx, dbsqlc.AgentSwitchParams{WorkspaceID: workspace, Agent: agent, AccountID: uuid.UUID(id)})
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return Switch{}, false, fmt.Errorf("read switch of agent %s: %w", agent, err)
		}
		return Switch{}, false, nil
	}
	return Switch{Kind: SwitchAgent, Subject: agent, Reason: r.Reason, By: r.PausedByName}, true, nil
}

// PostponeGeneration says on a generation that nobody works on why it waits.
func (tx *Tx) PostponeGeneration(ctx context.Context, workspace, id uuid.UUID, progress string) error {
	err := tx.q.PostponeGeneration(ctx, dbsqlc.PostponeGenerationParams{Progress: progress, WorkspaceID: workspace, ID: id})
	if err != nil {
		return fmt.Errorf("postpone generation %s: %w", id, classify(err))
	}
	return nil
}

// WaitingGenerations returns the generations that nobody works on, of one
// account or of all, at most 200, oldest first. Revision is 0.
func (tx *Tx) WaitingGenerations(ctx context.Context, workspace uuid.UUID, id *account.ID) ([]Stuck, error) {
	rows, err := tx.q.WaitingGenerations(ctx, dbsqlc.WaitingGenerationsParams{WorkspaceID: workspace, AccountID: rawOrNull(id)})
	if err != nil {
		return nil, fmt.Errorf("list waiting generations: %w", classify(err))
	}
	out := make([]Stuck, len(rows))
	for i, r := range rows {
		out[i] = Stuck{WorkspaceID: workspace, SubjectID: r.ID, CorrelationID: r.CorrelationID}
	}
	return out, nil
}

// WaitingReviews returns the posts in review, of one account or of all, at most
// 200, those that have waited longest first.
func (tx *Tx) WaitingReviews(ctx context.Context, workspace uuid.UUID, id *account.ID) ([]Stuck, error) {
	rows, err := tx.q.WaitingReviews(ctx, dbsqlc.WaitingReviewsParams{WorkspaceID: workspace, AccountID: rawOrNull(id)})
	if err != nil {
		return nil, fmt.Errorf("list waiting reviews: %w", classify(err))
	}
	out := make([]Stuck, len(rows))
	for i, r := range rows {
		out[i] = Stuck{WorkspaceID: workspace, SubjectID: r.ID, Revision: r.Revision, CorrelationID: r.CorrelationID}
	}
	return out, nil
}

func rawOrNull(id *account.ID) *uuid.UUID {
	if id == nil {
		return nil
	}
	return new(uuid.UUID(*id))
}

// KnownQuota is a quota as it was last heard of.
type KnownQuota struct {
	throttle.Quota
	Network account.Network
	// AccountID and Handle are of an account's quota.
	AccountID account.ID
	Handle    string
	SeenAt    time.Time
}

// KnownBreaker is a breaker that is not closed, or has seen failures.
type KnownBreaker struct {
	throttle.Breaker
	Network account.Network
	// AccountID is zero for a network's.
	AccountID account.ID
	Handle    string
}

// Limits is what keeps posts back just now, or might.
type Limits struct {
	AppQuotas     []KnownQuota
	AccountQuotas []KnownQuota
	Breakers      []KnownBreaker
	Switches      []Switch
	// Held counts the workspace's posts that are kept back, by their reason.
	Held map[post.HoldReason]int
	Now  time.Time
}

// Limits returns the quotas whose windows are not over, the breakers with
// something to tell, the switches and how many posts wait for what. Errors:
// Unavailable.
func (tx *Tx) Limits(ctx context.Context, workspace uuid.UUID) (Limits, error) {
	l := Limits{Held: map[post.HoldReason]int{}}
	for _, load := range []func(context.Context, uuid.UUID, *Limits) error{tx.loadQuotas, tx.loadBreakers, tx.loadSwitches} {
		if err := load(ctx, workspace, &l); err != nil {
			return Limits{}, err
		}
	}
	held, err := tx.q.HeldCounts(ctx, workspace)
	if err != nil {
		return Limits{}, fmt.Errorf("count held posts: %w", classify(err))
	}
	for _, h := range held {
		l.Held[post.HoldReason(h.HoldReason)] = int(h.Posts)
	}
	l.Now, err = tx.Now(ctx)
	return l, err
}

func (tx *Tx) loadQuotas(ctx context.Context, workspace uuid.UUID, l *Limits) error {
	app, err := tx.q.AppQuotas(ctx)
	if err != nil {
		return fmt.Errorf("list app quotas: %w", classify(err))
	}
	for _, r := range app {
		l.AppQuotas = append(l.AppQuotas, KnownQuota{
			Quota: throttle.Quota{
				Scope: throttle.AppScope, Use: throttle.Use(r.UsedFor), Window: spanOf(r.WindowSeconds), Limit: int(r.MaxCalls),
				Remaining: int(r.Remaining), ResetsAt: r.ResetsAt.UTC(),
			},
			Network: account.Network(r.Network), SeenAt: r.SeenAt.UTC(),
		})
	}
	own, err := tx.q.AccountQuotas(ctx, workspace)
	if err != nil {
		return fmt.Errorf("list account quotas: %w", classify(err))
	}
	for _, r := range own {
		l.AccountQuotas = append(l.AccountQuotas, KnownQuota{
			Quota: throttle.Quota{
				Scope: throttle.AccountScope, Use: throttle.Use(r.UsedFor), Window: spanOf(r.WindowSeconds), Limit: int(r.MaxCalls),
				Remaining: int(r.Remaining), ResetsAt: r.ResetsAt.UTC(),
			},
			Network: account.Network(r.Network), AccountID: account.ID(r.AccountID), Handle: r.Handle, SeenAt: r.SeenAt.UTC(),
		})
	}
	return nil
}

func (tx *Tx) loadBreakers(ctx context.Context, workspace uuid.UUID, l *Limits) error {
	networks, err := tx.q.NetworkBreakers(ctx)
	if err != nil {
		return fmt.Errorf("list network breakers: %w", classify(err))
	}
	for _, r := range networks {
		l.Breakers = append(l.Breakers, KnownBreaker{Breaker: toBreaker(r), Network: account.Network(r.Network)})
	}
	accounts, err := tx.q.AccountBreakers(ctx, workspace)
	if err != nil {
		return fmt.Errorf("list account breakers: %w", classify(err))
	}
	for _, r := range accounts {
		l.Breakers = append(l.Breakers, KnownBreaker{
			Breaker: throttle.Breaker{
				State: throttle.State(r.State), Failures: int(r.Failures), FailingSince: zeroOr(r.FailingSince),
				LastFailure: zeroOr(r.LastFailureAt), Openings: int(r.Openings), RetryAt: zeroOr(r.RetryAt),
				ProbeUntil: zeroOr(r.ProbeUntil), LastCode: r.LastCode,
			},
			Network: account.Network(r.Network), AccountID: account.ID(r.AccountID), Handle: r.Handle,
		})
	}
	return nil
}

func (tx *Tx) loadSwitches(ctx context.Context, workspace uuid.UUID, l *Limits) error {
	rows, err := tx.q.Switches(ctx, workspace)
	if err != nil {
		return fmt.Errorf("list switches: %w", classify(err))
	}
	for _, r := range rows {
		s := Switch{
			Kind: SwitchKind(r.Kind), Subject: r.Subject, Handle: r.Handle, Reason: r.Reason, Since: r.PausedAt.UTC(), By: r.PausedByName,
		}
		if r.AccountID != uuid.Nil {
			s.AccountID = new(account.ID(r.AccountID))
		}
		l.Switches = append(l.Switches, s)
	}
	return nil
}

// fillHolds adds to posts that are held what stands behind it.
func (tx *Tx) fillHolds(ctx context.Context, posts []PostSummary) error {
	if len(posts) == 0 {
		return nil
	}
	at := map[uuid.UUID]int{}
	var ids []uuid.UUID
	var workspace uuid.UUID
	for i, p := range posts {
		if p.Hold != "" {
			at[uuid.UUID(p.ID)] = i
			ids, workspace = append(ids, uuid.UUID(p.ID)), p.WorkspaceID
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.q.HoldFacts(ctx, dbsqlc.HoldFactsParams{WorkspaceID: workspace, PostIds: ids})
	if err != nil {
		return fmt.Errorf("read what holds %d posts: %w", len(ids), classify(err))
	}
	for _, r := range rows {
		posts[at[r.ID]].HoldFacts = post.HoldFacts{Since: r.Since.UTC(), Until: r.Until.UTC(), By: r.ByName, Reason: r.Reason}
	}
	return nil
}
