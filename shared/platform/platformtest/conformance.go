// Package platformtest is the suite that every client of a network passes
// against its simulator: one call is one post, an answer that proves nothing is
// Unclear, and nothing secret shows.
package platformtest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

// Trouble names what goes wrong with one call. A network that cannot play one
// of them fails the suite.
type Trouble string

// The troubles that every network has.
const (
	RateLimited     Trouble = "rate limited for a minute"
	RateLimitAbsurd Trouble = "rate limited for a thousand years"
	RateLimitPast   Trouble = "rate limited until yesterday"
	RateLimitSilent Trouble = "rate limited without a time"
	TokenRefused    Trouble = "token refused"
	ServerError     Trouble = "server error without work done"
	AcceptedError   Trouble = "server error after the post is out"
	AcceptedReset   Trouble = "connection reset after the post is out"
	AcceptedSilence Trouble = "no answer after the post is out"
	AcceptedCut     Trouble = "half an answer after the post is out"
	AcceptedNoID    Trouble = "an answer without id after the post is out"
	AcceptedNoJSON  Trouble = "an unreadable answer after the post is out"
	AcceptedBomb    Trouble = "a huge answer"
	Redirected      Trouble = "redirect"
	ResetUnread     Trouble = "connection reset before the request is read"
	Late            Trouble = "work done after the client left"
)

// Trait names what most networks have and some lack.
type Trait string

// The traits. A network that lacks one is held to what it does instead.
const (
	// Threads: a part can follow another one. Without, a part that should is refused.
	Threads Trait = "threads"
	// TwinRefusal: the same text again is refused. Without, the same staged part
	// again is, so a network that lacks it publishes in two steps.
	TwinRefusal Trait = "twin refusal"
	// Deletion: a post can be deleted. Without, that is Forbidden.
	Deletion Trait = "deletion"
	// Rotation: a refresh token dies by its use. Without, the access token renews
	// itself and goes on working.
	Rotation Trait = "rotation"
)

// Seen is one post as the audience sees it.
type Seen struct{ ID, Text, ReplyTo string }

// Stage is one simulated network with one connected account, fresh per test.
type Stage struct {
	Publisher platform.Publisher
	Connector platform.Connector
	Target    platform.Target
	// Refresh is the account's refresh token.
	Refresh config.Secret
	// Unreachable is the same client pointed at an address where nobody listens.
	Unreachable platform.Publisher
	// Meet lets the next call to publish meet the trouble, once.
	Meet func(t *testing.T, trouble Trouble)
	// MeetEverywhere lets every call meet the trouble, of whatever kind.
	MeetEverywhere func(t *testing.T, trouble Trouble)
	// Seen is what the audience sees, oldest first.
	Seen func(t *testing.T) []Seen
	// Requests counts the calls to publish that reached the network.
	Requests func(t *testing.T) int
	// Image is one that a Stager's network can fetch and takes.
	Image platform.StagedImage
	// Lacks are the traits that the network does not have.
	Lacks []Trait
}

// WithFaults returns the stage so that it meets troubles by the script of its
// simulator: match is the call to publish, rule says how the network plays each
// trouble.
func (s Stage) WithFaults(script *fault.Script, match fault.Match, rule func(Trouble) fault.Rule) Stage {
	s.Meet = func(t *testing.T, trouble Trouble) {
		t.Helper()
		r := rule(trouble)
		r.Times, r.Match = 1, match
		_, err := script.Add(r)
		require.NoError(t, err)
	}
	s.MeetEverywhere = func(t *testing.T, trouble Trouble) {
		t.Helper()
		script.Clear()
		_, err := script.Add(rule(trouble))
		require.NoError(t, err)
	}
	return s
}

// SeenIn is what the audience sees of a ledger.
func SeenIn(entries []ledger.Entry) []Seen {
	var seen []Seen
	for _, e := range entries {
		if !e.Deleted() {
			seen = append(seen, Seen{ID: e.ID, Text: e.Text, ReplyTo: e.ReplyTo})
		}
	}
	return seen
}

// DeadAddress is the address of a port where nobody listens.
func DeadAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return "http://" + listener.Addr().String()
}

func (s Stage) lacks(trait Trait) bool { return slices.Contains(s.Lacks, trait) }

