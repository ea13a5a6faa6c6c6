package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/store/internal/dbsqlc"
)

// Person is somebody who can sign in.
type Person struct {
	ID           uuid.UUID
	Email        string // lower case
	Name         string
	PasswordHash string
	Disabled     bool
	// LockedFor is how long sign-in stays refused; not positive when it is not.
	LockedFor time.Duration
}

// Membership is a person's role in one workspace.
type Membership struct {
	WorkspaceID uuid.UUID
	Role        audit.Role
}

// Session is a signed-in person in one workspace.
type Session struct {
	ID            uuid.UUID
	WorkspaceID   uuid.UUID
	PersonID      uuid.UUID
	Email         string
	Name          string
	Role          audit.Role
	WorkspaceName string
	// PausedAt is when the workspace was paused; nil when it runs.
	PausedAt    *time.Time
	PauseReason string
	// SeenLongAgo says that the row's last-seen time is over five minutes old.
	SeenLongAgo bool
}

// PersonByEmail finds a person by their lower-case address. Errors: NotFound, Unavailable.
func (tx *Tx) PersonByEmail(ctx context.Context, email string) (Person, error) {
	r, err := tx.q.PersonByEmail(ctx, email)
	if err != nil {
		return Person{}, fmt.Errorf("find person: %w", classify(err))
	}
	return Person{
		ID: r.ID, Email: r.Email, Name: r.Name, PasswordHash: r.PasswordHash, Disabled: r.DisabledAt != nil,
		LockedFor: seconds(r.LockedSeconds),
	}, nil
}

// Memberships returns the person's workspaces, oldest first. It needs a Tx of
// AsPerson or of the owner.
func (tx *Tx) Memberships(ctx context.Context, person uuid.UUID) ([]Membership, error) {
	rows, err := tx.q.MembershipsOfPerson(ctx, person)
	if err != nil {
		return nil, fmt.Errorf("list memberships of person %s: %w", person, classify(err))
	}
	out := make([]Membership, len(rows))
	for i, r := range rows {
		out[i] = Membership{WorkspaceID: r.WorkspaceID, Role: audit.Role(r.Role)}
	}
	return out, nil
}

// SignInFailed counts a wrong password; the most-th in a row locks sign-in for
// the given time and starts the count anew. It returns how long sign-in is now
// locked, not positive when it is not.
func (tx *Tx) SignInFailed(ctx context.Context, person uuid.UUID, most int, lock time.Duration) (time.Duration, error) {
	left, err := tx.q.SignInFailed(ctx, dbsqlc.SignInFailedParams{Most: int32(most), LockSeconds: lock.Seconds(), ID: person})
	if err != nil {
		return 0, fmt.Errorf("count failed sign-in of person %s: %w", person, classify(err))
	}
	return seconds(left), nil
}

// SignInWorked forgets the wrong passwords before.
func (tx *Tx) SignInWorked(ctx context.Context, person uuid.UUID) error {
	if err := tx.q.SignInWorked(ctx, person); err != nil {
		return fmt.Errorf("clear failed sign-ins of person %s: %w", person, classify(err))
	}
	return nil
}

