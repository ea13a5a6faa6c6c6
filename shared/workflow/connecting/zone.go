package connecting

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

// ZoneChoice says what a new time zone means for posts that are planned. Slots
// and recurrences follow the wall clock either way, since they are nothing else.
type ZoneChoice string

// The choices.
const (
	// Unsaid is only good while nothing is planned.
	Unsaid ZoneChoice = ""
	// KeepInstant leaves the moment as it is and writes it on the new clocks.
	KeepInstant ZoneChoice = "keep_instant"
	// KeepLocalTime leaves the wall clock as it is, so the moment moves.
	KeepLocalTime ZoneChoice = "keep_local_time"
)

// leadTime is how far ahead of its new moment a post must be moved: the sender
// hands posts out up to 180 seconds ahead.
const leadTime = 5 * time.Minute

// changeZone brings what is planned for the locked account from the clocks of
// one zone to those of its new one. Posts that were given a zone of their own
// stay. An approval stands: it is of the content.
func changeZone(ctx context.Context, tx *store.Tx, actor audit.Actor, a account.Account, was string, keep ZoneChoice) error {
	planned, err := tx.PlannedPosts(ctx, a.WorkspaceID, a.ID, was)
	if err != nil {
		return err
	}
	recurrences, err := tx.RecurrencesOf(ctx, a.WorkspaceID, a.ID)
	if err != nil {
		return err
	}
	if len(planned)+len(recurrences) == 0 {
		return nil
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	switch keep {
	case Unsaid:
		return plannedPosts(a, len(planned), len(recurrences))
	case KeepInstant:
		err = onNewClocks(planned, a.Profile.TimeZone)
	case KeepLocalTime:
		err = toNewMoments(planned, a.Profile.TimeZone, now)
	default:
		err = apperr.New(apperr.Invalid, "bad_planned_posts", "%q does not say what becomes of planned posts", string(keep)).
			WithField("planned_posts").WithHint("Use keep_instant or keep_local_time.")
	}
	if err != nil {
		return err
	}
	if err := tx.ReplanPosts(ctx, a.WorkspaceID, a.Profile.TimeZone, planned); err != nil {
		return err
	}
	for _, id := range recurrences {
		if err := rezone(ctx, tx, a, id, now); err != nil {
			return err
		}
	}
	if err := recordMoves(ctx, tx, actor, a, keep, planned); err != nil {
		return err
	}
	return record(ctx, tx, actor, a, "account.zone_changed", map[string]any{
		"from": was, "zone": a.Profile.TimeZone, "planned_posts": string(keep), "posts": len(planned), "recurrences": len(recurrences),
	})
}

// plannedPosts asks what shall become of what is planned.
func plannedPosts(a account.Account, posts, recurrences int) error {
	var what []string
	if posts > 0 {
		what = append(what, count(posts, "planned post"))
	}
	if recurrences > 0 {
		what = append(what, count(recurrences, "recurrence"))
	}
	return apperr.New(apperr.Conflict, "posts_planned", "@%s has %s", a.Handle, strings.Join(what, " and ")).
		WithField("planned_posts").
		WithHint("Say in planned_posts what the new time zone means for the posts: keep_instant leaves the moment, keep_local_time the wall clock. " +
			"Slots and recurrences follow the wall clock.")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func onNewClocks(planned []store.PlannedTime, zone string) error {
	for i, p := range planned {
		t, err := schedule.At(p.DueAt, zone)
		if err != nil {
			return err
		}
		planned[i].Local = t.Local
	}
	return nil
}

func toNewMoments(planned []store.PlannedTime, zone string, now time.Time) error {
	late := 0
	for i, p := range planned {
		t, err := schedule.Resolve(p.Local, zone)
		if err != nil {
			return err
		}
		planned[i].DueAt, planned[i].Local = t.At, t.Local
		if t.At.Before(now.Add(leadTime)) {
			late++
		}
	}
	if late > 0 {
		return apperr.New(apperr.Conflict, "would_be_past", "in %s the time of %s has passed or is about to", zone, count(late, "planned post")).
			WithField("planned_posts").WithHint("Choose keep_instant, or give those posts a later time first.")
	}
	return nil
}

// rezone lets a recurrence follow its wall clock into the account's zone. What
// is due there sooner than before is made by the next tick.
func rezone(ctx context.Context, tx *store.Tx, a account.Account, id uuid.UUID, now time.Time) error {
	r, err := tx.LockRecurrence(ctx, a.WorkspaceID, id)
	if err != nil {
		return err
	}
	rule, err := schedule.NewRecurrence(r.Rule, r.StartLocal, a.Profile.TimeZone)
	if err != nil {
		return err
	}
	r.Zone, r.NextAt = rule.Zone(), nil
	if next := rule.Next(now, 1); len(next) > 0 {
		r.NextAt = &next[0].At
	} else {
		r.State = store.RecurrenceEnded
	}
	return tx.SaveRecurrence(ctx, r)
}

// recordMoves writes into each post's own history what happened to its time.
func recordMoves(ctx context.Context, tx *store.Tx, actor audit.Actor, a account.Account, keep ZoneChoice, planned []store.PlannedTime) error {
	action := "post.zone_changed"
	if keep == KeepLocalTime {
		action = "post.scheduled"
	}
	for _, p := range planned {
		err := tx.Record(ctx, audit.Event{
			Actor: actor, Action: action, SubjectKind: "post", SubjectID: uuid.UUID(p.PostID), AccountID: uuid.UUID(a.ID),
			Detail: map[string]any{"due_at": p.DueAt.Format(time.RFC3339), "local": p.Local, "zone": a.Profile.TimeZone},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