// request is a part as Publish wants it, staged where the network is a Stager.
func (s Stage) request(t *testing.T, text, replyTo string) platform.PublishRequest {
	t.Helper()
	req := platform.PublishRequest{Target: s.Target, Text: text, ReplyTo: replyTo}
	if stager, ok := s.Publisher.(platform.Stager); ok {
		req.StagedID = s.staged(t, stager, text)
	}
	return req
}

// staged stages a part of one image and waits until it is ready.
func (s Stage) staged(t *testing.T, stager platform.Stager, text string) string {
	t.Helper()
	uploaded, err := stager.UploadMedia(t.Context(), platform.MediaUpload{
		Target: s.Target, Type: "image/jpeg", URL: s.Image.URL, Of: 1, Alt: s.Image.Alt,
	})
	require.NoError(t, err)
	image := s.Image
	image.RemoteID = uploaded.RemoteID
	staged, err := stager.Stage(t.Context(), platform.StageRequest{Target: s.Target, Text: text, Images: []platform.StagedImage{image}})
	require.NoError(t, err)
	require.NotEmpty(t, staged.RemoteID)
	require.Positive(t, staged.Lives)
	require.Eventually(t, func() bool {
		state, err := stager.StageState(t.Context(), s.Target, staged.RemoteID)
		require.NoError(t, err)
		return state.Phase == platform.StageReady
	}, 20*time.Second, 10*time.Millisecond)
	return staged.RemoteID
}

// Run runs the suite; stage makes a fresh stage for each test.
func Run(t *testing.T, stage func(t *testing.T) Stage) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s Stage){
		"a post is accepted and read back as written": acceptedAndReadBack,
		"a thread hangs together":                     threadHangsTogether,
		"the same text again is evidence":             duplicateIsEvidence,
		"what was not sent is not sent":               notSent,
		"since is a bound":                            sinceIsABound,
		"metrics are read by id":                      metricsByID,
		"delete may be repeated":                      deleteMayBeRepeated,
		"a bad token is told apart":                   badToken,
		"the owner of a token is named":               ownerIsNamed,
		"refresh rotates":                             refreshRotates,
		"reads report trouble by kind":                readsReportTrouble,
		"no secret shows":                             noSecretShows,
		"what is staged is not seen":                  stagedIsNotSeen,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, stage(t))
		})
	}
	for _, c := range troubles() {
		t.Run("publish meets "+string(c.trouble), func(t *testing.T) {
			t.Parallel()
			meetsTrouble(t, stage(t), c)
		})
	}
}

// A troubled call ends in the class and leaves so many posts.
type troubledCase struct {
	trouble Trouble
	class   platform.Class
	seen    int
}

func troubles() []troubledCase {
	return []troubledCase{
		{RateLimited, platform.Delayed, 0},
		{RateLimitAbsurd, platform.Delayed, 0},
		{RateLimitPast, platform.Delayed, 0},
		{RateLimitSilent, platform.Delayed, 0},
		{TokenRefused, platform.Unauthorized, 0},
		{ServerError, platform.Unclear, 0},
		{AcceptedError, platform.Unclear, 1},
		{AcceptedReset, platform.Unclear, 1},
		{AcceptedSilence, platform.Unclear, 1},
		{AcceptedCut, platform.Unclear, 1},
		{AcceptedNoID, platform.Unclear, 1},
		{AcceptedNoJSON, platform.Unclear, 1},
		{AcceptedBomb, platform.Unclear, 0},
		{Redirected, platform.Unclear, 0},
		{ResetUnread, platform.Unclear, 0},
		{Late, platform.Unclear, 1},
	}
}

