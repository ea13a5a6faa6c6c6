package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/platform"
	domain "rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/workflow/browsing"
	"rostrum/shared/workflow/deciding"
)

// PostSummary is a post as lists show it.
type PostSummary struct {
	ID            string           `json:"id"`
	Account       AccountRef       `json:"account"`
	State         string           `json:"state" enum:"draft,in_review,awaiting_approval,changes_requested,rejected,approved,scheduled,sending,published,canceled,failed,unknown,missed"`
	Revision      int64            `json:"revision" doc:"Rises when text, time, account or approval change."`
	ETag          string           `json:"etag"`
	Text          string           `json:"text" doc:"The first part."`
	PartsCount    int              `json:"parts_count"`
	DueAt         *time.Time       `json:"due_at"`
	DueLocal      *string          `json:"due_local" example:"2026-11-25T09:30:00"`
	DueZone       *string          `json:"due_zone" example:"Europe/Berlin"`
	Hold          Nullable[Hold]   `json:"hold" doc:"Why a scheduled post is kept back."`
	NeedsPerson   bool             `json:"needs_person"`
	PublishedAt   *time.Time       `json:"published_at"`
	LatenessMS    *int64           `json:"lateness_ms"`
	RemoteURL     *string          `json:"remote_url"`
	Failure       Nullable[Reason] `json:"failure"`
	FindingsCount FindingsCount    `json:"findings_count"`
	CreatedAt     time.Time        `json:"created_at"`
	UpdatedAt     time.Time        `json:"updated_at"`
	Origin        string           `json:"origin" enum:"person,agent"`
	RecurrenceID  *string          `json:"recurrence_id" doc:"The recurrence it was made of."`
}

// AccountRef is the account of a post.
type AccountRef struct {
	ID          string `json:"id"`
	Handle      string `json:"handle"`
	Network     string `json:"network" enum:"x,instagram"`
	DisplayName string `json:"display_name"`
}

// Reason is a code with a sentence for people.
type Reason struct {
	Code     string `json:"code"`
	Sentence string `json:"sentence"`
}

// Hold is why a scheduled post is kept back, and what ends that.
type Hold struct {
	Code     string     `json:"code"`
	Sentence string     `json:"sentence" doc:"Why, and what happens next."`
	Since    *time.Time `json:"since" doc:"When the switch was thrown, or since when the network fails."`
	Until    *time.Time `json:"until" doc:"When it is tried next by itself."`
	Action   string     `json:"action" enum:"wait,resume_workspace,resume_network,resume_account,reconnect,add_credit,try_now,decide,approve_again,look_at_account" doc:"What a person can do about it."`
}

// FindingsCount counts what the review found in the current version.
type FindingsCount struct {
	Block int `json:"block"`
	Warn  int `json:"warn"`
	Note  int `json:"note"`
}

// Post is a post with all that its page shows.
type Post struct {
	PostSummary
	Parts         []Part             `json:"parts" nullable:"false"`
	ContentHash   string             `json:"content_hash" doc:"What an approval is bound to."`
	Version       VersionRef         `json:"version"`
	Idea          Nullable[Idea]     `json:"idea" doc:"What it was made of."`
	Review        Nullable[Review]   `json:"review" doc:"The newest one."`
	Approval      Nullable[Approval] `json:"approval"`
	CorrelationID string             `json:"correlation_id"`
	WhyNotOut     *string            `json:"why_not_out" doc:"Why it has not gone out, in one sentence."`
	Lacks         []string           `json:"lacks" nullable:"false" doc:"What its network asks for before it can be approved, in sentences."`
	Actions       []string           `json:"actions" nullable:"false" doc:"What you may do with it now."`
	ScheduleNote  *string            `json:"schedule_note" doc:"Says that a time was moved, and why, right after it was."`
}

// Part is one post on the network.
type Part struct {
	Text   string      `json:"text"`
	Media  []PartMedia `json:"media" nullable:"false"`
	Length int         `json:"length" doc:"As the network counts."`
	Limit  int         `json:"limit"`
}

