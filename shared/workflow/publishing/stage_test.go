package publishing_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/blob"
	"rostrum/shared/platform"
	"rostrum/shared/post"
)

// gallery is a network that publishes in two steps, as a test tells it.
type gallery struct {
	mu     sync.Mutex
	staged []platform.StageRequest
	phases map[string]platform.StageState
	// made is the phase of what is staged next, and stageErr refuses it.
	made     platform.StageState
	stageErr error
	// answer is what publishing comes to; nil is acceptance.
	answer func(show func() platform.Outcome) platform.Outcome
	// meanwhile happens once, between the network's word on a stage and its being heard.
	meanwhile func()
	// unlisted keeps what is public out of reads.
	unlisted bool
	calls    []string
	audience []platform.RemotePost
	// waiting counts those who came to stage.
	waiting atomic.Int64
}

// UploadMedia takes no image without its part.
func (g *gallery) UploadMedia(_ context.Context, r platform.MediaUpload) (platform.UploadedMedia, error) {
	if r.Of == 1 {
		return platform.UploadedMedia{}, nil
	}
	return platform.UploadedMedia{RemoteID: "child of " + blob.Digest(r.Data), Lives: time.Hour}, nil
}

// Stage takes a part.
func (g *gallery) Stage(_ context.Context, r platform.StageRequest) (platform.Staged, error) {
	g.waiting.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stageErr != nil {
		if g.meanwhile != nil {
			g.meanwhile()
		}
		return platform.Staged{}, g.stageErr
	}
	g.staged = append(g.staged, r)
	id := "stage " + strconv.Itoa(len(g.staged))
	g.phases[id] = g.made
	return platform.Staged{RemoteID: id, Lives: 23 * time.Hour}, nil
}

// StageState reads how far it is.
func (g *gallery) StageState(_ context.Context, _ platform.Target, id string) (platform.StageState, error) {
	g.mu.Lock()
	state, meanwhile := g.phases[id], g.meanwhile
	g.meanwhile = nil
	g.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return state, nil
}

// Publish shows what was staged, once.
func (g *gallery) Publish(_ context.Context, r platform.PublishRequest) platform.Outcome {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, r.StagedID)
	show := func() platform.Outcome {
		if g.phases[r.StagedID].Phase != platform.StageReady {
			return platform.Outcome{Class: platform.Unclear, Code: "not_ready"}
		}
		g.phases[r.StagedID] = platform.StageState{Phase: platform.StagePublished}
		id := strconv.Itoa(100 + len(g.audience))
		g.audience = append(g.audience, platform.RemotePost{ID: id, Text: r.Text, CreatedAt: time.Now(), URL: "https://gallery.example/" + id})
		return platform.Outcome{Class: platform.Accepted, Code: "accepted", RemoteID: id}
	}
	if g.answer != nil {
		return g.answer(show)
	}
	return show()
}

// RecentPosts lists what is public, newest first.
func (g *gallery) RecentPosts(context.Context, platform.Target, string) ([]platform.RemotePost, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []platform.RemotePost
	for i := len(g.audience) - 1; i >= 0 && !g.unlisted; i-- {
		out = append(out, g.audience[i])
	}
	return out, nil
}

// ReadMetrics is not part of sending.
func (g *gallery) ReadMetrics(context.Context, platform.Target, []string) (map[string]platform.Metrics, error) {
	return nil, errors.New("not part of sending")
}

// Delete is not part of sending.
func (g *gallery) Delete(context.Context, platform.Target, string) error {
	return errors.New("not part of sending")
}

// becomes has all that is staged, and what is staged next, be in a phase.
func (g *gallery) becomes(s platform.StageState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.made = s
	for id := range g.phases {
		g.phases[id] = s
	}
}

func phase(p platform.Phase) platform.StageState { return platform.StageState{Phase: p} }

// withGallery puts the bench's account on a network that publishes in two steps.
func withGallery(t *testing.T) (*bench, *gallery) {
	t.Helper()
	b := setup(t)
	files, err := blob.Open(t.Context(), blob.Settings{URL: "file://" + t.TempDir()}, "https://rostrum.example/files/")
	require.NoError(t, err)
	t.Cleanup(files.Close)
	b.service.Files = files
	g := &gallery{phases: map[string]platform.StageState{}, made: phase(platform.StageReady)}
	b.service.Publishers = map[account.Network]platform.Publisher{account.X: g}
	return b, g
}

// lost has the network publish, or not, and say nothing of it.
func lost(publishes bool) func(func() platform.Outcome) platform.Outcome {
	return func(show func() platform.Outcome) platform.Outcome {
		if publishes {
			show()
		}
		return platform.Outcome{Class: platform.Unclear, Code: "timeout", Detail: "No answer."}
	}
}

