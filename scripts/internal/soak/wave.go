package soak

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/workflow/sealing"
)

// wave takes n posts from their approval to their ends and judges them.
func (l *lane) wave(ctx context.Context, n int) error {
	l.items, l.calm, l.begun = nil, false, l.now.Add(time.Duration(n)*pace)
	if err := l.write(ctx, n); err != nil {
		return err
	}
	l.plan(time.Duration(n) * pace)
	l.tickAt = l.now
	for open := n; open > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !l.report.Clean() {
			return nil // What follows a break says nothing.
		}
		age := l.now.Sub(l.begun)
		if !l.calm && age > calmAfter {
			if err := l.calmDown(ctx); err != nil {
				return err
			}
		}
		ticked, err := l.step(ctx)
		if err != nil {
			return err
		}
		if ticked {
			if open, err = l.look(ctx, age > calmAfter+stuckAfter); err != nil {
				return err
			}
		}
	}
	return l.judge(ctx)
}

// tidy does what autovacuum would, whose hour would come after the lane's end.
// Without counted rows the planner reads whole tables, and a plan for tables
// that were empty lasts: so the first ticks count often.
func (l *lane) tidy(ctx context.Context) error {
	l.ticks++
	var work string
	switch {
	case l.ticks%512 == 0:
		work = "VACUUM ANALYZE"
	case l.ticks&(l.ticks-1) == 0:
		work = "ANALYZE"
	default:
		return nil
	}
	if _, err := l.sql.Exec(ctx, work); err != nil {
		return fmt.Errorf("tidy the lane's database: %w", err)
	}
	return nil
}

// step is the next thing that happens: a message, a tick, a person.
func (l *lane) step(ctx context.Context) (ticked bool, err error) {
	if l.strike(ctx) {
		return false, nil
	}
	m := l.queue.first()
	switch {
	case l.chance(1):
		a := l.accounts[l.rng.IntN(len(l.accounts))]
		a.downUntil = l.now.Add(l.between(time.Minute, 20*time.Minute))
		return false, nil
	case l.chance(45):
		return false, l.someone(ctx)
	case l.chance(8):
		return false, l.mend(ctx, l.rng.IntN(len(l.accounts)))
	case m != nil && m.at.Before(l.tickAt):
		if wait := m.at.Sub(l.now); wait > 0 {
			l.forward(ctx, wait)
		} else {
			l.forward(ctx, l.between(0, 20*time.Millisecond))
		}
		l.deliver(ctx, m)
		return false, nil
	}
	if wait := l.tickAt.Sub(l.now); wait > 0 {
		l.forward(ctx, wait)
	}
	return true, l.tick(ctx)
}

// tick fires the schedule: sometimes twice, sometimes not for minutes.
func (l *lane) tick(ctx context.Context) error {
	l.tickAt = l.now.Add(time.Minute)
	switch {
	case l.chance(50):
		l.tickAt = l.tickAt.Add(l.between(0, 59*time.Second))
	case l.chance(15):
		l.tickAt = l.tickAt.Add(l.between(time.Minute, 9*time.Minute))
	}
	times := 1
	if l.chance(50) {
		times = 3
	}
	for range times {
		// A step that fails is tried by the next tick.
		_, _ = l.survive(func() error { return l.service.Tick(ctx) })
	}
	if _, err := l.survive(func() error { return l.sealer.Seal(ctx) }); err != nil {
		return err
	}
	return l.tidy(ctx)
}

// meanwhile lets something else happen inside of what happens, in n of a
// thousand cases.
func (l *lane) meanwhile(ctx context.Context, n int) {
	if l.depth >= deepest || l.calm || l.rng.IntN(1000) >= n {
		return
	}
	l.report.Faults++
	l.depth++
	defer func() { l.depth-- }()
	ctx = context.WithoutCancel(ctx)
	switch l.rng.IntN(6) {
	case 0:
		_, _ = l.survive(func() error { return l.service.Tick(ctx) })
	case 1, 2:
		_ = l.someone(ctx)
	case 3:
		l.forward(ctx, l.between(0, 12*time.Second))
	default:
		if m := l.queue.first(); m != nil {
			l.deliver(ctx, m)
		}
	}
}

