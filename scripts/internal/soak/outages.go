package soak

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/throttle"
)

const (
	// grace is how late still counts as on time (publishing's lateGrace).
	grace = 2 * time.Minute
	// settling is how much longer for what had to be proved absent (publishing's
	// settleWindow).
	settling = 110 * time.Second
	// shortest and longest bound an outage of ours.
	shortest, longest = 2 * time.Minute, 10 * time.Hour
	// quotaWindow is the network's, for an account and for the app.
	quotaWindow = 15 * time.Minute
	appLimit    = 600
)

// outages are those that a wave has before it; zero is none.
type outages struct{ ours, network time.Time }

// quota is what the network still takes in the window that runs.
type quota struct {
	limit, used int
	resets      time.Time
}

// take counts a call that reached the network, and reports whether it is served.
func (q *quota) take(now time.Time) bool {
	if !now.Before(q.resets) {
		q.used, q.resets = 0, now.Add(quotaWindow).Truncate(time.Second)
	}
	if q.used >= q.limit {
		return false
	}
	q.used++
	return true
}

// said is how the network's answer tells of it.
func (q *quota) said(scope throttle.Scope) throttle.Quota {
	return throttle.Quota{Scope: scope, Use: throttle.Posting, Window: quotaWindow, Limit: q.limit, Remaining: q.limit - q.used, ResetsAt: q.resets}
}

// characterize gives the accounts their rules for what is late, their gaps and
// their quotas.
func (l *lane) characterize(ctx context.Context) error {
	for n, a := range l.accounts {
		a.rule, a.within, a.gap = account.SendWithin, 6*time.Hour, []time.Duration{0, 10 * time.Second, 30 * time.Second, time.Minute}[n%4]
		a.quota.limit = 300
		switch {
		case n%10 == 7:
			a.rule = account.Drop
		case n%10 == 8:
			a.rule = account.Hold
		case n%5 == 4:
			a.within = 20 * time.Minute
		case n%5 == 0:
			a.quota.limit = 25
		}
		_, err := l.sql.Exec(ctx, "UPDATE accounts SET catch_up = $2, catch_up_within_seconds = $3, min_gap_seconds = $4 WHERE id = $1",
			uuid.UUID(a.id), string(a.rule), int(a.within.Seconds()), int(a.gap.Seconds()))
		if err != nil {
			return fmt.Errorf("set an account's rules: %w", err)
		}
	}
	l.network.app.limit = appLimit
	return nil
}

// plan lays down the outages of a wave whose last post is due after span.
func (l *lane) plan(span time.Duration) {
	l.outages = outages{}
	if l.rng.IntN(3) == 0 {
		l.outages.ours = l.now.Add(l.between(0, span))
	}
	if l.rng.IntN(3) == 0 {
		l.outages.network = l.now.Add(l.between(0, span))
	}
}

// strike lets an outage begin whose time has come, and reports whether it did.
func (l *lane) strike(ctx context.Context) bool {
	begun := func(at *time.Time) bool {
		if at.IsZero() || l.now.Before(*at) || l.calm {
			return false
		}
		*at = time.Time{}
		l.report.Faults++
		l.report.Outages++
		return true
	}
	switch {
	case begun(&l.outages.ours):
		l.sleep(ctx)
	case begun(&l.outages.network):
		d := l.between(time.Minute, 40*time.Minute)
		l.note("the network is down for %s", d)
		l.network.downUntil = l.now.Add(d)
	default:
		return false
	}
	return true
}

// sleep is an outage of ours: for minutes or for hours nothing of it runs, and
// the queues may have lost all they had. Short ones are as likely as long ones.
func (l *lane) sleep(ctx context.Context) {
	d := time.Duration(float64(shortest) * math.Pow(float64(longest)/float64(shortest), l.rng.Float64())).Truncate(time.Second)
	l.note("nothing runs for %s", d)
	if l.rng.IntN(3) == 0 {
		l.queue.waiting = nil
	}
	l.forward(ctx, d)
	l.build()
	l.begun, l.tickAt = l.begun.Add(d), l.now
}

// outOfOrder is what a network or an account that is down does with a call.
func (l *lane) outOfOrder(ctx context.Context, remote string, r platform.PublishRequest) platform.Outcome {
	switch l.rng.IntN(6) {
	case 0: // Taken, but nobody hears of it.
		l.late(remote, r, l.between(0, l.options.LateBy))
	case 1:
		l.forward(ctx, l.between(0, 10*time.Second))
	default:
		l.forward(ctx, l.between(0, time.Second))
		return platform.Outcome{Class: platform.NotSent, Code: "not_sent", Detail: "The network could not be reached."}
	}
	return platform.Outcome{Class: platform.Unclear, Code: "timeout", Detail: "The network did not answer."}
}