// InsertSession stores a session under the SHA-256 of its token, to end after keep.
func (tx *Tx) InsertSession(ctx context.Context, workspace, person uuid.UUID, tokenHash []byte, keep time.Duration) (uuid.UUID, error) {
	id := newID()
	err := tx.q.InsertSession(ctx, dbsqlc.InsertSessionParams{
		ID: id, WorkspaceID: workspace, PersonID: person, TokenHash: tokenHash, KeepSeconds: keep.Seconds(),
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("insert session: %w", classify(err))
	}
	return id, nil
}

// SessionByHash finds a live session by the SHA-256 of its token, with the role
// its person has now. It needs a Tx that is held to no workspace, and holds it
// to the session's. Errors: NotFound when it is unknown, over or revoked, or
// the person is disabled or no member any more; Unavailable.
func (tx *Tx) SessionByHash(ctx context.Context, tokenHash []byte) (Session, error) {
	r, err := tx.q.SessionByHash(ctx, tokenHash)
	if err != nil {
		return Session{}, fmt.Errorf("find session: %w", classify(err))
	}
	if err := tx.q.HoldTo(ctx, dbsqlc.HoldToParams{WorkspaceID: r.WorkspaceID.String(), PersonID: r.PersonID.String()}); err != nil {
		return Session{}, fmt.Errorf("hold transaction to workspace: %w", classify(err))
	}
	tx.workspace = r.WorkspaceID
	m, err := tx.q.MemberWithWorkspace(ctx, dbsqlc.MemberWithWorkspaceParams{WorkspaceID: r.WorkspaceID, PersonID: r.PersonID})
	if err != nil {
		return Session{}, fmt.Errorf("find member of session %s: %w", r.ID, classify(err))
	}
	return Session{
		ID: r.ID, WorkspaceID: r.WorkspaceID, PersonID: r.PersonID, Email: r.Email, Name: r.Name, Role: audit.Role(m.Role),
		WorkspaceName: m.Name, PausedAt: utcOrNil(m.PausedAt), PauseReason: m.PauseReason, SeenLongAgo: r.SeenLongAgo,
	}, nil
}

// TouchSession notes that the session was used now.
func (tx *Tx) TouchSession(ctx context.Context, id uuid.UUID) error {
	if err := tx.q.TouchSession(ctx, id); err != nil {
		return fmt.Errorf("touch session %s: %w", id, classify(err))
	}
	return nil
}

// RevokeSession ends a session; one that has ended already is no error.
func (tx *Tx) RevokeSession(ctx context.Context, id uuid.UUID) error {
	if _, err := tx.q.RevokeSession(ctx, id); err != nil {
		return fmt.Errorf("revoke session %s: %w", id, classify(err))
	}
	return nil
}

// PauseWorkspace stops all sending in the workspace. Errors: NotFound, Unavailable.
func (tx *Tx) PauseWorkspace(ctx context.Context, workspace uuid.UUID, reason string) error {
	n, err := tx.q.PauseWorkspace(ctx, dbsqlc.PauseWorkspaceParams{ID: workspace, PauseReason: reason})
	return oneWorkspace("pause", workspace, n, err)
}

// ResumeWorkspace lets the workspace send again. Errors: NotFound, Unavailable.
func (tx *Tx) ResumeWorkspace(ctx context.Context, workspace uuid.UUID) error {
	n, err := tx.q.ResumeWorkspace(ctx, workspace)
	return oneWorkspace("resume", workspace, n, err)
}

func oneWorkspace(verb string, workspace uuid.UUID, n int64, err error) error {
	if err == nil && n == 0 {
		err = apperr.New(apperr.NotFound, "no_such_workspace", "there is no such workspace here")
	}
	if err != nil {
		return fmt.Errorf("%s workspace %s: %w", verb, workspace, classify(err))
	}
	return nil
}

// InsertWorkspace writes a workspace. Only the owner role may.
func (tx *Tx) InsertWorkspace(ctx context.Context, name string) (uuid.UUID, error) {
	id := newID()
	if err := tx.q.InsertWorkspace(ctx, dbsqlc.InsertWorkspaceParams{ID: id, Name: name}); err != nil {
		return uuid.Nil, fmt.Errorf("insert workspace: %w", classify(err))
	}
	return id, nil
}

// InsertPerson writes a person with a lower-case address and the hash of their
// password. Only the owner role may. Errors: Conflict when the address is taken.
func (tx *Tx) InsertPerson(ctx context.Context, email, name, passwordHash string) (uuid.UUID, error) {
	id := newID()
	err := tx.q.InsertPerson(ctx, dbsqlc.InsertPersonParams{ID: id, Email: email, Name: name, PasswordHash: passwordHash})
	if err != nil {
		return uuid.Nil, fmt.Errorf("insert person: %w", classify(err))
	}
	return id, nil
}

// InsertMember makes a person a member of a workspace. Only the owner role may.
func (tx *Tx) InsertMember(ctx context.Context, workspace, person uuid.UUID, role audit.Role) error {
	err := tx.q.InsertMember(ctx, dbsqlc.InsertMemberParams{WorkspaceID: workspace, PersonID: person, Role: string(role)})
	if err != nil {
		return fmt.Errorf("insert member: %w", classify(err))
	}
	return nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
