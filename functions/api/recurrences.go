package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/audit"
	"rostrum/shared/schedule"
	"rostrum/shared/workflow/recurring"
)

// Recurrence is a post that is made anew on each date of a rule.
type Recurrence struct {
	ID         string       `json:"id"`
	Account    AccountRef   `json:"account"`
	Parts      []PartText   `json:"parts" nullable:"false"`
	Rule       string       `json:"rule" example:"FREQ=WEEKLY;BYDAY=MO,TH" doc:"An RRULE (RFC 5545) without DTSTART, daily or coarser."`
	StartLocal string       `json:"start_local" example:"2026-11-25T09:30:00" doc:"The wall clock it counts from."`
	TimeZone   string       `json:"time_zone" example:"Europe/Berlin"`
	Note       string       `json:"note"`
	State      string       `json:"state" enum:"active,paused,ended"`
	Next       []Occurrence `json:"next" nullable:"false" doc:"The next ten dates; none when it has ended."`
	Planned    int          `json:"planned" doc:"How many of its posts are not out and not over."`
	ETag       string       `json:"etag"`
	CreatedBy  string       `json:"created_by"`
	CreatedAt  time.Time    `json:"created_at"`
	UpdatedAt  time.Time    `json:"updated_at"`
}

// Occurrence is one date of a recurrence.
type Occurrence struct {
	Local string    `json:"local" example:"2026-11-25T09:30:00"`
	DueAt time.Time `json:"due_at"`
	Notes []string  `json:"notes" nullable:"false" doc:"What the clocks' change or another post means for it, in sentences."`
}

// RecurrenceOutput answers with a recurrence.
type RecurrenceOutput struct {
	Tagged
	Body Recurrence
}

