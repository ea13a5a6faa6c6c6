// Package browsing is what people look at: posts in lists and one by one, the
// calendar, today, the history and the feed of changes. It writes nothing.
package browsing

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/engagement"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
)

const (
	// calendarPosts is how many posts one calendar answer holds at the most.
	calendarPosts = 500
	// calendarDays is the longest span of one calendar.
	calendarDays = 62
	changesPage  = 200
	inProgress   = 10
	// maxSearch bounds a searched piece of text, in characters.
	maxSearch = 200
)

// Service reads.
type Service struct {
	Store *store.Store
}

func (s *Service) read(ctx context.Context, actor audit.Actor, fn func(context.Context, *store.Tx) error) error {
	if err := auth.Require(actor, auth.ReadWorkspace); err != nil {
		return err
	}
	return s.Store.InWorkspace(ctx, actor.WorkspaceID, fn)
}

// Posts lists at most limit posts. Errors: Forbidden, Invalid, Unavailable.
func (s *Service) Posts(ctx context.Context, actor audit.Actor, f store.PostFilter, limit int) ([]store.PostSummary, error) {
	if len([]rune(f.Contains)) > maxSearch {
		return nil, apperr.New(apperr.Invalid, "search_too_long", "search for at most %d characters", maxSearch).WithField("q")
	}
	var posts []store.PostSummary
	err := s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		var err error
		posts, err = tx.Posts(ctx, actor.WorkspaceID, f, limit)
		return err
	})
	return posts, err
}

// Detail is a post with all that its page shows.
type Detail struct {
	Post     post.Post
	Summary  store.PostSummary
	Approval *post.Approval
	// Review is the newest one, of whichever version; nil when there is none.
	Review *store.Review
	// Idea is what the post was made of; nil when it was made of none.
	Idea *store.Idea
	// WhyNotOut answers in one sentence why the post has not gone out; empty
	// when it has or nothing keeps it.
	WhyNotOut string
	// Lacks are sentences about what its network asks for before it can be approved.
	Lacks []string
	// Actions are what the actor may do with it now.
	Actions []Action
}

// Post returns one post. Errors: Forbidden, NotFound, Unavailable.
func (s *Service) Post(ctx context.Context, actor audit.Actor, id post.ID) (Detail, error) {
	var d Detail
	err := s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if d.Post, err = tx.Post(ctx, actor.WorkspaceID, id); err != nil {
			return err
		}
		if d.Summary, err = tx.PostSummary(ctx, actor.WorkspaceID, id); err != nil {
			return err
		}
		if err := d.load(ctx, tx); err != nil {
			return err
		}
		a, err := tx.Account(ctx, actor.WorkspaceID, d.Post.AccountID)
		if err != nil {
			return err
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		d.WhyNotOut = WhyNotOut(d.Post, a, d.Summary.HoldFacts, now)
		d.Actions = Actions(d.Post, d.approved(), actor)
		d.lack(a)
		return nil
	})
	if err != nil {
		return Detail{}, err
	}
	return d, nil
}

// lack finds what the post lacks; nothing that lacks anything can be approved.
func (d *Detail) lack(a account.Account) {
	for _, v := range platform.CheckReady(a.Network, d.Post.Version.Content.Parts) {
		d.Lacks = append(d.Lacks, v.Message)
	}
	if len(d.Lacks) > 0 {
		d.Actions = slices.DeleteFunc(d.Actions, func(do Action) bool { return do == Approve })
	}
}

// load reads what hangs on the post, where there is any.
func (d *Detail) load(ctx context.Context, tx *store.Tx) error {
	var err error
	if d.Approval, err = orNil(tx.LatestApproval(ctx, d.Post.WorkspaceID, d.Post.ID)); err != nil {
		return err
	}
	if d.Review, err = orNil(tx.LatestReview(ctx, d.Post.WorkspaceID, d.Post.ID)); err != nil {
		return err
	}
	if d.Post.IdeaID != nil {
		d.Idea, err = orNil(tx.Idea(ctx, d.Post.WorkspaceID, *d.Post.IdeaID))
	}
	return err
}

