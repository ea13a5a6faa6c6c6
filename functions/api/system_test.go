package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/throttle"
)

// trip opens the breaker of the tenant's account.
func (tn *tenant) trip(t *testing.T) {
	t.Helper()
	require.NoError(t, tn.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for range throttle.AccountRule().Failures {
			now, err := tx.Now(ctx)
			if err != nil {
				return err
			}
			_, err = tx.CountFailure(ctx, tn.actor.WorkspaceID, account.X, throttle.Failure{
				Attempt: uuid.New(), Account: uuid.UUID(tn.account.ID), Code: "reset", At: now,
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// first is the only entry of a list on the System page.
func first(t *testing.T, a answer, list string) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, a.text)
	items, _ := a.json[list].([]any)
	require.Len(t, items, 1, a.text)
	item, _ := items[0].(map[string]any)
	return item
}

func TestAnOpenBreakerIsShownAndTriedAtOnceWithThePostThatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada, bo := b.tenant(t, "ada"), b.tenant(t, "bo")
	its := map[string]any{"network": "x", "account_id": ada.account.ID.String()}
	requireProblem(t, ada.call(t, http.MethodPost, "/v1/system/try", its), http.StatusNotFound, "not_open")

	post := ada.awaiting(t, "It waits for its network.")
	in := seen(post)
	in["at"] = "now"
	approved := ada.call(t, http.MethodPost, "/v1/posts/"+post.str("id")+"/approve", in)
	require.Equal(t, http.StatusOK, approved.status, approved.text)
	due, err := time.Parse(time.RFC3339, approved.str("due_at"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		now, err := time.Parse(time.RFC3339Nano, ada.call(t, http.MethodGet, "/v1/system", nil).str("now"))
		return err == nil && now.After(due)
	}, 20*time.Second, 50*time.Millisecond)
	ada.trip(t)

	// Its failures count for the network's as well, which they do not open alone.
	breakers, _ := ada.call(t, http.MethodGet, "/v1/system", nil).json["breakers"].([]any)
	require.Len(t, breakers, 2)
	shown, _ := breakers[1].(map[string]any)
	require.Equal(t, ada.account.ID.String(), shown["account_id"])
	require.Equal(t, "open", shown["state"])
	require.Equal(t, ada.account.Handle, shown["handle"])
	require.Equal(t, "reset", shown["last_code"])
	retry, err := time.Parse(time.RFC3339Nano, shown["retry_at"].(string)) //nolint:forcetypeassert // a panic fails the test.
	require.NoError(t, err)
	require.True(t, retry.After(due))

	requireProblem(t, bo.call(t, http.MethodPost, "/v1/system/try", its), http.StatusNotFound, "no_such_account")
	require.NotContains(t, bo.call(t, http.MethodGet, "/v1/system", nil).text, ada.account.ID.String(), "an account's is its workspace's business")
	require.Equal(t, http.StatusUnprocessableEntity, ada.call(t, http.MethodPost, "/v1/system/try", map[string]any{"network": "nowhere"}).status)

	sent := b.sent.of(t, queue.PublishPost, post.str("id"))
	tried := ada.call(t, http.MethodPost, "/v1/system/try", its)
	require.Equal(t, http.StatusOK, tried.status, tried.text)
	require.Equal(t, true, tried.json["trying"])
	require.Equal(t, sent+1, b.sent.of(t, queue.PublishPost, post.str("id")), "the post that waits is handed out")
}

func TestATryWithNothingToTryWithSaysSo(t *testing.T) {
	t.Parallel()
	tn := setup(t).tenant(t, "ada")
	tn.trip(t)
	tried := tn.call(t, http.MethodPost, "/v1/system/try", map[string]any{"network": "x", "account_id": tn.account.ID.String()})
	require.Equal(t, http.StatusOK, tried.status, tried.text)
	require.Equal(t, false, tried.json["trying"])
}

func TestAPausedAgentsWorkGoesOnOnceItIsResumed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind queue.Kind
		work func(t *testing.T, tn *tenant) string
	}{
		"review": {kind: queue.ReviewPost, work: func(t *testing.T, tn *tenant) string {
			t.Helper()
			post := tn.post(t, "It waits for its review.")
			got := tn.call(t, http.MethodPost, "/v1/posts/"+post.str("id")+"/submit", nil)
			require.Equal(t, "in_review", got.str("state"), got.text)
			return post.str("id")
		}},
		"generate": {kind: queue.GenerateDrafts, work: func(t *testing.T, tn *tenant) string {
			t.Helper()
			got := tn.call(t, http.MethodPost, "/v1/generate", map[string]any{"account_id": tn.account.ID.String(), "wanted": 1})
			require.Less(t, got.status, 300, got.text)
			return got.str("id")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ada, bo := b.tenant(t, "ada"), b.tenant(t, "bo")
			its := map[string]any{"kind": "agent", "subject": name, "account_id": ada.account.ID.String(), "reason": "We look at the prompts."}
			paused := first(t, ada.call(t, http.MethodPost, "/v1/switches/pause", its), "switches")
			require.Equal(t, "agent", paused["kind"])
			require.Equal(t, name, paused["subject"])
			require.Equal(t, ada.account.Handle, paused["handle"])
			require.Equal(t, "ada", paused["by"])
			require.Equal(t, "We look at the prompts.", paused["reason"])
			require.Equal(t, paused["since"], first(t, ada.call(t, http.MethodPost, "/v1/switches/pause", its), "switches")["since"])
			require.Empty(t, bo.call(t, http.MethodGet, "/v1/system", nil).json["switches"])
			requireProblem(t, bo.call(t, http.MethodPost, "/v1/switches/resume", its), http.StatusNotFound, "no_such_account")

			id := c.work(t, ada)
			sent := b.sent.of(t, c.kind, id)
			for range 2 { // What is not thrown any more lets nothing go again.
				resumed := ada.call(t, http.MethodPost, "/v1/switches/resume", its)
				require.Equal(t, http.StatusOK, resumed.status, resumed.text)
				require.Empty(t, resumed.json["switches"])
				require.Equal(t, sent+1, b.sent.of(t, c.kind, id))
			}
		})
	}
}