func meetsTrouble(t *testing.T, s Stage, c troubledCase) {
	t.Helper()
	// The connection is warm, so that a client that repeats requests on a stale
	// one would do so here.
	require.Equal(t, platform.Accepted, publish(t, s, "warm up", "").Class)
	before := s.Requests(t)
	req := s.request(t, "in trouble", "")
	s.Meet(t, c.trouble)
	patience := time.Minute
	if c.trouble == AcceptedSilence || c.trouble == Late {
		patience = 2 * time.Second // there is nothing to wait for
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	outcome := s.Publisher.Publish(ctx, req)
	require.Equal(t, c.class, outcome.Class, "%+v", outcome)
	checkOutcome(t, outcome)
	require.Equal(t, before+1, s.Requests(t), "a request is made once")
	require.Eventually(t, func() bool { return countText(s.Seen(t), "in trouble") == c.seen }, 20*time.Second, 10*time.Millisecond)
	if c.class == platform.Delayed {
		require.GreaterOrEqual(t, outcome.RetryAfter, time.Second)
		require.LessOrEqual(t, outcome.RetryAfter, 24*time.Hour)
	}
	if c.trouble == RateLimited {
		require.InDelta(t, 60, outcome.RetryAfter.Seconds(), 5)
	}
	// The trouble was met once; the client is none the worse for it.
	require.Equal(t, platform.Accepted, publish(t, s, "after", "").Class)
}

func countText(seen []Seen, text string) int {
	n := 0
	for _, p := range seen {
		if p.Text == text {
			n++
		}
	}
	return n
}

// checkOutcome holds what every outcome owes its reader.
func checkOutcome(t *testing.T, o platform.Outcome) {
	t.Helper()
	require.NotEmpty(t, o.Code)
	require.NotContains(t, o.Code, " ")
	require.NotEmpty(t, o.Detail)
	accepted := o.Class == platform.Accepted
	require.Equal(t, accepted, o.RemoteID != "")
	require.Equal(t, accepted, o.RemoteURL != "")
	require.Equal(t, o.Class == platform.Delayed, o.RetryAfter > 0)
}

func publish(t *testing.T, s Stage, text, replyTo string) platform.Outcome {
	t.Helper()
	outcome := s.Publisher.Publish(t.Context(), s.request(t, text, replyTo))
	checkOutcome(t, outcome)
	return outcome
}

func acceptedAndReadBack(t *testing.T, s Stage) {
	t.Helper()
	for _, text := range []string{
		"plain",
		"fish & chips <b>5 > 3</b> &amp; &lt;",
		"two lines\n\nand e\u0301 and 👩\u200d🚀",
		"one https://example.com/a?b=c&d=e two https://example.com/a?b=c&d=e.",
		"bare example.com/path and more",
		"日本語 https://example.jp/",
	} {
		outcome := publish(t, s, text, "")
		require.Equal(t, platform.Accepted, outcome.Class, "%+v", outcome)
		posts, err := s.Publisher.RecentPosts(t.Context(), s.Target, "")
		require.NoError(t, err)
		require.NotEmpty(t, posts)
		require.Equal(t, outcome.RemoteID, posts[0].ID)
		require.Equal(t, outcome.RemoteURL, posts[0].URL)
		require.Equal(t, platform.Normalize(text), platform.Normalize(posts[0].Text))
		require.False(t, posts[0].CreatedAt.IsZero())
	}
}

// stagedIsNotSeen holds for a network of one step too: it has nothing to stage.
func stagedIsNotSeen(t *testing.T, s Stage) {
	t.Helper()
	stager, ok := s.Publisher.(platform.Stager)
	if !ok {
		return
	}
	first, second := s.staged(t, stager, "staged"), s.staged(t, stager, "staged")
	require.NotEqual(t, first, second)
	require.Empty(t, s.Seen(t))
	posts, err := stager.RecentPosts(t.Context(), s.Target, "")
	require.NoError(t, err)
	require.Empty(t, posts)
	outcome := stager.Publish(t.Context(), platform.PublishRequest{Target: s.Target, Text: "staged", StagedID: second})
	require.Equal(t, platform.Accepted, outcome.Class, "%+v", outcome)
	require.Len(t, s.Seen(t), 1)
	for id, phase := range map[string]platform.Phase{
		first: platform.StageReady, second: platform.StagePublished, "404404404404": platform.StageGone,
	} {
		state, err := stager.StageState(t.Context(), s.Target, id)
		require.NoError(t, err)
		require.Equal(t, phase, state.Phase)
	}
	target := s.Target
	target.AccessToken = "wrong"
	_, err = stager.StageState(t.Context(), target, first)
	require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)
}

func threadHangsTogether(t *testing.T, s Stage) {
	t.Helper()
	first := publish(t, s, "part one", "")
	second := publish(t, s, "part two", first.RemoteID)
	if s.lacks(Threads) {
		require.Equal(t, platform.Refused, second.Class, "%+v", second)
		require.Len(t, s.Seen(t), 1)
		return
	}
	require.Equal(t, platform.Accepted, second.Class, "%+v", second)
	posts, err := s.Publisher.RecentPosts(t.Context(), s.Target, "")
	require.NoError(t, err)
	require.Len(t, posts, 2)
	require.Equal(t, first.RemoteID, posts[0].ReplyTo)
	require.Empty(t, posts[1].ReplyTo)
}

