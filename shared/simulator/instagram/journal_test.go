package instagram_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/simulator/instagram"
)

func reopen(t *testing.T, dir string, fake *clock.Fake) *network {
	t.Helper()
	return open(t, instagram.Config{Now: fake.Now, Dir: dir}, fake)
}

func inDir(dir string) func(*instagram.Config) { return func(c *instagram.Config) { c.Dir = dir } }

func TestAKilledNetworkKeepsWhatItAccepted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, inDir(dir))
	token := n.token("ada")
	out, waiting := n.container(token, "out"), n.container(token, "waiting")
	id := n.publish(token, out).text("id")
	gone := n.post(token, "gone")
	_, err := n.server.DeletePost(gone)
	require.NoError(t, err)
	require.NoError(t, n.server.Doom(instagram.Fate{Kind: instagram.FateStuck, Times: 1}))
	stuck := n.container(token, "stuck")
	hers := n.token("grace.h")
	require.NoError(t, n.server.RevokeTokens("grace.h"))

	again := reopen(t, dir, n.clock)
	require.Equal(t, n.server.Items("", time.Time{}), again.server.Items("", time.Time{}))
	require.Equal(t, n.server.Accounts(), again.server.Accounts())
	require.Equal(t, n.server.Containers(), again.server.Containers())
	require.Equal(t, "24/2207006", again.publish(token, out).fault(), "what was published stays published")
	require.Equal(t, "PUBLISHED", again.state(token, out))
	require.Equal(t, "IN_PROGRESS", again.state(token, stuck))
	require.Equal(t, "190/458", again.do(http.MethodGet, "/me", hers, "").fault())
	fresh := again.publish(token, waiting).text("id")
	require.NotContains(t, []string{id, gone}, fresh)
	digest := strings.TrimPrefix(again.server.Items("", time.Time{})[0].Media[0].Digest, "sha256:")
	require.Equal(t, string(square(t)), again.do(http.MethodGet, "/_sim/media/"+digest, "", "").raw)
}

func TestAPostIsInTheJournalBeforeItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, inDir(dir))
	token := n.token("ada")
	container := n.container(token, "nobody heard")
	n.do(http.MethodPost, "/_sim/faults", "", `{"preset":"accepted_reset","match":{"path":"/*/media_publish"},"times":1,"action":{}}`)
	_, err := n.send(t.Context(), http.MethodPost, "/me/media_publish", token, `{"creation_id":"`+container+`"}`)
	require.Error(t, err)
	again := reopen(t, dir, n.clock)
	items := again.server.Items("", time.Time{})
	require.Len(t, items, 1)
	require.Equal(t, "accept_then_reset", items[0].ClientSaw)
	require.Equal(t, "PUBLISHED", again.state(token, container))
}

func TestATornLastLineIsForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, inDir(dir))
	n.post(n.token("ada"), "whole")
	path := filepath.Join(dir, "instagram.jsonl")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(data, []byte(`{"kind":"post","post":{"id":"99`)...), 0o600))
	again := reopen(t, dir, n.clock)
	require.Equal(t, []string{"whole"}, again.captions())
	again.post(again.token("ada"), "written after the tear")
	require.Equal(t, []string{"whole", "written after the tear"}, reopen(t, dir, n.clock).captions())
}

func TestAForeignJournalIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "instagram.jsonl"), []byte("{\"kind\":\"cheese\"}\n"), 0o600))
	_, err := instagram.New(instagram.Config{Now: clock.NewFake(time.Unix(0, 0)).Now, Dir: dir})
	require.ErrorContains(t, err, `unknown record kind "cheese"`)
}

func TestResetEmptiesTheLedgerAndKeepsConnections(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, inDir(dir))
	token := n.token("ada")
	before := n.container(token, "before")
	n.post(token, "out")
	require.NoError(t, n.server.Doom(instagram.Fate{Kind: instagram.FateStuck}))
	require.Equal(t, http.StatusNoContent, n.do(http.MethodPost, "/_sim/reset", "", "").status)
	require.Empty(t, n.captions())
	require.Equal(t, "24/2207008", n.publish(token, before).fault())
	n.post(token, "after")
	require.Equal(t, []string{"after"}, reopen(t, dir, n.clock).captions())
}

// childDir tells this test binary to be a network on the given folder instead of
// running tests.
const childDir = "SIMULATED_INSTAGRAM_DIR"

func serveAsChild(dir string) int {
	server, err := instagram.New(instagram.Config{Dir: dir, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server.Change(func(s *instagram.Settings) { s.QuotaTotal = 100_000 })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(listener.Addr())
	_ = http.Serve(listener, server)
	return 0
}

// startChild runs a network in a process of its own and returns how to kill it.
func startChild(t *testing.T, dir, image string) (n *network, kill func()) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	n = &network{t: t, url: "http://" + strings.TrimSpace(address), client: &http.Client{Transport: transport}, image: image}
	return n, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		transport.CloseIdleConnections()
	}
}

func TestAPostThatWasAnsweredSurvivesKill9(t *testing.T) {
	t.Parallel()
	dir, host := t.TempDir(), start(t)
	answered := map[string]string{}
	for round := range 3 {
		n, kill := startChild(t, dir, host.image)
		token := n.do(http.MethodPost, "/_sim/tokens", "", `{"handle":"mara.builds"}`).text("access_token")
		var mu sync.Mutex
		var wg sync.WaitGroup
		inRound, enough := 0, make(chan struct{})
		for writer := range 4 {
			wg.Go(func() {
				for i := 0; ; i++ {
					caption := fmt.Sprintf("round %d writer %d post %d", round, writer, i)
					made, err := n.send(t.Context(), http.MethodPost, "/me/media", token, `{"image_url":"`+n.image+`","caption":"`+caption+`"}`)
					if err != nil || made.status != http.StatusOK {
						return
					}
					out, err := n.send(t.Context(), http.MethodPost, "/me/media_publish", token, `{"creation_id":"`+made.text("id")+`"}`)
					if err != nil || out.status != http.StatusOK {
						return
					}
					mu.Lock()
					answered[out.text("id")] = caption
					if inRound++; inRound == 20 {
						close(enough)
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		kill()
		wg.Wait()
	}
	network, err := instagram.New(instagram.Config{Dir: dir, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, network.Close()) })
	captions, ids := map[string]int{}, map[string]string{}
	for _, item := range network.Items("", time.Time{}) {
		captions[item.Text]++
		ids[item.ID] = item.Text
	}
	for id, caption := range answered {
		require.Equal(t, caption, ids[id], "an answered post is in the ledger under its id")
		require.Equal(t, 1, captions[caption])
	}
	require.GreaterOrEqual(t, len(ids), len(answered), "one whose answer was lost may be there too")
}
