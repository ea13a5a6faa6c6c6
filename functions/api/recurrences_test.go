package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (tn *tenant) recurrence(t *testing.T, header ...string) answer {
	t.Helper()
	got := tn.call(t, http.MethodPost, "/v1/recurrences", map[string]any{
		"account_id": tn.account.ID.String(), "parts": []any{map[string]any{"text": "Office hours are open."}},
		"rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "start_local": "2026-01-01T09:00:00",
	}, header...)
	require.Equal(t, http.StatusCreated, got.status, got.text)
	return got
}

func TestARecurrencesWay(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	made := tn.recurrence(t, "Idempotency-Key", "k1")
	require.Equal(t, made.str("id"), tn.recurrence(t, "Idempotency-Key", "k1").str("id"), "a repeat makes no second one")
	require.EqualValues(t, 10, made.json["planned"])
	next, ok := made.json["next"].([]any)
	require.True(t, ok)
	require.Len(t, next, 10)
	path := "/v1/recurrences/" + made.str("id")

	posts := tn.call(t, http.MethodGet, "/v1/posts?recurrence_id="+made.str("id"), nil)
	items, ok := posts.json["items"].([]any)
	require.True(t, ok)
	require.Len(t, items, 10)
	first, ok := items[0].(map[string]any)
	require.True(t, ok)
	require.Equal(t, made.str("id"), first["recurrence_id"])
	require.Equal(t, "in_review", first["state"])

	requireProblem(t, tn.call(t, http.MethodPatch, path, map[string]any{"note": "x"}), http.StatusPreconditionRequired, "precondition_required")
	edited := tn.call(t, http.MethodPatch, path, map[string]any{"rule": "FREQ=MONTHLY;BYDAY=-1FR"}, "If-Match", made.header.Get("ETag"))
	require.Equal(t, http.StatusOK, edited.status, edited.text)
	require.Equal(t, "FREQ=MONTHLY;BYDAY=-1FR", edited.str("rule"))
	requireProblem(t, tn.call(t, http.MethodPatch, path, map[string]any{"note": "x"}, "If-Match", made.header.Get("ETag")), http.StatusPreconditionFailed, "stale")

	require.Equal(t, "paused", tn.call(t, http.MethodPost, path+"/pause", nil).str("state"))
	require.Equal(t, "active", tn.call(t, http.MethodPost, path+"/resume", nil).str("state"))
	require.Equal(t, "ended", tn.call(t, http.MethodPost, path+"/end", nil).str("state"))
	got := tn.call(t, http.MethodDelete, path+"?posts=cancel_all", nil)
	require.Equal(t, http.StatusNoContent, got.status, got.text)
	require.Equal(t, http.StatusNotFound, tn.call(t, http.MethodGet, path, nil).status)
}

func TestRecurrencesArePaged(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	ids := map[string]bool{}
	for range 3 {
		ids[tn.recurrence(t).str("id")] = true
	}
	cursor, pages := "", 0
	for {
		got := tn.call(t, http.MethodGet, "/v1/recurrences?limit=2&cursor="+cursor, nil)
		require.Equal(t, http.StatusOK, got.status, got.text)
		items, ok := got.json["items"].([]any)
		require.True(t, ok)
		for _, item := range items {
			one, ok := item.(map[string]any)
			require.True(t, ok)
			id, ok := one["id"].(string)
			require.True(t, ok)
			require.True(t, ids[id])
			delete(ids, id)
		}
		pages++
		if cursor = got.str("next_cursor"); cursor == "" {
			break
		}
	}
	require.Empty(t, ids)
	require.Equal(t, 2, pages)
	requireProblem(t, tn.call(t, http.MethodGet, "/v1/recurrences?cursor=x", nil), http.StatusUnprocessableEntity, "bad_cursor")
}

func TestAPreviewNamesThePartThatIsWrong(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	preview := func(rule string) answer {
		return tn.call(t, http.MethodPost, "/v1/recurrences/preview", map[string]any{
			"account_id": tn.account.ID.String(), "rule": rule, "start_local": "2026-01-01T02:30:00",
		})
	}
	good := preview("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU")
	require.Equal(t, http.StatusOK, good.status, good.text)
	require.Equal(t, "Europe/Berlin", good.str("time_zone"))
	require.Contains(t, good.text, "02:30 does not exist on that day in Europe/Berlin; moved to 03:30.")
	bad := preview("FREQ=DAILY;BYSECOND=5")
	requireProblem(t, bad, http.StatusUnprocessableEntity, "bad_rule")
	require.Contains(t, bad.str("detail"), "BYSECOND")
	require.Contains(t, bad.text, `"location":"body.rule"`)
}

func TestANewZoneAsksWhatBecomesOfPlannedPosts(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	body := newPost(tn, "planned")
	body["due_local"] = time.Now().AddDate(0, 0, 5).Format("2006-01-02") + "T09:30:00"
	made := tn.call(t, http.MethodPost, "/v1/posts", body)
	require.Equal(t, http.StatusCreated, made.status, made.text)
	path := "/v1/accounts/" + tn.account.ID.String()
	etag := tn.call(t, http.MethodGet, path, nil).header.Get("ETag")
	zone := map[string]any{"time_zone": "America/New_York"}
	got := tn.call(t, http.MethodPatch, path, zone, "If-Match", etag)
	requireProblem(t, got, http.StatusConflict, "posts_planned")
	require.Contains(t, got.str("detail"), "@ada has 1 planned post.")
	zone["planned_posts"] = "keep_local_time"
	got = tn.call(t, http.MethodPatch, path, zone, "If-Match", etag)
	require.Equal(t, http.StatusOK, got.status, got.text)
	now := tn.call(t, http.MethodGet, "/v1/posts/"+made.str("id"), nil)
	require.Equal(t, body["due_local"], now.str("due_local"))
	require.Equal(t, "America/New_York", now.str("due_zone"))
	require.NotEqual(t, made.str("due_at"), now.str("due_at"))
}
