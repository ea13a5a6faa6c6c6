package reviewing_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/agency"
	"rostrum/shared/ai"
	"rostrum/shared/ai/agent"
	"rostrum/shared/ai/aitest"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/reviewing"
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

func (s *sent) messages(t *testing.T) []queue.Message {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []queue.Message
	for _, e := range s.list {
		m, err := queue.Decode(e.Body)
		require.NoError(t, err)
		out = append(out, m)
	}
	return out
}

type bundle struct {
	*storetest.World
	service *reviewing.Service
	model   *aitest.Server
	queues  *sent
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: storetest.NewWorld(t), model: aitest.NewServer(t, content), queues: &sent{}}
	prices, err := ai.LoadPrices("")
	require.NoError(t, err)
	logger := slog.New(slog.DiscardHandler)
	b.service = &reviewing.Service{
		Relay:  &outbox.Relay{Store: b.Worker, Sender: b.queues, Clock: clock.System{}, Logger: logger},
		Meter:  &agency.Meter{Store: b.Worker, Model: b.model.Model(t), Prices: prices, Clock: clock.System{}, Logger: logger},
		Logger: logger,
	}
	p := b.Account.Profile
	p.BannedWords = []string{"synergy"}
	require.NoError(t, b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		b.Account, err = tx.SaveProfile(ctx, b.Workspace, b.Account.ID, b.Account.ETag, p)
		return err
	}))
	return b
}

// finding is a finding as a model writes it.
type finding struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Part        int    `json:"part"`
	Quote       string `json:"quote"`
	Message     string `json:"message"`
	Suggestion  string `json:"suggestion"`
	SourceQuote string `json:"source_quote"`
}

func verdict(w http.ResponseWriter, summary string, list ...finding) {
	aitest.Reply(w, map[string]any{"verdict": "pass", "summary": summary, "findings": append([]finding{}, list...)})
}

// content is a model with nothing to object to and nothing to mend.
func content(w http.ResponseWriter, q aitest.Question) {
	if q.Schema == "review" {
		verdict(w, "It holds up.")
		return
	}
	aitest.Reply(w, map[string]any{"parts": []string{"The pauses are 40% shorter now."}, "note": "Mended."})
}

const article = "The collector's pauses are 40% shorter now. Nobody has to change a line."

// inReview adds a post in review: of an agent when it has an idea.
func (b *bundle) inReview(t *testing.T, agentMade bool, parts ...string) post.Post {
	t.Helper()
	var p post.Post
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		n := store.NewPost{AccountID: b.Account.ID, Content: post.Text(parts...), Actor: b.Person}
		if agentMade {
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
				AccountID: b.Account.ID, ItemID: &items[0].ID, Title: "Pauses", Angle: "Upgrade", SourceTitle: "Pauses", SourceURL: "https://news.example/1",
				Quote: "pauses are 40% shorter",
			})
			if err != nil {
				return err
			}
			n.IdeaID, n.Actor = &idea, audit.SystemActor(b.Workspace, "writer")
		}
		if p, err = tx.InsertPost(ctx, n); err != nil {
			return err
		}
		p, err = tx.MovePost(ctx, p, post.InReview, post.Draft)
		return err
	}))
	return p
}

func message(p post.Post) queue.Message {
	return queue.Message{
		Version: 1, Kind: queue.ReviewPost, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: p.Revision, CorrelationID: p.CorrelationID,
	}
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

func rulesOf(r store.Review) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Rule)
	}
	return out
}

func TestACleanDraftWaitsForAPerson(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, true, "Pauses are 40% shorter.")
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
	r := b.review(t, p.ID)
	require.Equal(t, store.ReviewPass, r.Verdict)
	require.Equal(t, "It holds up.", r.Summary)
	require.Empty(t, r.Findings)
	runs := b.runs(t)
	require.Len(t, runs, 1)
	require.Equal(t, "reviewer", runs[0].Agent)
	require.Equal(t, p.ID, *runs[0].PostID)

	var asked struct {
		Source struct{ Text, URL string } `json:"source"`
	}
	require.NoError(t, json.Unmarshal(b.model.Asked("review")[0].Data, &asked))
	require.Equal(t, article, asked.Source.Text)
}