func orNil[T any](v T, err error) (*T, error) {
	if apperr.Is(err, apperr.NotFound) {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// approved reports whether a live approval is for the stored content.
func (d *Detail) approved() bool {
	return d.Approval != nil && d.Approval.RevokedAt == nil && d.Approval.VersionID == d.Post.Version.ID &&
		d.Approval.ContentHash == d.Post.Version.Content.Hash(d.Post.AccountID)
}

// Versions returns a post's versions, newest first, and the id of the version
// that a live approval is for, zero when there is none. Errors: NotFound, Unavailable.
func (s *Service) Versions(ctx context.Context, actor audit.Actor, id post.ID) (versions []post.Version, approved uuid.UUID, err error) {
	err = s.ofPost(ctx, actor, id, func(ctx context.Context, tx *store.Tx) error {
		ap, err := tx.LatestApproval(ctx, actor.WorkspaceID, id)
		if err != nil && !apperr.Is(err, apperr.NotFound) {
			return err
		}
		if err == nil && ap.RevokedAt == nil {
			approved = ap.VersionID
		}
		versions, err = tx.Versions(ctx, actor.WorkspaceID, id)
		return err
	})
	return versions, approved, err
}

// Attempts returns a post's send attempts. Errors: NotFound, Unavailable.
func (s *Service) Attempts(ctx context.Context, actor audit.Actor, id post.ID) (attempts []post.Attempt, err error) {
	err = s.ofPost(ctx, actor, id, func(ctx context.Context, tx *store.Tx) error {
		attempts, err = tx.Attempts(ctx, actor.WorkspaceID, id)
		return err
	})
	return attempts, err
}

// Readings returns a post's metric readings. Errors: NotFound, Unavailable.
func (s *Service) Readings(ctx context.Context, actor audit.Actor, id post.ID) (readings []engagement.Reading, err error) {
	err = s.ofPost(ctx, actor, id, func(ctx context.Context, tx *store.Tx) error {
		readings, err = tx.Readings(ctx, actor.WorkspaceID, id)
		return err
	})
	return readings, err
}

// History returns what happened to a post, newest first. Errors: NotFound, Unavailable.
func (s *Service) History(ctx context.Context, actor audit.Actor, id post.ID) (events []store.RecordedEvent, err error) {
	err = s.ofPost(ctx, actor, id, func(ctx context.Context, tx *store.Tx) error {
		events, err = tx.EventsOf(ctx, actor.WorkspaceID, uuid.UUID(id))
		return err
	})
	return events, err
}

// ofPost reads what hangs on a post; a post of another workspace is not found.
func (s *Service) ofPost(ctx context.Context, actor audit.Actor, id post.ID, fn func(context.Context, *store.Tx) error) error {
	return s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Post(ctx, actor.WorkspaceID, id); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// Audit returns at most limit events before a place, newest first; 0 starts at
// the end. Errors: Forbidden, Unavailable.
func (s *Service) Audit(ctx context.Context, actor audit.Actor, before int64, limit int) (events []store.RecordedEvent, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		events, err = tx.Events(ctx, actor.WorkspaceID, before, limit)
		return err
	})
	return events, err
}

// Changes returns what changed behind a place, and the place to go on from; a
// nil place returns where the feed ends now. Errors: Forbidden, Unavailable.
func (s *Service) Changes(ctx context.Context, actor audit.Actor, after *store.ChangePosition) (changes []store.Change, next store.ChangePosition, err error) {
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		if after == nil {
			next, err = tx.ChangesNow(ctx)
			return err
		}
		changes, next, err = tx.ChangesAfter(ctx, actor.WorkspaceID, *after, changesPage)
		return err
	})
	return changes, next, err
}

// Span is a stretch of whole days in a zone.
type Span struct {
	From, To time.Time // calendar dates; To is exclusive
	Zone     string    // empty is UTC
}

// SlotTime is a weekly slot on one day.
type SlotTime struct {
	AccountID account.ID
	schedule.Time
	Taken bool
}

// Calendar is the posts and slots of a span.
type Calendar struct {
	Posts []store.PostSummary
	Slots []SlotTime
	// Truncated says that there are more posts than were returned.
	Truncated bool
}

