package x_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/x"
)

const duplicate = "You are not allowed to create a Tweet with duplicate content."

func TestCreateAnswers201AndTheLedgerHoldsThePost(t *testing.T) {
	t.Parallel()
	n := start(t)
	a := n.post(n.token("ada"), "Shipped & tested: 3 < 4, see https://example.com/a?b=1&c=2.")
	require.Equal(t, http.StatusCreated, a.status, a.raw)
	id := digAs[string](t, a.body, "data", "id")
	require.Regexp(t, `^[0-9]{19}$`, id)
	require.Regexp(t, `^Shipped &amp; tested: 3 &lt; 4, see https://t\.co/[A-Za-z0-9]{10}\.$`, dig(t, a.body, "data", "text"))
	require.Equal(t, []any{id}, dig(t, a.body, "data", "edit_history_tweet_ids"))

	items := n.server.Items("", time.Time{})
	require.Len(t, items, 1)
	require.Equal(t, id, items[0].ID)
	require.Equal(t, "ada", items[0].Handle)
	require.Equal(t, "Shipped & tested: 3 < 4, see https://example.com/a?b=1&c=2.", items[0].Text)
	require.Equal(t, n.clock.Now(), items[0].AcceptedAt)
	require.Equal(t, "answered", items[0].ClientSaw)
	require.Equal(t, "https://example.com/a?b=1&c=2", items[0].Links[0].Expanded)
}

func TestCreateRefusesWithoutAValidToken(t *testing.T) {
	t.Parallel()
	n := start(t)
	for _, token := range []string{"", "sim-access-nobody"} {
		require.Equal(t, http.StatusUnauthorized, n.post(token, "hello").status)
	}
	require.Empty(t, n.texts())
}

func TestCreateSchemaIsClosed(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	for _, body := range []string{
		`{"text":"a","colour":"red"}`, `{"text":7}`, `{"text":"  "}`, `{}`, `{"text":"a"`, `{"text":"a"} {}`, `[]`,
		`{"text":"a","reply":{"in_reply_to_tweet_id":"abc"}}`, `{"text":"a","reply":{}}`,
		`{"text":"a","reply":{"in_reply_to_tweet_id":"1","why":1}}`, `{"text":"a","reply_settings":"nobody"}`,
	} {
		a := n.do(http.MethodPost, "/2/tweets", token, body)
		require.Equal(t, http.StatusBadRequest, a.status, body)
		require.Equal(t, "Invalid Request", a.body["title"], body)
		require.Equal(t, "https://api.x.com/2/problems/invalid-request", a.body["type"], body)
		require.NotEmpty(t, dig(t, a.body, "errors", 0, "message"), body)
	}
	require.Equal(t, http.StatusForbidden, n.do(http.MethodPost, "/2/tweets", token, `{"text":"a","poll":{"options":["a","b"]}}`).status)
	require.Empty(t, n.texts())
}

func TestDuplicateIsRefusedPerAccountForADay(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada, grace := n.token("ada"), n.token("grace")
	id := n.postID(ada, "same words", "")
	again := n.post(ada, "  same words ")
	require.Equal(t, http.StatusForbidden, again.status)
	require.JSONEq(t, `{"detail":"`+duplicate+`","type":"about:blank","title":"Forbidden","status":403}`, again.raw)
	require.Equal(t, http.StatusCreated, n.post(grace, "same words").status)

	n.do(http.MethodDelete, "/2/tweets/"+id, ada, "")
	n.postID(ada, "same words", "")
	n.clock.Advance(24*time.Hour + time.Second)
	n.postID(n.token("ada"), "same words", "")
	require.Len(t, n.texts(), 4)
}

func TestOfEqualPostsAtOnceOneIsAccepted(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	statuses := make([]int, 12)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = n.post(token, "racing").status })
	}
	wg.Wait()
	require.Len(t, n.texts(), 1)
	require.Contains(t, statuses, http.StatusCreated)
}

func TestIDsRiseEvenWithinOneMillisecond(t *testing.T) {
	t.Parallel()
	n := start(t)
	token, last := n.token("ada"), ""
	for i := range 20 {
		id := n.postID(token, fmt.Sprintf("post %d", i), "")
		require.Greater(t, id, last)
		last = id
	}
}

func TestLengthIsWeighted(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	require.Equal(t, http.StatusCreated, n.post(token, strings.Repeat("a", 280)).status)
	require.Equal(t, http.StatusCreated, n.post(token, strings.Repeat("字", 140)).status)
	require.Equal(t, http.StatusCreated, n.post(token, strings.Repeat("a", 256)+" https://example.com/"+strings.Repeat("b", 400)).status)
	for _, text := range []string{strings.Repeat("a", 281), strings.Repeat("字", 141), strings.Repeat("a", 257) + " https://e.com/"} {
		a := n.post(token, text)
		require.Equal(t, http.StatusForbidden, a.status)
		require.Equal(t, "Your Tweet text is too long.", a.body["detail"])
	}
}