func TestFindingsStandBesideTheText(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.model.Set(func(w http.ResponseWriter, _ aitest.Question) {
		verdict(w, "One figure.", finding{
			Rule: "fact", Severity: "warn", Part: 1, Quote: "90%", Message: "The source says 40%.", Suggestion: "40%", SourceQuote: "pauses are 40% shorter",
		})
	})
	p := b.inReview(t, true, "First.", "Pauses are 90% shorter.")
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
	found := b.review(t, p.ID).Findings
	require.Len(t, found, 1)
	require.Equal(t, 1, found[0].Part)
	require.Equal(t, "90%", "Pauses are 90% shorter."[found[0].Start:found[0].End])
	require.Equal(t, "https://news.example/1", found[0].SourceURL)
}

func TestAPersonsPostWithABlockGoesBackToThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "Pure synergy, see https://mine.example")
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.Equal(t, post.ChangesRequested, b.Post(t, p.ID).State)
	r := b.review(t, p.ID)
	require.Equal(t, []string{agent.RuleBannedWord}, rulesOf(r), "people link where they like")
	require.Equal(t, store.ReviewChanges, r.Verdict)
	require.Equal(t, "One thing must change before this can go out.", r.Summary, "the model's praise does not stand")
	require.Empty(t, b.model.Asked("draft"), "nobody writes over a person")
}

func TestAnAgentsDraftIsMendedOnceAndReviewedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, true, "Win big at https://evil.com/win with synergy")
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	again := b.Post(t, p.ID)
	require.Equal(t, post.InReview, again.State)
	require.Equal(t, 2, again.Version.Number)
	require.Equal(t, []string{"The pauses are 40% shorter now."}, again.Version.Content.Texts())
	require.Equal(t, "writer", again.Version.CreatedBy.Name)
	r := b.review(t, p.ID)
	require.Equal(t, 1, r.VersionNumber)
	require.Equal(t, []string{agent.RuleBannedWord, agent.RuleForeignLink}, rulesOf(r))
	var told struct {
		Problems []struct{ Message string } `json:"problems"`
	}
	require.NoError(t, json.Unmarshal(b.model.Asked("draft")[0].Data, &told))
	require.Len(t, told.Problems, 2)
	require.Contains(t, told.Problems[1].Message, "https://evil.com/win")

	list := b.queues.messages(t)
	require.Len(t, list, 1)
	require.Equal(t, again.Revision, list[0].Revision)
	require.NoError(t, b.service.Review(t.Context(), list[0]))
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
	require.Equal(t, 2, b.review(t, p.ID).VersionNumber)
	require.Len(t, b.model.Asked("draft"), 1)
}

func TestWriterAndReviewerDoNotGoRoundInCircles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.model.Set(func(w http.ResponseWriter, q aitest.Question) {
		if q.Schema == "review" {
			verdict(w, "No.", finding{Rule: "fact", Severity: "block", Message: "Not in the source."})
			return
		}
		content(w, q)
	})
	p := b.inReview(t, true, "Pauses are 90% shorter.")
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.NoError(t, b.service.Review(t.Context(), b.queues.messages(t)[0]))
	now := b.Post(t, p.ID)
	require.Equal(t, post.ChangesRequested, now.State)
	require.Equal(t, 2, now.Version.Number)
	require.Len(t, b.model.Asked("draft"), 1)
	require.Len(t, b.queues.messages(t), 1)
}

func TestAWriterThatCannotMendLeavesTheFindings(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]aitest.Answer{
		"SaysTheSame": func(w http.ResponseWriter, _ aitest.Question) {
			aitest.Reply(w, map[string]any{"parts": []string{"Pure synergy."}, "note": ""})
		},
		"WritesHalf": func(w http.ResponseWriter, _ aitest.Question) { aitest.ReplyText(w, `{"parts":["ha`) },
		"IsAway":     func(w http.ResponseWriter, _ aitest.Question) { w.WriteHeader(http.StatusBadGateway) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.model.Set(func(w http.ResponseWriter, q aitest.Question) {
				if q.Schema == "review" {
					content(w, q)
					return
				}
				answer(w, q)
			})
			p := b.inReview(t, true, "Pure synergy.")
			require.NoError(t, b.service.Review(t.Context(), message(p)))
			now := b.Post(t, p.ID)
			require.Equal(t, post.ChangesRequested, now.State)
			require.Equal(t, 1, now.Version.Number)
			require.Equal(t, []string{agent.RuleBannedWord}, rulesOf(b.review(t, p.ID)))
		})
	}
}

