package review_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/functions/review"
	"rostrum/shared/ai/agent"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/config"
	"rostrum/shared/host"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/simulator/openai"
	"rostrum/shared/simulator/sqs"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/wake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is the function beside everything it reaches, each over the wire.
type bundle struct {
	*storetest.World
	function *wake.Function
	model    *openai.Server
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: storetest.NewWorld(t)}
	var err error
	b.model, err = openai.New(openai.Config{Now: time.Now})
	require.NoError(t, err)
	modelServer := httptest.NewServer(b.model)
	t.Cleanup(modelServer.Close)
	t.Cleanup(b.model.Close)
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
	environment := map[string]string{
		"DATABASE_URL": b.URL.Reveal(), "AWS_ENDPOINT_URL_SQS": queueServer.URL, "LOG_LEVEL": "error",
		"OPENAI_BASE_URL": modelServer.URL + "/v1", "OPENAI_API_KEY": "simulated", "OPENAI_MODEL": "simulated-writer",
	}
	for name, url := range map[string]string{
		"GENERATE": "GenerateQueue", "REVIEW": "ReviewQueue", "PUBLISH": "PublishQueue", "METRICS": "MetricsQueue",
	} {
		environment["QUEUE_URL_"+name] = urls[url]
	}
	var cfg review.Config
	require.NoError(t, config.LoadFrom(&cfg, environment))
	function, closeAll, err := review.New(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(closeAll)
	b.function = function
	return b
}

const article = "The collector pauses 40 times less often than it did last year. Nobody has to change a line of code for it."

// inReview adds a draft of an agent that rests on the article.
func (b *bundle) inReview(t *testing.T, text string) post.Post {
	t.Helper()
	var p post.Post
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		source, err := tx.AddSource(ctx, b.Workspace, store.NewSource{AccountID: b.Account.ID, Kind: store.SourceFeed, Title: "News", URL: "https://news.example"})
		if err != nil {
			return err
		}
		if err := tx.SaveItem(ctx, b.Workspace, source, store.Item{Key: "1", Title: "Pauses", URL: "https://news.example/1", Body: article}); err != nil {
			return err
		}
		items, err := tx.ItemsToResearch(ctx, b.Workspace, b.Account.ID, uuid.Nil, 1)
		if err != nil {
			return err
		}
		idea, err := tx.AddIdea(ctx, b.Workspace, store.Idea{
			AccountID: b.Account.ID, ItemID: &items[0].ID, Title: "Fewer pauses", Angle: "Upgrade", SourceTitle: "Pauses",
			SourceURL: "https://news.example/1", Quote: "The collector pauses 40 times less often",
		})
		if err != nil {
			return err
		}
		p, err = tx.InsertPost(ctx, store.NewPost{
			AccountID: b.Account.ID, Content: post.Text(text), Actor: audit.SystemActor(b.Workspace, "writer"), IdeaID: &idea,
		})
		if err != nil {
			return err
		}
		p, err = tx.MovePost(ctx, p, post.InReview, post.Draft)
		return err
	}))
	return p
}

// deliver hands the post's message to the function as Lambda would.
func (b *bundle) deliver(t *testing.T, p post.Post) {
	t.Helper()
	body, err := queue.Encode(queue.Message{
		Kind: queue.ReviewPost, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision, CorrelationID: p.CorrelationID,
	})
	require.NoError(t, err)
	payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m1", ReceiptHandle: "r1", Body: string(body), EventSource: "aws:sqs", Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	}}})
	require.NoError(t, err)
	answer, err := b.function.Handle(t.Context(), payload)
	require.NoError(t, err)
	require.Equal(t, events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}, answer)
}

func (b *bundle) review(t *testing.T, id post.ID) store.Review {
	t.Helper()
	var r store.Review
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		r, err = tx.LatestReview(ctx, b.Workspace, id)
		return err
	}))
	return r
}

func TestADraftThatHoldsUpWaitsForAPerson(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, "The collector pauses 40 times less often. Upgrade and measure it yourself. https://news.example/1")
	b.deliver(t, p)
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
	require.Equal(t, store.ReviewPass, b.review(t, p.ID).Verdict)
	require.NotEmpty(t, b.review(t, p.ID).Summary)
}

func TestAWrongFigureIsFoundWhereItStandsAndMendedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := "Hear this: the collector pauses 90 times less often."
	p := b.inReview(t, text)
	b.deliver(t, p)
	r := b.review(t, p.ID)
	require.Equal(t, store.ReviewChanges, r.Verdict)
	var blocking *post.Finding
	for i, f := range r.Findings {
		if f.Severity == post.Block {
			blocking = &r.Findings[i]
		}
	}
	require.NotNil(t, blocking)
	require.Equal(t, "fact", blocking.Rule)
	require.Equal(t, "90", text[blocking.Start:blocking.End])
	require.Contains(t, article, blocking.SourceQuote)
	require.Equal(t, "https://news.example/1", blocking.SourceURL)

	mended := b.Post(t, p.ID)
	require.Equal(t, 2, mended.Version.Number)
	require.NotContains(t, mended.Version.Content.Texts()[0], "90")
	b.deliver(t, mended)
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
}

func TestAModelThatIsAwayLeavesTheRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answer := httptest.NewRecorder()
	b.model.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/_sim/faults", strings.NewReader(`{"preset":"bad_gateway"}`)))
	require.Less(t, answer.Code, 300, answer.Body.String())
	p := b.inReview(t, "The collector pauses less often.")
	b.deliver(t, p)
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
	found := b.review(t, p.ID).Findings
	require.Len(t, found, 1)
	require.Equal(t, agent.RuleFactsUnchecked, found[0].Rule)
}

func TestEveryPayloadOfItsEventsIsTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paths, err := filepath.Glob("../../events/review/*.json")
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
