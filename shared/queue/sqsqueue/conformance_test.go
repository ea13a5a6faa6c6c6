package sqsqueue_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/queue/queuetest"
	"rostrum/shared/simulator/sqs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of clients that no test holds any more.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// simulator starts an SQS endpoint and returns its address.
func simulator(t *testing.T) string {
	t.Helper()
	s := sqs.New(time.Now)
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		web.Close()
	})
	return web.URL
}

// TestServersKeepTheContract holds our endpoint to the suite, and the servers
// that ROSTRUM_SQS_SERVERS names: "elasticmq=http://127.0.0.1:9324 ...".
//
//nolint:paralleltest,tparallel // one server after the other: the checks time them
func TestServersKeepTheContract(t *testing.T) {
	t.Parallel()
	servers := map[string]string{"rostrum": simulator(t)}
	for server := range strings.FieldsSeq(os.Getenv("ROSTRUM_SQS_SERVERS")) {
		name, address, ok := strings.Cut(server, "=")
		require.True(t, ok, "ROSTRUM_SQS_SERVERS is a list of name=address, not %q", server)
		servers[name] = address
	}
	outcomes := map[string]map[string]queuetest.Outcome{}
	names := slices.Sorted(maps.Keys(servers))
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			outcomes[name] = queuetest.Run(t, name, servers[name])
		})
	}
	if len(names) > 1 {
		table(t, names, outcomes)
	}
}

// table shows how each check went on each server.
func table(t *testing.T, names []string, outcomes map[string]map[string]queuetest.Outcome) {
	t.Helper()
	line := func(check string, cell func(name string) string) {
		_, _ = fmt.Fprintf(t.Output(), "| %-48s", check)
		for _, name := range names {
			_, _ = fmt.Fprintf(t.Output(), " | %-10s", cell(name))
		}
		_, _ = fmt.Fprintln(t.Output(), " |")
	}
	line("check", func(name string) string { return name })
	kept := map[string]int{}
	for _, check := range slices.Sorted(maps.Keys(outcomes[names[0]])) {
		line(check, func(name string) string {
			if outcomes[name][check] == queuetest.Kept {
				kept[name]++
			}
			return string(outcomes[name][check])
		})
	}
	line("kept", func(name string) string { return fmt.Sprintf("%d of %d", kept[name], len(outcomes[name])) })
}
