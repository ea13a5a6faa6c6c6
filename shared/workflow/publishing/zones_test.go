package publishing_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/schedule"
)

// planned is an approved post whose moment was resolved by other rules of Lord
// Howe than today's, off from where its clock stands now.
func (b *bench) planned(t *testing.T, in, off time.Duration) (p post.Post, due time.Time) {
	t.Helper()
	p = b.Scheduled(t, in, "by the clock")
	now, err := schedule.At(p.Schedule.DueAt.UTC(), "Australia/Lord_Howe")
	require.NoError(t, err)
	b.exec(t, "UPDATE posts SET revision = revision + 1, due_at = $1, due_local = $2, due_zone = $3 WHERE id = $4",
		now.At.Add(off), now.Local, now.Zone, uuid.UUID(p.ID))
	return b.Post(t, p.ID), now.At
}

func TestPlannedPostsFollowTheirClockWhenAZonesRulesChange(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"to sooner": 30 * time.Minute, "to later": -30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			before, due := b.planned(t, time.Hour, off)
			require.NoError(t, b.service.Tick(t.Context()))
			after := b.Post(t, before.ID)
			require.Equal(t, due, after.Schedule.DueAt)
			require.Equal(t, before.Schedule.Local, after.Schedule.Local)
			require.Equal(t, before.Revision+1, after.Revision, "a message for the old moment is out of date")
			require.Equal(t, post.Scheduled, after.State)
			require.Contains(t, b.actions(t, after), "post.zone_rules_changed")
		})
	}
}

// The clocks show one in the morning twice, and the post is for the second time:
// its account came to this zone, and it kept its moment.
func TestAPostAtTheSecondOfTwoTimesThatLookAlikeStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.Scheduled(t, time.Hour, "the second half past one")
	second := time.Date(2099, 11, 1, 6, 30, 0, 0, time.UTC)
	first, err := schedule.Resolve("2099-11-01T01:30:00", "America/New_York")
	require.NoError(t, err)
	require.Equal(t, second.Add(-time.Hour), first.At)
	b.exec(t, "UPDATE posts SET revision = revision + 1, due_at = $1, due_local = $2, due_zone = $3 WHERE id = $4",
		second, first.Local, first.Zone, uuid.UUID(p.ID))
	require.NoError(t, b.service.Tick(t.Context()))
	require.Equal(t, second, b.Post(t, p.ID).Schedule.DueAt)
}

func TestAPostThatItsZonesRulesBringNearIsHandedOutAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.planned(t, time.Minute, time.Hour)
	require.NoError(t, b.service.Tick(t.Context()))
	sent := b.sent.of(t, queue.PublishPost)
	require.Len(t, sent, 1)
	m, err := queue.Decode(sent[0].Body)
	require.NoError(t, err)
	require.Equal(t, b.Post(t, p.ID).Revision, m.Revision)
}

// Two builds with different rules run side by side while one replaces the other.
func TestAProcessHoldsPostsToItsZoneRulesOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.service.Tick(t.Context()))
	p, _ := b.planned(t, time.Hour, time.Hour)
	require.NoError(t, b.service.Tick(t.Context()))
	require.Equal(t, p.Schedule.DueAt, b.Post(t, p.ID).Schedule.DueAt)
}

// The message on its way is of the revision before: the reviewer gets another.
func TestThePostThatMovesInReviewIsReviewedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before, due := b.planned(t, time.Hour, 30*time.Minute)
	for _, state := range []post.State{post.Draft, post.InReview} {
		b.exec(t, "UPDATE posts SET state = $2, revision = revision + 1 WHERE id = $1", uuid.UUID(before.ID), string(state))
	}
	require.NoError(t, b.service.Tick(t.Context()))
	after := b.Post(t, before.ID)
	require.Equal(t, due, after.Schedule.DueAt)
	sent := b.sent.of(t, queue.ReviewPost)
	require.Len(t, sent, 1)
	m, err := queue.Decode(sent[0].Body)
	require.NoError(t, err)
	require.Equal(t, after.Revision, m.Revision)
	require.Equal(t, queue.Review, sent[0].Queue)
}
