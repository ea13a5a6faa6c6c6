package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
)

func TestRolesHaveTheirRightsAndNoOthers(t *testing.T) {
	t.Parallel()
	all := auth.Permissions(audit.Owner)
	require.Len(t, all, 8)
	for role, want := range map[audit.Role][]auth.Permission{
		audit.Owner:   all,
		audit.Manager: {"read_workspace", "edit_posts", "approve_posts", "schedule_posts", "manage_accounts", "run_agents", "resolve_unknown"},
		audit.Editor:  {"read_workspace", "edit_posts", "schedule_posts", "run_agents"},
		audit.Approver: {
			"read_workspace", "approve_posts", "schedule_posts", "resolve_unknown",
		},
		audit.Analyst: {"read_workspace"},
		"stranger":    nil,
	} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			actor := audit.Actor{Kind: audit.Person, Role: role}
			for _, p := range all {
				err := auth.Require(actor, p)
				if auth.Allowed(actor, p) {
					require.NoError(t, err)
					require.Contains(t, want, p)
				} else {
					require.True(t, apperr.Is(err, apperr.Forbidden))
					require.NotContains(t, want, p)
				}
			}
		})
	}
}

func TestOnlyPeopleAndRulesApprove(t *testing.T) {
	t.Parallel()
	require.False(t, auth.Allowed(audit.Actor{Kind: audit.System}, auth.ApprovePosts))
	require.False(t, auth.Allowed(audit.Actor{Kind: audit.Token, Role: audit.Owner}, auth.ApprovePosts))
	require.False(t, auth.Allowed(audit.Actor{Kind: audit.Token, Role: audit.Owner}, auth.ResolveUnknown))
	require.False(t, auth.Allowed(audit.Actor{}, auth.ReadWorkspace))
	require.True(t, auth.Allowed(audit.Actor{Kind: audit.Rule}, auth.ApprovePosts))
}

func TestScopesNarrowAToken(t *testing.T) {
	t.Parallel()
	token := audit.Actor{Kind: audit.Token, Role: audit.Editor, Scopes: []string{"read_workspace", "manage_accounts"}}
	require.True(t, auth.Allowed(token, auth.ReadWorkspace))
	require.False(t, auth.Allowed(token, auth.EditPosts))
	require.False(t, auth.Allowed(token, auth.ManageAccounts), "a scope gives no right that the role lacks")
}