func TestASwitchThatIsNoneIsRefusedByName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ada, bo := b.tenant(t, "ada"), b.tenant(t, "bo")
	for _, c := range []struct {
		in     map[string]any
		status int
		code   string
	}{
		{map[string]any{"kind": "agent", "subject": "publish"}, http.StatusUnprocessableEntity, "bad_subject"},
		{map[string]any{"kind": "network", "subject": "nowhere"}, http.StatusUnprocessableEntity, "bad_subject"},
		{map[string]any{"kind": "network", "subject": "x", "account_id": ada.account.ID.String()}, http.StatusUnprocessableEntity, "bad_subject"},
		{map[string]any{"kind": "agent", "subject": "review", "account_id": bo.account.ID.String()}, http.StatusNotFound, "no_such_account"},
	} {
		requireProblem(t, ada.call(t, http.MethodPost, "/v1/switches/pause", c.in), c.status, c.code)
	}
	whole := ada.call(t, http.MethodPost, "/v1/switches/pause", map[string]any{"kind": "network", "subject": "x", "account_id": ada.account.ID.String()})
	require.Equal(t, "A network is paused for the whole workspace.", whole.json["detail"], "x is a network")
	require.Empty(t, ada.call(t, http.MethodGet, "/v1/system", nil).json["switches"])
	network := first(t, ada.call(t, http.MethodPost, "/v1/switches/pause", map[string]any{"kind": "network", "subject": "x"}), "switches")
	require.Equal(t, "x", network["subject"])
	require.Nil(t, network["account_id"])
}