func toRecurrence(v recurring.View) Recurrence {
	out := Recurrence{
		ID: v.ID.String(), Rule: v.Rule, StartLocal: v.StartLocal, TimeZone: v.Zone, Note: v.Note, State: string(v.State),
		Account: AccountRef{
			ID: v.Account.ID.String(), Handle: v.Account.Handle, Network: string(v.Account.Network), DisplayName: v.Account.Profile.DisplayName,
		},
		Parts: []PartText{}, Next: []Occurrence{}, Planned: v.Planned, ETag: etagOf(v.ETag), CreatedBy: v.CreatedBy.Name,
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
	for _, text := range v.Content.Texts() {
		out.Parts = append(out.Parts, PartText{Text: text})
	}
	for _, o := range v.Next {
		out.Next = append(out.Next, toOccurrence(o))
	}
	return out
}

func toOccurrence(o schedule.Occurrence) Occurrence {
	out := Occurrence{Local: o.Local, DueAt: o.At, Notes: []string{}}
	if note := o.Note(); note != "" {
		out.Notes = append(out.Notes, note)
	}
	return out
}

func answerRecurrence(v recurring.View, err error) (*RecurrenceOutput, error) {
	if err != nil {
		return nil, err
	}
	return &RecurrenceOutput{Tagged: Tagged{quoted(v.ETag)}, Body: toRecurrence(v)}, nil
}

// ListRecurrencesInput narrows the list.
type ListRecurrencesInput struct {
	Paging
	AccountID string `query:"account_id"`
}

func (s *Server) listRecurrences(ctx context.Context, in *ListRecurrencesInput) (*Page[Recurrence], error) {
	of, err := optionalAccount(in.AccountID)
	if err != nil {
		return nil, err
	}
	var before *uuid.UUID
	if in.Cursor != "" {
		before = &uuid.UUID{}
		if err := decodeCursor(in.Cursor, before); err != nil {
			return nil, err
		}
	}
	views, err := s.Recurring.Recurrences(ctx, actor(ctx), of, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views, next := cut(views, in.Limit, func(v recurring.View) any { return v.ID })
	return page(mapped(views, toRecurrence), next), nil
}

func (s *Server) getRecurrence(ctx context.Context, in *ByID) (*RecurrenceOutput, error) {
	id, err := recurrenceID(in.ID)
	if err != nil {
		return nil, err
	}
	return answerRecurrence(s.Recurring.Recurrence(ctx, actor(ctx), id))
}

func recurrenceID(s string) (uuid.UUID, error) { return parseID(s, "recurrence") }

// CreateRecurrenceInput is a content and when it repeats.
type CreateRecurrenceInput struct {
	Body struct {
		AccountID  string     `json:"account_id"`
		Parts      []PartText `json:"parts" nullable:"false" minItems:"1" maxItems:"25"`
		Rule       string     `json:"rule" maxLength:"320" example:"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR" doc:"An RRULE without DTSTART. FREQ is DAILY, WEEKLY, MONTHLY or YEARLY; UNTIL is a local time."`
		StartLocal string     `json:"start_local" example:"2026-11-25T09:30:00" doc:"A wall clock in the account's zone: the first date it may come to, and the time of day."`
		Note       string     `json:"note,omitempty" maxLength:"1000"`
	}
}

func (s *Server) createRecurrence(ctx context.Context, in *CreateRecurrenceInput) (*RecurrenceOutput, error) {
	id, err := accountID(in.Body.AccountID)
	if err != nil {
		return nil, err
	}
	return answerRecurrence(s.Recurring.Create(ctx, actor(ctx), id, recurring.Plan{
		Content: contentOf(in.Body.Parts), Rule: in.Body.Rule, StartLocal: in.Body.StartLocal, Note: in.Body.Note,
	}))
}

// PreviewRecurrenceInput is a rule to try.
type PreviewRecurrenceInput struct {
	Body struct {
		AccountID    string     `json:"account_id"`
		RecurrenceID string     `json:"recurrence_id,omitempty" doc:"The one that is edited: its own posts are in nobody's way."`
		Parts        []PartText `json:"parts,omitempty" nullable:"false" maxItems:"25" doc:"The text, when it should be compared with what the account said."`
		Rule         string     `json:"rule" maxLength:"320" example:"FREQ=MONTHLY;BYDAY=-1FR"`
		StartLocal   string     `json:"start_local" example:"2026-11-25T09:30:00"`
	}
}

// PreviewRecurrenceOutput is what a rule would come to.
type PreviewRecurrenceOutput struct {
	Body struct {
		Rule     string       `json:"rule"`
		TimeZone string       `json:"time_zone"`
		Next     []Occurrence `json:"next" nullable:"false" doc:"At most ten dates."`
		Ends     bool         `json:"ends" doc:"There are no dates after these."`
		Warnings []string     `json:"warnings" nullable:"false" doc:"Sentences about the whole."`
	}
}

func (s *Server) previewRecurrence(ctx context.Context, in *PreviewRecurrenceInput) (*PreviewRecurrenceOutput, error) {
	id, err := accountID(in.Body.AccountID)
	if err != nil {
		return nil, err
	}
	var own *uuid.UUID
	if in.Body.RecurrenceID != "" {
		one, err := recurrenceID(in.Body.RecurrenceID)
		if err != nil {
			return nil, err
		}
		own = &one
	}
	p, err := s.Recurring.Preview(ctx, actor(ctx), id, recurring.Plan{
		Content: contentOf(in.Body.Parts), Rule: in.Body.Rule, StartLocal: in.Body.StartLocal,
	}, own)
	if err != nil {
		return nil, err
	}
	out := &PreviewRecurrenceOutput{}
	out.Body.Rule, out.Body.TimeZone, out.Body.Ends, out.Body.Warnings = p.Rule, p.Zone, p.Ends, notNil(p.Warnings)
	out.Body.Next = mapped(p.Dates, func(d recurring.Date) Occurrence {
		return Occurrence{Local: d.Local, DueAt: d.At, Notes: notNil(d.Notes)}
	})
	return out, nil
}

// EditRecurrenceInput is any part of a recurrence; what is left out stays.
type EditRecurrenceInput struct {
	ByID
	Precondition
	Body struct {
		Parts      []PartText `json:"parts,omitempty" nullable:"false" minItems:"1" maxItems:"25"`
		Rule       *string    `json:"rule,omitempty" maxLength:"320"`
		StartLocal *string    `json:"start_local,omitempty"`
		Note       *string    `json:"note,omitempty" maxLength:"1000"`
	}
}

func (s *Server) editRecurrence(ctx context.Context, in *EditRecurrenceInput) (*RecurrenceOutput, error) {
	id, err := recurrenceID(in.ID)
	if err != nil {
		return nil, err
	}
	etag, err := in.required()
	if err != nil {
		return nil, err
	}
	return answerRecurrence(s.Recurring.Edit(ctx, actor(ctx), id, etag, func(p *recurring.Plan) {
		if in.Body.Parts != nil {
			p.Content = contentOf(in.Body.Parts)
		}
		set(&p.Rule, in.Body.Rule)
		set(&p.StartLocal, in.Body.StartLocal)
		set(&p.Note, in.Body.Note)
	}))
}

// RemoveRecurrenceInput names a recurrence and says what becomes of its posts.
type RemoveRecurrenceInput struct {
	ByID
	Precondition
	Posts string `query:"posts" enum:"keep,cancel_unapproved,cancel_all" doc:"What becomes of its planned posts. Needed when there are any."`
}

func (s *Server) removeRecurrence(ctx context.Context, in *RemoveRecurrenceInput) (*Empty, error) {
	id, err := recurrenceID(in.ID)
	if err != nil {
		return nil, err
	}
	etag, err := in.etag()
	if err != nil {
		return nil, err
	}
	return &Empty{}, s.Recurring.Remove(ctx, actor(ctx), id, etag, recurring.Leftover(in.Posts))
}

// RecurrenceActInput names a recurrence, and the etag that was seen where it matters.
type RecurrenceActInput struct {
	ByID
	Precondition
}

func (s *Server) pauseRecurrence(ctx context.Context, in *RecurrenceActInput) (*RecurrenceOutput, error) {
	return in.do(ctx, s.Recurring.Pause)
}

func (s *Server) resumeRecurrence(ctx context.Context, in *RecurrenceActInput) (*RecurrenceOutput, error) {
	return in.do(ctx, s.Recurring.Resume)
}

func (s *Server) endRecurrence(ctx context.Context, in *RecurrenceActInput) (*RecurrenceOutput, error) {
	return in.do(ctx, s.Recurring.End)
}

// recurrenceAct is what people do to a recurrence as a whole.
type recurrenceAct = func(context.Context, audit.Actor, uuid.UUID, *int64) (recurring.View, error)

func (in *RecurrenceActInput) do(ctx context.Context, act recurrenceAct) (*RecurrenceOutput, error) {
	id, err := recurrenceID(in.ID)
	if err != nil {
		return nil, err
	}
	etag, err := in.etag()
	if err != nil {
		return nil, err
	}
	return answerRecurrence(act(ctx, actor(ctx), id, etag))
}
