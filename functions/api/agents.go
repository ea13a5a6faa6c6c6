package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	domain "rostrum/shared/post"
	"rostrum/shared/store"
)

// Generation is one asked-for run of the agents.
type Generation struct {
	ID         string     `json:"id"`
	AccountID  string     `json:"account_id"`
	State      string     `json:"state" enum:"queued,running,done,failed"`
	Progress   string     `json:"progress" doc:"Where it stands, in one sentence."`
	Wanted     int        `json:"wanted"`
	DraftsMade int        `json:"drafts_made"`
	PostIDs    []string   `json:"post_ids" nullable:"false"`
	CreatedAt  time.Time  `json:"created_at"`
	FinishedAt *time.Time `json:"finished_at"`
}

// GenerationOutput answers with a generation.
type GenerationOutput struct {
	Body Generation
}

func toGeneration(g store.Generation) Generation {
	out := Generation{
		ID: g.ID.String(), AccountID: g.AccountID.String(), State: string(g.State), Progress: g.Progress, Wanted: g.Wanted,
		DraftsMade: g.Drafts, PostIDs: []string{}, CreatedAt: g.CreatedAt, FinishedAt: g.FinishedAt,
	}
	for _, id := range g.PostIDs {
		out.PostIDs = append(out.PostIDs, id.String())
	}
	return out
}

func answerGeneration(g store.Generation, err error) (*GenerationOutput, error) {
	if err != nil {
		return nil, err
	}
	return &GenerationOutput{Body: toGeneration(g)}, nil
}

// GenerateInput asks for drafts.
type GenerateInput struct {
	Body struct {
		AccountID string `json:"account_id"`
		Wanted    int    `json:"wanted" minimum:"1" maximum:"10"`
		Note      string `json:"note,omitempty" maxLength:"20000" doc:"Read before all sources."`
	}
}

func (s *Server) generate(ctx context.Context, in *GenerateInput) (*GenerationOutput, error) {
	id, err := accountID(in.Body.AccountID)
	if err != nil {
		return nil, err
	}
	return answerGeneration(s.Drafting.Request(ctx, actor(ctx), id, in.Body.Wanted, in.Body.Note))
}

func (s *Server) getGeneration(ctx context.Context, in *ByID) (*GenerationOutput, error) {
	id, err := parseID(in.ID, "run")
	if err != nil {
		return nil, err
	}
	return answerGeneration(s.Browsing.Generation(ctx, actor(ctx), id))
}

// ByAccount narrows a paged list to an account.
type ByAccount struct {
	Paging
	AccountID string `query:"account_id"`
}

// before reads a cursor that is an id; nil starts at the top.
func (p Paging) before() (*uuid.UUID, error) {
	if p.Cursor == "" {
		return nil, nil //nolint:nilnil // the top of the list
	}
	var id uuid.UUID
	return &id, decodeCursor(p.Cursor, &id)
}

func (s *Server) listGenerations(ctx context.Context, in *ByAccount) (*Page[Generation], error) {
	var f store.GenerationFilter
	var err error
	if f.AccountID, err = optionalAccount(in.AccountID); err != nil {
		return nil, err
	}
	if f.Before, err = in.before(); err != nil {
		return nil, err
	}
	rows, err := s.Browsing.Generations(ctx, actor(ctx), f, in.Limit+1)
	if err != nil {
		return nil, err
	}
	rows, next := cut(rows, in.Limit, func(g store.Generation) any { return g.ID })
	return page(mapped(rows, toGeneration), next), nil
}

func mapped[A, B any](rows []A, to func(A) B) []B {
	out := make([]B, len(rows))
	for i, row := range rows {
		out[i] = to(row)
	}
	return out
}

// Idea is something an account could post about, and what it rests on.
type Idea struct {
	ID          string    `json:"id"`
	AccountID   string    `json:"account_id"`
	Title       string    `json:"title"`
	Angle       string    `json:"angle"`
	Goal        string    `json:"goal"`
	Why         string    `json:"why"`
	Quote       string    `json:"quote" doc:"The source's own words."`
	SourceTitle string    `json:"source_title"`
	SourceURL   string    `json:"source_url"`
	State       string    `json:"state" enum:"new,drafted,dismissed"`
	PostID      *string   `json:"post_id"`
	CreatedAt   time.Time `json:"created_at"`
}

// IdeaOutput answers with an idea.
type IdeaOutput struct {
	Body Idea
}

func toIdea(i store.Idea) Idea {
	out := Idea{
		ID: i.ID.String(), AccountID: i.AccountID.String(), Title: i.Title, Angle: i.Angle, Goal: i.Goal, Why: i.Why, Quote: i.Quote,
		SourceTitle: i.SourceTitle, SourceURL: i.SourceURL, State: string(i.State), CreatedAt: i.CreatedAt,
	}
	if i.PostID != nil {
		out.PostID = new(i.PostID.String())
	}
	return out
}

