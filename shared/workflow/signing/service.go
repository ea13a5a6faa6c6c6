// Package signing lets people in and out: password, session, lockout. A session
// is a random token of which only the hash is stored; who it belongs to and what
// they may do is read anew on every request, so that a role taken away is gone
// with the next click.
package signing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/store"
)

const (
	// maxFailures is how many wrong passwords in a row lock sign-in for lockFor.
	maxFailures = 10
	lockFor     = 15 * time.Minute
	// Keep is how long a session lives.
	Keep = 14 * 24 * time.Hour
)

// Service signs people in.
type Service struct {
	Store *store.Store
}

// SignedIn is a fresh session with its token, which is shown this once.
type SignedIn struct {
	Session store.Session
	Token   config.Secret
}

// SignIn opens a session in the person's oldest workspace. Errors:
// Unauthenticated (code wrong_credentials), which does not tell an unknown
// address from a wrong password; RateLimited (too_many_attempts, RetryAfter
// set) after ten wrong passwords in a row; Forbidden (no_workspace).
func (s *Service) SignIn(ctx context.Context, email string, password config.Secret) (SignedIn, error) {
	person, err := s.check(ctx, strings.ToLower(strings.TrimSpace(email)), password)
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	var memberships []store.Membership
	err = s.Store.AsPerson(ctx, person.ID, func(ctx context.Context, tx *store.Tx) error {
		memberships, err = tx.Memberships(ctx, person.ID)
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	if len(memberships) == 0 {
		return SignedIn{}, apperr.New(apperr.Forbidden, "no_workspace", "you are in no workspace").
			WithHint("Ask an owner to invite you.")
	}
	token := auth.NewToken()
	hash := auth.HashToken(token)
	err = s.Store.InWorkspace(ctx, memberships[0].WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.SignInWorked(ctx, person.ID); err != nil {
			return err
		}
		id, err := tx.InsertSession(ctx, memberships[0].WorkspaceID, person.ID, hash, Keep)
		if err != nil {
			return err
		}
		return tx.Record(ctx, audit.Event{
			Actor: audit.Actor{
				Kind: audit.Person, ID: person.ID, Name: person.Name, WorkspaceID: memberships[0].WorkspaceID, Role: memberships[0].Role,
			},
			Action: "session.opened", SubjectKind: "session", SubjectID: id,
		})
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	session, err := s.find(ctx, hash)
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	return SignedIn{Session: session, Token: token}, nil
}

func (s *Service) check(ctx context.Context, email string, password config.Secret) (store.Person, error) {
	var person store.Person
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		person, err = tx.PersonByEmail(ctx, email)
		return err
	})
	if apperr.Is(err, apperr.NotFound) {
		auth.PretendToCheck(password)
		return store.Person{}, wrong()
	}
	if err != nil {
		return store.Person{}, err
	}
	if person.LockedFor > 0 {
		return store.Person{}, locked(person.LockedFor)
	}
	// The hash is checked outside any transaction: it takes its time on purpose.
	ok, err := auth.CheckPassword(password, person.PasswordHash)
	if err != nil {
		return store.Person{}, err
	}
	if ok && !person.Disabled {
		return person, nil
	}
	if ok {
		return store.Person{}, wrong()
	}
	var left time.Duration
	err = s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		left, err = tx.SignInFailed(ctx, person.ID, maxFailures, lockFor)
		return err
	})
	if err != nil {
		return store.Person{}, err
	}
	if left > 0 {
		return store.Person{}, locked(left)
	}
	return store.Person{}, wrong()
}

func wrong() *apperr.Error {
	return apperr.New(apperr.Unauthenticated, "wrong_credentials", "the address or the password is wrong").
		WithHint("Check both and try again.")
}

func locked(left time.Duration) *apperr.Error {
	left = max(left.Round(time.Second), time.Second)
	return apperr.New(apperr.RateLimited, "too_many_attempts", "too many wrong passwords; sign-in is locked for a while").
		WithHint("Try again in %d minutes.", int(left.Minutes())+1).WithRetryAfter(left)
}

// Session finds the session of a token. Errors: Unauthenticated (code
// sign_in_required) when it is none or over; Unavailable.
func (s *Service) Session(ctx context.Context, token config.Secret) (store.Session, error) {
	session, err := s.find(ctx, auth.HashToken(token))
	if apperr.Is(err, apperr.NotFound) {
		return store.Session{}, Required()
	}
	return session, err
}

func (s *Service) find(ctx context.Context, hash []byte) (store.Session, error) {
	var session store.Session
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if session, err = tx.SessionByHash(ctx, hash); err != nil || !session.SeenLongAgo {
			return err
		}
		return tx.TouchSession(ctx, session.ID)
	})
	return session, err
}

// Required is the error of a request that needs a session and has none.
func Required() *apperr.Error {
	return apperr.New(apperr.Unauthenticated, "sign_in_required", "you are not signed in").WithHint("Sign in and try again.")
}

// SignOut ends the session.
func (s *Service) SignOut(ctx context.Context, session store.Session) error {
	return s.Store.InWorkspace(ctx, session.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RevokeSession(ctx, session.ID); err != nil {
			return err
		}
		return tx.Record(ctx, audit.Event{
			Actor: Actor(session), Action: "session.closed", SubjectKind: "session", SubjectID: session.ID,
		})
	})
}

// Actor is the person of a session as the other workflows take them.
func Actor(session store.Session) audit.Actor {
	return audit.Actor{
		Kind: audit.Person, ID: session.PersonID, Name: session.Name, WorkspaceID: session.WorkspaceID, Role: session.Role,
	}
}

// SetPaused stops or resumes all sending of the actor's workspace. Errors:
// Forbidden, Unavailable.
func (s *Service) SetPaused(ctx context.Context, actor audit.Actor, paused bool, reason string) error {
	if err := auth.Require(actor, auth.ManageWorkspace); err != nil {
		return err
	}
	return s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		event := audit.Event{Actor: actor, Action: "workspace.resumed", SubjectKind: "workspace", SubjectID: actor.WorkspaceID}
		if !paused {
			if err := tx.ResumeWorkspace(ctx, actor.WorkspaceID); err != nil {
				return err
			}
			if _, err := tx.LiftSwitch(ctx, actor.WorkspaceID, store.Switch{Kind: store.SwitchWorkspace}); err != nil {
				return err
			}
			return tx.Record(ctx, event)
		}
		if err := tx.PauseWorkspace(ctx, actor.WorkspaceID, reason); err != nil {
			return err
		}
		if err := tx.ThrowSwitch(ctx, actor, store.Switch{Kind: store.SwitchWorkspace, Reason: reason}); err != nil {
			return err
		}
		event.Action, event.Detail = "workspace.paused", map[string]any{"reason": reason}
		return tx.Record(ctx, event)
	})
}