func duplicateIsEvidence(t *testing.T, s Stage) {
	t.Helper()
	req := s.request(t, "twin", "")
	require.Equal(t, platform.Accepted, s.Publisher.Publish(t.Context(), req).Class)
	again := s.Publisher.Publish(t.Context(), req)
	checkOutcome(t, again)
	if s.lacks(TwinRefusal) {
		// It says that the first landed, or nothing; never that nothing is there.
		require.Contains(t, []platform.Class{platform.Unclear, platform.Duplicate}, again.Class, "%+v", again)
	} else {
		require.Equal(t, platform.Duplicate, again.Class, "%+v", again)
	}
	require.Equal(t, 1, countText(s.Seen(t), "twin"))
}

func notSent(t *testing.T, s Stage) {
	t.Helper()
	outcome := s.Unreachable.Publish(t.Context(), s.request(t, "nowhere", ""))
	checkOutcome(t, outcome)
	require.Equal(t, platform.NotSent, outcome.Class, "%+v", outcome)

	never := s.request(t, "never", "")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	outcome = s.Publisher.Publish(canceled, never)
	require.Equal(t, platform.NotSent, outcome.Class, "%+v", outcome)

	_, err := s.Unreachable.RecentPosts(t.Context(), s.Target, "")
	require.True(t, apperr.Is(err, apperr.Unavailable), "%v", err)
	require.Empty(t, s.Seen(t))
}

func sinceIsABound(t *testing.T, s Stage) {
	t.Helper()
	var ids []string
	for i := range 3 {
		ids = append(ids, publish(t, s, fmt.Sprintf("number %d", i), "").RemoteID)
	}
	posts, err := s.Publisher.RecentPosts(t.Context(), s.Target, ids[0])
	require.NoError(t, err)
	require.Len(t, posts, 2)
	require.Equal(t, []string{ids[2], ids[1]}, []string{posts[0].ID, posts[1].ID})
	posts, err = s.Publisher.RecentPosts(t.Context(), s.Target, ids[2])
	require.NoError(t, err)
	require.Empty(t, posts)
}