func TestAPartIsStagedAheadAndShownAtItsTime(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1), b.keep(t, 2)})
	b.early(t, p)
	require.Len(t, g.staged, 1)
	require.Empty(t, g.calls)
	staged := g.staged[0]
	require.Equal(t, "part a", staged.Text)
	require.Len(t, staged.Images, 2)
	require.True(t, strings.HasPrefix(staged.Images[0].URL, "https://rostrum.example/files/"))
	require.True(t, strings.HasPrefix(staged.Images[0].RemoteID, "child of sha256:"))
	require.Equal(t, "A harbour", staged.Images[0].Alt)
	b.early(t, p)
	b.fallsDue(t, p)
	b.send(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Len(t, g.staged, 1, "a repeat uses what is staged")
	require.Equal(t, []string{"stage 1"}, g.calls)
}

func TestAPartThatTheNetworkWorksOnIsWaitedForAndThenStagedOnceMore(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	g.becomes(phase(platform.StagePending))
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.send(t, p)
	held := b.Post(t, p.ID)
	require.Equal(t, post.Scheduled, held.State)
	require.Equal(t, post.HeldRetry, held.Hold)
	require.Equal(t, "media_processing", held.FailureCode)
	b.send(t, b.retryNow(t, p))
	require.Len(t, g.staged, 1)
	stuck := func() {
		b.exec(t, "UPDATE network_stages SET staged_at = staged_at - interval '11 minutes'")
		b.send(t, b.retryNow(t, p))
	}
	stuck()
	b.send(t, b.retryNow(t, p))
	require.Len(t, g.staged, 2)
	stuck()
	after := b.Post(t, p.ID)
	require.Equal(t, post.Failed, after.State)
	require.Equal(t, "stage_stuck", after.FailureCode)
	require.Contains(t, after.FailureDetail, "Nothing was posted")
	require.Empty(t, g.calls)
}

func TestImagesThatTheNetworkNeverFinishesFailThePost(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	g.stageErr = apperr.New(apperr.RateLimited, "media_processing", "not ready").WithRetryAfter(3 * time.Second)
	p := b.illustrated(t, []post.Media{b.keep(t, 1), b.keep(t, 2)})
	b.send(t, p)
	b.send(t, b.retryNow(t, p))
	for range 2 {
		require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
		b.exec(t, "UPDATE network_stages SET staged_at = staged_at - interval '11 minutes'")
		b.send(t, b.retryNow(t, p))
	}
	after := b.Post(t, p.ID)
	require.Equal(t, post.Failed, after.State)
	require.Equal(t, "stage_stuck", after.FailureCode)
	require.Empty(t, g.calls)
}

// A queue may deliver twice, and the early visits and the last one wait for the
// same: their messages become one.
func TestOfTheMessagesOfAWaitingPostTheLastCounts(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	g.becomes(phase(platform.StagePending))
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.send(t, p)
	b.send(t, p)
	messages, _ := b.left(t)
	require.Len(t, messages, 2)
	for range 3 {
		require.NoError(t, b.service.Send(t.Context(), messages[0], nil))
	}
	left, _ := b.left(t)
	require.Len(t, left, 2, "the first was put back later by the second, which left a message of its own")
	require.NoError(t, b.service.Send(t.Context(), messages[1], nil))
	left, _ = b.left(t)
	require.Len(t, left, 3)
}

func TestSeveralVisitsAtOnceCountOneTry(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	g.stageErr = apperr.New(apperr.Unavailable, "media_unreachable", "The network could not fetch the image.")
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	var wg sync.WaitGroup
	g.mu.Lock() // All of them have read the post before one goes on.
	for range 6 {
		wg.Go(func() { b.send(t, p) })
	}
	require.Eventually(t, func() bool { return g.waiting.Load() == 6 }, 5*time.Second, time.Millisecond)
	g.mu.Unlock()
	wg.Wait()
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
	var tries int
	require.NoError(t, b.conn.QueryRow(t.Context(), "SELECT tries FROM network_stages").Scan(&tries))
	require.Equal(t, 1, tries)
	left, _ := b.left(t)
	require.Len(t, left, 1)
}

