package host

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
)

// ahead is a clock that is that much later than the queue's.
type ahead time.Duration

func (a ahead) Now() time.Time { return clock.System{}.Now().Add(time.Duration(a)) }

func (ahead) Wait(ctx context.Context, d time.Duration) error { return clock.Wait(ctx, d) }

func ruled(t *testing.T, late time.Duration, handler lambda.Handler) *queued {
	t.Helper()
	q := consuming(t, Source{}, time.Minute, handler)
	f := &q.host.template.Functions[0]
	f.Sources = nil
	f.Schedules = []Schedule{
		{Name: "Tick", Input: json.RawMessage(`{"task":"tick"}`), MaxAge: time.Minute},
		{Name: "Daily", Input: json.RawMessage(`{ "task": "daily" }`), MaxAge: time.Hour},
	}
	q.host.options.ScheduleURLs = map[string]string{"task": q.url}
	q.host.options.Clock = ahead(late)
	return q
}

func (q *queued) put(t *testing.T, body string) {
	t.Helper()
	_, err := q.api.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: aws.String(q.url), MessageBody: aws.String(body)})
	require.NoError(t, err)
}

func TestARulesEventWakesTheFunctionOnceWithItsInputVerbatim(t *testing.T) {
	t.Parallel()
	woken := make(chan string, 8)
	q := ruled(t, 0, handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		woken <- string(payload)
		return nil, context.DeadlineExceeded // a failure is not repeated.
	}))
	stop := q.run(t)
	q.put(t, `{"task":"somebody else's"}`)
	q.put(t, `{ "task": "daily" }`)
	require.Equal(t, []string{`{ "task": "daily" }`}, []string{<-woken})
	q.put(t, `{"task":"tick"}`)
	require.Equal(t, []string{`{"task":"tick"}`}, []string{<-woken})
	require.NoError(t, stop())
	require.Empty(t, woken)
	require.Equal(t, "0 0 0", q.counts(t))
	require.Contains(t, q.logs.String(), "no schedule has this input")
}

func TestARulesEventThatIsTooOldIsLeftOut(t *testing.T) {
	t.Parallel()
	woken := make(chan string, 8)
	q := ruled(t, 61*time.Second, handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		woken <- string(payload)
		return nil, nil
	}))
	q.put(t, `{"task":"tick"}`)
	q.put(t, `{ "task": "daily" }`)
	stop := q.run(t)
	require.Equal(t, []string{`{ "task": "daily" }`}, []string{<-woken}, "which may be an hour late")
	require.Eventually(t, func() bool { return strings.Contains(q.logs.String(), "its event is too old") }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, stop())
	require.Empty(t, woken)
}

func TestARulesEventIsLeftOutWhileTheOneBeforeStillRuns(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	begun, end := make(chan struct{}, 8), make(chan struct{})
	q := ruled(t, 0, handlerFunc(func(context.Context, []byte) ([]byte, error) {
		runs.Add(1)
		begun <- struct{}{}
		<-end
		return nil, nil
	}))
	stop := q.run(t)
	q.put(t, `{"task":"tick"}`)
	<-begun
	q.put(t, `{"task":"tick"}`)
	q.put(t, `{ "task": "daily" }`)
	<-begun
	require.Eventually(t, func() bool { return strings.Contains(q.logs.String(), "the run before has not ended") }, 10*time.Second, 5*time.Millisecond)
	close(end)
	require.NoError(t, stop())
	require.EqualValues(t, 2, runs.Load())
}

func TestTheTemplatesTickIsNotFollowedAfterAMinute(t *testing.T) {
	t.Parallel()
	ages := map[string]time.Duration{}
	for _, f := range loadReal(t, nil).Functions {
		for _, s := range f.Schedules {
			ages[s.Name] = s.MaxAge
		}
	}
	require.Equal(t, time.Minute, ages["Tick"])
	require.Equal(t, 24*time.Hour, ages["Daily"])
}
