package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/auth"
	"rostrum/shared/config"
	domain "rostrum/shared/post"
	"rostrum/shared/store"
)

func configSecret(s string) config.Secret { return config.Secret(s) }

func hashOf(p config.Secret) (string, error) { return auth.HashPassword(p) }

// plainError is an error without a kind.
type plainError string

func (e plainError) Error() string { return string(e) }

// belongings are the ids of everything that one tenant owns.
type belongings struct {
	posts, accounts, ideas, generations, sources, recurrences, media string
}

func (tn *tenant) fill(t *testing.T) belongings {
	t.Helper()
	b := belongings{accounts: tn.account.ID.String(), posts: tn.awaiting(t, "ours only "+tn.email).str("id")}
	source := tn.call(t, "POST", "/v1/accounts/"+b.accounts+"/sources", map[string]any{"kind": "note", "title": "secret note", "note": "ours only " + tn.email})
	require.Equal(t, http.StatusCreated, source.status, source.text)
	b.sources = source.str("id")
	g := tn.call(t, "POST", "/v1/generate", map[string]any{"account_id": b.accounts, "wanted": 1, "note": "ours only " + tn.email})
	require.Equal(t, http.StatusAccepted, g.status, g.text)
	b.generations = g.str("id")
	r := tn.call(t, "POST", "/v1/recurrences", map[string]any{
		"account_id": b.accounts, "parts": []any{map[string]any{"text": "ours only " + tn.email}}, "rule": "FREQ=DAILY", "start_local": "2026-01-01T09:00:00",
	})
	require.Equal(t, http.StatusCreated, r.status, r.text)
	b.recurrences = r.str("id")
	b.media = tn.addMedia(t, "ours only "+tn.email).str("id")
	require.NoError(t, tn.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		id, err := tx.AddIdea(ctx, tn.actor.WorkspaceID, store.Idea{AccountID: tn.account.ID, Title: "ours only " + tn.email, Angle: "x"})
		b.ideas = id.String()
		return err
	}))
	return b
}

// Every route of the table, asked by one tenant with the other's ids: nothing
// of the other's is read, and nothing is changed.
func TestNoRouteReachesIntoAnotherWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada, bo := b.tenant(t, "ada"), b.tenant(t, "bo")
	theirs := bo.fill(t)
	ada.fill(t)
	before := bo.call(t, "GET", "/v1/posts/"+theirs.posts, nil)
	for _, rt := range b.server.routes() {
		if rt.id == "sign-out" || rt.id == "sign-in" {
			continue
		}
		t.Run(rt.id, func(t *testing.T) {
			t.Parallel()
			path, foreign := foreignPath(rt.path, theirs)
			got := ada.call(t, rt.method, path, foreignBody(rt.id, theirs, before), "If-Match", before.header.Get("ETag"))
			if foreign && rt.method != http.MethodGet || strings.Contains(rt.path, "{id}") || foreignBodies(rt.id) {
				require.Equal(t, http.StatusNotFound, got.status, got.text)
			}
			require.NotContains(t, got.text, bo.email)
			require.NotContains(t, got.text, theirs.posts)
			require.NotContains(t, got.text, bo.actor.WorkspaceID.String())
		})
	}
	t.Cleanup(func() {
		p := theirPost(t, b, bo, theirs.posts)
		require.Equal(t, domain.AwaitingApproval, p.State)
		require.Equal(t, 1, p.Version.Number)
	})
}

func theirPost(t *testing.T, b *bundle, tn *tenant, id string) domain.Post {
	t.Helper()
	var p domain.Post
	require.NoError(t, b.worker.Across(context.WithoutCancel(t.Context()), func(ctx context.Context, tx *store.Tx) error {
		var err error
		p, err = tx.Post(ctx, tn.actor.WorkspaceID, domain.ID(uuid.MustParse(id)))
		return err
	}))
	return p
}

func foreignPath(path string, theirs belongings) (string, bool) {
	_, rest, _ := strings.Cut(path, "/v1/")
	resource, _, _ := strings.Cut(rest, "/")
	id, ok := map[string]string{
		"posts": theirs.posts, "accounts": theirs.accounts, "ideas": theirs.ideas, "generations": theirs.generations, "sources": theirs.sources,
		"recurrences": theirs.recurrences, "media": theirs.media,
	}[resource]
	out := strings.NewReplacer("{id}", id, "{network}", "x").Replace(path)
	switch resource {
	case "posts", "ideas", "generations", "runs", "calendar":
		if !strings.Contains(path, "{id}") {
			out += "?account_id=" + theirs.accounts + "&post_id=" + theirs.posts + "&from=2026-11-01&to=2026-12-01"
		}
	}
	return out, ok && out != path
}

func foreignBodies(id string) bool {
	return id == "create-post" || id == "generate" || id == "connect-account" || id == "create-recurrence" || id == "preview-recurrence"
}

func foreignBody(id string, theirs belongings, p answer) any {
	switch id {
	case "create-post":
		return map[string]any{"account_id": theirs.accounts, "parts": []any{map[string]any{"text": "mine now"}}}
	case "create-recurrence", "preview-recurrence":
		return map[string]any{
			"account_id": theirs.accounts, "parts": []any{map[string]any{"text": "mine now"}}, "rule": "FREQ=DAILY", "start_local": "2026-01-01T09:00:00",
		}
	case "edit-recurrence":
		return map[string]any{"note": "mine now"}
	case "edit-post":
		return map[string]any{"parts": []any{map[string]any{"text": "mine now"}}}
	case "generate":
		return map[string]any{"account_id": theirs.accounts, "wanted": 1}
	case "connect-account":
		return map[string]any{"network": "x", "account_id": theirs.accounts}
	case "approve-post":
		return seen(p)
	case "request-changes", "reject-post", "pause-account", "pause-workspace":
		return map[string]any{"reason": "because"}
	case "schedule-post":
		return map[string]any{"due_local": "2099-01-01T10:00:00"}
	case "resolve-post":
		return map[string]any{"found": false}
	case "add-source":
		return map[string]any{"kind": "note", "note": "mine now"}
	case "edit-account":
		return map[string]any{"voice": "mine now"}
	case "add-media":
		return map[string]any{"name": "a.png", "content_type": "image/png", "bytes": 10}
	case "complete-media":
		return map[string]any{}
	case "preview-length":
		return map[string]any{"network": "x", "text": "abc"}
	}
	return nil
}
