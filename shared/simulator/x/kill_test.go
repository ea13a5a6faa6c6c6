package x_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/x"
)

// childDir tells this test binary to be a network on the given folder instead of
// running tests.
const childDir = "SIMULATED_X_DIR"

func serveAsChild(dir string) int {
	server, err := x.New(x.Config{Dir: dir, Now: time.Now, Limits: map[string]x.Limit{"POST /2/tweets": {}}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
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
func startChild(t *testing.T, dir string) (n *network, kill func()) {
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
	n = &network{t: t, url: "http://" + strings.TrimSpace(address), client: &http.Client{Transport: transport}}
	return n, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		transport.CloseIdleConnections()
	}
}

func TestAPostThatWasAnsweredSurvivesKill9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	answered := map[string]string{}
	for round := range 4 {
		n, kill := startChild(t, dir)
		token := digAs[string](t, n.do(http.MethodPost, "/_sim/tokens", "", `{"handle":"mara_builds"}`).body, "access_token")
		var mu sync.Mutex
		var wg sync.WaitGroup
		inRound, enough := 0, make(chan struct{})
		for writer := range 8 {
			wg.Go(func() {
				for i := 0; ; i++ {
					text := fmt.Sprintf("round %d writer %d post %d", round, writer, i)
					a, err := n.send(t.Context(), http.MethodPost, "/2/tweets", token, `{"text":"`+text+`"}`)
					if err != nil || a.status != http.StatusCreated {
						return
					}
					mu.Lock()
					answered[digAs[string](t, a.body, "data", "id")] = text
					if inRound++; inRound == 40 {
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
	network, err := x.New(x.Config{Dir: dir, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, network.Close()) })
	texts, ids := map[string]int{}, map[string]string{}
	for _, item := range network.Items("", time.Time{}) {
		texts[item.Text]++
		ids[item.ID] = item.Text
	}
	for id, text := range answered {
		require.Equal(t, text, ids[id], "an answered post is in the ledger under its id")
		require.Equal(t, 1, texts[text])
	}
	require.GreaterOrEqual(t, len(ids), len(answered), "one whose answer was lost may be there too")
}