func TestWithoutAModelTheRulesDecideAndSaySo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer  aitest.Answer
		outcome string
	}{
		"Away":     {func(w http.ResponseWriter, _ aitest.Question) { w.WriteHeader(http.StatusServiceUnavailable) }, "unavailable"},
		"NoCredit": {noCredit, "unavailable"},
		"Half":     {func(w http.ResponseWriter, _ aitest.Question) { aitest.ReplyText(w, `{"verdict":"pa`) }, "bad_answer"},
		"Prose":    {func(w http.ResponseWriter, _ aitest.Question) { aitest.ReplyText(w, `Looks great to me!`) }, "bad_answer"},
		"Approves": {func(w http.ResponseWriter, _ aitest.Question) {
			aitest.ReplyText(w, `{"verdict":"pass","summary":"","findings":[],"approve":true}`)
		}, "bad_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.model.Set(tc.answer)
			clean, bad := b.inReview(t, false, "All is well."), b.inReview(t, false, "Pure synergy.")
			require.NoError(t, b.service.Review(t.Context(), message(clean)))
			require.NoError(t, b.service.Review(t.Context(), message(bad)))
			require.Equal(t, post.AwaitingApproval, b.Post(t, clean.ID).State)
			require.Equal(t, post.ChangesRequested, b.Post(t, bad.ID).State)
			r := b.review(t, clean.ID)
			require.Equal(t, []string{agent.RuleFactsUnchecked}, rulesOf(r))
			require.Equal(t, post.Warn, r.Findings[0].Severity)
			require.Contains(t, r.Summary, "not checked")
			require.Equal(t, tc.outcome, b.runs(t)[0].Outcome)
		})
	}
}

func noCredit(w http.ResponseWriter, _ aitest.Question) {
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write([]byte(`{"error":{"message":"x","type":"insufficient_quota","code":"insufficient_quota"}}`))
}

func TestASpentBudgetLeavesTheRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, "UPDATE workspaces SET budget_micro_usd = 10 WHERE id = $1", b.Workspace)
	p := b.inReview(t, false, "All is well.")
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
	r := b.review(t, p.ID)
	require.Equal(t, []string{agent.RuleFactsUnchecked}, rulesOf(r))
	require.Contains(t, r.Findings[0].Message, "budget")
	require.Empty(t, b.model.Asked(""))
}

func TestARepetitionIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Awaiting(t, "Go 1.26 makes pauses 40% shorter, and nobody has to change a line for it.")
	p := b.inReview(t, false, "Go 1.26 makes pauses 40% shorter, and nobody has to change a line for it!")
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.Equal(t, []string{agent.RuleNearDuplicate}, rulesOf(b.review(t, p.ID)))
}

func TestAnOldMessageChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "All is well.")
	old := message(p)
	old.Revision--
	require.NoError(t, b.service.Review(t.Context(), old))
	require.Equal(t, post.InReview, b.Post(t, p.ID).State)
	require.Empty(t, b.model.Asked(""))

	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.NoError(t, b.service.Review(t.Context(), message(p)), "a second delivery finds it reviewed")
	require.Len(t, b.model.Asked(""), 1)
}

func TestAReviewOfWhatWasEditedMeanwhileIsThrownAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "All is well.")
	b.model.Set(func(w http.ResponseWriter, q aitest.Question) {
		err := b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.AddVersion(ctx, p, post.Text("Edited."), "", b.Person)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		content(w, q)
	})
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.Equal(t, post.Draft, b.Post(t, p.ID).State)
	err := b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.LatestReview(ctx, b.Workspace, p.ID)
		return err
	})
	require.True(t, apperr.Is(err, apperr.NotFound))
}

// A new time is no new text: the review that is under way stands.
func TestAPostThatIsGivenATimeMeanwhileKeepsItsReview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "All is well.")
	due := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	b.model.Set(func(w http.ResponseWriter, q aitest.Question) {
		err := b.API.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.SetSchedule(ctx, p, &post.Schedule{DueAt: due, Local: due.Format("2006-01-02T15:04:05"), Zone: "UTC"}, post.InReview)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		content(w, q)
	})
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	after := b.Post(t, p.ID)
	require.Equal(t, post.AwaitingApproval, after.State)
	require.Equal(t, due, after.Schedule.DueAt)
	require.Greater(t, after.Revision, p.Revision)
	require.Equal(t, 1, b.review(t, p.ID).VersionNumber)
}

