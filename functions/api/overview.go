package api

import (
	"context"
	"time"

	"rostrum/shared/queue"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
	"rostrum/shared/workflow/browsing"
)

// CalendarInput is a stretch of days.
type CalendarInput struct {
	From      string `query:"from" required:"true" format:"date" example:"2026-11-01"`
	To        string `query:"to" required:"true" format:"date" example:"2026-12-07" doc:"Exclusive; at most 62 days after from."`
	AccountID string `query:"account_id"`
	Zone      string `query:"zone" maxLength:"100" doc:"Whose days; left out, UTC."`
}

// CalendarSlot is a weekly slot on one day.
type CalendarSlot struct {
	AccountID string    `json:"account_id"`
	Local     string    `json:"local"`
	DueAt     time.Time `json:"due_at"`
	Taken     bool      `json:"taken"`
}

// CalendarOutput is the posts and slots of the days.
type CalendarOutput struct {
	Body struct {
		Items     []PostSummary  `json:"items" nullable:"false"`
		Slots     []CalendarSlot `json:"slots" nullable:"false"`
		Truncated bool           `json:"truncated" doc:"There are more posts than the 500 shown."`
	}
}

func (s *Server) calendar(ctx context.Context, in *CalendarInput) (*CalendarOutput, error) {
	span := browsing.Span{Zone: in.Zone}
	var err error
	if span.From, err = schedule.ParseDate("from", in.From); err != nil {
		return nil, err
	}
	if span.To, err = schedule.ParseDate("to", in.To); err != nil {
		return nil, err
	}
	id, err := optionalAccount(in.AccountID)
	if err != nil {
		return nil, err
	}
	c, err := s.Browsing.Calendar(ctx, actor(ctx), span, id)
	if err != nil {
		return nil, err
	}
	out := &CalendarOutput{}
	out.Body.Items, out.Body.Slots, out.Body.Truncated = toSummaries(c.Posts), []CalendarSlot{}, c.Truncated
	for _, slot := range c.Slots {
		out.Body.Slots = append(out.Body.Slots, CalendarSlot{
			AccountID: slot.AccountID.String(), Local: slot.Local, DueAt: slot.At, Taken: slot.Taken,
		})
	}
	return out, nil
}

// Attention is one reason for a person to look.
type Attention struct {
	Count int           `json:"count"`
	Items []PostSummary `json:"items" nullable:"false" doc:"The first five."`
}

// NeedsMe is what waits for a person.
type NeedsMe struct {
	AwaitingApproval Attention `json:"awaiting_approval"`
	Unknown          Attention `json:"unknown"`
	Held             Attention `json:"held"`
	ChangesRequested Attention `json:"changes_requested"`
}

// PublishedPost is a post that went out, with its newest numbers.
type PublishedPost struct {
	PostSummary
	Metrics Nullable[Reach] `json:"metrics"`
}

// Reach is the newest numbers of a post.
type Reach struct {
	Impressions *int64 `json:"impressions"`
	Likes       *int64 `json:"likes"`
}

// Lateness is how late posts went out.
type Lateness struct {
	Count int   `json:"count"`
	P50MS int64 `json:"p50_ms"`
	P95MS int64 `json:"p95_ms"`
	P99MS int64 `json:"p99_ms"`
}

// TodayOutput is what a person wants to see first.
type TodayOutput struct {
	Body struct {
		NeedsMe   NeedsMe            `json:"needs_me"`
		NextOut   []PostSummary      `json:"next_out" nullable:"false"`
		Failed    []PostSummary      `json:"failed" nullable:"false"`
		Published []PublishedPost    `json:"published" nullable:"false"`
		Lateness  Nullable[Lateness] `json:"lateness" doc:"Of the last seven days."`
		Drafts    []Generation       `json:"drafts_in_progress" nullable:"false" doc:"What the agents are at."`
	}
}

func (s *Server) today(ctx context.Context, _ *NoInput) (*TodayOutput, error) {
	t, err := s.Browsing.Today(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	attention := func(a store.Attention) Attention { return Attention{Count: a.Count, Items: toSummaries(a.Posts)} }
	out := &TodayOutput{}
	b := &out.Body
	b.NeedsMe = NeedsMe{
		AwaitingApproval: attention(t.AwaitingApproval), Unknown: attention(t.Unknown),
		Held: attention(t.Held), ChangesRequested: attention(t.ChangesRequested),
	}
	b.NextOut, b.Failed, b.Published = toSummaries(t.NextOut), toSummaries(t.Failed), []PublishedPost{}
	for _, p := range t.Published {
		shown := PublishedPost{PostSummary: toSummary(p)}
		if r, ok := t.Reach[p.ID]; ok {
			shown.Metrics.Value = &Reach{Impressions: r.Impressions, Likes: r.Likes}
		}
		b.Published = append(b.Published, shown)
	}
	b.Drafts = mapped(t.InProgress, toGeneration)
	if l := t.Lateness; l.Count > 0 {
		b.Lateness.Value = &Lateness{
			Count: l.Count, P50MS: l.P50.Milliseconds(), P95MS: l.P95.Milliseconds(), P99MS: l.P99.Milliseconds(),
		}
	}
	return out, nil
}

// ChangesInput is a place in the feed.
type ChangesInput struct {
	After string `query:"after" maxLength:"500" doc:"The cursor of the answer before; left out, the feed's end."`
}

// Change says that something happened to a thing.
type Change struct {
	Action      string  `json:"action" example:"post.approved"`
	SubjectKind string  `json:"subject_kind"`
	SubjectID   string  `json:"subject_id"`
	AccountID   *string `json:"account_id"`
}

// ChangesOutput is what changed, and where to go on.
type ChangesOutput struct {
	Body struct {
		Cursor string   `json:"cursor"`
		Items  []Change `json:"items" nullable:"false" doc:"At most 200."`
	}
}

// changePlace is a place in the feed, as cursors hold it.
type changePlace struct {
	Transaction uint64 `json:"t"`
	Sequence    int64  `json:"s"`
}

func (s *Server) changes(ctx context.Context, in *ChangesInput) (*ChangesOutput, error) {
	var after *store.ChangePosition
	if in.After != "" {
		var place changePlace
		if err := decodeCursor(in.After, &place); err != nil {
			return nil, err
		}
		after = new(store.ChangePosition(place))
	}
	changes, next, err := s.Browsing.Changes(ctx, actor(ctx), after)
	if err != nil {
		return nil, err
	}
	out := &ChangesOutput{}
	out.Body.Cursor, out.Body.Items = encodeCursor(changePlace(next)), []Change{}
	for _, c := range changes {
		item := Change{Action: c.Action, SubjectKind: c.SubjectKind, SubjectID: c.SubjectID.String()}
		if c.AccountID != nil {
			item.AccountID = new(c.AccountID.String())
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

// QueueDepth is how much waits in a queue, as far as the service tells.
type QueueDepth struct {
	Name        string `json:"name"`
	Visible     int    `json:"visible"`
	InFlight    int    `json:"in_flight"`
	Delayed     int    `json:"delayed"`
	DeadLetters int    `json:"dead_letters"`
}

func (s *Server) queues(ctx context.Context, _ *NoInput) (*List[QueueDepth], error) {
	depths, err := s.Depths(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]QueueDepth, 0, len(depths))
	for _, name := range queue.Names() {
		d := depths[name]
		items = append(items, QueueDepth{
			Name: string(name), Visible: d.Visible, InFlight: d.InFlight, Delayed: d.Delayed, DeadLetters: d.Dead,
		})
	}
	return list(items), nil
}
