package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rostrum/shared/auth"
)

// public marks a route that needs no session. It is no right anybody has.
const public auth.Permission = "public"

// route is one line of the table.
type route struct {
	id, method, path string
	permission       auth.Permission
	tag, summary     string
	status           int
	// idempotent routes take an Idempotency-Key.
	idempotent bool
	// asksWho marks a public route that still wants to know who it is.
	asksWho  bool
	register func(*Server, huma.API)
}

// routes is the table: every route with the right it takes and its handler.
func (s *Server) routes() []route {
	const (
		read, edit, approve, plan = auth.ReadWorkspace, auth.EditPosts, auth.ApprovePosts, auth.SchedulePosts
		accounts, workspace       = auth.ManageAccounts, auth.ManageWorkspace
		agents                    = auth.RunAgents
	)
	return []route{
		get("live", "/health/live", public, "health", "Is the process alive", s.live),
		get("ready", "/health/ready", public, "health", "Can it serve", s.ready),

		post("sign-in", "/v1/session", public, "session", "Sign in", s.signIn),
		del("sign-out", "/v1/session", read, "session", "Sign out", s.signOut),
		get("me", "/v1/me", read, "session", "Who am I, and what may I do", s.me),
		post("pause-workspace", "/v1/workspace/pause", workspace, "workspace", "Stop all sending", s.pauseWorkspace),
		post("resume-workspace", "/v1/workspace/resume", workspace, "workspace", "Let sending go on", s.resumeWorkspace),

		get("list-networks", "/v1/networks", read, "accounts", "List the networks, and what each takes", s.listNetworks),
		get("list-accounts", "/v1/accounts", read, "accounts", "List the accounts", s.listAccounts),
		get("get-account", "/v1/accounts/{id}", read, "accounts", "Show an account", s.getAccount),
		patch("edit-account", "/v1/accounts/{id}", accounts, "accounts", "Edit an account's profile", s.editAccount),
		post("pause-account", "/v1/accounts/{id}/pause", accounts, "accounts", "Stop sending from an account", s.pauseAccount),
		post("resume-account", "/v1/accounts/{id}/resume", accounts, "accounts", "Let an account send again", s.resumeAccount),
		create("connect-account", "/v1/accounts/connect", accounts, "accounts", "Begin connecting an account", http.StatusOK, s.connectAccount),
		asking(get("oauth-callback", "/v1/oauth/{network}/callback", public, "accounts", "Where the network sends the browser back to", s.oauthCallback)),

		get("list-posts", "/v1/posts", read, "posts", "List posts", s.listPosts),
		create("create-post", "/v1/posts", edit, "posts", "Write a post", http.StatusCreated, s.createPost),
		get("get-post", "/v1/posts/{id}", read, "posts", "Show a post", s.getPost),
		patch("edit-post", "/v1/posts/{id}", edit, "posts", "Give a post a new text", s.editPost),
		get("list-versions", "/v1/posts/{id}/versions", read, "posts", "List a post's versions", s.listVersions),
		act("submit-post", "/v1/posts/{id}/submit", edit, "Send a post to review", s.submitPost),
		act("approve-post", "/v1/posts/{id}/approve", approve, "Approve exactly what was seen", s.approvePost),
		act("request-changes", "/v1/posts/{id}/request-changes", approve, "Ask for changes", s.requestChanges),
		act("reject-post", "/v1/posts/{id}/reject", approve, "Reject a post", s.rejectPost),
		act("cancel-post", "/v1/posts/{id}/cancel", plan, "Cancel a post", s.cancelPost),
		act("schedule-post", "/v1/posts/{id}/schedule", plan, "Give a post a time", s.schedulePost),
		act("unschedule-post", "/v1/posts/{id}/unschedule", plan, "Take a post's time away", s.unschedulePost),
		act("publish-post-now", "/v1/posts/{id}/publish-now", plan, "Send an approved post now", s.publishNow),
		act("retry-post", "/v1/posts/{id}/retry", plan, "Try a failed or held post again", s.retryPost),
		act("resolve-post", "/v1/posts/{id}/resolve", auth.ResolveUnknown, "Say what became of an unknown post", s.resolvePost),
		get("list-attempts", "/v1/posts/{id}/attempts", read, "posts", "List a post's send attempts", s.listAttempts),
		get("list-metrics", "/v1/posts/{id}/metrics", read, "posts", "List a post's readings", s.listMetrics),
		get("list-history", "/v1/posts/{id}/history", read, "posts", "What happened to a post", s.listHistory),
		post("preview-length", "/v1/preview/length", read, "posts", "How long the network counts a text", s.previewLength),

		get("list-recurrences", "/v1/recurrences", read, "recurrences", "List the recurrences", s.listRecurrences),
		create("create-recurrence", "/v1/recurrences", edit, "recurrences", "Repeat a post by a rule", http.StatusCreated, s.createRecurrence),
		post("preview-recurrence", "/v1/recurrences/preview", read, "recurrences", "The next ten dates of a rule", s.previewRecurrence),
		get("get-recurrence", "/v1/recurrences/{id}", read, "recurrences", "Show a recurrence", s.getRecurrence),
		patch("edit-recurrence", "/v1/recurrences/{id}", edit, "recurrences", "Edit a recurrence and its posts that nobody approved", s.editRecurrence),
		del("remove-recurrence", "/v1/recurrences/{id}", plan, "recurrences", "Take a recurrence away", s.removeRecurrence),
		post("pause-recurrence", "/v1/recurrences/{id}/pause", plan, "recurrences", "Make no posts for a while", s.pauseRecurrence),
		post("resume-recurrence", "/v1/recurrences/{id}/resume", plan, "recurrences", "Make posts again", s.resumeRecurrence),
		post("end-recurrence", "/v1/recurrences/{id}/end", plan, "recurrences", "Make no more posts", s.endRecurrence),
		create("add-media", "/v1/media", edit, "media", "Begin to upload an image", http.StatusCreated, s.addMedia),
		post("complete-media", "/v1/media/{id}/complete", edit, "media", "Say that an image is uploaded", s.completeMedia),
		get("list-media", "/v1/media", read, "media", "List the images", s.listMedia),
		get("get-media", "/v1/media/{id}", read, "media", "Show an image", s.getMedia),
		del("remove-media", "/v1/media/{id}", edit, "media", "Remove an image that no post shows", s.removeMedia),

		create("generate", "/v1/generate", agents, "agents", "Ask the agents for drafts", http.StatusAccepted, s.generate),
		get("list-generations", "/v1/generations", read, "agents", "List the agents' runs", s.listGenerations),
		get("get-generation", "/v1/generations/{id}", read, "agents", "Show one run of the agents", s.getGeneration),
		get("list-ideas", "/v1/ideas", read, "agents", "List ideas", s.listIdeas),
		post("dismiss-idea", "/v1/ideas/{id}/dismiss", edit, "agents", "Take an idea off the list", s.dismissIdea),
		create("draft-idea", "/v1/ideas/{id}/draft", agents, "agents", "Have an idea drafted", http.StatusAccepted, s.draftIdea),
		get("list-runs", "/v1/runs", read, "agents", "What the agents asked their model, and what it cost", s.listRuns),
		get("list-sources", "/v1/accounts/{id}/sources", read, "agents", "List an account's sources", s.listSources),
		create("add-source", "/v1/accounts/{id}/sources", accounts, "agents", "Give an account something to read", http.StatusCreated, s.addSource),
		del("remove-source", "/v1/sources/{id}", accounts, "agents", "Take a source away", s.removeSource),

		get("calendar", "/v1/calendar", read, "overview", "Posts and slots of some days", s.calendar),
		get("today", "/v1/today", read, "overview", "What needs a person, what goes out next", s.today),
		get("changes", "/v1/changes", read, "overview", "What changed since", s.changes),
		get("system", "/v1/system", read, "system", "Quotas, breakers, switches, and what waits for which", s.system),
		post("try-breaker", "/v1/system/try", accounts, "system", "Let an open breaker try at once", s.tryBreaker),
		post("pause-switch", "/v1/switches/pause", accounts, "system", "Pause a network or an agent", s.pauseSwitch),
		post("resume-switch", "/v1/switches/resume", accounts, "system", "Resume a network or an agent", s.resumeSwitch),
		get("queues", "/v1/queues", read, "overview", "How much waits in each queue", s.queues),
		get("list-audit", "/v1/audit", read, "overview", "Who did what", s.listAudit),
	}
}