// VersionRef names a version.
type VersionRef struct {
	ID        string    `json:"id"`
	Number    int       `json:"number"`
	Note      string    `json:"note"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

// Approval is somebody's word for one content.
type Approval struct {
	ContentHash string     `json:"content_hash"`
	By          string     `json:"by"`
	Kind        string     `json:"kind" enum:"person,rule"`
	DecidedAt   time.Time  `json:"decided_at"`
	RevokedAt   *time.Time `json:"revoked_at"`
}

// PostOutput answers with a post.
type PostOutput struct {
	Tagged
	Body Post
}

func toSummary(p store.PostSummary) PostSummary {
	out := PostSummary{
		ID: p.ID.String(), State: string(p.State), Revision: p.Revision, ETag: etagOf(p.ETag), Text: p.FirstPart, PartsCount: p.Parts,
		Account:     AccountRef{ID: p.AccountID.String(), Handle: p.Handle, Network: string(p.Network), DisplayName: p.AccountName},
		NeedsPerson: p.NeedsPerson, PublishedAt: p.PublishedAt, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Origin: "person",
		FindingsCount: FindingsCount{Block: p.Blocks, Warn: p.Warns, Note: p.Notes},
	}
	if p.Schedule != nil {
		out.DueAt, out.DueLocal, out.DueZone = &p.Schedule.DueAt, &p.Schedule.Local, &p.Schedule.Zone
	}
	if h := browsing.HeldOf(p.Hold, p.FailureDetail, p.HoldFacts, p.Handle, p.Network, p.Schedule); h.Reason != "" {
		out.Hold.Value = &Hold{
			Code: string(p.Hold), Sentence: h.Sentence(), Since: timeOrNil(h.Facts.Since), Until: timeOrNil(h.Facts.Until), Action: string(h.Remedy()),
		}
	}
	if p.FailureCode != "" && tellsFailure(p) {
		out.Failure.Value = &Reason{Code: p.FailureCode, Sentence: p.FailureDetail}
	}
	if p.Lateness != nil {
		out.LatenessMS = new(p.Lateness.Milliseconds())
	}
	if p.RemoteURL != "" {
		out.RemoteURL = &p.RemoteURL
	}
	if p.FromAgent {
		out.Origin = "agent"
	}
	if p.RecurrenceID != nil {
		out.RecurrenceID = new(p.RecurrenceID.String())
	}
	return out
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// tellsFailure reports whether a recorded failure is still the post's present:
// one that a person has sent on its way again is not failed any more.
func tellsFailure(p store.PostSummary) bool {
	return p.Hold != "" || slices.Contains([]domain.State{domain.Failed, domain.Unknown, domain.Missed}, p.State)
}

func toSummaries(posts []store.PostSummary) []PostSummary {
	out := make([]PostSummary, len(posts))
	for i, p := range posts {
		out[i] = toSummary(p)
	}
	return out
}

func toPost(d browsing.Detail, note string) Post {
	v := d.Post.Version
	out := Post{
		PostSummary: toSummary(d.Summary), Parts: []Part{}, ContentHash: v.Content.Hash(d.Post.AccountID),
		Version: VersionRef{
			ID: v.ID.String(), Number: v.Number, Note: v.Note, CreatedBy: v.CreatedBy.Name, CreatedAt: v.CreatedAt,
		},
		CorrelationID: d.Post.CorrelationID.String(), Lacks: notNil(d.Lacks), Actions: []string{},
	}
	for _, p := range v.Content.Parts {
		length, limit := platform.Measure(d.Summary.Network, p.Text)
		out.Parts = append(out.Parts, Part{Text: p.Text, Media: toPartMedia(p.Media), Length: length, Limit: limit})
	}
	if a := d.Approval; a != nil {
		out.Approval.Value = &Approval{
			ContentHash: a.ContentHash, By: a.Actor.Name, Kind: string(a.Actor.Kind), DecidedAt: a.DecidedAt, RevokedAt: a.RevokedAt,
		}
	}
	if d.Review != nil {
		out.Review.Value = new(toReview(*d.Review, v))
	}
	if d.Idea != nil {
		out.Idea.Value = new(toIdea(*d.Idea))
	}
	if d.WhyNotOut != "" {
		out.WhyNotOut = &d.WhyNotOut
	}
	if note != "" {
		out.ScheduleNote = &note
	}
	for _, a := range d.Actions {
		out.Actions = append(out.Actions, string(a))
	}
	return out
}

// show answers with the post as it is now.
func (s *Server) show(ctx context.Context, id domain.ID, note string) (*PostOutput, error) {
	d, err := s.Browsing.Post(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	body := toPost(d, note)
	for i := range body.Parts {
		if err := s.showMedia(ctx, body.Parts[i].Media); err != nil {
			return nil, err
		}
	}
	return &PostOutput{Tagged: Tagged{quoted(d.Post.ETag)}, Body: body}, nil
}

// shown turns a decision's result into the answer.
func (s *Server) shown(ctx context.Context, p domain.Post, err error) (*PostOutput, error) {
	if err != nil {
		return nil, err
	}
	return s.show(ctx, p.ID, "")
}

func (s *Server) shownMade(ctx context.Context, made deciding.Made, err error) (*PostOutput, error) {
	if err != nil {
		return nil, err
	}
	return s.show(ctx, made.ID, made.ScheduleNote)
}

// ListPostsInput narrows the list.
type ListPostsInput struct {
	Paging
	State        string `query:"state" maxLength:"300" doc:"One or more states, separated by commas."`
	AccountID    string `query:"account_id"`
	RecurrenceID string `query:"recurrence_id" doc:"The posts made of one recurrence."`
	Query        string `query:"q" maxLength:"200" doc:"A piece of the text."`
}

// postPlace is a place in the list, as cursors hold it.
type postPlace struct {
	At time.Time `json:"at"`
	ID uuid.UUID `json:"id"`
}

func (s *Server) listPosts(ctx context.Context, in *ListPostsInput) (*Page[PostSummary], error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	posts, err := s.Browsing.Posts(ctx, actor(ctx), filter, in.Limit+1)
	if err != nil {
		return nil, err
	}
	posts, next := cut(posts, in.Limit, func(p store.PostSummary) any { return postPlace{At: p.UpdatedAt, ID: uuid.UUID(p.ID)} })
	return page(toSummaries(posts), next), nil
}

func (in *ListPostsInput) filter() (store.PostFilter, error) {
	f := store.PostFilter{Contains: strings.TrimSpace(in.Query)}
	var err error
	if f.AccountID, err = optionalAccount(in.AccountID); err != nil {
		return f, err
	}
	if in.RecurrenceID != "" {
		id, err := parseID(in.RecurrenceID, "recurrence")
		if err != nil {
			return f, err
		}
		f.RecurrenceID = &id
	}
	for name := range strings.SplitSeq(in.State, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(domain.States(), domain.State(name)) {
			return f, apperr.New(apperr.Invalid, "bad_state", "%q is not a state of a post", name).WithField("state")
		}
		f.States = append(f.States, domain.State(name))
	}
	f.OldestFirst = len(f.States) == 1 && f.States[0] == domain.AwaitingApproval
	if in.Cursor == "" {
		return f, nil
	}
	var place postPlace
	if err := decodeCursor(in.Cursor, &place); err != nil {
		return f, err
	}
	f.After = &store.PostPlace{UpdatedAt: place.At, ID: place.ID}
	return f, nil
}

// PartText is the text of one part.
type PartText struct {
	Text string `json:"text" maxLength:"100000"`
}

func contentOf(parts []PartText) domain.Content {
	c := domain.Content{Parts: make([]domain.Part, len(parts))}
	for i, p := range parts {
		c.Parts[i] = domain.Part{Text: p.Text}
	}
	return c
}

// CreatePostInput is a new post.
type CreatePostInput struct {
	Body struct {
		AccountID string     `json:"account_id"`
		Parts     []PartBody `json:"parts" nullable:"false" minItems:"1" maxItems:"25"`
		DueLocal  string     `json:"due_local,omitempty" example:"2026-11-25T09:30:00" doc:"A wall clock in the account's zone."`
		IdeaID    string     `json:"idea_id,omitempty"`
		Submit    bool       `json:"submit,omitempty" doc:"Send it to review at once."`
	}
}

func (s *Server) createPost(ctx context.Context, in *CreatePostInput) (*PostOutput, error) {
	id, err := accountID(in.Body.AccountID)
	if err != nil {
		return nil, err
	}
	content, err := bodyContent(in.Body.Parts)
	if err != nil {
		return nil, err
	}
	n := deciding.NewPost{AccountID: id, Content: content, DueLocal: in.Body.DueLocal, Submit: in.Body.Submit}
	if in.Body.IdeaID != "" {
		idea, err := parseID(in.Body.IdeaID, "idea")
		if err != nil {
			return nil, err
		}
		n.IdeaID = &idea
	}
	made, err := s.Deciding.Create(ctx, actor(ctx), n)
	return s.shownMade(ctx, made, err)
}

func (s *Server) getPost(ctx context.Context, in *ByID) (*PostOutput, error) {
	id, err := postID(in.ID)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, id, "")
}

// EditPostInput is a new text for a post.
type EditPostInput struct {
	ByID
	Precondition
	Body struct {
		Parts []PartBody `json:"parts" nullable:"false" minItems:"1" maxItems:"25"`
		Note  string     `json:"note,omitempty" maxLength:"1000" doc:"Why it was changed."`
	}
}

func (s *Server) editPost(ctx context.Context, in *EditPostInput) (*PostOutput, error) {
	id, err := postID(in.ID)
	if err != nil {
		return nil, err
	}
	etag, err := in.required()
	if err != nil {
		return nil, err
	}
	content, err := bodyContent(in.Body.Parts)
	if err != nil {
		return nil, err
	}
	p, err := s.Deciding.Edit(ctx, actor(ctx), deciding.Target{PostID: id, ETag: &etag}, content, in.Body.Note)
	return s.shown(ctx, p, err)
}

// Version is one immutable content of a post.
type Version struct {
	VersionRef
	Parts       []VersionPart `json:"parts" nullable:"false"`
	ContentHash string        `json:"content_hash"`
	Approved    bool          `json:"approved" doc:"A live approval is for this version."`
}

func (s *Server) listVersions(ctx context.Context, in *ByID) (*List[Version], error) {
	id, err := postID(in.ID)
	if err != nil {
		return nil, err
	}
	versions, approved, err := s.Browsing.Versions(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	items := make([]Version, len(versions))
	for i, v := range versions {
		items[i] = Version{
			VersionRef:  VersionRef{ID: v.ID.String(), Number: v.Number, Note: v.Note, CreatedBy: v.CreatedBy.Name, CreatedAt: v.CreatedAt},
			ContentHash: v.Hash, Approved: v.ID == approved, Parts: []VersionPart{},
		}
		for _, p := range v.Content.Parts {
			media := toPartMedia(p.Media)
			if err := s.showMedia(ctx, media); err != nil {
				return nil, err
			}
			items[i].Parts = append(items[i].Parts, VersionPart{Text: p.Text, Media: media})
		}
	}
	return list(items), nil
}

// LengthInput is a text to count.
type LengthInput struct {
	Body struct {
		Network string `json:"network" enum:"x,instagram"`
		Text    string `json:"text" maxLength:"100000"`
	}
}

// LengthOutput is its length.
type LengthOutput struct {
	Body struct {
		Length int `json:"length"`
		Limit  int `json:"limit"`
	}
}

func (s *Server) previewLength(_ context.Context, in *LengthInput) (*LengthOutput, error) {
	out := &LengthOutput{}
	out.Body.Length, out.Body.Limit = platform.Measure(account.Network(in.Body.Network), in.Body.Text)
	return out, nil
}
