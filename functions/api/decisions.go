package api

import (
	"context"

	"rostrum/shared/workflow/deciding"
)

// DecisionInput names a post, and the etag that was seen where it matters.
type DecisionInput struct {
	ByID
	Precondition
}

// ReasonedInput names a post and gives a reason.
type ReasonedInput struct {
	DecisionInput
	ReasonInput
}

func (s *Server) submitPost(ctx context.Context, in *DecisionInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	p, err := s.Deciding.Submit(ctx, actor(ctx), t)
	return s.shown(ctx, p, err)
}

// ApproveInput names exactly what was seen, and when it should go out.
type ApproveInput struct {
	ByID
	Body struct {
		Revision    int64  `json:"revision" doc:"The revision that was seen."`
		ContentHash string `json:"content_hash" maxLength:"200" doc:"The content_hash that was seen."`
		DueLocal    string `json:"due_local,omitempty" example:"2026-11-25T09:30:00" doc:"A wall clock in the account's zone."`
		At          string `json:"at,omitempty" enum:"now,next_slot" doc:"Left out, the time it has stays."`
	}
}

func (s *Server) approvePost(ctx context.Context, in *ApproveInput) (*PostOutput, error) {
	id, err := postID(in.ID)
	if err != nil {
		return nil, err
	}
	made, err := s.Deciding.Approve(ctx, actor(ctx), deciding.Approval{
		PostID: id, Revision: in.Body.Revision, ContentHash: in.Body.ContentHash, DueLocal: in.Body.DueLocal, When: deciding.When(in.Body.At),
	})
	return s.shownMade(ctx, made, err)
}

func (s *Server) requestChanges(ctx context.Context, in *ReasonedInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	p, err := s.Deciding.RequestChanges(ctx, actor(ctx), t, in.Body.Reason)
	return s.shown(ctx, p, err)
}

func (s *Server) rejectPost(ctx context.Context, in *ReasonedInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	p, err := s.Deciding.Reject(ctx, actor(ctx), t, in.Body.Reason)
	return s.shown(ctx, p, err)
}

func (s *Server) cancelPost(ctx context.Context, in *DecisionInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	p, err := s.Deciding.Cancel(ctx, actor(ctx), t, "")
	return s.shown(ctx, p, err)
}

// ScheduleInput is a time for a post.
type ScheduleInput struct {
	DecisionInput
	Body struct {
		DueLocal string `json:"due_local" example:"2026-11-25T09:30:00" doc:"A wall clock, whole seconds, without a zone."`
		Zone     string `json:"zone,omitempty" example:"Europe/Berlin" doc:"Left out, the account's."`
	}
}

func (s *Server) schedulePost(ctx context.Context, in *ScheduleInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	made, err := s.Deciding.Schedule(ctx, actor(ctx), t, in.Body.DueLocal, in.Body.Zone)
	return s.shownMade(ctx, made, err)
}

func (s *Server) unschedulePost(ctx context.Context, in *DecisionInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	p, err := s.Deciding.Unschedule(ctx, actor(ctx), t)
	return s.shown(ctx, p, err)
}

func (s *Server) publishNow(ctx context.Context, in *DecisionInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	made, err := s.Deciding.PublishNow(ctx, actor(ctx), t)
	return s.shownMade(ctx, made, err)
}

func (s *Server) retryPost(ctx context.Context, in *DecisionInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	made, err := s.Deciding.Retry(ctx, actor(ctx), t)
	return s.shownMade(ctx, made, err)
}

// ResolveInput says what became of an unknown post.
type ResolveInput struct {
	DecisionInput
	Body struct {
		Found     bool   `json:"found" doc:"It is on the network."`
		RemoteURL string `json:"remote_url,omitempty" maxLength:"500" doc:"Where, when it was found."`
		Resend    bool   `json:"resend,omitempty" doc:"Send it again, when it was not found."`
	}
}

func (s *Server) resolvePost(ctx context.Context, in *ResolveInput) (*PostOutput, error) {
	t, err := target(in.ID, in.Precondition)
	if err != nil {
		return nil, err
	}
	p, err := s.Deciding.Resolve(ctx, actor(ctx), t, deciding.Resolution{
		Found: in.Body.Found, RemoteURL: in.Body.RemoteURL, Resend: in.Body.Resend,
	})
	return s.shown(ctx, p, err)
}