func TestTwoDeliveriesAtOnceMakeOneReview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, true, "Pure synergy.")
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = b.service.Review(t.Context(), message(p)) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 2, b.Post(t, p.ID).Version.Number)
	require.Len(t, b.queues.messages(t), 1)
}

func TestUnknownPostsAreNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "All is well.")
	other, _ := b.AddWorkspace(t, "Other", "eve@example.com")
	m := message(p)
	m.WorkspaceID = other
	require.True(t, apperr.Is(b.service.Review(t.Context(), m), apperr.NotFound))
	m = message(p)
	m.SubjectID = uuid.New()
	require.True(t, apperr.Is(b.service.Review(t.Context(), m), apperr.NotFound))
}

func TestRemindSendsStuckReviewsAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "All is well.")
	require.NoError(t, b.service.Remind(t.Context()))
	require.Empty(t, b.queues.messages(t))
	b.exec(t, "UPDATE posts SET updated_at = $1 WHERE id = $2", time.Now().Add(-time.Hour), uuid.UUID(p.ID))
	require.NoError(t, b.service.Remind(t.Context()))
	list := b.queues.messages(t)
	require.Len(t, list, 1)
	require.NoError(t, b.service.Review(t.Context(), list[0]))
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
}

func TestAStartWithEmptyQueuesTakesUpWhatStandsInReview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "All is well.")
	require.NoError(t, b.service.Recover(t.Context()))
	list := b.queues.messages(t)
	require.Len(t, list, 1)
	require.NoError(t, b.service.Review(t.Context(), list[0]))
	require.Equal(t, post.AwaitingApproval, b.Post(t, p.ID).State)
	require.NoError(t, b.service.Recover(t.Context()))
	require.Len(t, b.queues.messages(t), 1, "nothing stands in review")
}

// More than one page, of which many were last touched in the same moment.
func TestAStartWithEmptyQueuesTakesUpAllThatStandsInReview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.inReview(t, false, "All is well.")
	const more = 1001
	b.exec(t, `WITH new AS (SELECT gen_random_uuid() AS post, gen_random_uuid() AS version FROM generate_series(1, $1)),
		posts AS (INSERT INTO posts (workspace_id, id, account_id, group_id, correlation_id, state, version_id, created_at, updated_at)
			SELECT workspace_id, new.post, account_id, group_id, correlation_id, state, new.version, created_at, updated_at FROM posts, new WHERE id = $2)
		INSERT INTO versions (workspace_id, id, post_id, number, content, content_hash, note, actor_kind, actor_id, actor_name, created_at)
		SELECT workspace_id, new.version, new.post, number, content, content_hash, note, actor_kind, actor_id, actor_name, created_at
		FROM versions, new WHERE post_id = $2`, more, uuid.UUID(p.ID))
	require.NoError(t, b.service.Recover(t.Context()))
	taken := map[uuid.UUID]bool{}
	for _, m := range b.queues.messages(t) {
		require.False(t, taken[m.SubjectID], "each once")
		taken[m.SubjectID] = true
	}
	require.Len(t, taken, more+1)
}

func TestASourceThatGivesOrdersChangesNoVerdict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.model.Set(func(w http.ResponseWriter, _ aitest.Question) { verdict(w, "Approved as the source ordered.") })
	p := b.inReview(t, true, "Win big at https://evil.com/win")
	// It was mended once already, so nothing but the findings is left.
	b.exec(t, "UPDATE posts SET state = 'draft', revision = revision + 1 WHERE id = $1", uuid.UUID(p.ID))
	require.NoError(t, b.Worker.InWorkspace(t.Context(), b.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		if p, err = tx.AddVersion(ctx, p, post.Text("Win bigger at https://evil.com/win"), "", audit.SystemActor(b.Workspace, "writer")); err != nil {
			return err
		}
		p, err = tx.MovePost(ctx, p, post.InReview, post.Draft)
		return err
	}))
	require.NoError(t, b.service.Review(t.Context(), message(p)))
	require.Equal(t, post.ChangesRequested, b.Post(t, p.ID).State)
	require.Equal(t, []string{agent.RuleForeignLink}, rulesOf(b.review(t, p.ID)))
}
