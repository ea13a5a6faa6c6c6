package arena

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rostrum/shared/post"
	"rostrum/shared/simulator/ledger"
)

// Seen is what the database says of a post.
type Seen struct {
	State       string
	Hold        string
	NeedsPerson bool
	FailureCode string
}

// Verdict counts what broke a promise. Duplicate: a part was seen twice (I1).
// Lost: a post is called published and is not there as it should be, or ended
// otherwise than it had to (I2). Early: something was seen before its time,
// after it was withdrawn, or without an approval (I3, I4). Unaudited: the audit
// log does not tell what happened (I5). Stuck: no end that a person can see.
// Late: something that fell due once the fault was over came too late (I7).
// Leaked: a token or the developer app's secret stands in a log or a table (I6).
type Verdict struct {
	Duplicate, Lost, Early, Unaudited, Stuck, Late, Leaked int
	// Lateness is that of each post that was held to its second.
	Lateness []time.Duration
	// Posts is how many were judged; Said is one line for each broken promise.
	Posts int
	Said  []string
}

// Add adds another verdict.
func (v *Verdict) Add(o Verdict) {
	v.Duplicate += o.Duplicate
	v.Lost += o.Lost
	v.Early += o.Early
	v.Unaudited += o.Unaudited
	v.Stuck += o.Stuck
	v.Late += o.Late
	v.Leaked += o.Leaked
	v.Lateness = append(v.Lateness, o.Lateness...)
	v.Posts += o.Posts
	v.Said = append(v.Said, o.Said...)
}

// Clean reports whether every promise was kept.
func (v *Verdict) Clean() bool {
	return v.Duplicate+v.Lost+v.Early+v.Unaudited+v.Stuck+v.Late+v.Leaked == 0
}

func (v *Verdict) say(count *int, format string, args ...any) {
	*count++
	v.Said = append(v.Said, fmt.Sprintf(format, args...))
}

// Settle waits until every post has an end, at most within, warping time by
// the given step at each look unless it is 0.
func (a *Arena) Settle(ctx context.Context, within, step time.Duration) error {
	until := time.Now().Add(within)
	for {
		began := time.Now()
		seen, err := a.look(ctx)
		if err == nil && a.allEnded(seen) {
			return nil
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return ctx.Err()
		}
		if step > 0 {
			// A warp that cannot be had now is tried at the next look.
			_ = a.Warp(ctx, step)
		}
		// Looking at a hundred thousand posts must not be what they wait for.
		Pause(ctx, max(200*time.Millisecond, 20*time.Since(began)))
	}
}

func (a *Arena) look(ctx context.Context) (map[uuid.UUID]Seen, error) {
	rows, err := a.sql.Query(ctx, "SELECT id, state, hold_reason, needs_person_at IS NOT NULL, failure_code FROM posts")
	if err != nil {
		return nil, fmt.Errorf("read posts: %w", err)
	}
	seen := map[uuid.UUID]Seen{}
	var id uuid.UUID
	var s Seen
	_, err = pgx.ForEachRow(rows, []any{&id, &s.State, &s.Hold, &s.NeedsPerson, &s.FailureCode}, func() error {
		seen[id] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read posts: %w", err)
	}
	return seen, nil
}

// ended reports whether the post stands where it may stay.
func (p *Post) ended(s Seen) bool {
	switch {
	case p.Expect != nil && p.Expect(s):
		return true
	case p.Withdrawn:
		return p.Expect == nil && s.State != "sending" && s.State != "unknown"
	}
	return s.State == "published" || s.State == "failed" || s.State == "missed"
}

func (p *Post) right(s Seen) bool {
	if p.Expect != nil && p.Expect(s) {
		return true
	}
	return p.Withdrawn && p.Expect == nil || !p.Withdrawn && s.State == "published"
}

func (a *Arena) allEnded(seen map[uuid.UUID]Seen) bool {
	for _, p := range a.Posts() {
		if !p.ended(seen[uuid.UUID(p.ID)]) {
			return false
		}
	}
	return true
}

// Posts returns the posts that are judged.
func (a *Arena) Posts() []*Post {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*Post(nil), a.posts...)
}

// Judge holds the database and the audit log against the network's ledger.
func (a *Arena) Judge(ctx context.Context) (Verdict, error) {
	var v Verdict
	seen, err := a.look(ctx)
	if err != nil {
		return v, err
	}
	audience := a.audience()
	attempts, err := a.acceptedParts(ctx)
	if err != nil {
		return v, err
	}
	if err := a.judgeTold(ctx, &v, audience, attempts); err != nil {
		return v, err
	}
	for _, p := range a.Posts() {
		v.Posts++
		v.judge(p, seen[uuid.UUID(p.ID)], audience, attempts[uuid.UUID(p.ID)])
		for _, text := range p.Texts {
			delete(audience, text)
		}
	}
	for text, items := range audience {
		if !strings.HasPrefix(text, OwnTwin) {
			v.say(&v.Early, "%q was seen %d times and nobody approved it", text, len(items))
		}
	}
	if err := a.judgeAudit(ctx, &v); err != nil {
		return v, err
	}
	if err := a.judgeChain(ctx, &v); err != nil {
		return v, err
	}
	return v, a.judgeLeaks(ctx, &v)
}

// audience is what the simulated networks showed, by its text.
func (a *Arena) audience() map[string][]ledger.Entry {
	audience := map[string][]ledger.Entry{}
	for _, item := range a.Network.Items("", time.Time{}) {
		audience[item.Text] = append(audience[item.Text], item.Entry)
	}
	for _, item := range a.Instagram.Items("", time.Time{}) {
		audience[item.Text] = append(audience[item.Text], item.Entry)
	}
	return audience
}

