package generate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/functions/generate"
	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/host"
	"rostrum/shared/httpclient"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/simulator/news"
	"rostrum/shared/simulator/openai"
	"rostrum/shared/simulator/sqs"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/wake"
	"rostrum/shared/workflow/drafting"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// It looks once a second whether its pool has been closed.
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// bundle is the function beside everything it reaches, each over the wire.
type bundle struct {
	*storetest.World
	function *wake.Function
	asking   *drafting.Service
	model    *openai.Server
	news     string
	handed   []queue.Envelope
}

// Send keeps what the asking side hands to the queues.
func (b *bundle) Send(_ context.Context, list []queue.Envelope) ([]uuid.UUID, error) {
	b.handed = append(b.handed, list...)
	ids := make([]uuid.UUID, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return ids, nil
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupWith(t, "")
}

// setupWith has the Redis at an address, or none.
func setupWith(t *testing.T, redis string) *bundle {
	t.Helper()
	b := &bundle{World: storetest.NewWorld(t)}
	var err error
	b.model, err = openai.New(openai.Config{Now: time.Now})
	require.NoError(t, err)
	modelServer := httptest.NewServer(b.model)
	t.Cleanup(modelServer.Close)
	t.Cleanup(b.model.Close)
	papers, err := news.New(news.Config{Now: time.Now})
	require.NoError(t, err)
	newsServer := httptest.NewServer(papers)
	t.Cleanup(newsServer.Close)
	t.Cleanup(papers.Close)
	b.news = newsServer.URL
	queues := sqs.New(time.Now)
	queueServer := httptest.NewServer(queues)
	t.Cleanup(queueServer.Close)
	t.Cleanup(queues.Close)

	raw, err := os.ReadFile("../../template.yaml")
	require.NoError(t, err)
	template, err := host.Load(raw, nil)
	require.NoError(t, err)
	client, err := sqsqueue.Connect(t.Context(), queueServer.URL)
	require.NoError(t, err)
	urls, err := host.EnsureQueues(t.Context(), client, template)
	require.NoError(t, err)
	var cfg generate.Config
	environment := map[string]string{
		"DATABASE_URL": b.URL.Reveal(), "DATABASE_MAX_CONNS": "4", "AWS_ENDPOINT_URL_SQS": queueServer.URL,
		"OPENAI_BASE_URL": modelServer.URL + "/v1", "OPENAI_API_KEY": "simulated", "OPENAI_MODEL": "simulated-writer",
		"SOURCE_ALLOWED_HOSTS": strings.TrimPrefix(newsServer.URL, "http://"), "LOG_LEVEL": "error", "REDIS_URL": redis,
	}
	for name, url := range map[string]string{
		"GENERATE": "GenerateQueue", "REVIEW": "ReviewQueue", "PUBLISH": "PublishQueue", "METRICS": "MetricsQueue",
	} {
		environment["QUEUE_URL_"+name] = urls[url]
	}
	require.NoError(t, config.LoadFrom(&cfg, environment))
	function, closeAll, err := generate.New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(closeAll)
	b.function = function

	guard := httpclient.NewGuard(cfg.SourceAllowedHosts)
	b.asking = &drafting.Service{
		Relay:        &outbox.Relay{Store: b.API, Sender: b, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)},
		CheckAddress: guard.Check, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
	}
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

func (b *bundle) feed(t *testing.T, path string) store.Source {
	t.Helper()
	return b.feedOf(t, b.Account, path)
}

func (b *bundle) feedOf(t *testing.T, acc account.Account, path string) store.Source {
	t.Helper()
	s, err := b.asking.AddSource(t.Context(), b.Person, store.NewSource{AccountID: acc.ID, Kind: store.SourceFeed, URL: b.news + path})
	require.NoError(t, err)
	return s
}

// deliver hands a message to the function as Lambda would.
func (b *bundle) deliver(t *testing.T, body string) []events.SQSBatchItemFailure {
	t.Helper()
	payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m1", ReceiptHandle: "r1", Body: body, EventSource: "aws:sqs", Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	}}})
	require.NoError(t, err)
	answer, err := b.function.Handle(t.Context(), payload)
	require.NoError(t, err)
	response, ok := answer.(events.SQSEventResponse)
	require.True(t, ok)
	return response.BatchItemFailures
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

func TestAFeedBecomesDraftsInReview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.profile(t, func(p *account.Profile) {
		p.Goals, p.Interests = []string{"Show how small companies last"}, []string{"pricing", "hiring"}
	})
	b.feed(t, "/founders/feed.xml")
	g, err := b.asking.Request(t.Context(), b.Person, b.Account.ID, 3, "")
	require.NoError(t, err)
	require.Empty(t, b.deliver(t, string(b.handed[0].Body)))

	got := b.generation(t, g.ID)
	require.Equal(t, store.GenerationDone, got.State, got.Progress)
	require.Len(t, got.PostIDs, 3)
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		for _, id := range got.PostIDs {
			p, err := tx.Post(ctx, b.Workspace, id)
			require.NoError(t, err)
			require.Equal(t, post.InReview, p.State)
			idea, err := tx.Idea(ctx, b.Workspace, *p.IdeaID)
			require.NoError(t, err)
			require.NotEmpty(t, idea.Quote)
			require.True(t, strings.HasPrefix(idea.SourceURL, b.news))
			item, err := tx.Item(ctx, b.Workspace, *idea.ItemID)
			require.NoError(t, err)
			require.Contains(t, item.Body, idea.Quote, "the citation stands in what was read")
		}
		runs, err := tx.Runs(ctx, b.Workspace, store.RunFilter{}, 20)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(runs), 4)
		for _, r := range runs {
			require.True(t, r.Simulated)
			require.Equal(t, "ok", r.Outcome)
			require.Positive(t, r.CostMicroUSD)
			require.Empty(t, r.Problem)
		}
		return nil
	}))
}

