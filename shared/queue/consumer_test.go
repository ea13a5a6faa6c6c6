package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func message(t *testing.T, kind Kind) (Message, string) {
	t.Helper()
	m := Message{Version: Version, Kind: kind, WorkspaceID: uuid.New(), SubjectID: uuid.New(), Revision: 3, CorrelationID: uuid.New()}
	body, err := Encode(m)
	require.NoError(t, err)
	return m, string(body)
}

func consumer(handlers map[Kind]Handler) (*Consumer, *bytes.Buffer) {
	var logged bytes.Buffer
	return &Consumer{Queue: Publish, Handlers: handlers, Logger: slog.New(slog.NewTextHandler(&logged, nil))}, &logged
}

func TestConsumeHandsOverTheMessageAndItsRecord(t *testing.T) {
	t.Parallel()
	want, body := message(t, PublishPost)
	record := Record{ID: "a", ReceiptHandle: "h", Body: body, Group: "g", ReceiveCount: 2}
	c, logged := consumer(map[Kind]Handler{PublishPost: func(_ context.Context, m Message, r Record) error {
		if m != want || r != record {
			return fmt.Errorf("got %v %v", m, r)
		}
		return nil
	}})
	require.Empty(t, c.Consume(t.Context(), []Record{record}))
	require.Equal(t, 1, strings.Count(logged.String(), "correlation_id="+want.CorrelationID.String()), "one line, in which the post can be found")
	require.Empty(t, c.Consume(t.Context(), nil))
}

func TestConsumeRunsTheRecordsOfABatchAtOnce(t *testing.T) {
	t.Parallel()
	_, body := message(t, PublishPost)
	arrived, release := make(chan struct{}), make(chan struct{})
	c, _ := consumer(map[Kind]Handler{PublishPost: func(context.Context, Message, Record) error {
		arrived <- struct{}{}
		<-release
		return nil
	}})
	result := make(chan []string)
	go func() {
		result <- c.Consume(t.Context(), []Record{{ID: "a", Body: body}, {ID: "b", Body: body}, {ID: "c", Body: body}})
	}()
	for range 3 {
		<-arrived
	}
	close(release)
	require.Empty(t, <-result)
}

func TestConsumeFailsOnlyTheRecordAtFault(t *testing.T) {
	t.Parallel()
	_, good := message(t, PublishPost)
	_, misrouted := message(t, GenerateDrafts)
	_, dies := message(t, ReconcilePost)
	_, exits := message(t, ReadMetrics)
	c, logged := consumer(map[Kind]Handler{
		PublishPost:   func(context.Context, Message, Record) error { return nil },
		ReconcilePost: func(context.Context, Message, Record) error { panic("out of cheese") },
		ReadMetrics:   func(context.Context, Message, Record) error { runtime.Goexit(); return nil },
	})
	failed := c.Consume(t.Context(), []Record{
		{ID: "good", Body: good},
		{ID: "not json", Body: "planted-secret"},
		{ID: "trailing", Body: good + `{"planted-secret":1}`},
		{ID: "giant", Body: strings.Repeat("planted-secret", 100_000)},
		{ID: "empty", Body: ""},
		{ID: "misrouted", Body: misrouted},
		{ID: "dies", Body: dies},
		{ID: "exits", Body: exits},
		{ID: "also good", Body: good},
	})
	require.Equal(t, []string{"not json", "trailing", "giant", "empty", "misrouted", "dies", "exits"}, failed)
	require.NotContains(t, logged.String(), "planted-secret")
	require.Contains(t, logged.String(), "out of cheese")
	require.Equal(t, 6, strings.Count(logged.String(), "level=ERROR"), logged.String())
}

