package api

import (
	"context"
	"time"

	"rostrum/shared/account"
	domain "rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/throttle"
	"rostrum/shared/workflow/browsing"
	"rostrum/shared/workflow/connecting"
)

// QuotaShown is what a network said is left of one of its windows.
type QuotaShown struct {
	Network       string    `json:"network" enum:"x,instagram"`
	AccountID     *string   `json:"account_id" doc:"Null for a quota of the developer app, which all accounts share."`
	Handle        *string   `json:"handle"`
	Use           string    `json:"use" enum:"post,read,measure" doc:"Which calls it counts: posts, reading an account back, reading numbers."`
	WindowSeconds int       `json:"window_seconds"`
	Limit         int       `json:"limit"`
	Remaining     int       `json:"remaining"`
	ResetsAt      time.Time `json:"resets_at"`
	SeenAt        time.Time `json:"seen_at" doc:"When the network said so last."`
}

// BreakerShown is a breaker that keeps posts back, or may soon.
type BreakerShown struct {
	Network      string     `json:"network" enum:"x,instagram"`
	AccountID    *string    `json:"account_id" doc:"Null for a network's."`
	Handle       *string    `json:"handle"`
	State        string     `json:"state" enum:"closed,open,half_open"`
	Failures     int        `json:"failures" doc:"In a row."`
	FailingSince *time.Time `json:"failing_since"`
	RetryAt      *time.Time `json:"retry_at" doc:"When one post tries."`
	LastCode     string     `json:"last_code"`
}

// SwitchShown is a pause that is in force.
type SwitchShown struct {
	Kind      string    `json:"kind" enum:"workspace,network,account,agent"`
	Subject   string    `json:"subject" doc:"The network, or the agent: generate, review."`
	AccountID *string   `json:"account_id"`
	Handle    *string   `json:"handle"`
	Reason    string    `json:"reason"`
	By        string    `json:"by"`
	Since     time.Time `json:"since"`
}

// HeldCount is how many posts wait for one reason.
type HeldCount struct {
	Code  string `json:"code"`
	Label string `json:"label"`
	Posts int    `json:"posts"`
}

// SystemOutput is what keeps posts back just now, or might.
type SystemOutput struct {
	Body struct {
		Quotas   []QuotaShown   `json:"quotas" nullable:"false"`
		Breakers []BreakerShown `json:"breakers" nullable:"false"`
		Switches []SwitchShown  `json:"switches" nullable:"false"`
		Held     []HeldCount    `json:"held" nullable:"false"`
		Now      time.Time      `json:"now"`
	}
}

func (s *Server) system(ctx context.Context, _ *NoInput) (*SystemOutput, error) {
	l, err := s.Operating.Limits(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := &SystemOutput{}
	out.Body.Now = l.Now
	out.Body.Quotas = append(mapped(l.AppQuotas, toQuota), mapped(l.AccountQuotas, toQuota)...)
	out.Body.Breakers, out.Body.Switches = mapped(l.Breakers, toBreaker), mapped(l.Switches, toSwitch)
	out.Body.Held = []HeldCount{}
	for _, reason := range domain.HoldReasons() {
		if n := l.Held[reason]; n > 0 {
			out.Body.Held = append(out.Body.Held, HeldCount{Code: string(reason), Label: browsing.HoldLabel(reason), Posts: n})
		}
	}
	return out, nil
}

func toQuota(q store.KnownQuota) QuotaShown {
	out := QuotaShown{
		Network: string(q.Network), Use: string(q.Use), WindowSeconds: int(q.Window / time.Second), Limit: q.Limit,
		Remaining: q.Remaining, ResetsAt: q.ResetsAt, SeenAt: q.SeenAt,
	}
	if q.Scope == throttle.AccountScope {
		out.AccountID, out.Handle = new(q.AccountID.String()), &q.Handle
	}
	return out
}

func toBreaker(b store.KnownBreaker) BreakerShown {
	out := BreakerShown{
		Network: string(b.Network), State: string(b.State), Failures: b.Failures, FailingSince: timeOrNil(b.FailingSince),
		RetryAt: timeOrNil(b.RetryAt), LastCode: b.LastCode,
	}
	if b.State == throttle.HalfOpen {
		out.RetryAt = timeOrNil(b.ProbeUntil)
	}
	if b.AccountID != (account.ID{}) {
		out.AccountID, out.Handle = new(b.AccountID.String()), &b.Handle
	}
	return out
}

func toSwitch(sw store.Switch) SwitchShown {
	out := SwitchShown{Kind: string(sw.Kind), Subject: sw.Subject, Reason: sw.Reason, By: sw.By, Since: sw.Since}
	if sw.AccountID != nil {
		out.AccountID, out.Handle = new(sw.AccountID.String()), &sw.Handle
	}
	return out
}

// TryInput names a breaker.
type TryInput struct {
	Body struct {
		Network   string `json:"network" enum:"x,instagram"`
		AccountID string `json:"account_id,omitempty" doc:"Left out, the network's breaker."`
	}
}

// TriedOutput says whether a post was there to try with.
type TriedOutput struct {
	Body struct {
		Trying bool `json:"trying" doc:"False when no post of the workspace waits; the next that falls due tries."`
	}
}

func (s *Server) tryBreaker(ctx context.Context, in *TryInput) (*TriedOutput, error) {
	id, err := optionalAccount(in.Body.AccountID)
	if err != nil {
		return nil, err
	}
	out := &TriedOutput{}
	out.Body.Trying, err = s.Operating.TryNow(ctx, actor(ctx), account.Network(in.Body.Network), id)
	return out, err
}

// SwitchInput names a switch.
type SwitchInput struct {
	Body struct {
		Kind      string `json:"kind" enum:"network,agent" doc:"Workspaces and accounts have routes of their own."`
		Subject   string `json:"subject" maxLength:"50" doc:"The network, or the agent: generate, review." example:"review"`
		AccountID string `json:"account_id,omitempty" doc:"For an agent: of this account alone."`
		Reason    string `json:"reason,omitempty" maxLength:"1000"`
	}
}

func (in *SwitchInput) named() (store.Switch, error) {
	id, err := optionalAccount(in.Body.AccountID)
	if err != nil {
		return store.Switch{}, err
	}
	reason, err := connecting.CheckReason(in.Body.Reason)
	return store.Switch{Kind: store.SwitchKind(in.Body.Kind), Subject: in.Body.Subject, AccountID: id, Reason: reason}, err
}

func (s *Server) pauseSwitch(ctx context.Context, in *SwitchInput) (*SystemOutput, error) {
	sw, err := in.named()
	if err != nil {
		return nil, err
	}
	if err := s.Operating.Pause(ctx, actor(ctx), sw); err != nil {
		return nil, err
	}
	return s.system(ctx, nil)
}

func (s *Server) resumeSwitch(ctx context.Context, in *SwitchInput) (*SystemOutput, error) {
	sw, err := in.named()
	if err != nil {
		return nil, err
	}
	if err := s.Operating.Resume(ctx, actor(ctx), sw); err != nil {
		return nil, err
	}
	return s.system(ctx, nil)
}