func TestWhatTheNetworkCannotMakeReadyIsStagedAnewOrFailsAtOnce(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	failed := platform.StageState{Phase: platform.StageFailed, Code: "media_not_fetched", Detail: "The network could not fetch the image."}
	g.becomes(failed)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	for range 12 {
		b.send(t, b.retryNow(t, p))
	}
	after := b.Post(t, p.ID)
	require.Equal(t, post.Failed, after.State)
	require.Equal(t, "media_not_fetched", after.FailureCode)
	require.Contains(t, after.FailureDetail, "tried 5 times")
	require.Len(t, g.staged, 5)

	failed.Final = true
	g.becomes(failed)
	q := b.illustrated(t, []post.Media{b.keep(t, 2)})
	b.send(t, q)
	require.Equal(t, post.Failed, b.Post(t, q.ID).State)
	require.Len(t, g.staged, 6)
	require.Empty(t, g.calls)
}

func TestAStageThatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err   error
		state post.State
		hold  post.HoldReason
	}{
		"ItsImagesAreNotReady": {apperr.New(apperr.RateLimited, "media_processing", "not ready").WithRetryAfter(3 * time.Second), post.Scheduled, post.HeldRetry},
		"TheNetworkIsAway":     {apperr.New(apperr.Unavailable, "http_500", "away"), post.Scheduled, post.HeldRetry},
		"TheCaptionIsTooLong":  {apperr.New(apperr.Invalid, "caption_too_long", "The text is too long."), post.Failed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, g := withGallery(t)
			g.stageErr = tc.err
			p := b.illustrated(t, []post.Media{b.keep(t, 1)})
			b.send(t, p)
			after := b.Post(t, p.ID)
			require.Equal(t, tc.state, after.State)
			require.Equal(t, tc.hold, after.Hold)
			require.NotEmpty(t, after.FailureDetail)
			if tc.state == post.Scheduled {
				g.stageErr = nil
				b.send(t, b.retryNow(t, p))
				require.Equal(t, post.Published, b.Post(t, p.ID).State)
			}
		})
	}
}

func TestAnImageThatTheNetworkCannotFetchFailsThePostAfterAWhileWithAWord(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		apperr.New(apperr.Unavailable, "media_unreachable", "The network could not fetch the image.").WithHint("Check the address."),
		apperr.New(apperr.NotFound, "media_gone", "The network has no use of the image any more."),
	} {
		b, g := withGallery(t)
		g.stageErr = err
		p := b.illustrated(t, []post.Media{b.keep(t, 1)})
		for range 4 {
			b.send(t, b.retryNow(t, p))
			require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
			require.Contains(t, b.Post(t, p.ID).FailureDetail, "Nothing was posted")
		}
		b.send(t, b.retryNow(t, p))
		after := b.Post(t, p.ID)
		require.Equal(t, post.Failed, after.State)
		require.Equal(t, apperr.As(err).Code, after.FailureCode)
		require.Contains(t, after.FailureDetail, "tried 5 times. Nothing was posted.")
	}
}

func TestWhatTheNetworkForgotIsStagedAnew(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1)})
	b.early(t, p)
	g.phases["stage 1"] = phase(platform.StageGone)
	b.exec(t, "UPDATE network_stages SET expires_at = clock_timestamp()")
	b.fallsDue(t, p)
	b.send(t, p)
	require.Equal(t, "stage_gone", b.Post(t, p.ID).FailureCode)
	b.send(t, b.retryNow(t, p))
	require.Equal(t, []string{"stage 2"}, g.calls)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
}