// fetches are the requests that the publications got.
func (b *bundle) fetches(t *testing.T) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.news+"/_sim/requests", http.NoBody)
	require.NoError(t, err)
	client := httpclient.New(httpclient.Options{Timeout: 10 * time.Second, MaxBody: 1 << 20, UserAgent: "test"})
	defer client.CloseIdleConnections()
	response, err := client.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	var journal struct {
		Items []struct{ Path string }
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&journal))
	return len(journal.Items)
}

func TestAccountsThatFollowOneFeedFetchItOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		redis   string
		fetches int
	}{"Redis": {redis: "redis://" + miniredis.RunT(t).Addr(), fetches: 1}, "NoRedis": {fetches: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupWith(t, c.redis)
			other := b.AddAccount(t, b.Workspace, "second_brand")
			for i, acc := range []account.Account{b.Account, other} {
				source := b.feedOf(t, acc, "/founders/feed.xml")
				g, err := b.asking.Request(t.Context(), b.Person, acc.ID, 1, "")
				require.NoError(t, err)
				require.Empty(t, b.deliver(t, string(b.handed[i].Body)))
				require.Len(t, b.generation(t, g.ID).PostIDs, 1)
				require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
					source, err = tx.Source(ctx, b.Workspace, source.ID)
					return err
				}))
				require.Positive(t, source.Items, "both have what it said")
			}
			require.Equal(t, c.fetches, b.fetches(t))
		})
	}
}

func TestHostileSourcesSayWhatIsWrongAndHoldNothingUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	says := map[string]string{
		"/hostile/empty": "nothing", "/hostile/html": "no feed", "/hostile/huge": "larger than", "/hostile/redirect": "inside a private network",
		"/hostile/loop": "redirects", "/hostile/bomb.gz": "larger than", "/hostile/status/500": "answered 500", "/hostile/status/404": "answered 404",
	}
	ids := map[string]uuid.UUID{}
	for path := range says {
		ids[path] = b.feed(t, path).ID
	}
	b.feed(t, "/engineering/atom.xml")
	g, err := b.asking.Request(t.Context(), b.Person, b.Account.ID, 1, "")
	require.NoError(t, err)
	require.Empty(t, b.deliver(t, string(b.handed[0].Body)))
	require.Equal(t, store.GenerationDone, b.generation(t, g.ID).State)
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		for path, words := range says {
			s, err := tx.Source(ctx, b.Workspace, ids[path])
			require.NoError(t, err)
			require.Contains(t, s.LastProblem, words, path)
			require.NotContains(t, s.LastProblem, "127.0.0.1", "what people read holds no inside address")
			require.Zero(t, s.Items)
		}
		return nil
	}))
}

