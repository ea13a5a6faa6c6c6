package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/schedule"
	"rostrum/shared/workflow/connecting"
	"rostrum/shared/workflow/signing"
)

// Account is an account with its profile.
type Account struct {
	ID                   string     `json:"id"`
	Network              string     `json:"network" enum:"x,instagram"`
	Handle               string     `json:"handle" doc:"Without @."`
	DisplayName          string     `json:"display_name"`
	Status               string     `json:"status" enum:"connected,reauth_needed,disconnected"`
	Paused               bool       `json:"paused"`
	PauseReason          string     `json:"pause_reason"`
	LimitedUntil         *time.Time `json:"limited_until" doc:"Until when the network's rate limit keeps it back."`
	TimeZone             string     `json:"time_zone" example:"Europe/Berlin"`
	Goals                []string   `json:"goals" nullable:"false"`
	Interests            []string   `json:"interests" nullable:"false"`
	Projects             []Project  `json:"projects" nullable:"false"`
	Audience             string     `json:"audience"`
	Voice                string     `json:"voice"`
	Guidelines           string     `json:"guidelines"`
	BannedWords          []string   `json:"banned_words" nullable:"false"`
	Slots                []Slot     `json:"slots" nullable:"false"`
	PostsPerWeek         int        `json:"posts_per_week"`
	MinGapMinutes        int        `json:"min_gap_minutes"`
	CatchUp              string     `json:"catch_up" enum:"send_within,hold,drop"`
	CatchUpWithinMinutes int        `json:"catch_up_within_minutes"`
	ETag                 string     `json:"etag"`
	CreatedAt            time.Time  `json:"created_at"`
	NextSlots            []FreeSlot `json:"next_slots" nullable:"false" doc:"The next ten free slots."`
}

// Project is something the account talks about for a while.
type Project struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Slot is a weekly wall-clock time in the account's zone.
type Slot struct {
	Weekday int    `json:"weekday" minimum:"0" maximum:"6" doc:"Sunday is 0."`
	Time    string `json:"time" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" example:"09:30"`
}

// FreeSlot is a slot on one day that no post has.
type FreeSlot struct {
	Local string    `json:"local" example:"2026-11-25T09:30:00"`
	DueAt time.Time `json:"due_at"`
}

// AccountOutput answers with an account.
type AccountOutput struct {
	Tagged
	Body Account
}

func accountOutput(v connecting.View) *AccountOutput {
	return &AccountOutput{Tagged: Tagged{quoted(v.ETag)}, Body: toAccount(v)}
}

func toAccount(v connecting.View) Account {
	p := v.Profile
	a := Account{
		ID: v.ID.String(), Network: string(v.Network), Handle: v.Handle, DisplayName: p.DisplayName, Status: string(v.Status),
		Paused: v.PausedAt != nil, PauseReason: v.PauseReason, LimitedUntil: v.LimitedUntil, TimeZone: p.TimeZone,
		Goals: notNil(p.Goals), Interests: notNil(p.Interests), Projects: []Project{}, Audience: p.Audience, Voice: p.Voice,
		Guidelines: p.Guidelines, BannedWords: notNil(p.BannedWords), Slots: []Slot{}, PostsPerWeek: p.PostsPerWeek,
		MinGapMinutes: int(p.MinGap / time.Minute), CatchUp: string(p.CatchUp), CatchUpWithinMinutes: int(p.CatchUpWithin / time.Minute),
		ETag: etagOf(v.ETag), CreatedAt: v.CreatedAt, NextSlots: []FreeSlot{},
	}
	for _, x := range p.Projects {
		a.Projects = append(a.Projects, Project(x))
	}
	for _, x := range p.Slots {
		a.Slots = append(a.Slots, Slot{Weekday: int(x.Weekday), Time: fmt.Sprintf("%02d:%02d", x.Hour, x.Minute)})
	}
	for _, x := range v.NextSlots {
		a.NextSlots = append(a.NextSlots, toFreeSlot(x))
	}
	return a
}

func toFreeSlot(t schedule.Time) FreeSlot { return FreeSlot{Local: t.Local, DueAt: t.At} }