func TestPremiumAccountMayWriteLong(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *x.Config) { c.Accounts = []x.Account{{Handle: "long", LongPosts: true}} })
	require.Equal(t, http.StatusCreated, n.post(n.token("long"), strings.Repeat("a", 25000)).status)
	require.Equal(t, http.StatusForbidden, n.post(n.token("long"), strings.Repeat("b", 25001)).status)
}

func TestThreadIsBuiltByRepliesToOneself(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	first := n.postID(token, "part one", "")
	second := n.postID(token, "part two", first)
	n.postID(token, "part three", second)
	items := n.server.Items("ada", time.Time{})
	require.Equal(t, []string{"", first, second}, []string{items[0].ReplyTo, items[1].ReplyTo, items[2].ReplyTo})
	for _, item := range items {
		require.Equal(t, first, item.ConversationID)
	}
}

func TestReplyRules(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada, grace := n.token("ada"), n.token("grace")
	plain := n.postID(ada, "nobody is named here", "")
	named := n.postID(ada, "what do you say, @Grace?", "")
	reply := func(token, to string) int {
		return n.do(http.MethodPost, "/2/tweets", token, createJSON(t, "a reply to "+to, to)).status
	}
	require.Equal(t, http.StatusForbidden, reply(grace, plain), "not summoned")
	require.Equal(t, http.StatusCreated, reply(grace, named))
	require.Equal(t, http.StatusForbidden, reply(ada, "1445880548472328192"), "no such post")
	require.Equal(t, http.StatusOK, n.do(http.MethodPost, "/_sim/settings", "", `{"refuse_self_replies":true}`).status)
	require.Equal(t, http.StatusForbidden, reply(ada, plain), "own post, with the switch thrown")
}

func TestMoreThanOneCashtagIsRefused(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	require.Equal(t, http.StatusCreated, n.post(token, "we watch $GO and $5").status)
	require.Equal(t, http.StatusForbidden, n.post(token, "we watch $GO and $AWS").status)
}

func TestDeleteIsForOneselfAndShowsInTheLedger(t *testing.T) {
	t.Parallel()
	n := start(t)
	ada, grace := n.token("ada"), n.token("grace")
	id := n.postID(ada, "a short life", "")
	require.Equal(t, http.StatusForbidden, n.do(http.MethodDelete, "/2/tweets/"+id, grace, "").status)
	n.clock.Advance(time.Second)
	a := n.do(http.MethodDelete, "/2/tweets/"+id, ada, "")
	require.Equal(t, http.StatusOK, a.status)
	require.JSONEq(t, `{"data":{"deleted":true}}`, a.raw)
	items := n.server.Items("", time.Time{})
	require.Equal(t, n.clock.Now(), items[0].DeletedAt)
	gone := n.do(http.MethodGet, "/2/tweets/"+id, ada, "")
	require.Equal(t, "https://api.x.com/2/problems/resource-not-found", dig(t, gone.body, "errors", 0, "type"))
}

func TestLimitsAreCountedPerUserAndToldOnEveryAnswer(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *x.Config) { c.Limits = map[string]x.Limit{"POST /2/tweets": {User: 2, UserDay: 3}} })
	ada, grace := n.token("ada"), n.token("grace")
	first := n.post(ada, "one")
	require.Equal(t, "2", first.header.Get("x-rate-limit-limit"))
	require.Equal(t, "1", first.header.Get("x-rate-limit-remaining"))
	require.Equal(t, strconv.FormatInt(n.clock.Now().Add(15*time.Minute).Unix()+1, 10), first.header.Get("x-rate-limit-reset"))
	require.Equal(t, "2", first.header.Get("x-user-limit-24hour-remaining"))
	require.Equal(t, "0", n.post(ada, "one").header.Get("x-rate-limit-remaining"), "a refused post counts too")
	over := n.post(ada, "two")
	require.Equal(t, http.StatusTooManyRequests, over.status)
	require.Equal(t, "Too Many Requests", over.body["title"])
	require.Equal(t, http.StatusCreated, n.post(grace, "two").status, "another user has a window of its own")

	n.clock.Advance(15*time.Minute + time.Second)
	require.Equal(t, http.StatusCreated, n.post(ada, "two").status)
	day := n.post(ada, "three")
	require.Equal(t, http.StatusTooManyRequests, day.status, "the day's window is full")
	require.Equal(t, "1", day.header.Get("x-rate-limit-remaining"))
	require.Equal(t, "0", day.header.Get("x-user-limit-24hour-remaining"))
}

func TestUnknownPathAnswers404WithNothing(t *testing.T) {
	t.Parallel()
	n := start(t)
	a := n.do(http.MethodGet, "/2/usage/credits", n.token("ada"), "")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Empty(t, a.raw)
	require.Empty(t, a.header.Get("Content-Type"))
}

func TestProblemJSONSwitch(t *testing.T) {
	t.Parallel()
	n := start(t)
	require.Contains(t, n.post("", "x").header.Get("Content-Type"), "application/json")
	n.do(http.MethodPost, "/_sim/settings", "", `{"problem_json":true}`)
	require.Equal(t, "application/problem+json", n.post("", "x").header.Get("Content-Type"))
}