func get[I, O any](id, path string, p auth.Permission, tag, summary string, h func(context.Context, *I) (*O, error)) route {
	return operation(route{id: id, method: http.MethodGet, path: path, permission: p, tag: tag, summary: summary}, h)
}

func post[I, O any](id, path string, p auth.Permission, tag, summary string, h func(context.Context, *I) (*O, error)) route {
	return operation(route{id: id, method: http.MethodPost, path: path, permission: p, tag: tag, summary: summary}, h)
}

func patch[I, O any](id, path string, p auth.Permission, tag, summary string, h func(context.Context, *I) (*O, error)) route {
	return operation(route{id: id, method: http.MethodPatch, path: path, permission: p, tag: tag, summary: summary}, h)
}

func del[I, O any](id, path string, p auth.Permission, tag, summary string, h func(context.Context, *I) (*O, error)) route {
	return operation(route{id: id, method: http.MethodDelete, path: path, permission: p, tag: tag, summary: summary, status: http.StatusNoContent}, h)
}

// create is a route that makes something, and that a client may repeat under
// an Idempotency-Key.
func create[I, O any](id, path string, p auth.Permission, tag, summary string, status int, h func(context.Context, *I) (*O, error)) route {
	return operation(route{
		id: id, method: http.MethodPost, path: path, permission: p, tag: tag, summary: summary, status: status, idempotent: true,
	}, h)
}

