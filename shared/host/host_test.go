package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of clients that no test holds any more.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// handlerFunc is a function given as bytes in, bytes out.
type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// logs is a log that tests can read while it is written.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type bundle struct {
	host *Host
	logs *logs
}

func setup(t *testing.T, tmpl *Template, o Options) *bundle {
	t.Helper()
	b := &bundle{logs: &logs{}}
	o.Clock, o.Logger = clock.System{}, slog.New(slog.NewTextHandler(b.logs, nil))
	if o.Grace == 0 {
		o.Grace = 10 * time.Second
	}
	var err error
	b.host, err = New(tmpl, o)
	require.NoError(t, err)
	return b
}

// run runs the host; what it returns stops it and gives its result.
func (b *bundle) run(t *testing.T) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- b.host.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-result
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

func scheduled(t *testing.T, timeout time.Duration, expression, input string) *Template {
	t.Helper()
	when, err := parseCadence(expression)
	require.NoError(t, err)
	return &Template{Functions: []Function{{
		LogicalID: "TaskFunction", Name: "task", Timeout: timeout,
		Schedules: []Schedule{{Name: "Tick", Expression: expression, Input: json.RawMessage(input), when: when}},
	}}}
}

// The times below are those of a synctest bubble: exact, and they pass at once.

func TestRateFiresAtStartAndThenEachPeriodWithItsInputVerbatim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var fired []time.Duration
		b := setup(t, scheduled(t, time.Second, "rate(1 minute)", `{ "task": "tick" }`), Options{Functions: map[string]lambda.Handler{
			"task": handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
				require.True(t, bytes.Equal([]byte(`{ "task": "tick" }`), payload), "%s", payload)
				lc, ok := lambdacontext.FromContext(ctx)
				require.True(t, ok)
				require.NotEmpty(t, lc.AwsRequestID)
				deadline, ok := ctx.Deadline()
				require.True(t, ok)
				require.Equal(t, time.Second, time.Until(deadline))
				fired = append(fired, time.Since(start))
				return nil, errors.New("a failure does not stop the schedule")
			}),
		}})
		stop := b.run(t)
		time.Sleep(3*time.Minute + time.Second)
		require.NoError(t, stop())
		require.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute, 3 * time.Minute}, fired)
	})
}

func TestCronFiresAtItsMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fired []string
		b := setup(t, scheduled(t, time.Second, "cron(15 3 * * ? *)", `{}`), Options{Functions: map[string]lambda.Handler{
			"task": handlerFunc(func(context.Context, []byte) ([]byte, error) {
				fired = append(fired, time.Now().UTC().Format("01-02 15:04:05"))
				return nil, nil
			}),
		}})
		stop := b.run(t)
		time.Sleep(48 * time.Hour) // the bubble starts on 2000-01-01 at midnight
		require.NoError(t, stop())
		require.Equal(t, []string{"01-01 03:15:00", "01-02 03:15:00"}, fired)
	})
}

func TestScheduleIsSkippedWhileARunThatOverranHasNotReturned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		b := setup(t, scheduled(t, 10*time.Second, "rate(1 minute)", `{}`), Options{Functions: map[string]lambda.Handler{
			"task": handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
				if calls.Add(1) == 1 {
					<-ctx.Done()
					time.Sleep(90 * time.Second) // deaf to its context
				}
				return nil, nil
			}),
		}})
		stop := b.run(t)
		time.Sleep(2*time.Minute + time.Second)
		require.NoError(t, stop())
		require.EqualValues(t, 2, calls.Load(), "at 0 and 2 minutes; the one at 1 minute is left out")
		require.Contains(t, b.logs.String(), "overran its timeout")
		require.Contains(t, b.logs.String(), "schedule skipped")
	})
}

func TestStopLetsRunningInvocationsFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var finished atomic.Bool
		b := setup(t, scheduled(t, time.Minute, "rate(1 minute)", `{}`), Options{Functions: map[string]lambda.Handler{
			"task": handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
				time.Sleep(5 * time.Second)
				finished.Store(ctx.Err() == nil)
				return nil, nil
			}),
		}})
		stop := b.run(t)
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.True(t, finished.Load())
	})
}