// shows reports whether these are the approved images of a part, with their alt
// texts and in their order.
func shows(entry ledger.Entry, approved []post.Media) bool {
	return slices.EqualFunc(entry.Media, approved, func(seen ledger.Media, m post.Media) bool { return seen.Digest == m.Digest && seen.Alt == m.Alt })
}

// OwnTwin begins the texts that a scenario posts by hand, past the senders.
const OwnTwin = "By hand: "

func (v *Verdict) judge(p *Post, s Seen, audience map[string][]ledger.Entry, accepted map[int]string) {
	name := fmt.Sprintf("post %s (%s %s %s)", p.ID, s.State, s.Hold, s.FailureCode)
	switch {
	case !p.ended(s):
		v.say(&v.Stuck, "%s has no end", name)
	case !p.right(s):
		v.say(&v.Lost, "%s ended otherwise than it had to", name)
	}
	parent := ""
	for part, text := range p.Texts {
		items := audience[text]
		if len(items) > 1 {
			v.say(&v.Duplicate, "part %d of %s was seen %d times", part, name, len(items))
		}
		if len(items) == 0 {
			if s.State == "published" {
				v.say(&v.Lost, "part %d of %s was never seen", part, name)
			}
			parent = "-"
			continue
		}
		first := items[0]
		if part == 0 && p.Within > 0 {
			v.time(name, first.AcceptedAt.Sub(p.Due), p.Within)
		}
		switch {
		case first.AcceptedAt.Before(p.Due):
			v.say(&v.Early, "part %d of %s was seen %s before its time", part, name, p.Due.Sub(first.AcceptedAt))
		case p.Withdrawn:
			v.say(&v.Early, "part %d of %s was seen although it was withdrawn", part, name)
		case !shows(first, p.Version.Content.Parts[part].Media):
			v.say(&v.Lost, "part %d of %s was seen with other images than were approved", part, name)
		case first.ReplyTo != parent:
			v.say(&v.Lost, "part %d of %s stands under %q, not under %q", part, name, first.ReplyTo, parent)
		case s.State == "published" && accepted[part] != first.ID:
			v.say(&v.Lost, "part %d of %s is recorded as %q, the network calls it %q", part, name, accepted[part], first.ID)
		}
		parent = first.ID
	}
}

func (v *Verdict) time(name string, late, within time.Duration) {
	v.Lateness = append(v.Lateness, late)
	if late > within {
		v.say(&v.Late, "%s came %s late, more than %s, although nothing was wrong any more", name, late, within)
	}
}

// acceptedParts maps each post's parts to the ids recorded for them.
func (a *Arena) acceptedParts(ctx context.Context) (map[uuid.UUID]map[int]string, error) {
	rows, err := a.sql.Query(ctx, "SELECT post_id, part, remote_id FROM attempts WHERE state = 'accepted'")
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	parts := map[uuid.UUID]map[int]string{}
	var id uuid.UUID
	var part int
	var remote string
	_, err = pgx.ForEachRow(rows, []any{&id, &part, &remote}, func() error {
		if parts[id] == nil {
			parts[id] = map[int]string{}
		}
		parts[id][part] = remote
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return parts, nil
}

// judgeAudit finds posts whose events do not add up to their attempts and state.
func (a *Arena) judgeAudit(ctx context.Context, v *Verdict) error {
	rows, err := a.sql.Query(ctx, `
WITH t AS (
  SELECT post_id, count(*) AS begun, count(*) FILTER (WHERE state = 'accepted') AS accepted,
         count(*) FILTER (WHERE state = 'absent') AS absent
  FROM attempts GROUP BY post_id
), e AS (
  SELECT subject_id, count(*) FILTER (WHERE action = 'attempt.started') AS begun,
         count(*) FILTER (WHERE action IN ('attempt.accepted', 'attempt.found', 'post.resolved')) AS accepted,
         count(*) FILTER (WHERE action IN ('attempt.absent', 'post.resolved')) AS absent,
         count(*) FILTER (WHERE action IN ('attempt.unclear', 'post.recovered')) AS unclear,
         count(*) FILTER (WHERE action = 'post.published') AS published,
         count(*) FILTER (WHERE action = 'post.failed') AS failed,
         count(*) FILTER (WHERE action = 'post.missed') AS missed
  FROM audit_events GROUP BY subject_id
)
SELECT p.id, p.state FROM posts p LEFT JOIN t ON t.post_id = p.id LEFT JOIN e ON e.subject_id = p.id
WHERE p.correlation_id <> p.id AND (coalesce(t.begun, 0) <> coalesce(e.begun, 0) OR coalesce(t.accepted, 0) > coalesce(e.accepted, 0)
   OR coalesce(t.absent, 0) > coalesce(e.absent, 0)
   OR (p.state = 'published') <> (coalesce(e.published, 0) = 1) OR coalesce(e.published, 0) > 1
   OR p.state = 'unknown' AND coalesce(e.unclear, 0) = 0 OR p.state = 'failed' AND coalesce(e.failed, 0) = 0
   OR p.state = 'missed' AND coalesce(e.missed, 0) = 0)`)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	var id uuid.UUID
	var state string
	_, err = pgx.ForEachRow(rows, []any{&id, &state}, func() error {
		v.say(&v.Unaudited, "post %s (%s): its events do not tell what happened", id, state)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	return nil
}
