// Package auth decides who may do what, and proves who somebody is: roles and
// permissions, passwords and session tokens.
package auth

import (
	"slices"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
)

// Permission is a right in a workspace. Every route and every workflow method
// names one.
type Permission string

// The permissions.
const (
	ReadWorkspace   Permission = "read_workspace"
	EditPosts       Permission = "edit_posts"
	ApprovePosts    Permission = "approve_posts"
	SchedulePosts   Permission = "schedule_posts"
	ManageAccounts  Permission = "manage_accounts"
	ManageWorkspace Permission = "manage_workspace"
	RunAgents       Permission = "run_agents"
	ResolveUnknown  Permission = "resolve_unknown"
)

// Permissions returns what a role allows, nothing for an unknown role. This is
// the one table of rights.
func Permissions(role audit.Role) []Permission {
	switch role {
	case audit.Owner:
		return []Permission{
			ReadWorkspace, EditPosts, ApprovePosts, SchedulePosts, ManageAccounts, ManageWorkspace, RunAgents, ResolveUnknown,
		}
	case audit.Manager:
		return []Permission{ReadWorkspace, EditPosts, ApprovePosts, SchedulePosts, ManageAccounts, RunAgents, ResolveUnknown}
	case audit.Editor:
		return []Permission{ReadWorkspace, EditPosts, SchedulePosts, RunAgents}
	case audit.Approver:
		return []Permission{ReadWorkspace, ApprovePosts, SchedulePosts, ResolveUnknown}
	case audit.Analyst:
		return []Permission{ReadWorkspace}
	}
	return nil
}

// Allowed reports whether the actor has the permission in its own workspace.
// System and Rule actors are our own code and have every right but one: no
// System ever approves. A Token is narrowed by its scopes.
func Allowed(actor audit.Actor, p Permission) bool {
	switch actor.Kind {
	case audit.System:
		return p != ApprovePosts
	case audit.Rule:
		return true
	case audit.Person:
		return slices.Contains(Permissions(actor.Role), p)
	case audit.Token:
		// A token may do all that its role allows except what takes a person's word.
		if p == ApprovePosts || p == ResolveUnknown {
			return false
		}
		return slices.Contains(Permissions(actor.Role), p) && (actor.Scopes == nil || slices.Contains(actor.Scopes, string(p)))
	}
	return false
}

// Require returns a Forbidden error unless the actor has the permission.
func Require(actor audit.Actor, p Permission) error {
	if Allowed(actor, p) {
		return nil
	}
	return apperr.New(apperr.Forbidden, "forbidden", "you may not do this in this workspace").
		WithHint("It takes the right %q; an owner of the workspace can give it to you.", string(p))
}
