package recurring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

// recentPosts is how far back an equal text is looked for.
const recentPosts = 30

// Date is one date of a preview.
type Date struct {
	schedule.Occurrence
	// Notes are sentences about this date; none when all is plain.
	Notes []string
}

// Preview is what a rule would come to.
type Preview struct {
	Zone  string
	Rule  string
	Dates []Date
	// Ends says that there are no dates after these.
	Ends bool
	// Warnings are sentences about the whole.
	Warnings []string
}

// Preview tells the next ten dates of a rule on the account's clocks, and what
// a person should know before choosing it; an empty content is not looked at. The
// posts of the recurrence own, when one is edited, are in nobody's way.
// Errors: Forbidden; NotFound; Invalid, as Create's about rule and start.
func (s *Service) Preview(ctx context.Context, actor audit.Actor, id account.ID, p Plan, own *uuid.UUID) (Preview, error) {
	if err := auth.Require(actor, auth.ReadWorkspace); err != nil {
		return Preview{}, err
	}
	var out Preview
	err := s.Relay.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		a, err := tx.Account(ctx, actor.WorkspaceID, id)
		if err != nil {
			return err
		}
		if err := takesText(a); err != nil {
			return err
		}
		rule, err := schedule.NewRecurrence(p.Rule, p.StartLocal, a.Profile.TimeZone)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		next := rule.Next(now, Shown+1)
		if err := checkDates(a, next); err != nil {
			return err
		}
		out = Preview{Zone: a.Profile.TimeZone, Rule: rule.Rule(), Ends: len(next) <= Shown}
		if out.Dates, err = noted(ctx, tx, a, next[:min(len(next), Shown)], own); err != nil {
			return err
		}
		out.Warnings, err = warnings(ctx, tx, a, p.Content, len(next) > 1)
		return err
	})
	if err != nil {
		return Preview{}, fmt.Errorf("preview recurrence: %w", err)
	}
	return out, nil
}

// noted says of each date what the clocks do to it, and whether another post of
// the account is too near.
func noted(ctx context.Context, tx *store.Tx, a account.Account, next []schedule.Occurrence, own *uuid.UUID) ([]Date, error) {
	gap := max(a.Profile.MinGap, time.Second)
	taken, err := tx.TakenTimes(ctx, a.WorkspaceID, []account.ID{a.ID}, next[0].At.Add(-gap), next[len(next)-1].At.Add(gap))
	if err != nil {
		return nil, err
	}
	if own != nil {
		made, err := tx.PostsOfRecurrence(ctx, a.WorkspaceID, *own, store.PlannedStates()...)
		if err != nil {
			return nil, err
		}
		taken = slices.DeleteFunc(taken, func(t store.Taken) bool {
			return slices.ContainsFunc(made, func(m store.MadePost) bool { return uuid.UUID(m.ID) == t.PostID })
		})
	}
	dates := make([]Date, len(next))
	for i, o := range next {
		dates[i].Occurrence = o
		if note := o.Note(); note != "" {
			dates[i].Notes = append(dates[i].Notes, note)
		}
		if slices.ContainsFunc(taken, func(t store.Taken) bool { return t.At.Sub(o.At).Abs() < gap }) {
			dates[i].Notes = append(dates[i].Notes, "Another post of @"+a.Handle+" is due at or near that time.")
		}
	}
	return dates, nil
}

// warnings tells of equal texts: X refuses what an account has just said.
func warnings(ctx context.Context, tx *store.Tx, a account.Account, c post.Content, repeats bool) ([]string, error) {
	var out []string
	if repeats && a.Network == account.X {
		out = append(out, "X refuses a text that equals a recent one of the account. Change the text of each post before you approve it.")
	}
	canonical, err := c.Canonical()
	if err != nil || strings.TrimSpace(strings.Join(canonical.Texts(), "")) == "" {
		// Nothing is written yet, or what is written is refused when it is saved.
		return out, nil //nolint:nilerr // see above
	}
	recent, err := tx.RecentContents(ctx, a.WorkspaceID, a.ID, post.ID{}, recentPosts)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(recent, func(r post.Content) bool { return slices.Equal(r.Texts(), canonical.Texts()) }) {
		out = append(out, "A recent or planned post of @"+a.Handle+" says exactly this.")
	}
	return out, nil
}
