package audit

import "github.com/google/uuid"

// ActorKind says what sort of thing acted.
type ActorKind string

// The kinds of actor. Only Person and Rule can approve a post; the database
// checks that again.
const (
	// Person is a signed-in member.
	Person ActorKind = "person"
	// Token is a program with an API token.
	Token ActorKind = "token"
	// Rule is a rule that a person set, for example auto-approval.
	Rule ActorKind = "rule"
	// System is one of Rostrum's own functions, agents included.
	System ActorKind = "system"
)

// Role is what a member may do in a workspace.
type Role string

// The roles, from most to least.
const (
	Owner    Role = "owner"
	Manager  Role = "manager"
	Editor   Role = "editor"
	Approver Role = "approver"
	Analyst  Role = "analyst"
)

// Actor is who does something, in which workspace, and with which role. Every
// workflow method takes one, and every audit event records one.
type Actor struct {
	Kind ActorKind
	// ID is the person's or token's id; the zero UUID for System.
	ID uuid.UUID
	// Name is what people read: a member's name, or "publish", "writer agent".
	Name        string
	WorkspaceID uuid.UUID
	Role        Role
	// Scopes narrows a Token further; nil means all that the role allows.
	Scopes []string
}

// SystemActor is one of Rostrum's own functions acting in a workspace.
func SystemActor(workspace uuid.UUID, name string) Actor {
	return Actor{Kind: System, Name: name, WorkspaceID: workspace}
}