// judgeLate holds an intent that comes late against its account's rule and the
// drain: out of a backlog a post goes in its turn alone, or as the try of a
// breaker that is open.
func (l *lane) judgeLate(ctx context.Context, it *item) error {
	late := l.now.Sub(it.due)
	if late <= grace {
		return nil
	}
	var turn *time.Time
	var begun, absent, trying bool
	if err := l.sql.QueryRow(ctx, lateness, uuid.UUID(it.id)).Scan(&turn, &begun, &absent, &trying); err != nil {
		return fmt.Errorf("read a late post: %w", err)
	}
	a := l.accounts[it.account]
	switch {
	case begun: // The audience has its beginning; the rest may always follow.
	case absent && late <= grace+settling: // It was begun before, and proved absent since.
	case a.rule != account.SendWithin || late > a.within:
		l.breaks(&l.report.Early, it, "an intent was committed %s late, which its account's rule (%s, %s) forbids", late, a.rule, a.within)
	case trying:
	case turn == nil || l.now.Before(*turn) || l.now.Sub(*turn) > grace:
		l.breaks(&l.report.Early, it, "an intent was committed %s late without a turn", late)
	default:
		l.report.InTurn++
	}
	return nil
}

// lateness reads a post's turn, whether a part of it is out, whether one was
// proved absent, and whether a breaker that may have it for its try is open.
const lateness = `
SELECT p.paced_at, EXISTS (SELECT 1 FROM attempts t WHERE t.workspace_id = p.workspace_id AND t.post_id = p.id AND t.state = 'accepted'),
  EXISTS (SELECT 1 FROM attempts t WHERE t.workspace_id = p.workspace_id AND t.post_id = p.id AND t.state = 'absent'),
  EXISTS (SELECT 1 FROM network_breakers WHERE state <> 'closed')
    OR EXISTS (SELECT 1 FROM account_breakers b WHERE b.account_id = p.account_id AND b.state <> 'closed')
FROM posts p WHERE p.id = $1`

// judgePace holds the turns that were given against the accounts' gaps and the
// network's rate.
func (l *lane) judgePace(ctx context.Context, ids []uuid.UUID) error {
	var near, crowded int
	err := l.sql.QueryRow(ctx, `
WITH turns AS (
  SELECT p.paced_at, coalesce(nullif(a.min_gap_seconds, 0), $2) AS gap, lag(p.paced_at) OVER (PARTITION BY p.account_id ORDER BY p.paced_at) AS before
  FROM posts p JOIN accounts a ON a.id = p.account_id WHERE p.id = ANY ($1) AND p.paced_at IS NOT NULL
)
SELECT (SELECT count(*) FROM turns WHERE paced_at < before + make_interval(secs => gap)),
       (SELECT count(*) FROM (SELECT FROM turns GROUP BY date_trunc('second', paced_at) HAVING count(*) > $3) s)`,
		ids, int(throttle.DefaultGap.Seconds()), throttle.PerSecond).Scan(&near, &crowded)
	if err != nil {
		return fmt.Errorf("judge turns: %w", err)
	}
	if near+crowded > 0 {
		l.breaks(&l.report.Early, nil, "%d turns are nearer to the one before than their account's gap, %d seconds hold more than the network's rate", near, crowded)
	}
	return nil
}

// usedUp keeps what an answer said of the quota, to be held against the senders
// once they have written it down.
func (l *lane) usedUp(r platform.PublishRequest, a *accountState) {
	if it := l.byText[r.Text]; it != nil && a.quota.used >= a.quota.limit {
		it.usedUp = a.quota.resets
	}
}

// told is what the senders know of an account's quota once the result is written.
func (l *lane) told(it *item) {
	if it == nil || it.usedUp.IsZero() {
		return
	}
	a := l.accounts[it.account]
	a.usedUpUntil, it.usedUp = it.usedUp, time.Time{}
}

func (l *lane) accountOf(remote string) *accountState {
	for _, a := range l.accounts {
		if a.remote == remote {
			return a
		}
	}
	return nil
}

// heldLate are the holds of a post that waits for a person's word.
func heldLate(hold string) bool {
	return hold == string(post.HeldLate) || hold == string(post.HeldFoundLate)
}