// Calendar returns the posts due in the span, at most 500, and the slots in it;
// a nil id is every account. Errors: Forbidden; NotFound; Invalid for a span
// that is empty or longer than 62 days, or a bad zone.
func (s *Service) Calendar(ctx context.Context, actor audit.Actor, span Span, id *account.ID) (Calendar, error) {
	zone := span.Zone
	if zone == "" {
		zone = "UTC"
	}
	loc, err := schedule.Zone(zone)
	if err != nil {
		return Calendar{}, err
	}
	from, to := schedule.StartOfDay(span.From, loc), schedule.StartOfDay(span.To, loc)
	if !to.After(from) || span.To.Sub(span.From) > calendarDays*24*time.Hour {
		return Calendar{}, apperr.New(apperr.Invalid, "bad_span", "a calendar spans 1 to %d days", calendarDays).WithField("to")
	}
	var c Calendar
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		accounts, err := chosen(ctx, tx, actor.WorkspaceID, id)
		if err != nil {
			return err
		}
		if c.Posts, err = tx.PostsDue(ctx, actor.WorkspaceID, id, from, to, calendarPosts+1); err != nil {
			return err
		}
		if c.Truncated = len(c.Posts) > calendarPosts; c.Truncated {
			c.Posts = c.Posts[:calendarPosts]
		}
		c.Slots, err = slotsOf(ctx, tx, actor.WorkspaceID, accounts, from, to)
		return err
	})
	return c, err
}

func chosen(ctx context.Context, tx *store.Tx, workspace uuid.UUID, id *account.ID) ([]account.Account, error) {
	if id == nil {
		return tx.Accounts(ctx, workspace)
	}
	a, err := tx.Account(ctx, workspace, *id)
	return []account.Account{a}, err
}

func slotsOf(ctx context.Context, tx *store.Tx, workspace uuid.UUID, accounts []account.Account, from, to time.Time) ([]SlotTime, error) {
	ids := make([]account.ID, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	rows, err := tx.TakenTimes(ctx, workspace, ids, from, to)
	if err != nil {
		return nil, err
	}
	type place struct {
		account account.ID
		at      int64
	}
	taken := make(map[place]bool, len(rows))
	for _, r := range rows {
		taken[place{r.AccountID, r.At.Unix()}] = true
	}
	var out []SlotTime
	for _, a := range accounts {
		slots, err := schedule.SlotsBetween(a.Profile.Slots, a.Profile.TimeZone, from, to)
		if err != nil {
			return nil, fmt.Errorf("slots of account %s: %w", a.ID, err)
		}
		for _, slot := range slots {
			out = append(out, SlotTime{AccountID: a.ID, Time: slot, Taken: taken[place{a.ID, slot.At.Unix()}]})
		}
	}
	return out, nil
}

// Today is what a person wants to see first.
type Today struct {
	store.Today
	Lateness store.Lateness
	// Reach is the newest numbers of the published posts that have any.
	Reach map[post.ID]store.Reach
	// InProgress is what the agents are at.
	InProgress []store.Generation
}

// Today returns it. Errors: Forbidden, Unavailable.
func (s *Service) Today(ctx context.Context, actor audit.Actor) (Today, error) {
	var t Today
	err := s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if t.Today, err = tx.Today(ctx, actor.WorkspaceID); err != nil {
			return err
		}
		if t.Lateness, err = tx.RecentLateness(ctx, actor.WorkspaceID); err != nil {
			return err
		}
		ids := make([]post.ID, len(t.Published))
		for i, p := range t.Published {
			ids[i] = p.ID
		}
		if t.Reach, err = tx.NewestReach(ctx, actor.WorkspaceID, ids); err != nil {
			return err
		}
		t.InProgress, err = tx.Generations(ctx, actor.WorkspaceID, store.GenerationFilter{Unfinished: true}, inProgress)
		return err
	})
	return t, err
}

// Now returns the database's clock, the one that decides when a post goes out.
func (s *Service) Now(ctx context.Context, actor audit.Actor) (now time.Time, err error) {
	err = s.read(ctx, actor, func(ctx context.Context, tx *store.Tx) error {
		now, err = tx.Now(ctx)
		return err
	})
	return now, err
}
