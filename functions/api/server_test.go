package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	simx "rostrum/shared/simulator/x"
	"rostrum/shared/store"
)

func TestAPostsWayToItsSchedule(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	p := tn.awaiting(t, "hi 👋 there")
	require.Equal(t, `"`+p.str("etag")+`"`, p.header.Get("ETag"))
	require.Equal(t, []any{"approve", "request_changes", "reject", "schedule", "edit", "cancel"}, p.json["actions"])
	require.Equal(t, "It waits for a person to approve it.", p.str("why_not_out"))
	review, _ := p.json["review"].(map[string]any)
	finding, _ := review["findings"].([]any)[0].(map[string]any)
	require.EqualValues(t, 5, finding["end"], "three characters and a pair")

	due := time.Now().Add(3 * time.Hour).UTC().Format(time.RFC3339)
	in := seen(p)
	in["due_local"] = "2099-03-29T02:30:00"
	id := p.str("id")
	got := tn.call(t, http.MethodPost, "/v1/posts/"+id+"/approve", in)
	require.Equal(t, http.StatusOK, got.status, got.text)
	require.Equal(t, "scheduled", got.str("state"))
	require.Equal(t, "2099-03-29T03:30:00", got.str("due_local"))
	require.Equal(t, "02:30 does not exist on that day in Europe/Berlin; moved to 03:30.", got.str("schedule_note"))
	approval, _ := got.json["approval"].(map[string]any)
	require.Equal(t, "ada", approval["by"])
	require.Equal(t, got.json["content_hash"], approval["content_hash"])
	require.NotEmpty(t, due)

	history := tn.call(t, http.MethodGet, "/v1/posts/"+id+"/history", nil)
	require.Contains(t, history.text, "ada approved version 1.")
	audit := tn.call(t, http.MethodGet, "/v1/audit", nil)
	require.Contains(t, audit.text, `"account_id":"`+tn.account.ID.String()+`"`, "an act names its account")
	require.Contains(t, audit.text, `"account_id":null`, "one about none names none")
	cal := tn.call(t, http.MethodGet, "/v1/calendar?from=2099-03-01&to=2099-04-01&zone=Europe/Berlin", nil)
	require.Equal(t, http.StatusOK, cal.status, cal.text)
	require.Len(t, cal.json["items"], 1)
	today := tn.call(t, http.MethodGet, "/v1/today", nil)
	require.Equal(t, http.StatusOK, today.status, today.text)
	require.Len(t, today.json["next_out"], 1)
	got = tn.call(t, http.MethodPost, "/v1/posts/"+id+"/unschedule", nil)
	require.Equal(t, "approved", got.str("state"), got.text)
	got = tn.call(t, http.MethodPost, "/v1/posts/"+id+"/publish-now", nil)
	require.Equal(t, "scheduled", got.str("state"), got.text)
	require.Equal(t, http.StatusOK, tn.call(t, http.MethodPost, "/v1/posts/"+id+"/cancel", nil).status)
}

func TestTwoApproversAtOnceExactlyOneWins(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	p := tn.awaiting(t, "both at once")
	answers := make([]answer, 2)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = tn.call(t, http.MethodPost, "/v1/posts/"+p.str("id")+"/approve", seen(p)) })
	}
	wg.Wait()
	if answers[0].status != http.StatusOK {
		answers[0], answers[1] = answers[1], answers[0]
	}
	require.Equal(t, http.StatusOK, answers[0].status, answers[0].text)
	requireProblem(t, answers[1], http.StatusConflict, "already_decided")
	require.Equal(t, "Ada approved it first.", sentence(answers[1].str("detail")))
}

func TestBadRequestsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	p := tn.post(t, "hello")
	id := p.str("id")
	long := strings.Repeat("a", 301)
	for name, c := range map[string]struct {
		method, path string
		body         any
		header       []string
		status       int
		code         string
	}{
		"TextOverTheLimit":      {"POST", "/v1/posts", newPost(tn, "fine", long), nil, 422, "text_too_long"},
		"NoParts":               {"POST", "/v1/posts", newPost(tn), nil, 422, "invalid_request"},
		"UnknownField":          {"POST", "/v1/posts", map[string]any{"account_id": "x", "parts": []any{}, "colour": "red"}, nil, 422, "invalid_request"},
		"BrokenJSON":            {"POST", "/v1/posts", `{"account_id": "`, nil, 400, "bad_json"},
		"NoJSON":                {"POST", "/v1/posts", "parts=1", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"},
		"BodyOverOneMiB":        {"POST", "/v1/posts", `{"x":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 413, "body_too_large"},
		"KeyedBodyOverOneMiB":   {"POST", "/v1/posts", `{"x":"` + strings.Repeat("a", 1<<20) + `"}`, []string{"Idempotency-Key", "k"}, 413, "body_too_large"},
		"PastTime":              {"POST", "/v1/posts/" + id + "/schedule", map[string]any{"due_local": "2020-01-01T10:00:00"}, nil, 422, "due_in_past"},
		"NoTime":                {"POST", "/v1/posts/" + id + "/schedule", map[string]any{"due_local": "soon"}, nil, 422, "bad_local_time"},
		"NoZone":                {"POST", "/v1/posts/" + id + "/schedule", map[string]any{"due_local": "2099-01-01T10:00:00", "zone": "Mars/Base"}, nil, 422, "bad_zone"},
		"NoIfMatch":             {"PATCH", "/v1/posts/" + id, map[string]any{"parts": []any{map[string]any{"text": "x"}}}, nil, 428, "precondition_required"},
		"StaleIfMatch":          {"PATCH", "/v1/posts/" + id, map[string]any{"parts": []any{map[string]any{"text": "x"}}}, []string{"If-Match", `"99"`}, 412, "stale"},
		"ForeignIfMatch":        {"PATCH", "/v1/posts/" + id, map[string]any{"parts": []any{map[string]any{"text": "x"}}}, []string{"If-Match", `"abc"`}, 412, "stale"},
		"ApproveADraft":         {"POST", "/v1/posts/" + id + "/approve", seen(p), nil, 409, "wrong_state"},
		"KeyWithComma":          {"POST", "/v1/posts", newPost(tn, "x"), []string{"Idempotency-Key", "a,b"}, 400, "bad_idempotency_key"},
		"KeyTooLong":            {"POST", "/v1/posts", newPost(tn, "x"), []string{"Idempotency-Key", strings.Repeat("k", 201)}, 400, "bad_idempotency_key"},
		"NoSuchPost":            {"GET", "/v1/posts/" + uuid.NewString(), nil, nil, 404, "no_such_post"},
		"NoID":                  {"GET", "/v1/posts/seven", nil, nil, 404, "not_found"},
		"NoSuchRoute":           {"GET", "/v1/nothing", nil, nil, 404, "no_such_route"},
		"NoSuchMethod":          {"PUT", "/v1/posts/" + id, nil, nil, 405, "method_not_allowed"},
		"NoSuchMethodOfHealth":  {"POST", "/health/ready", nil, nil, 405, "method_not_allowed"},
		"NoSuchState":           {"GET", "/v1/posts?state=asleep", nil, nil, 422, "bad_state"},
		"NULInText":             {"POST", "/v1/workspace/pause", `{"reason":"a\u0000b"}`, nil, 400, "bad_characters"},
		"NULAsItIs":             {"POST", "/v1/workspace/pause", "{\"reason\":\"a\x00b\"}", nil, 400, "bad_characters"},
		"HalfASurrogate":        {"POST", "/v1/posts", `{"account_id":"` + tn.account.ID.String() + `","parts":[{"text":"a\ud83db"}]}`, nil, 400, "bad_characters"},
		"SurrogatesBackwards":   {"POST", "/v1/posts", `{"account_id":"` + tn.account.ID.String() + `","parts":[{"text":"\udc4b\ud83d"}]}`, nil, 400, "bad_characters"},
		"BodyOfLatin1":          {"POST", "/v1/posts", `{"account_id":"` + tn.account.ID.String() + `","parts":[{"text":"` + "caf\xe9" + `"}]}`, nil, 400, "bad_characters"},
		"NULInQuery":            {"GET", "/v1/posts?q=%00", nil, nil, 400, "bad_characters"},
		"QueryOfLatin1":         {"GET", "/v1/posts?q=%e9", nil, nil, 400, "bad_characters"},
		"NULInPath":             {"GET", "/v1/posts/%00", nil, nil, 400, "bad_characters"},
		"NoCursor":              {"GET", "/v1/posts?cursor=abc", nil, nil, 422, "bad_cursor"},
		"NoChangesCursor":       {"GET", "/v1/changes?after=%25", nil, nil, 422, "bad_cursor"},
		"LimitTooHigh":          {"GET", "/v1/posts?limit=101", nil, nil, 422, "invalid_request"},
		"CalendarTooLong":       {"GET", "/v1/calendar?from=2026-01-01&to=2026-06-01", nil, nil, 422, "bad_span"},
		"CalendarBackwards":     {"GET", "/v1/calendar?from=2026-02-01&to=2026-01-01", nil, nil, 422, "bad_span"},
		"InwardSource":          {"POST", "/v1/accounts/" + tn.account.ID.String() + "/sources", map[string]any{"kind": "feed", "url": "http://169.254.169.254/"}, nil, 422, "source_address_refused"},
		"TooManyDraftsWanted":   {"POST", "/v1/generate", map[string]any{"account_id": tn.account.ID.String(), "wanted": 11}, nil, 422, "invalid_request"},
		"ProfileWithoutAZone":   {"PATCH", "/v1/accounts/" + tn.account.ID.String(), map[string]any{"time_zone": "Mars/Base"}, []string{"If-Match", `"1"`}, 422, "bad_time_zone"},
		"ProfileOverAnothers":   {"PATCH", "/v1/accounts/" + tn.account.ID.String(), map[string]any{"voice": "dry"}, []string{"If-Match", `"0"`}, 412, "stale"},
		"ResolveWhatIsNoRiddle": {"POST", "/v1/posts/" + id + "/resolve", map[string]any{"found": false}, nil, 409, "wrong_state"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireProblem(t, tn.call(t, c.method, c.path, c.body, c.header...), c.status, c.code)
		})
	}
	t.Run("EscapesOfWholeCharactersAreText", func(t *testing.T) {
		t.Parallel()
		body := `{"account_id":"` + tn.account.ID.String() + `","parts":[{"text":"a \\u0000 \ud83d\udc4b \u00e9 \\"}]}`
		got := tn.call(t, "POST", "/v1/posts", body)
		require.Equal(t, http.StatusCreated, got.status, got.text)
		require.Equal(t, `a \u0000 👋 é \`, got.str("text"))
	})
	t.Run("TheMethodsThatThereAreAreNamed", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "GET, PATCH", tn.call(t, "PUT", "/v1/posts/"+id, nil).header.Get("Allow"))
		require.Equal(t, "POST", tn.call(t, "GET", "/v1/posts/"+id+"/approve", nil).header.Get("Allow"))
		require.Empty(t, tn.call(t, "PUT", "/v1/nothing", nil).header.Get("Allow"))
	})
	t.Run("WhatIsWrongInTheQueryIsSaidOfTheQuery", func(t *testing.T) {
		t.Parallel()
		for path, location := range map[string]string{
			"/v1/posts?cursor=abc":                         "query.cursor",
			"/v1/posts?state=asleep":                       "query.state",
			"/v1/calendar?from=2026-01-01&to=2026-06-01":   "query.to",
			"/v1/posts?limit=101":                          "query.limit",
			"/v1/posts?q=" + strings.Repeat("%C3%A4", 201): "query.q",
		} {
			require.Contains(t, tn.call(t, "GET", path, nil).text, `"location":"`+location+`"`, path)
		}
		require.Contains(t, tn.call(t, "POST", "/v1/posts", newPost(tn, "fine", long)).text, `"location":"body.parts"`)
	})
	t.Run("TheOverlongPartIsNamed", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "Part 2 is 301 of 280.", tn.call(t, "POST", "/v1/posts", newPost(tn, "fine", long)).str("detail"))
	})
}

func TestIdempotencyKeyReplaysTheFirstAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	first := tn.call(t, "POST", "/v1/posts", newPost(tn, "once"), "Idempotency-Key", "k1")
	require.Equal(t, http.StatusCreated, first.status, first.text)
	require.Empty(t, first.header.Get("Idempotency-Replayed"))
	again := tn.call(t, "POST", "/v1/posts", newPost(tn, "once"), "Idempotency-Key", "k1")
	require.Equal(t, http.StatusCreated, again.status)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Equal(t, first.text, again.text)
	require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
	requireProblem(t, tn.call(t, "POST", "/v1/posts", newPost(tn, "twice"), "Idempotency-Key", "k1"), 409, "idempotency_key_reused")
	require.Len(t, tn.call(t, "GET", "/v1/posts", nil).json["items"], 1)

	other := b.tenant(t, "bo")
	theirs := other.call(t, "POST", "/v1/posts", newPost(other, "once"), "Idempotency-Key", "k1")
	require.Equal(t, http.StatusCreated, theirs.status)
	require.NotEqual(t, first.str("id"), theirs.str("id"), "keys are of one person")

	bad := tn.call(t, "POST", "/v1/posts", newPost(tn, strings.Repeat("a", 300)), "Idempotency-Key", "k2")
	require.Equal(t, 422, bad.status)
	require.Equal(t, 201, tn.call(t, "POST", "/v1/posts", newPost(tn, "mended"), "Idempotency-Key", "k2").status, "what failed did nothing, so its key is free")
}

func TestIdempotentRequestsAtOnceRunOnce(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	answers := make([]answer, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = tn.call(t, "POST", "/v1/posts", newPost(tn, "at once"), "Idempotency-Key", "same")
		})
	}
	wg.Wait()
	made := 0
	for _, a := range answers {
		switch a.status {
		case http.StatusCreated:
			if a.header.Get("Idempotency-Replayed") == "" {
				made++
			}
		default:
			requireProblem(t, a, http.StatusConflict, "in_progress")
			require.Equal(t, "1", a.header.Get("Retry-After"))
		}
	}
	require.Equal(t, 1, made)
	require.Len(t, tn.call(t, "GET", "/v1/posts", nil).json["items"], 1)
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	me := tn.call(t, "GET", "/v1/me", nil)
	require.Equal(t, 200, me.status)
	require.Len(t, me.json["permissions"], 8)
	stranger := b.browser(t)
	requireProblem(t, call(t, stranger, "GET", b.http.URL+"/v1/me", nil), 401, "sign_in_required")
	requireProblem(t, call(t, stranger, "POST", b.http.URL+"/v1/session", map[string]any{"email": tn.email, "password": "wrong wrong"}), 401, "wrong_credentials")
	requireProblem(t, call(t, stranger, "POST", b.http.URL+"/v1/session", map[string]any{"email": "who@example.org", "password": "wrong wrong"}), 401, "wrong_credentials")

	u, err := url.Parse(b.http.URL)
	require.NoError(t, err)
	cookies := tn.client.Jar.Cookies(u)
	require.Len(t, cookies, 1)
	require.Equal(t, 204, tn.call(t, "DELETE", "/v1/session", nil).status)
	requireProblem(t, tn.call(t, "GET", "/v1/me", nil), 401, "sign_in_required")
	requireProblem(t, call(t, stranger, "GET", b.http.URL+"/v1/me", nil, "Cookie", cookies[0].String()), 401, "sign_in_required")
}

func TestSessionCookieIsOutOfReachOfScripts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	got := call(t, b.browser(t), "POST", b.http.URL+"/v1/session", map[string]any{"email": tn.email, "password": password})
	cookie := got.header.Get("Set-Cookie")
	require.Contains(t, cookie, "HttpOnly")
	require.Contains(t, cookie, "SameSite=Lax")
	require.NotContains(t, cookie, "Secure", "a laptop has no https")
	secure := &Server{secure: true}
	c := secure.cookie("v", 1)
	require.True(t, c.Secure)
	require.Equal(t, "__Host-rostrum_session", c.Name)
}

func TestTenWrongPasswordsLockSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	try := func(pw string) answer {
		return call(t, b.browser(t), "POST", b.http.URL+"/v1/session", map[string]any{"email": tn.email, "password": pw})
	}
	for range 9 {
		require.Equal(t, 401, try("wrong wrong").status)
	}
	locked := try("wrong wrong")
	requireProblem(t, locked, 429, "too_many_attempts")
	require.NotEmpty(t, locked.header.Get("Retry-After"))
	requireProblem(t, try(password), 429, "too_many_attempts")
	require.Equal(t, 200, tn.call(t, "GET", "/v1/me", nil).status, "who is in stays in")
}

func TestRolesBindEveryWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	require.NoError(t, b.owner.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		hash, err := hashOf(password)
		if err != nil {
			return err
		}
		id, err := tx.InsertPerson(ctx, "nan@example.org", "Nan", hash)
		if err != nil {
			return err
		}
		return tx.InsertMember(ctx, tn.actor.WorkspaceID, id, audit.Analyst)
	}))
	analyst := &tenant{bundle: b, client: b.browser(t)}
	require.Equal(t, 200, analyst.call(t, "POST", "/v1/session", map[string]any{"email": "nan@example.org", "password": password}).status)
	for _, rt := range b.server.routes() {
		if rt.permission == public || rt.id == "sign-out" {
			continue
		}
		t.Run(rt.id, func(t *testing.T) {
			t.Parallel()
			path := strings.NewReplacer("{id}", uuid.NewString(), "{network}", "x").Replace(rt.path)
			got := analyst.call(t, rt.method, path, map[string]any{})
			if rt.permission == "read_workspace" {
				require.NotEqual(t, 403, got.status, got.text)
				return
			}
			requireProblem(t, got, 403, "forbidden")
		})
	}
}

func TestOtherSitesMayNotWrite(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	for name, header := range map[string][]string{
		"FetchMetadata": {"Sec-Fetch-Site", "cross-site"},
		"Origin":        {"Origin", "https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireProblem(t, tn.call(t, "POST", "/v1/posts", newPost(tn, "x"), header...), 403, "cross_origin")
			require.Equal(t, 200, tn.call(t, "GET", "/v1/me", nil, header...).status, "reading is the browser's own rule")
		})
	}
	require.Equal(t, 201, tn.call(t, "POST", "/v1/posts", newPost(tn, "x"), "Sec-Fetch-Site", "same-origin").status)
}

func TestConnectingThroughTheNetwork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	begin := func(body map[string]any) string {
		got := tn.call(t, "POST", "/v1/accounts/connect", body)
		require.Equal(t, 200, got.status, got.text)
		return got.str("authorize_url")
	}
	handle := simx.DemoAccounts()[0].Handle
	consent := func(address, handle, approve string) string {
		got := call(t, tn.client, "GET", address+"&sim_account="+handle+"&sim_approve="+approve, nil)
		return got.header.Get("Location")
	}
	callback := consent(begin(map[string]any{"network": "x"}), handle, "1")
	require.True(t, strings.HasPrefix(callback, b.http.URL+"/v1/oauth/x/callback?"), callback)

	other := b.tenant(t, "bo")
	stolen := call(t, other.client, "GET", callback, nil)
	require.Equal(t, "/accounts?connect_problem=connect_expired&network=x", stolen.header.Get("Location"), "only the session that began may end it")

	got := call(t, tn.client, "GET", callback, nil)
	require.Equal(t, 303, got.status, got.text)
	location := got.header.Get("Location")
	require.True(t, strings.HasPrefix(location, "/accounts/") && strings.HasSuffix(location, "?connected=1"), location)
	require.Equal(t, "/accounts?connect_problem=connect_expired&network=x", call(t, tn.client, "GET", callback, nil).header.Get("Location"), "a state is used once")

	id := strings.TrimSuffix(strings.TrimPrefix(location, "/accounts/"), "?connected=1")
	a := tn.call(t, "GET", "/v1/accounts/"+id, nil)
	require.Equal(t, handle, a.str("handle"))
	require.Equal(t, "connected", a.str("status"))

	again := consent(begin(map[string]any{"network": "x", "account_id": id}), simx.DemoAccounts()[1].Handle, "1")
	require.Equal(t, "/accounts?connect_problem=other_account&network=x", call(t, tn.client, "GET", again, nil).header.Get("Location"))
	denied := consent(begin(map[string]any{"network": "x"}), handle, "0")
	require.Equal(t, "/accounts?connect_problem=connect_denied&network=x", call(t, tn.client, "GET", denied, nil).header.Get("Location"))
	require.Equal(t, "/accounts?connect_problem=sign_in_required&network=x", call(t, b.browser(t), "GET", callback, nil).header.Get("Location"))

	refused := tn.call(t, "POST", "/v1/accounts/connect", map[string]any{"network": "instagram"})
	requireProblem(t, refused, http.StatusConflict, "network_not_set_up")
	require.Equal(t, "Instagram is not set up here: INSTAGRAM_CLIENT_ID and INSTAGRAM_CLIENT_SECRET are not set.", refused.str("detail"))

	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.Tokens(ctx, tn.actor.WorkspaceID, account.ID(uuid.MustParse(id)))
		require.NotEmpty(t, row.Access)
		require.NotEmpty(t, row.Refresh)
		return err
	}))
}

func TestEditingAProfile(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	path := "/v1/accounts/" + tn.account.ID.String()
	a := tn.call(t, "GET", path, nil)
	edited := tn.call(t, "PATCH", path, map[string]any{
		"voice": "dry", "goals": []string{"be read"}, "slots": []any{map[string]any{"weekday": 1, "time": "09:30"}},
		"projects": []any{map[string]any{"name": "Ebb", "about": "a queue"}}, "min_gap_minutes": 30,
	}, "If-Match", a.header.Get("ETag"))
	require.Equal(t, 200, edited.status, edited.text)
	require.Equal(t, "dry", edited.str("voice"))
	require.Equal(t, "Europe/Berlin", edited.str("time_zone"), "what was left out stays")
	require.Len(t, edited.json["next_slots"], 10)
	cleared := tn.call(t, "PATCH", path, map[string]any{"slots": []any{}}, "If-Match", edited.header.Get("ETag"))
	require.Empty(t, cleared.json["slots"], cleared.text)
	require.Equal(t, []any{"be read"}, cleared.json["goals"])
	paused := tn.call(t, "POST", path+"/pause", map[string]any{"reason": "holiday"})
	require.Equal(t, true, paused.json["paused"], paused.text)
	require.Equal(t, "holiday", paused.str("pause_reason"))
	require.Equal(t, false, tn.call(t, "POST", path+"/resume", nil).json["paused"])
	require.Equal(t, true, tn.call(t, "POST", "/v1/workspace/pause", map[string]any{"reason": "fire drill"}).json["paused"])
	me := tn.call(t, "GET", "/v1/me", nil)
	require.Contains(t, me.text, "fire drill")
	require.Equal(t, false, tn.call(t, "POST", "/v1/workspace/resume", nil).json["paused"])
}

func TestListsArePagedWithoutGapOrDouble(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	made := map[string]bool{}
	for range 7 {
		made[tn.post(t, "a post "+uuid.NewString()).str("id")] = true
	}
	for _, path := range []string{"/v1/posts?limit=3", "/v1/posts?limit=3&state=draft&q=A%20POST"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			cursor := ""
			for range 4 {
				got := tn.call(t, "GET", path+cursor, nil)
				require.Equal(t, 200, got.status, got.text)
				items, _ := got.json["items"].([]any)
				for _, item := range items {
					row, _ := item.(map[string]any)
					id, _ := row["id"].(string)
					require.False(t, seen[id], "twice")
					seen[id] = true
				}
				next, ok := got.json["next_cursor"].(string)
				if !ok {
					break
				}
				cursor = "&cursor=" + next
			}
			require.Equal(t, made, seen)
		})
	}
	require.Empty(t, tn.call(t, "GET", "/v1/posts?q=nobody+wrote+this", nil).json["items"])
}

func TestChangesTellWhatHappenedSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn, other := b.tenant(t, "ada"), b.tenant(t, "bo")
	start := tn.call(t, "GET", "/v1/changes", nil)
	require.Empty(t, start.json["items"])
	id := tn.post(t, "news").str("id")
	foreign := other.post(t, "not yours").str("id")
	var got answer
	// Other tests on this server hold transactions open. Until those end the feed is
	// held back, and it may tell what was committed just before the start once more.
	require.Eventually(t, func() bool {
		got = tn.call(t, "GET", "/v1/changes?after="+start.str("cursor"), nil)
		return strings.Contains(got.text, id)
	}, 30*time.Second, 50*time.Millisecond)
	require.NotContains(t, got.text, foreign)
	require.Equal(t, 1, strings.Count(got.text, "post.created"))
	require.Empty(t, tn.call(t, "GET", "/v1/changes?after="+got.str("cursor"), nil).json["items"])
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	for _, path := range []string{"/v1/me", "/docs", "/openapi.json", "/", "/v1/nothing"} {
		got := tn.call(t, "GET", path, nil, "Accept", "text/html,application/json")
		require.Contains(t, got.header.Get("Content-Security-Policy"), "default-src 'self'", path)
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), path)
		require.NotEmpty(t, got.header.Get("X-Request-Id"), path)
	}
	require.Equal(t, "no-store", tn.call(t, "GET", "/v1/me", nil).header.Get("Cache-Control"))
	require.Equal(t, 200, tn.call(t, "GET", "/health/ready", nil).status)
	require.Contains(t, tn.call(t, "GET", "/v1/queues", nil).text, `"visible":3`)
	require.Equal(t, map[string]any{"length": 3.0, "limit": 280.0},
		tn.call(t, "POST", "/v1/preview/length", map[string]any{"network": "x", "text": "abc"}).json)
}

func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const canary = "canary-5f1d-secret"
	b.server.Depths = func(context.Context) (map[queue.Name]sqsqueue.Depth, error) {
		return nil, plainError("internal: " + canary)
	}
	tn := b.tenant(t, "ada")
	got := tn.call(t, "GET", "/v1/queues", nil)
	requireProblem(t, got, 500, "internal")
	require.NotContains(t, got.text, canary)
	require.Contains(t, b.log.String(), canary, "the log holds the cause")
	require.Contains(t, b.log.String(), got.str("request_id"))

	wrong := "pass-" + canary + "-word"
	refused := call(t, b.browser(t), "POST", b.http.URL+"/v1/session", map[string]any{"email": tn.email, "password": wrong})
	require.NotContains(t, refused.text, wrong)
	bad := call(t, b.browser(t), "POST", b.http.URL+"/v1/session", map[string]any{"email": 7, "password": []string{wrong}})
	require.Equal(t, 422, bad.status)
	require.NotContains(t, bad.text, wrong)
	call(t, b.browser(t), "GET", b.http.URL+"/v1/oauth/x/callback?code="+wrong+"&state="+wrong, nil)
	require.NotContains(t, b.log.String(), wrong)
	require.NotContains(t, b.log.String(), password)
	require.NotContains(t, b.log.String(), "app-secret")
	u, err := url.Parse(b.http.URL)
	require.NoError(t, err)
	require.NotContains(t, b.log.String(), tn.client.Jar.Cookies(u)[0].Value)
}

func TestPanicIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	b := &log{}
	s := &Server{Clock: clock.System{}, Logger: slog.New(slog.NewJSONHandler(b, nil))}
	h := s.wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, 500, w.Code)
	require.NotContains(t, w.Body.String(), "boom")
	require.Contains(t, b.String(), "boom")
}

func TestEachNetworkSaysWhatItTakesAndWhetherItCanBeConnected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tn := b.tenant(t, "ada")
	got := tn.call(t, "GET", "/v1/networks", nil)
	require.Equal(t, http.StatusOK, got.status, got.text)
	items, _ := got.json["items"].([]any)
	require.Len(t, items, len(account.Networks()))
	x, _ := items[0].(map[string]any)
	require.Equal(t, []any{"x", "X", true, "", b.network.URL, b.network.URL + "/_sim/ledger"},
		[]any{x["network"], x["name"], x["connectable"], x["why_not"], x["web_url"], x["simulated_url"]})
	instagram, _ := items[1].(map[string]any)
	require.Equal(t, []any{"Instagram", false, "Instagram is not set up here: INSTAGRAM_CLIENT_ID and INSTAGRAM_CLIENT_SECRET are not set.", nil},
		[]any{instagram["name"], instagram["connectable"], instagram["why_not"], instagram["simulated_url"]})
	limits, _ := instagram["limits"].(map[string]any)
	require.EqualValues(t, 2200, limits["max_length"])
	require.EqualValues(t, 1, limits["min_images"])
	require.Equal(t, []any{"image/jpeg"}, limits["image_types"])
	require.InDelta(t, 0.8, limits["min_aspect"], 0)
	me := tn.call(t, "GET", "/v1/me", nil)
	require.Equal(t, map[string]any{"simulated_networks": []any{map[string]any{"name": "X", "url": b.network.URL + "/_sim/ledger"}}}, me.json["links"])
}