func TestErrorKindDecidesWhetherARecordIsDone(t *testing.T) {
	t.Parallel()
	of := func(kind apperr.Kind) error {
		return fmt.Errorf("publish post: %w", apperr.New(kind, "code", "words").WithCause(errors.New("why")))
	}
	for _, c := range []struct {
		err    error
		failed bool
		level  string
	}{
		{of(apperr.NotFound), false, "INFO"},
		{of(apperr.Conflict), false, "INFO"},
		{of(apperr.Invalid), false, "INFO"},
		{of(apperr.TooLarge), false, "INFO"},
		{of(apperr.PreconditionFailed), false, "INFO"},
		{of(apperr.Unauthenticated), false, "INFO"},
		{of(apperr.Forbidden), false, "INFO"},
		{of(apperr.Unavailable), true, "WARN"},
		{of(apperr.RateLimited), true, "WARN"},
		{of(apperr.Uncertain), true, "WARN"},
		{of(apperr.Internal), true, "ERROR"},
		{errors.New("bare"), true, "ERROR"},
		{context.DeadlineExceeded, true, "ERROR"},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			t.Parallel()
			m, body := message(t, PublishPost)
			consumer, logged := consumer(map[Kind]Handler{PublishPost: func(context.Context, Message, Record) error { return c.err }})
			failed := consumer.Consume(t.Context(), []Record{{ID: "a", Body: body}})
			require.Equal(t, c.failed, len(failed) == 1)
			require.Contains(t, logged.String(), "level="+c.level)
			require.Contains(t, logged.String(), m.SubjectID.String())
		})
	}
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	_, good := message(t, PublishPost)
	for name, body := range map[string]string{
		"null":            "null",
		"array":           "[]",
		"later version":   strings.Replace(good, `"version":1`, `"version":2`, 1),
		"no version":      strings.Replace(good, `"version":1,`, ``, 1),
		"text version":    strings.Replace(good, `"version":1`, `"version":"1"`, 1),
		"unknown kind":    strings.Replace(good, "publish_post", "delete_everything", 1),
		"no workspace":    strings.Replace(good, "workspace_id", "x", 1),
		"no subject":      strings.Replace(good, "subject_id", "x", 1),
		"broken id":       strings.Replace(good, `"subject_id":"`, `"subject_id":"zz`, 1),
		"negative":        strings.Replace(good, `"revision":3`, `"revision":-3`, 1),
		"fraction":        strings.Replace(good, `"revision":3`, `"revision":3.5`, 1),
		"two objects":     good + good,
		"trailing letter": good + "x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Decode([]byte(body))
			require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
			require.NotContains(t, err.Error(), "delete_everything")
		})
	}
	_, err := Decode([]byte(strings.Replace(good, "{", `{"added_later":true,`, 1)))
	require.NoError(t, err)
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	t.Parallel()
	_, err := Encode(Message{Kind: PublishPost})
	require.True(t, apperr.Is(err, apperr.Invalid))
	pair := func(bytes int) Message {
		return Message{
			Kind: KeepTokens, WorkspaceID: uuid.New(), SubjectID: uuid.New(),
			Pair: &SealedPair{From: 1, Access: make([]byte, bytes), Refresh: make([]byte, bytes)},
		}
	}
	_, err = Encode(pair(10_000))
	require.True(t, apperr.Is(err, apperr.Invalid))
	body, err := Encode(pair(2_000))
	require.NoError(t, err)
	_, err = Decode(body)
	require.NoError(t, err, "tokens may be long")
}

func FuzzDecode(f *testing.F) {
	for _, k := range Kinds() {
		m := Message{Kind: k, WorkspaceID: uuid.New(), SubjectID: uuid.New()}
		if k == KeepTokens {
			m.Pair = &SealedPair{From: 3, Access: []byte("a"), Refresh: []byte("r"), ExpiresAt: time.Unix(1, 0).UTC()}
		}
		body, err := Encode(m)
		require.NoError(f, err)
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"version":1e0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := Decode(body)
		if err != nil {
			if m != (Message{}) || !apperr.Is(err, apperr.Invalid) {
				t.Fatalf("%v %v", m, err)
			}
			return
		}
		again, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(again); err != nil || !reflect.DeepEqual(back, m) {
			t.Fatalf("%v is not %v: %v", back, m, err)
		}
	})
}