func metricsByID(t *testing.T, s Stage) {
	t.Helper()
	first, second := publish(t, s, "one", ""), publish(t, s, "two", "")
	unknown := "1"
	got, err := s.Publisher.ReadMetrics(t.Context(), s.Target, []string{first.RemoteID, unknown, second.RemoteID})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.NotNil(t, got[first.RemoteID].Impressions)
	require.NotNil(t, got[second.RemoteID].Likes)
	got, err = s.Publisher.ReadMetrics(t.Context(), s.Target, nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

func deleteMayBeRepeated(t *testing.T, s Stage) {
	t.Helper()
	outcome := publish(t, s, "short-lived", "")
	if s.lacks(Deletion) {
		err := s.Publisher.Delete(t.Context(), s.Target, outcome.RemoteID)
		require.True(t, apperr.Is(err, apperr.Forbidden), "%v", err)
		require.NotEmpty(t, apperr.As(err).Hint)
		require.Len(t, s.Seen(t), 1)
		return
	}
	for range 2 {
		require.NoError(t, s.Publisher.Delete(t.Context(), s.Target, outcome.RemoteID))
	}
	posts, err := s.Publisher.RecentPosts(t.Context(), s.Target, "")
	require.NoError(t, err)
	require.Empty(t, posts)
}

func badToken(t *testing.T, s Stage) {
	t.Helper()
	for _, token := range []config.Secret{"", "wrong"} {
		target := s.Target
		target.AccessToken = token
		req := s.request(t, "unauthorized", "")
		req.Target = target
		outcome := s.Publisher.Publish(t.Context(), req)
		checkOutcome(t, outcome)
		require.Equal(t, platform.Unauthorized, outcome.Class)
		_, err := s.Publisher.RecentPosts(t.Context(), target, "")
		require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)
		if err := s.Publisher.Delete(t.Context(), target, "1"); !s.lacks(Deletion) {
			require.True(t, apperr.Is(err, apperr.Unauthenticated))
		}
	}
	require.Empty(t, s.Seen(t))
}

func ownerIsNamed(t *testing.T, s Stage) {
	t.Helper()
	profile, err := s.Connector.WhoAmI(t.Context(), s.Target.AccessToken)
	require.NoError(t, err)
	require.Equal(t, s.Target.RemoteID, profile.RemoteID)
	require.Equal(t, s.Target.Handle, profile.Handle)
	require.NotEmpty(t, profile.Name)
}

func refreshRotates(t *testing.T, s Stage) {
	t.Helper()
	tokens, err := s.Connector.Refresh(t.Context(), s.Refresh)
	require.NoError(t, err)
	require.NotEmpty(t, tokens.Access.Reveal())
	require.NotEmpty(t, tokens.Refresh.Reveal())
	if !s.lacks(Rotation) {
		require.NotEqual(t, s.Refresh.Reveal(), tokens.Refresh.Reveal())
	}
	require.False(t, tokens.ExpiresAt.IsZero())
	_, err = s.Connector.WhoAmI(t.Context(), tokens.Access)
	require.NoError(t, err)
	_, err = s.Connector.Refresh(t.Context(), s.Refresh)
	if s.lacks(Rotation) {
		require.NoError(t, err, "a renewed token goes on working")
		return
	}
	require.True(t, apperr.Is(err, apperr.Unauthenticated), "a used refresh token is dead: %v", err)
}

func readsReportTrouble(t *testing.T, s Stage) {
	t.Helper()
	outcome := publish(t, s, "to be read", "")
	for trouble, kind := range map[Trouble]apperr.Kind{
		RateLimited: apperr.RateLimited, TokenRefused: apperr.Unauthenticated, ServerError: apperr.Unavailable,
		ResetUnread: apperr.Unavailable, AcceptedCut: apperr.Unavailable, AcceptedNoJSON: apperr.Unavailable, AcceptedBomb: apperr.Unavailable,
	} {
		s.MeetEverywhere(t, trouble)
		_, err := s.Publisher.RecentPosts(t.Context(), s.Target, "")
		require.True(t, apperr.Is(err, kind), "%s: %v", trouble, err)
		_, metricsErr := s.Publisher.ReadMetrics(t.Context(), s.Target, []string{outcome.RemoteID})
		require.True(t, apperr.Is(metricsErr, kind), "%s: %v", trouble, metricsErr)
		if kind == apperr.RateLimited {
			require.InDelta(t, 60, apperr.As(err).RetryAfter.Seconds(), 5)
		}
	}
}

// noSecretShows looks for the tokens in everything that a call gives back while
// all kinds of trouble are met.
func noSecretShows(t *testing.T, s Stage) {
	t.Helper()
	secrets := []string{s.Target.AccessToken.Reveal(), s.Refresh.Reveal()}
	req := s.request(t, "secret keeping", "")
	for _, c := range troubles() {
		if c.trouble == AcceptedSilence || c.trouble == Late {
			continue // they only wait
		}
		s.MeetEverywhere(t, c.trouble)
		outcome := s.Publisher.Publish(t.Context(), req)
		_, readErr := s.Publisher.RecentPosts(t.Context(), s.Target, "")
		_, metricsErr := s.Publisher.ReadMetrics(t.Context(), s.Target, []string{"1"})
		deleteErr := s.Publisher.Delete(t.Context(), s.Target, "1")
		_, whoErr := s.Connector.WhoAmI(t.Context(), s.Target.AccessToken)
		_, refreshErr := s.Connector.Refresh(t.Context(), s.Refresh)
		all := fmt.Sprintf("%+v %#v %v %+v %v %v %v %v %#v", outcome, outcome, readErr, readErr, metricsErr, deleteErr, whoErr, refreshErr, refreshErr)
		if stager, ok := s.Publisher.(platform.Stager); ok {
			_, uploadErr := stager.UploadMedia(t.Context(), platform.MediaUpload{Target: s.Target, URL: s.Image.URL, Of: 2})
			_, stageErr := stager.Stage(t.Context(), platform.StageRequest{Target: s.Target, Images: []platform.StagedImage{s.Image}})
			_, stateErr := stager.StageState(t.Context(), s.Target, req.StagedID)
			all += fmt.Sprintf("%v %#v %v %#v %v %#v", uploadErr, uploadErr, stageErr, stageErr, stateErr, stateErr)
		}
		for _, secret := range secrets {
			require.NotContains(t, all, secret, "%s shows a secret", c.trouble)
		}
	}
}