func (s *Server) listAccounts(ctx context.Context, _ *NoInput) (*List[Account], error) {
	views, err := s.Connecting.Accounts(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	items := make([]Account, len(views))
	for i, v := range views {
		items[i] = toAccount(v)
	}
	return list(items), nil
}

func (s *Server) getAccount(ctx context.Context, in *ByID) (*AccountOutput, error) {
	id, err := accountID(in.ID)
	if err != nil {
		return nil, err
	}
	return answerAccount(s.Connecting.Account(ctx, actor(ctx), id))
}

// EditAccountInput is any part of a profile; what is left out stays.
type EditAccountInput struct {
	ByID
	Precondition
	Body struct {
		DisplayName          *string   `json:"display_name,omitempty"`
		TimeZone             *string   `json:"time_zone,omitempty"`
		Goals                []string  `json:"goals,omitempty" nullable:"false"`
		Interests            []string  `json:"interests,omitempty" nullable:"false"`
		Projects             []Project `json:"projects,omitempty" nullable:"false"`
		Audience             *string   `json:"audience,omitempty"`
		Voice                *string   `json:"voice,omitempty"`
		Guidelines           *string   `json:"guidelines,omitempty"`
		BannedWords          []string  `json:"banned_words,omitempty" nullable:"false"`
		Slots                []Slot    `json:"slots,omitempty" nullable:"false"`
		PostsPerWeek         *int      `json:"posts_per_week,omitempty"`
		MinGapMinutes        *int      `json:"min_gap_minutes,omitempty"`
		CatchUp              *string   `json:"catch_up,omitempty"`
		CatchUpWithinMinutes *int      `json:"catch_up_within_minutes,omitempty"`
		PlannedPosts         string    `json:"planned_posts,omitempty" enum:"keep_instant,keep_local_time" doc:"What a new time_zone means for posts that are planned: the same moment, or the same wall clock. Needed when there are any."`
	}
}

func (in *EditAccountInput) apply(p *account.Profile) {
	b := in.Body
	set(&p.DisplayName, b.DisplayName)
	set(&p.TimeZone, b.TimeZone)
	set(&p.Audience, b.Audience)
	set(&p.Voice, b.Voice)
	set(&p.Guidelines, b.Guidelines)
	set(&p.PostsPerWeek, b.PostsPerWeek)
	setList(&p.Goals, b.Goals)
	setList(&p.Interests, b.Interests)
	setList(&p.BannedWords, b.BannedWords)
	if b.MinGapMinutes != nil {
		p.MinGap = minutes(*b.MinGapMinutes)
	}
	if b.CatchUp != nil {
		p.CatchUp = account.CatchUp(*b.CatchUp)
	}
	if b.CatchUpWithinMinutes != nil {
		p.CatchUpWithin = minutes(*b.CatchUpWithinMinutes)
	}
	if b.Projects != nil {
		p.Projects = nil
		for _, x := range b.Projects {
			p.Projects = append(p.Projects, account.Project(x))
		}
	}
	if b.Slots != nil {
		p.Slots = nil
		for _, x := range b.Slots {
			p.Slots = append(p.Slots, toSlot(x))
		}
	}
}

// toSlot reads a slot whose time has passed its pattern.
func toSlot(s Slot) account.Slot {
	out := account.Slot{Weekday: time.Weekday(s.Weekday)}
	// The pattern has proved that it is two numbers; were it not, Validate
	// refuses a slot at -1:-1.
	if _, err := fmt.Sscanf(s.Time, "%d:%d", &out.Hour, &out.Minute); err != nil {
		out.Hour, out.Minute = -1, -1
	}
	return out
}

// minutes turns minutes into a duration; what is out of any range stays out of
// range, without overflowing.
func minutes(n int) time.Duration {
	return time.Duration(max(min(n, 1_000_000), -1)) * time.Minute
}

func set[T any](into *T, v *T) {
	if v != nil {
		*into = *v
	}
}

func setList(into *[]string, v []string) {
	if v != nil {
		*into = v
	}
}

func (s *Server) editAccount(ctx context.Context, in *EditAccountInput) (*AccountOutput, error) {
	id, err := accountID(in.ID)
	if err != nil {
		return nil, err
	}
	etag, err := in.required()
	if err != nil {
		return nil, err
	}
	return answerAccount(s.Connecting.EditProfile(ctx, actor(ctx), id, etag, connecting.ZoneChoice(in.Body.PlannedPosts), in.apply))
}

// PauseAccountInput names an account and a reason.
type PauseAccountInput struct {
	ByID
	ReasonInput
}

func (s *Server) pauseAccount(ctx context.Context, in *PauseAccountInput) (*AccountOutput, error) {
	id, err := accountID(in.ID)
	if err != nil {
		return nil, err
	}
	return answerAccount(s.Connecting.Pause(ctx, actor(ctx), id, in.Body.Reason))
}

func (s *Server) resumeAccount(ctx context.Context, in *ByID) (*AccountOutput, error) {
	id, err := accountID(in.ID)
	if err != nil {
		return nil, err
	}
	return answerAccount(s.Connecting.Resume(ctx, actor(ctx), id))
}

func answerAccount(v connecting.View, err error) (*AccountOutput, error) {
	if err != nil {
		return nil, err
	}
	return accountOutput(v), nil
}

// ConnectInput says what to connect.
type ConnectInput struct {
	Body struct {
		Network   string `json:"network" enum:"x,instagram"`
		AccountID string `json:"account_id,omitempty" doc:"The account to connect again; left out for a new one."`
		TimeZone  string `json:"time_zone,omitempty" maxLength:"100" example:"Europe/Berlin" doc:"The browser's, in which a new account begins; left out, UTC."`
	}
}

// ConnectOutput says where to send the browser.
type ConnectOutput struct {
	Body struct {
		AuthorizeURL string `json:"authorize_url"`
	}
}

func (s *Server) connectAccount(ctx context.Context, in *ConnectInput) (*ConnectOutput, error) {
	id, err := optionalAccount(in.Body.AccountID)
	if err != nil {
		return nil, err
	}
	out := &ConnectOutput{}
	out.Body.AuthorizeURL, err = s.Connecting.Begin(ctx, actor(ctx), stateOf(ctx).session.ID, account.Network(in.Body.Network), id, in.Body.TimeZone)
	return out, err
}

// CallbackInput is what the network sends the browser back with.
type CallbackInput struct {
	Network string `path:"network"`
	Code    string `query:"code" maxLength:"2000"`
	State   string `query:"state" maxLength:"500"`
	Error   string `query:"error" maxLength:"200" doc:"Set when the person did not agree."`
}

// Redirect sends the browser elsewhere.
type Redirect struct {
	Status   int
	Location string `header:"Location"`
}

// oauthCallback ends a connect flow. It always ends on a page, since a person
// looks at it: problems travel as a code in the address.
func (s *Server) oauthCallback(ctx context.Context, in *CallbackInput) (*Redirect, error) {
	a, err := s.finishConnecting(ctx, in)
	if err != nil {
		p := s.problemOf(ctx, err)
		return &Redirect{Status: http.StatusSeeOther, Location: "/accounts?connect_problem=" + url.QueryEscape(p.Code) + "&network=" + url.QueryEscape(in.Network)}, nil
	}
	return &Redirect{Status: http.StatusSeeOther, Location: "/accounts/" + a.ID.String() + "?connected=1"}, nil
}

func (s *Server) finishConnecting(ctx context.Context, in *CallbackInput) (account.Account, error) {
	session := stateOf(ctx).session
	if session == nil {
		return account.Account{}, signing.Required()
	}
	if in.Error != "" {
		return account.Account{}, apperr.New(apperr.Conflict, "connect_denied", "the network says that you did not agree")
	}
	if in.Code == "" || in.State == "" {
		return account.Account{}, apperr.New(apperr.Invalid, "connect_incomplete", "the network's answer is incomplete")
	}
	return s.Connecting.Finish(ctx, actor(ctx), session.ID, account.Network(in.Network), config.Secret(in.State), config.Secret(in.Code))
}
