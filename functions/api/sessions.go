package api

import (
	"context"
	"net/http"
	"time"

	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/workflow/connecting"
	"rostrum/shared/workflow/signing"
)

// Me is the signed-in person, with what they may do and what pages must know.
type Me struct {
	Person      Person    `json:"person"`
	Workspace   Workspace `json:"workspace"`
	Role        string    `json:"role" enum:"owner,manager,editor,approver,analyst"`
	Permissions []string  `json:"permissions" nullable:"false"`
	Demo        bool      `json:"demo"`
	Links       Links     `json:"links"`
	ServerTime  time.Time `json:"server_time" doc:"The database's clock, which decides when a post goes out."`
	Model       ModelInfo `json:"model"`
	Images      bool      `json:"images" doc:"Whether posts can show images here."`
}

// Person is a person.
type Person struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Workspace is a workspace.
type Workspace struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Paused      bool   `json:"paused"`
	PauseReason string `json:"pause_reason"`
}

// Links are addresses beside Rostrum's own.
type Links struct {
	SimulatedNetworks []SimulatedNetwork `json:"simulated_networks" nullable:"false" doc:"Networks that are simulated here."`
}

// SimulatedNetwork is one whose audience can be looked at.
type SimulatedNetwork struct {
	Name string `json:"name"`
	URL  string `json:"url" doc:"What its audience sees."`
}

// ModelInfo says which model the agents ask.
type ModelInfo struct {
	Name      string `json:"name"`
	Simulated bool   `json:"simulated"`
}

// MeOutput answers with Me.
type MeOutput struct {
	Body Me
}

// SignInInput is an address and a password.
type SignInInput struct {
	Body struct {
		Email    string `json:"email" minLength:"3" maxLength:"320" example:"demo@rostrum.local"`
		Password string `json:"password" minLength:"1" maxLength:"1024" writeOnly:"true"`
	}
}

// SignInOutput sets the session cookie.
type SignInOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Me
}

func (s *Server) signIn(ctx context.Context, in *SignInInput) (*SignInOutput, error) {
	signed, err := s.Signing.SignIn(ctx, in.Body.Email, config.Secret(in.Body.Password))
	if err != nil {
		return nil, err
	}
	stateOf(ctx).session = &signed.Session
	me, err := s.meOf(ctx, signed.Session)
	if err != nil {
		return nil, err
	}
	return &SignInOutput{SetCookie: s.cookie(signed.Token.Reveal(), int(signing.Keep.Seconds())), Body: me}, nil
}

// SignOutOutput takes the cookie away.
type SignOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) signOut(ctx context.Context, _ *NoInput) (*SignOutOutput, error) {
	if err := s.Signing.SignOut(ctx, *stateOf(ctx).session); err != nil {
		return nil, err
	}
	return &SignOutOutput{SetCookie: s.cookie("", -1)}, nil
}

func (s *Server) me(ctx context.Context, _ *NoInput) (*MeOutput, error) {
	me, err := s.meOf(ctx, *stateOf(ctx).session)
	return &MeOutput{Body: me}, err
}

func (s *Server) meOf(ctx context.Context, session store.Session) (Me, error) {
	now, err := s.Browsing.Now(ctx, signing.Actor(session))
	if err != nil {
		return Me{}, err
	}
	me := Me{
		Person: Person{ID: session.PersonID.String(), Name: session.Name, Email: session.Email},
		Workspace: Workspace{
			ID: session.WorkspaceID.String(), Name: session.WorkspaceName, Paused: session.PausedAt != nil, PauseReason: session.PauseReason,
		},
		Role: string(session.Role), Permissions: []string{}, Demo: s.Settings.Demo, ServerTime: now,
		Model: ModelInfo{Name: s.Settings.Model, Simulated: s.Settings.ModelSimulated}, Images: s.Attaching.Files != nil,
	}
	for _, p := range auth.Permissions(session.Role) {
		me.Permissions = append(me.Permissions, string(p))
	}
	me.Links.SimulatedNetworks = s.simulated()
	return me, nil
}

// ReasonInput gives a reason.
type ReasonInput struct {
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"1000"`
	}
}

// PausedOutput says whether sending is paused.
type PausedOutput struct {
	Body struct {
		Paused      bool   `json:"paused"`
		PauseReason string `json:"pause_reason"`
	}
}

func (s *Server) pauseWorkspace(ctx context.Context, in *ReasonInput) (*PausedOutput, error) {
	reason, err := connecting.CheckReason(in.Body.Reason)
	if err != nil {
		return nil, err
	}
	if err := s.Signing.SetPaused(ctx, actor(ctx), true, reason); err != nil {
		return nil, err
	}
	out := &PausedOutput{}
	out.Body.Paused, out.Body.PauseReason = true, reason
	return out, nil
}

func (s *Server) resumeWorkspace(ctx context.Context, _ *NoInput) (*PausedOutput, error) {
	if err := s.Signing.SetPaused(ctx, actor(ctx), false, ""); err != nil {
		return nil, err
	}
	return &PausedOutput{}, nil
}
