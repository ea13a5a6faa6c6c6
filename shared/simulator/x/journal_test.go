package x_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/simulator/x"
)

// reopen starts a second server on the same folder while the first was never
// closed, as after kill -9.
func reopen(t *testing.T, dir string, fake *clock.Fake) *network {
	t.Helper()
	return open(t, x.Config{Now: fake.Now, Dir: dir}, fake)
}

func TestAKilledNetworkKeepsWhatItAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, func(c *x.Config) { c.Dir = dir })
	tokens, err := n.server.Grant("ada")
	require.NoError(t, err)
	first := n.postID(tokens.AccessToken, "stays", "")
	second := n.postID(tokens.AccessToken, "goes", first)
	n.do(http.MethodDelete, "/2/tweets/"+second, tokens.AccessToken, "")
	rotated := n.tokenCall(refreshForm(tokens.RefreshToken))
	require.Equal(t, http.StatusOK, rotated.status)

	again := reopen(t, dir, n.clock)
	require.Equal(t, n.server.Items("", time.Time{}), again.server.Items("", time.Time{}))
	require.Equal(t, n.server.Accounts(), again.server.Accounts())
	access := digAs[string](t, rotated.body, "access_token")
	require.Equal(t, http.StatusForbidden, again.post(access, "stays").status, "the duplicate check remembers")
	require.Greater(t, again.postID(access, "after the kill", ""), second)
	require.Equal(t, http.StatusBadRequest, again.tokenCall(refreshForm(tokens.RefreshToken)).status, "the rotated token stays dead")
	require.Equal(t, http.StatusUnauthorized, again.post(access, "family is dead now").status)
}

func TestAPostIsInTheJournalBeforeItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, func(c *x.Config) { c.Dir = dir })
	token := n.token("ada")
	n.fault(`{"preset":"accepted_reset","match":{"path":"/2/tweets"},"times":1,"action":{}}`)
	_, err := n.send(t.Context(), http.MethodPost, "/2/tweets", token, `{"text":"nobody heard"}`)
	require.Error(t, err)
	items := reopen(t, dir, n.clock).server.Items("", time.Time{})
	require.Len(t, items, 1)
	require.Equal(t, "accept_then_reset", items[0].ClientSaw)
}

func TestATornLastLineIsForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, func(c *x.Config) { c.Dir = dir })
	token := n.token("ada")
	n.postID(token, "whole", "")
	path := filepath.Join(dir, "x.jsonl")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(data, []byte(`{"kind":"post","post":{"id":"99`)...), 0o600))

	again := reopen(t, dir, n.clock)
	require.Equal(t, []string{"whole"}, again.texts())
	again.postID(token, "written after the tear", "")
	require.Equal(t, []string{"whole", "written after the tear"}, reopen(t, dir, n.clock).texts())
}

func TestAForeignJournalIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.jsonl"), []byte("{\"kind\":\"cheese\"}\n"), 0o600))
	_, err := x.New(x.Config{Now: clock.NewFake(time.Unix(0, 0)).Now, Dir: dir})
	require.ErrorContains(t, err, `unknown record kind "cheese"`)
}

func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, func(c *x.Config) { c.Dir = dir })
	token := n.token("ada")
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() { n.postID(token, fmt.Sprintf("writer %d", i), "") })
	}
	wg.Wait()
	require.ElementsMatch(t, n.texts(), reopen(t, dir, n.clock).texts())
	require.Len(t, n.texts(), 60)
}

func TestResetEmptiesTheLedgerAndKeepsConnections(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, func(c *x.Config) { c.Dir = dir })
	token := n.token("ada")
	n.postID(token, "before", "")
	require.Equal(t, http.StatusNoContent, n.do(http.MethodPost, "/_sim/reset", "", "").status)
	require.Empty(t, n.texts())
	n.postID(token, "before", "")
	require.Equal(t, []string{"before"}, reopen(t, dir, n.clock).texts())
}