func TestAPublishedStageIsAdoptedOnceItIsListedAndNeverResent(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	g.answer, g.unlisted = lost(true), true
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.send(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	b.age(t, p, time.Hour)
	for range 6 {
		b.look(t, p)
	}
	after := b.Post(t, p.ID)
	require.Equal(t, post.Unknown, after.State, "the network says that it is public, so absence is never proved")
	require.NotNil(t, after.NeedsPersonAt)
	g.unlisted = false
	b.look(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Len(t, g.calls, 1)
	require.Equal(t, "100", b.Attempts(t, p.ID)[0].RemoteID)
}

func TestAnAbsentPartIsShownAgainFromTheSameStage(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	g.answer = lost(false)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.send(t, p)
	b.look(t, p)
	b.look(t, p)
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State, "the settle window is not over")
	b.age(t, p, time.Hour)
	b.look(t, p)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
	g.answer = nil
	b.send(t, b.Post(t, p.ID))
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Equal(t, []string{"stage 1", "stage 1"}, g.calls)
	require.Len(t, g.staged, 1)
}

func TestAnAbsentPartWhoseStageIsGoneIsStagedAnew(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	g.answer = lost(false)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.send(t, p)
	g.phases["stage 1"] = phase(platform.StageGone)
	b.age(t, p, time.Hour)
	b.look(t, p)
	b.look(t, p)
	g.answer = nil
	b.send(t, b.retryNow(t, p))
	b.send(t, b.retryNow(t, p))
	require.Equal(t, []string{"stage 1", "stage 2"}, g.calls)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
}

// The network takes the first call after every window of ours: no second call
// is made, and the first attempt's post is found.
func TestAPartThatAppearsAfterItsAbsenceWasProvedIsNotShownAgain(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	var late func() platform.Outcome
	g.answer = func(show func() platform.Outcome) platform.Outcome {
		late = show
		return platform.Outcome{Class: platform.Unclear, Code: "timeout"}
	}
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	b.send(t, p)
	b.age(t, p, time.Hour)
	b.look(t, p)
	b.look(t, p)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
	late()
	b.send(t, b.Post(t, p.ID))
	require.Equal(t, post.Unknown, b.Post(t, p.ID).State)
	require.Len(t, g.calls, 1)
	b.look(t, p)
	require.Equal(t, post.Published, b.Post(t, p.ID).State)
	require.Len(t, g.audience, 1)
}

// A visit is held up between what the network says and what it makes of it.
// Meanwhile the part is attempted and its absence proved, and the post waits for
// an earlier time than the visit had read.
func TestAVisitThatReadThePostBeforeAnAttemptChangesNothing(t *testing.T) {
	t.Parallel()
	for name, tries := range map[string]int{"WouldStageAnew": 1, "WouldFailThePost": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, g := withGallery(t)
			g.becomes(phase(platform.StagePending))
			p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1)})
			b.early(t, p)
			b.exec(t, "UPDATE network_stages SET staged_at = staged_at - interval '11 minutes', tries = $1", tries)
			b.exec(t, "UPDATE posts SET not_before = clock_timestamp() + interval '1 hour'")
			var late func() platform.Outcome
			g.meanwhile = func() {
				g.becomes(phase(platform.StageReady))
				g.answer = func(show func() platform.Outcome) platform.Outcome {
					late = show
					return platform.Outcome{Class: platform.Unclear, Code: "timeout"}
				}
				b.fallsDue(t, p)
				b.send(t, p)
				b.age(t, p, time.Hour)
				b.look(t, p)
				b.look(t, p)
			}
			b.early(t, p)
			require.NotNil(t, late)
			require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
			g.answer = nil
			b.send(t, b.Post(t, p.ID))
			late()
			require.Len(t, g.audience, 1)
			require.Equal(t, []string{"stage 1", "stage 1"}, g.calls)
			require.Equal(t, post.Published, b.Post(t, p.ID).State)
		})
	}
}

func TestAPostThatWasMendedMeanwhileDoesNotFailForWhatItWas(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	p := b.illustrated(t, []post.Media{b.keep(t, 1)})
	g.stageErr = apperr.New(apperr.Invalid, "caption_too_long", "The text is too long.")
	g.meanwhile = func() { b.exec(t, "UPDATE posts SET revision = revision + 1") }
	b.send(t, p)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
}

func TestAnotherTextIsStagedAnewAndNotWhileTheFirstIsPublic(t *testing.T) {
	t.Parallel()
	for name, public := range map[string]bool{"Unseen": false, "Public": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, g := withGallery(t)
			p := b.illustratedIn(t, time.Minute, []post.Media{b.keep(t, 1)})
			b.early(t, p)
			if public {
				g.phases["stage 1"] = phase(platform.StagePublished)
			}
			b.exec(t, "UPDATE network_stages SET content_hash = 'of another text'")
			b.fallsDue(t, p)
			b.send(t, p)
			after := b.Post(t, p.ID)
			if public {
				require.Equal(t, post.HeldFoundLate, after.Hold)
				require.Empty(t, g.calls)
				return
			}
			require.Equal(t, post.Published, after.State)
			require.Equal(t, []string{"stage 2"}, g.calls)
		})
	}
}

// Two senders have read the same; what the one staged meanwhile counts, and an
// intent with another is lost.
func TestAnIntentWithAStageThatWasReplacedIsLost(t *testing.T) {
	t.Parallel()
	b, g := withGallery(t)
	p := b.illustratedIn(t, 3*time.Second, []post.Media{b.keep(t, 1)})
	var wg sync.WaitGroup
	wg.Go(func() { b.send(t, p) })
	require.Eventually(t, func() bool {
		tag, err := b.conn.Exec(t.Context(), "UPDATE network_stages SET remote_id = 'stage of another' WHERE post_id = $1 AND ready_at IS NOT NULL", uuid.UUID(p.ID))
		return err == nil && tag.RowsAffected() == 1
	}, 3*time.Second, 5*time.Millisecond)
	wg.Wait()
	require.Empty(t, g.calls)
	require.Equal(t, post.Scheduled, b.Post(t, p.ID).State)
}