func TestAnArticleThatGivesOrdersEndsAsADraftAtMost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed(t, "/hostile/injection")
	g, err := b.asking.Request(t.Context(), b.Person, b.Account.ID, 2, "")
	require.NoError(t, err)
	require.Empty(t, b.deliver(t, string(b.handed[0].Body)))
	for _, id := range b.generation(t, g.ID).PostIDs {
		require.Equal(t, post.InReview, b.Post(t, id).State)
	}
}

func TestEveryKindOfModelFaultEndsInAStateThatPeopleUnderstand(t *testing.T) {
	t.Parallel()
	for preset, want := range map[string]store.GenerationState{
		"cut_off": store.GenerationFailed, "half_json": store.GenerationFailed, "broken_json": store.GenerationFailed,
		"wrong_schema": store.GenerationFailed, "empty_content": store.GenerationFailed, "empty_choices": store.GenerationFailed,
		"refusal": store.GenerationFailed, "content_filter": store.GenerationFailed, "truncated": store.GenerationFailed,
		"invalid_api_key": store.GenerationFailed, "insufficient_quota": store.GenerationFailed, "context_length": store.GenerationFailed,
		"rate_limited_absurd": store.GenerationQueued, "overloaded": store.GenerationQueued, "reset": store.GenerationQueued,
	} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.feed(t, "/engineering/atom.xml")
			fault := httptest.NewRequest(http.MethodPost, "/_sim/faults", strings.NewReader(fmt.Sprintf(`{"preset":%q}`, preset)))
			answer := httptest.NewRecorder()
			b.model.ServeHTTP(answer, fault)
			require.Less(t, answer.Code, 300, answer.Body.String())
			g, err := b.asking.Request(t.Context(), b.Person, b.Account.ID, 1, "")
			require.NoError(t, err)
			require.Empty(t, b.deliver(t, string(b.handed[0].Body)), "a model's fault is no fault of the message")
			got := b.generation(t, g.ID)
			require.Equal(t, want, got.State, got.Progress)
			require.NotEmpty(t, got.Progress)
			require.Empty(t, got.PostIDs)
		})
	}
}

func TestEveryPayloadOfItsEventsIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paths, err := filepath.Glob("../../events/generate/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		answer, err := b.function.Handle(t.Context(), raw)
		switch name := filepath.Base(path); {
		case strings.HasPrefix(name, "wrong"):
			require.True(t, apperr.Is(err, apperr.Invalid), "%s: %v", name, err)
		case strings.Contains(name, "malformed"):
			require.NoError(t, err)
			require.Equal(t, events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{
				{ItemIdentifier: "059f36b4-87a3-44ab-83d2-661975610002"},
			}}, answer, name)
		default:
			require.NoError(t, err, name)
		}
	}
}

func TestTheTickMakesThePostsThatRepeat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		_, err = tx.AddRecurrence(ctx, store.Recurrence{
			AccountID: b.Account.ID, Content: post.Text("Good morning."), Rule: "FREQ=DAILY", Zone: "Europe/Berlin",
			StartLocal: "2026-01-01T09:00:00", NextAt: &now, CreatedBy: b.Person,
		})
		return err
	}))
	for range 2 {
		_, err := b.function.Handle(t.Context(), json.RawMessage(`{"task":"fill"}`))
		require.NoError(t, err)
	}
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		posts, err := tx.Posts(ctx, b.Workspace, store.PostFilter{States: []post.State{post.InReview}}, 100)
		require.Len(t, posts, 14)
		return err
	}))
}
