package post_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/post"
)

func TestEveryStateIsReachedAndNamedOnce(t *testing.T) {
	t.Parallel()
	states := post.States()
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(states))), len(states))
	for _, s := range states {
		reached := s == post.Draft || slices.ContainsFunc(post.Transitions(), func(tr post.Transition) bool { return tr.To == s })
		require.True(t, reached, "nothing leads to %s", s)
	}
	for _, tr := range post.Transitions() {
		require.Contains(t, states, tr.From)
		require.Contains(t, states, tr.To)
		require.NotEqual(t, tr.From, tr.To)
	}
}

// TestOnlyTheseMovesAreAllowed walks every pair: what an approval or a
// publication depends on is spelled out here, not derived from the table.
func TestWhatMustNeverHappenIsNotAMove(t *testing.T) {
	t.Parallel()
	for _, s := range post.States() {
		require.False(t, post.CanMove(post.Published, s), "published is final, not %s", s)
		require.False(t, post.CanMove(post.Canceled, s), "canceled is final, not %s", s)
		if s != post.AwaitingApproval {
			require.False(t, post.CanMove(s, post.Approved) && s != post.Scheduled, "%s must not become approved without an approver", s)
		}
		if s != post.Scheduled && s != post.Unknown {
			require.False(t, post.CanMove(s, post.Sending), "%s must not be sent", s)
		}
		if s != post.Sending && s != post.Unknown {
			require.False(t, post.CanMove(s, post.Published), "%s must not become published without a sending", s)
		}
	}
	for _, s := range []post.State{post.Sending, post.Unknown} {
		require.False(t, post.CanMove(s, post.Canceled), "%s may be public already", s)
		require.False(t, s.Editable(), "%s may be public already", s)
	}
}

func FuzzMoves(f *testing.F) {
	f.Add("draft", "in_review")
	f.Add("published", "")
	f.Fuzz(func(t *testing.T, from, to string) {
		if post.CanMove(post.State(from), post.State(to)) {
			require.Contains(t, post.States(), post.State(from))
			require.Contains(t, post.States(), post.State(to))
		}
	})
}
