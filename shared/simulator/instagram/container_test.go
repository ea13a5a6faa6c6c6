package instagram_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/instagram"
)

func (n *network) state(token, container string) string {
	n.t.Helper()
	return n.do(http.MethodGet, "/"+container+"?fields=status_code,status", token, "").text("status_code")
}

func TestAContainerTakesItsTimeAndADay(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *instagram.Config) { c.Processing = 5 * time.Second })
	token := n.token("ada")
	container, other := n.container(token, "slow"), n.container(token, "never published")
	require.Equal(t, "IN_PROGRESS", n.state(token, container))
	require.Equal(t, "9007/2207027", n.publish(token, container).fault())
	n.clock.Advance(5 * time.Second)
	require.Equal(t, "FINISHED", n.state(token, container))
	require.Equal(t, http.StatusOK, n.publish(token, container).status)
	require.Equal(t, "PUBLISHED", n.state(token, container))
	n.clock.Advance(24 * time.Hour)
	require.Equal(t, "PUBLISHED", n.state(token, container))
	require.Equal(t, "EXPIRED", n.state(token, other))
	require.Equal(t, "-2/2207020", n.publish(token, other).fault())
	require.Equal(t, []string{"slow"}, n.captions())
}

func TestTwoCallsWithOneContainerAreOnePost(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	container := n.container(token, "once")
	var wg sync.WaitGroup
	var mu sync.Mutex
	faults := map[string]int{}
	for range 20 {
		wg.Go(func() {
			a := n.publish(token, container)
			mu.Lock()
			defer mu.Unlock()
			faults[a.fault()]++
		})
	}
	wg.Wait()
	require.Equal(t, []string{"once"}, n.captions())
	require.Equal(t, map[string]int{"/": 1, "24/2207006": 19}, faults)
	n.server.Change(func(s *instagram.Settings) { s.RefuseRepublish = false })
	require.Equal(t, n.server.Items("", time.Time{})[0].ID, n.publish(token, container).text("id"))
}

func TestFatesMeetContainersInTurn(t *testing.T) {
	t.Parallel()
	n := start(t)
	token, other := n.token("ada"), n.token("grace.h")
	for _, body := range []string{
		`{"kind":"stuck","handle":"@ada","times":2}`, `{"kind":"error","code":2207026,"handle":"ada","times":1}`, `{"kind":"expired"}`,
	} {
		require.Equal(t, http.StatusNoContent, n.do(http.MethodPost, "/_sim/fates", "", body).status)
	}
	var states []string
	for range 4 {
		states = append(states, n.state(token, n.container(token, "doomed")))
	}
	require.Equal(t, []string{"IN_PROGRESS", "IN_PROGRESS", "ERROR", "EXPIRED"}, states)
	require.Equal(t, "EXPIRED", n.state(other, n.container(other, "doomed too")))
	failed := n.server.Containers()[2]
	require.Contains(t, n.do(http.MethodGet, "/"+failed.ID+"?fields=status", token, "").text("status"), "2207026")
	require.Equal(t, "-1/2207032", n.publish(token, failed.ID).fault())
	n.clock.Advance(time.Hour)
	require.Equal(t, "IN_PROGRESS", n.state(token, n.server.Containers()[0].ID), "stuck stays stuck")
	require.Equal(t, http.StatusNoContent, n.do(http.MethodDelete, "/_sim/fates", "", "").status)
	require.Equal(t, "FINISHED", n.state(token, n.container(token, "spared")))
	require.Empty(t, n.captions())
}

func TestContainersCanBeMadeToRunOut(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	out, waiting := n.container(token, "out"), n.container(token, "waiting")
	require.Equal(t, http.StatusOK, n.publish(token, out).status)
	require.Equal(t, http.StatusNoContent, n.do(http.MethodPost, "/_sim/containers/expire", "", `{"handle":"ada"}`).status)
	require.Equal(t, "PUBLISHED", n.state(token, out))
	require.Equal(t, "EXPIRED", n.state(token, waiting))
}

func TestACarouselIsMadeOfReadyItemsOfItsAccount(t *testing.T) {
	t.Parallel()
	n := start(t, func(c *instagram.Config) { c.Processing = 2 * time.Second })
	token := n.token("ada")
	item := func() string {
		return n.do(http.MethodPost, "/me/media", token, `{"image_url":"`+n.image+`","is_carousel_item":true,"alt_text":"an item"}`).text("id")
	}
	first, second := item(), item()
	body := `{"media_type":"CAROUSEL","caption":"two","children":"` + first + `,` + second + `"}`
	require.Equal(t, "9007/2207027", n.do(http.MethodPost, "/me/media", token, body).fault())
	n.clock.Advance(2 * time.Second)
	require.Equal(t, "100/null", n.publish(token, first).fault(), "an item is no post")
	require.Equal(t, "100/2207028", n.do(http.MethodPost, "/me/media", n.token("grace.h"), body).fault())
	single := n.container(token, "single")
	n.clock.Advance(2 * time.Second)
	require.Equal(t, "100/2207028", n.do(http.MethodPost, "/me/media", token, strings.Replace(body, first, single, 1)).fault(), "a post is no item")
	carousel := n.do(http.MethodPost, "/me/media", token, body)
	require.Equal(t, http.StatusOK, carousel.status, carousel.raw)
	n.clock.Advance(2 * time.Second)
	id := n.publish(token, carousel.text("id")).text("id")
	require.Equal(t, "CAROUSEL_ALBUM", n.do(http.MethodGet, "/"+id+"?fields=media_type", token, "").text("media_type"))
	require.Len(t, n.server.Items("", time.Time{})[0].Media, 2)
}

func TestTheLimitRollsOverADay(t *testing.T) {
	t.Parallel()
	n := start(t)
	token := n.token("ada")
	n.server.Change(func(s *instagram.Settings) { s.QuotaTotal = 2 })
	n.post(token, "one")
	n.clock.Advance(time.Hour)
	n.post(token, "two")
	third := n.container(token, "three")
	require.Equal(t, "9/2207042", n.publish(token, third).fault())
	limit := n.do(http.MethodGet, "/me/content_publishing_limit?fields=quota_usage,config", token, "")
	require.Equal(t, "2", limit.text("data", "quota_usage"))
	require.Equal(t, "2", limit.text("data", "config", "quota_total"))
	require.Equal(t, "86400", limit.text("data", "config", "quota_duration"))
	n.clock.Advance(23 * time.Hour)
	require.Equal(t, http.StatusOK, n.publish(token, third).status)
	require.Equal(t, http.StatusOK, n.publish(n.token("grace.h"), n.container(n.token("grace.h"), "hers")).status, "each account has its own")
}

func TestAPostWhoseAnswerIsLostIsSeenAllTheSame(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"accepted_server_error", "accepted_transient", "accepted_blocked", "accepted_no_id", "accepted_not_json"} {
		n := start(t)
		token := n.token("ada")
		container := n.container(token, preset)
		n.do(http.MethodPost, "/_sim/faults", "", `{"preset":"`+preset+`","match":{"path":"/*/media_publish"},"times":1,"action":{}}`)
		a := n.publish(token, container)
		require.Contains(t, []string{"", "null"}, a.text("id"), preset)
		require.Equal(t, []string{preset}, n.captions())
		require.Equal(t, "accept_then_answer", n.server.Items("", time.Time{})[0].ClientSaw)
		require.Equal(t, "PUBLISHED", n.state(token, container))
	}
}