// act is a decision on a post.
func act[I, O any](id, path string, p auth.Permission, summary string, h func(context.Context, *I) (*O, error)) route {
	return operation(route{
		id: id, method: http.MethodPost, path: path, permission: p, tag: "posts", summary: summary, idempotent: true,
	}, h)
}

func asking(rt route) route {
	rt.asksWho = true
	return rt
}

func operation[I, O any](rt route, h func(context.Context, *I) (*O, error)) route {
	rt.register = func(s *Server, api huma.API) {
		op := huma.Operation{
			OperationID: rt.id, Method: rt.method, Path: rt.path, Summary: rt.summary, Tags: []string{rt.tag},
			DefaultStatus: rt.status, MaxBodyBytes: maxBody + 1,
			Responses: map[string]*huma.Response{"default": problemResponse(api.OpenAPI().Components.Schemas)},
		}
		if rt.permission == public {
			op.Description = "Needs no session."
		} else {
			op.Description = "Takes the right `" + string(rt.permission) + "`."
			op.Security = []map[string][]string{{"session": {}}}
		}
		if rt.idempotent {
			op.Parameters = append(op.Parameters, &huma.Param{
				Name: strings.ToLower(keyHeader), In: "header", Schema: &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(maxKey)},
				Description: "A repeat with the same key gets the first answer, marked Idempotency-Replayed.",
			})
		}
		query := map[string]bool{}
		for _, f := range reflect.VisibleFields(reflect.TypeFor[I]()) {
			if name := f.Tag.Get("query"); name != "" {
				query[name] = true
			}
		}
		huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
			stateOf(ctx).query = query
			out, err := h(ctx, in)
			if err != nil {
				return nil, s.problemOf(ctx, err)
			}
			return out, nil
		})
	}
	return rt
}