func TestStopEndsTheContextOfInvocationsThatOutlastTheGracePeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var after time.Duration
		b := setup(t, scheduled(t, time.Minute, "rate(1 minute)", `{}`), Options{Functions: map[string]lambda.Handler{
			"task": handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
				start := time.Now()
				<-ctx.Done()
				after = time.Since(start)
				return nil, ctx.Err()
			}),
		}})
		stop := b.run(t)
		time.Sleep(time.Second)
		require.NoError(t, stop())
		require.Equal(t, 11*time.Second, after)
	})
}

func TestStopGivesUpOnInvocationsThatDoNotReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		b := setup(t, scheduled(t, time.Minute, "rate(1 minute)", `{}`), Options{Functions: map[string]lambda.Handler{
			"task": handlerFunc(func(context.Context, []byte) ([]byte, error) {
				<-released
				return nil, nil
			}),
		}})
		stop := b.run(t)
		time.Sleep(time.Second)
		start := time.Now()
		require.ErrorContains(t, stop(), "1 invocations have not returned")
		require.Equal(t, 20*time.Second, time.Since(start))
		close(released)
	})
}

func TestRunEndsWithAnErrorWhenTheListenerBreaks(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := setup(t, web(time.Second), Options{Listener: listener, Functions: map[string]lambda.Handler{"api": echo()}})
	require.NoError(t, listener.Close())
	require.ErrorContains(t, b.host.Run(t.Context()), "serve HTTP")
}

func TestRunServesUntilItsContextEndsAndAnswersWhatItHasTaken(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	began, proceed := make(chan struct{}), make(chan struct{})
	b := setup(t, web(time.Minute), Options{Listener: listener, Functions: map[string]lambda.Handler{
		"api": handlerFunc(func(context.Context, []byte) ([]byte, error) {
			close(began)
			<-proceed
			return []byte(`{"statusCode":204}`), nil
		}),
	}})
	stop := b.run(t)
	status := make(chan int, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), http.NoBody)
		if err != nil {
			status <- 0
			return
		}
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			status <- 0
			return
		}
		_ = response.Body.Close()
		status <- response.StatusCode
	}()
	<-began
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(proceed)
	require.Equal(t, http.StatusNoContent, <-status)
	require.NoError(t, <-stopped)
}

func TestNewRefusesAHostThatCouldNotRun(t *testing.T) {
	t.Parallel()
	consumer := &Template{Functions: []Function{{Name: "f", Sources: []Source{{Queue: "Q"}}}}}
	for name, c := range map[string]struct {
		template *Template
		options  Options
	}{
		"no listener":      {web(time.Second), Options{Functions: map[string]lambda.Handler{"api": echo()}}},
		"no queue":         {consumer, Options{Functions: map[string]lambda.Handler{"f": echo()}}},
		"unknown function": {consumer, Options{Functions: map[string]lambda.Handler{"g": echo()}}},
	} {
		_, err := New(c.template, c.options)
		require.True(t, apperr.Is(err, apperr.Invalid), name)
	}
	_, err := New(consumer, Options{})
	require.NoError(t, err, "a function that is not asked for needs nothing")
}

func web(timeout time.Duration) *Template {
	return &Template{Functions: []Function{{LogicalID: "ApiFunction", Name: "api", Timeout: timeout, HTTP: true}}}
}

// echo answers with the event it got.
func echo() lambda.Handler {
	return handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) { return payload, nil })
}

// serve gives a test server over one HTTP function.
func serve(t *testing.T, timeout time.Duration, handler lambda.Handler) (*httptest.Server, *bundle) {
	t.Helper()
	b := setup(t, web(timeout), Options{Listener: unused{}, Functions: map[string]lambda.Handler{"api": handler}})
	server := httptest.NewServer(b.host.handler(t.Context(), b.host.invoker(b.host.template.Functions[0], handler)))
	t.Cleanup(server.Close)
	return server, b
}

// unused stands for a listener where the test has its own server.
type unused struct{ net.Listener }
