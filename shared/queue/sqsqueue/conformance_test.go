package sqsqueue_test

import (
	"net/http/httptest"
	"os"
	"testing"
	"time"

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

// TestServerKeepsTheContract holds our endpoint to the suite, or the server that
// ROSTRUM_SQS_URL names.
func TestServerKeepsTheContract(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("ROSTRUM_SQS_URL")
	if endpoint == "" {
		endpoint = simulator(t)
	}
	t.Run("Suite", func(t *testing.T) {
		t.Parallel()
		queuetest.Run(t, endpoint)
	})
}