// ListIdeasInput narrows the list.
type ListIdeasInput struct {
	ByAccount
	State string `query:"state" enum:"new,drafted,dismissed"`
}

func (s *Server) listIdeas(ctx context.Context, in *ListIdeasInput) (*Page[Idea], error) {
	f := store.IdeaFilter{State: store.IdeaState(in.State)}
	var err error
	if f.AccountID, err = optionalAccount(in.AccountID); err != nil {
		return nil, err
	}
	if f.Before, err = in.before(); err != nil {
		return nil, err
	}
	rows, err := s.Browsing.Ideas(ctx, actor(ctx), f, in.Limit+1)
	if err != nil {
		return nil, err
	}
	rows, next := cut(rows, in.Limit, func(i store.Idea) any { return i.ID })
	return page(mapped(rows, toIdea), next), nil
}

func (s *Server) dismissIdea(ctx context.Context, in *ByID) (*IdeaOutput, error) {
	id, err := parseID(in.ID, "idea")
	if err != nil {
		return nil, err
	}
	idea, err := s.Drafting.Dismiss(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	return &IdeaOutput{Body: toIdea(idea)}, nil
}

func (s *Server) draftIdea(ctx context.Context, in *ByID) (*GenerationOutput, error) {
	id, err := parseID(in.ID, "idea")
	if err != nil {
		return nil, err
	}
	return answerGeneration(s.Drafting.RequestFromIdea(ctx, actor(ctx), id))
}

// Run is one question that an agent put to a model.
type Run struct {
	ID            string    `json:"id"`
	Agent         string    `json:"agent"`
	Model         string    `json:"model"`
	Simulated     bool      `json:"simulated"`
	PromptName    string    `json:"prompt_name"`
	PromptVersion string    `json:"prompt_version"`
	InputTokens   int64     `json:"input_tokens"`
	CachedTokens  int64     `json:"cached_tokens" doc:"Part of input_tokens."`
	OutputTokens  int64     `json:"output_tokens"`
	CostMicroUSD  int64     `json:"cost_micro_usd" doc:"Millionths of a US dollar."`
	Outcome       string    `json:"outcome" enum:"ok,bad_answer,refused,unavailable"`
	Problem       string    `json:"problem"`
	StartedAt     time.Time `json:"started_at"`
	DurationMS    int64     `json:"duration_ms"`
	PostID        *string   `json:"post_id"`
	AccountID     *string   `json:"account_id"`
}

func toRun(r store.Run) Run {
	out := Run{
		ID: r.ID.String(), Agent: r.Agent, Model: r.Model, Simulated: r.Simulated, PromptName: r.PromptName, PromptVersion: r.PromptVersion,
		InputTokens: r.InputTokens, CachedTokens: r.CachedTokens, OutputTokens: r.OutputTokens, CostMicroUSD: r.CostMicroUSD,
		Outcome: r.Outcome, Problem: r.Problem, StartedAt: r.StartedAt, DurationMS: r.FinishedAt.Sub(r.StartedAt).Milliseconds(),
	}
	if r.PostID != nil {
		out.PostID = new(r.PostID.String())
	}
	if r.AccountID != nil {
		out.AccountID = new(r.AccountID.String())
	}
	return out
}

// ListRunsInput narrows the list.
type ListRunsInput struct {
	ByAccount
	PostID string `query:"post_id" doc:"The post's own runs and those of the generation it came from."`
}

func (s *Server) listRuns(ctx context.Context, in *ListRunsInput) (*Page[Run], error) {
	var f store.RunFilter
	var err error
	if f.AccountID, err = optionalAccount(in.AccountID); err != nil {
		return nil, err
	}
	if in.PostID != "" {
		id, err := postID(in.PostID)
		if err != nil {
			return nil, err
		}
		f.PostID = &id
	}
	if f.Before, err = in.before(); err != nil {
		return nil, err
	}
	rows, err := s.Browsing.Runs(ctx, actor(ctx), f, in.Limit+1)
	if err != nil {
		return nil, err
	}
	rows, next := cut(rows, in.Limit, func(r store.Run) any { return r.ID })
	return page(mapped(rows, toRun), next), nil
}

// Source is where an account's agents read.
type Source struct {
	ID            string     `json:"id"`
	AccountID     string     `json:"account_id"`
	Kind          string     `json:"kind" enum:"feed,note"`
	Title         string     `json:"title"`
	URL           string     `json:"url"`
	Note          string     `json:"note"`
	LastFetchedAt *time.Time `json:"last_fetched_at"`
	LastProblem   string     `json:"last_problem" doc:"What went wrong at the last fetch; empty when nothing did."`
	ItemCount     int        `json:"item_count"`
	CreatedAt     time.Time  `json:"created_at"`
}

// SourceOutput answers with a source.
type SourceOutput struct {
	Body Source
}

func toSource(s store.Source) Source {
	return Source{
		ID: s.ID.String(), AccountID: s.AccountID.String(), Kind: string(s.Kind), Title: s.Title, URL: s.URL, Note: s.Note,
		LastFetchedAt: s.LastFetchedAt, LastProblem: s.LastProblem, ItemCount: s.Items, CreatedAt: s.CreatedAt,
	}
}

func (s *Server) listSources(ctx context.Context, in *ByID) (*List[Source], error) {
	id, err := accountID(in.ID)
	if err != nil {
		return nil, err
	}
	sources, err := s.Browsing.Sources(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	return list(mapped(sources, toSource)), nil
}

// AddSourceInput is a feed's address or a pasted note.
type AddSourceInput struct {
	ByID
	Body struct {
		Kind  string `json:"kind" enum:"feed,note"`
		Title string `json:"title,omitempty" maxLength:"200"`
		URL   string `json:"url,omitempty" maxLength:"2000"`
		Note  string `json:"note,omitempty" maxLength:"20000"`
	}
}

func (s *Server) addSource(ctx context.Context, in *AddSourceInput) (*SourceOutput, error) {
	id, err := accountID(in.ID)
	if err != nil {
		return nil, err
	}
	source, err := s.Drafting.AddSource(ctx, actor(ctx), store.NewSource{
		AccountID: id, Kind: store.SourceKind(in.Body.Kind), Title: in.Body.Title, URL: in.Body.URL, Note: in.Body.Note,
	})
	if err != nil {
		return nil, err
	}
	return &SourceOutput{Body: toSource(source)}, nil
}

func (s *Server) removeSource(ctx context.Context, in *ByID) (*Empty, error) {
	id, err := parseID(in.ID, "source")
	if err != nil {
		return nil, err
	}
	if err := s.Drafting.RemoveSource(ctx, actor(ctx), id); err != nil {
		return nil, err
	}
	return &Empty{}, nil
}

// Review is one look at one version of a post.
type Review struct {
	ID            string    `json:"id"`
	Verdict       string    `json:"verdict" enum:"pass,changes"`
	Summary       string    `json:"summary"`
	CreatedAt     time.Time `json:"created_at"`
	VersionNumber int       `json:"version_number"`
	Stale         bool      `json:"stale" doc:"It is of an earlier version than the current."`
	Findings      []Finding `json:"findings" nullable:"false"`
}

// Finding is one thing the review saw, with its place in the text.
type Finding struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity" enum:"note,warn,block"`
	Part        int    `json:"part" doc:"From 0."`
	Start       int    `json:"start" doc:"UTF-16 offset into the part's text; 0 and 0 is the whole part."`
	End         int    `json:"end" doc:"Exclusive."`
	Quote       string `json:"quote"`
	Message     string `json:"message"`
	Suggestion  string `json:"suggestion"`
	SourceQuote string `json:"source_quote"`
	SourceURL   string `json:"source_url"`
}

// toReview needs the reviewed text for the places of its findings; those of an
// earlier version lose theirs.
func toReview(r store.Review, current domain.Version) Review {
	stale := r.VersionID != current.ID
	out := Review{
		ID: r.ID.String(), Verdict: string(r.Verdict), Summary: r.Summary, CreatedAt: r.CreatedAt, VersionNumber: r.VersionNumber,
		Stale: stale, Findings: []Finding{},
	}
	texts := current.Content.Texts()
	for _, f := range r.Findings {
		shown := Finding{
			Rule: f.Rule, Severity: string(f.Severity), Part: f.Part, Quote: f.Quote, Message: f.Message, Suggestion: f.Suggestion,
			SourceQuote: f.SourceQuote, SourceURL: f.SourceURL,
		}
		if !stale && f.Part < len(texts) {
			shown.Start, shown.End = utf16Offset(texts[f.Part], f.Start), utf16Offset(texts[f.Part], f.End)
		}
		out.Findings = append(out.Findings, shown)
	}
	return out
}

// utf16Offset turns a byte offset into one of UTF-16 units, as browsers count.
func utf16Offset(text string, bytes int) int {
	units := 0
	for i, r := range text {
		if i >= bytes {
			break
		}
		units++
		if r > 0xffff {
			units++
		}
	}
	return units
}