// calmDown ends the faults and mends what is broken: from here on every post
// has to come to its end by itself.
func (l *lane) calmDown(ctx context.Context) error {
	l.calm, l.network.downUntil = true, time.Time{}
	for n := range l.accounts {
		if err := l.mend(ctx, n); err != nil {
			return err
		}
	}
	for _, it := range l.items {
		if !it.approved && !it.withdrawn {
			if err := l.approve(ctx, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// look counts the posts that are not at their end; when over is set, they are stuck.
func (l *lane) look(ctx context.Context, over bool) (open int, err error) {
	var ids []uuid.UUID
	for _, it := range l.items {
		if !it.ended {
			ids = append(ids, uuid.UUID(it.id))
		}
	}
	rows, err := l.sql.Query(ctx, "SELECT id, state, hold_reason, needs_person_at IS NOT NULL FROM posts WHERE id = ANY ($1)", ids)
	if err != nil {
		return 0, fmt.Errorf("read posts: %w", err)
	}
	var id uuid.UUID
	var state, hold string
	var person bool
	_, err = pgx.ForEachRow(rows, []any{&id, &state, &hold, &person}, func() error {
		it := l.byID[post.ID(id)]
		if l.isEnd(state, hold, person) {
			it.ended = true
			return nil
		}
		if over {
			it.ended = true
			l.breaks(&l.report.Stuck, it, "it stays %s %q without an end", state, hold)
			return nil
		}
		open++
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read posts: %w", err)
	}
	// Nothing may still be on its way when the posts are judged.
	if open == 0 && len(l.network.travelling) > 0 {
		l.forward(ctx, l.options.LateBy)
	}
	return open, nil
}

// isEnd reports whether a person can see what became of a post, and nothing
// more will happen to it by itself.
func (l *lane) isEnd(state, hold string, person bool) bool {
	switch state {
	case "published", "failed", "missed", "canceled":
		return true
	case "scheduled":
		return heldLate(hold)
	case "unknown":
		return l.calm && person && l.now.Sub(l.begun) > calmAfter+2*time.Hour
	}
	return false
}

// judge holds the database against the audience, post by post.
func (l *lane) judge(ctx context.Context) error {
	ids := make([]uuid.UUID, len(l.items))
	for i, it := range l.items {
		ids[i] = uuid.UUID(it.id)
	}
	rows, err := l.sql.Query(ctx, judgement, ids)
	if err != nil {
		return fmt.Errorf("judge posts: %w", err)
	}
	var id uuid.UUID
	var state string
	var remotes []string
	var told bool
	_, err = pgx.ForEachRow(rows, []any{&id, &state, &remotes, &told}, func() error {
		it := l.byID[post.ID(id)]
		l.report.Posts++
		l.report.Ends[state]++
		l.tell(it, "ended %s", state)
		if !told {
			l.breaks(&l.report.Unaudited, it, "its events do not tell what happened to it (%s)", state)
		}
		l.judgeParts(it, state, remotes)
		return nil
	})
	if err != nil {
		return fmt.Errorf("judge posts: %w", err)
	}
	l.forget()
	if err := l.judgePace(ctx, ids); err != nil {
		return err
	}
	return l.putAway(ctx, ids)
}

// judgeParts holds what is recorded of a post's parts against the audience.
func (l *lane) judgeParts(it *item, state string, remotes []string) {
	for part := range it.texts {
		recorded := ""
		if part < len(remotes) {
			recorded = remotes[part]
		}
		switch {
		case state == "published" && (it.shown[part] == "" || it.shown[part] != recorded):
			l.breaks(&l.report.Lost, it, "it is called published; part %d is recorded as %q, the audience sees %q", part, recorded, it.shown[part])
		case state == "failed" && it.shown[part] != "" && recorded == "":
			l.breaks(&l.report.Lost, it, "it is called failed, and the audience sees part %d", part)
		}
	}
}

// putAway takes what waits for a person's word out of every tick to come.
func (l *lane) putAway(ctx context.Context, ids []uuid.UUID) error {
	err := pgx.BeginFunc(ctx, l.sql, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE posts SET state = 'canceled' WHERE id = ANY ($1) AND state IN ('scheduled', 'unknown')", ids)
		return err
	})
	if err != nil {
		return fmt.Errorf("put judged posts away: %w", err)
	}
	return nil
}

// forget drops what is judged, but for the newest posts of each account: the
// network is read back behind the last that is known.
func (l *lane) forget() {
	for _, it := range l.items {
		delete(l.byID, it.id)
	}
	clear(l.byText)
	for remote, posts := range l.network.shown {
		l.network.shown[remote] = posts[max(0, len(posts)-100):]
	}
}

// judgement reads a post's end, what is recorded of its parts, and whether the
// audit log tells the same.
const judgement = `
SELECT p.id, p.state,
  coalesce((SELECT array_agg(coalesce(r.remote_id, '') ORDER BY n.part) FROM generate_series(0, 5) AS n(part)
     LEFT JOIN attempts r ON r.workspace_id = p.workspace_id AND r.post_id = p.id AND r.part = n.part AND r.state = 'accepted'), '{}') AS remotes,
  (t.begun = e.begun AND t.accepted = e.accepted AND t.absent <= e.absent AND (p.state = 'published') = (e.published = 1) AND e.published <= 1
     AND (p.state <> 'unknown' OR e.unclear > 0) AND (p.state <> 'failed' OR e.failed > 0)
     AND (p.state <> 'missed' OR e.missed > 0) AND (p.state <> 'canceled' OR e.canceled > 0)) AS told
FROM posts p
CROSS JOIN LATERAL (SELECT count(*) AS begun, count(*) FILTER (WHERE state = 'accepted') AS accepted,
  count(*) FILTER (WHERE state = 'absent') AS absent FROM attempts WHERE workspace_id = p.workspace_id AND post_id = p.id) t
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE action = 'attempt.started') AS begun,
  count(*) FILTER (WHERE action IN ('attempt.accepted', 'attempt.found')) AS accepted,
  count(*) FILTER (WHERE action = 'attempt.absent') AS absent,
  count(*) FILTER (WHERE action IN ('attempt.unclear', 'post.recovered')) AS unclear,
  count(*) FILTER (WHERE action = 'post.published') AS published, count(*) FILTER (WHERE action = 'post.failed') AS failed,
  count(*) FILTER (WHERE action = 'post.missed') AS missed, count(*) FILTER (WHERE action = 'post.canceled') AS canceled
  FROM audit_events WHERE workspace_id = p.workspace_id AND subject_id = p.id) e
WHERE p.id = ANY ($1) ORDER BY p.id`

// newSealer makes the lane's sealer, whose heads the lane keeps.
func (l *lane) newSealer() error {
	key, err := audit.NewKey(rand.Reader)
	if err != nil {
		return err
	}
	l.sealer = &sealing.Service{
		Store: l.worker, Key: &key, Clock: l, Logger: slog.New(slog.DiscardHandler),
		Keep: func(_ context.Context, line string) error {
			head, err := audit.ReadHead(line, []audit.PublicKey{key.Public()})
			l.heads = append(l.heads, head)
			return err
		},
	}
	return nil
}

// judgeChain holds the whole audit log against its seals and heads.
func (l *lane) judgeChain(ctx context.Context) error {
	if err := l.sealer.Seal(ctx); err != nil {
		return fmt.Errorf("seal the audit log: %w", err)
	}
	report, err := l.sealer.Check(ctx, l.heads)
	if err != nil {
		return fmt.Errorf("check the audit log: %w", err)
	}
	for _, f := range report.Faults {
		l.breaks(&l.report.Unaudited, nil, "the audit chain does not verify: %s", f.What)
	}
	if report.Waiting.Events > 0 {
		l.breaks(&l.report.Unaudited, nil, "%d events were not sealed", report.Waiting.Events)
	}
	return nil
}
