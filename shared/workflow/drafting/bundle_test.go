package drafting_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/account"
	"rostrum/shared/agency"
	"rostrum/shared/ai"
	"rostrum/shared/ai/aitest"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/drafting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sent remembers what went to the queues.
type sent struct {
	mu   sync.Mutex
	list []queue.Envelope
}

func (s *sent) Send(_ context.Context, envelopes []queue.Envelope) ([]uuid.UUID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]uuid.UUID, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
	}
	s.list = append(s.list, envelopes...)
	return ids, nil
}

func (s *sent) on(name queue.Name) []queue.Envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []queue.Envelope
	for _, e := range s.list {
		if e.Queue == name {
			out = append(out, e)
		}
	}
	return out
}

// task is the data of a question.
type task struct {
	Wanted int `json:"wanted"`
	Items  []struct {
		Index int    `json:"index"`
		Title string `json:"title"`
		Text  string `json:"text"`
	} `json:"items"`
	Idea *struct {
		Title string `json:"title"`
	} `json:"idea"`
	Source *struct {
		Text string `json:"text"`
		URL  string `json:"url"`
	} `json:"source"`
}

func taskOf(t *testing.T, q aitest.Question) task {
	t.Helper()
	var out task
	require.NoError(t, json.Unmarshal(q.Data, &out))
	return out
}

// plain makes an idea of each item and a draft of each idea.
func plain(w http.ResponseWriter, q aitest.Question) {
	var data task
	if err := json.Unmarshal(q.Data, &data); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch q.Schema {
	case "ideas":
		var ideas []map[string]any
		for _, item := range data.Items {
			ideas = append(ideas, map[string]any{
				"title": "About " + item.Title, "angle": "Say it plainly.", "goal": "Teach Go", "why": "It is new.",
				"item_index": item.Index, "quote": item.Text[:min(len(item.Text), 40)],
			})
		}
		aitest.Reply(w, map[string]any{"ideas": ideas})
	case "draft":
		aitest.Reply(w, map[string]any{"parts": []string{"Read this: " + data.Idea.Title + " says something of its own."}, "note": "For teaching."})
	}
}

type bundle struct {
	*storetest.World
	service *drafting.Service
	model   *aitest.Server
	queues  *sent
	clock   *clock.Fake
	feeds   map[string]func() (drafting.Fetched, error)
	mu      sync.Mutex
	fetched []drafting.Feed
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		World: storetest.NewAuditedWorld(t), model: aitest.NewServer(t, plain), queues: &sent{}, clock: clock.NewFake(time.Now()),
		feeds: map[string]func() (drafting.Fetched, error){},
	}
	prices, err := ai.LoadPrices("")
	require.NoError(t, err)
	logger := slog.New(slog.DiscardHandler)
	b.service = &drafting.Service{
		Relay: &outbox.Relay{Store: b.Worker, Sender: b.queues, Clock: b.clock, Logger: logger},
		Meter: &agency.Meter{
			Store: b.Worker, Prices: prices, Clock: b.clock, Logger: logger,
			Model: b.model.Model(t),
		},
		CheckAddress: func(context.Context, string) error { return nil },
		FetchFeed: func(_ context.Context, f drafting.Feed) (drafting.Fetched, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.fetched = append(b.fetched, f)
			return b.feeds[f.URL]()
		},
		Clock: b.clock, Logger: logger,
	}
	b.profile(t, func(p *account.Profile) {
		p.Goals = []string{"Teach Go"}
		for day := range time.Weekday(7) {
			p.Slots = append(p.Slots, account.Slot{Weekday: day, Hour: 9, Minute: 30})
		}
	})
	return b
}

func (b *bundle) profile(t *testing.T, change func(*account.Profile)) {
	t.Helper()
	p := b.Account.Profile
	change(&p)
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		b.Account, err = tx.SaveProfile(ctx, b.Workspace, b.Account.ID, b.Account.ETag, p)
		return err
	}))
}

// feed adds a feed that says the given texts.
func (b *bundle) feed(t *testing.T, url string, texts ...string) store.Source {
	t.Helper()
	b.feeds[url] = func() (drafting.Fetched, error) {
		f := drafting.Fetched{ETag: `"1"`}
		for i, text := range texts {
			f.Items = append(f.Items, store.Item{Key: strconv.Itoa(i), Title: fmt.Sprintf("Item %d", i), URL: fmt.Sprintf("%s/%d", url, i), Body: text})
		}
		return f, nil
	}
	s, err := b.service.AddSource(t.Context(), b.Person, store.NewSource{AccountID: b.Account.ID, Kind: store.SourceFeed, Title: url, URL: url})
	require.NoError(t, err)
	return s
}

func (b *bundle) request(t *testing.T, wanted int, note string) store.Generation {
	t.Helper()
	g, err := b.service.Request(t.Context(), b.Person, b.Account.ID, wanted, note)
	require.NoError(t, err)
	return g
}

func message(g store.Generation) queue.Message {
	return queue.Message{
		Version: 1, Kind: queue.GenerateDrafts, WorkspaceID: g.WorkspaceID, SubjectID: g.ID, CorrelationID: g.CorrelationID,
	}
}

func (b *bundle) generation(t *testing.T, id uuid.UUID) store.Generation {
	t.Helper()
	var g store.Generation
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		g, err = tx.Generation(ctx, b.Workspace, id)
		return err
	}))
	return g
}

func (b *bundle) posts(t *testing.T, g store.Generation) []post.Post {
	t.Helper()
	var out []post.Post
	for _, id := range b.generation(t, g.ID).PostIDs {
		out = append(out, b.Post(t, id))
	}
	return out
}

func (b *bundle) ideas(t *testing.T) []store.Idea {
	t.Helper()
	var out []store.Idea
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = tx.Ideas(ctx, b.Workspace, store.IdeaFilter{}, 100)
		return err
	}))
	return out
}

func (b *bundle) runs(t *testing.T) []store.Run {
	t.Helper()
	var out []store.Run
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = tx.Runs(ctx, b.Workspace, store.RunFilter{}, 100)
		return err
	}))
	return out
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.URL.Reveal())
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	_, err = conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func codeOf(err error) string {
	if e := apperr.As(err); e != nil {
		return e.Code
	}
	return ""
}
