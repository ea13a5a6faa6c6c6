package browsing_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/post"
	"rostrum/shared/workflow/browsing"
)

// reasonsInCode reads the constants of type HoldReason from the source, so that
// a new one cannot be forgotten here.
func reasonsInCode(t *testing.T) []post.HoldReason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../post/post.go", nil, 0)
	require.NoError(t, err)
	var out []post.HoldReason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "HoldReason" {
			literal, ok := spec.Values[0].(*ast.BasicLit)
			require.True(t, ok)
			value, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			out = append(out, post.HoldReason(value))
		}
		return true
	})
	return out
}

func held(reason post.HoldReason) browsing.Held {
	due := time.Date(2026, 11, 25, 13, 0, 0, 0, time.UTC)
	return browsing.Held{
		Reason: reason, Handle: "acme", Network: account.X, Due: due, Zone: "Europe/Berlin",
		Facts: post.HoldFacts{Since: due.Add(2 * time.Minute), Until: due.Add(7 * time.Minute), By: "Mara", Reason: "launch is off."},
	}
}

func TestEveryHoldHasASentenceThatSaysWhatHappensNext(t *testing.T) {
	t.Parallel()
	all := reasonsInCode(t)
	require.ElementsMatch(t, all, post.HoldReasons())
	unknown := browsing.Held{Reason: "of_a_newer_version"}.Sentence()
	require.Equal(t, "It is held: of_a_newer_version.", unknown)
	seen := map[string]post.HoldReason{}
	for _, reason := range all {
		require.NotEqual(t, string(reason), browsing.HoldLabel(reason))
		for _, h := range []browsing.Held{held(reason), {Reason: reason, Handle: "acme", Network: account.X}} {
			s := h.Sentence()
			require.Greater(t, len(s), 30, reason)
			require.NotContains(t, s, string(reason), "a code is no sentence")
			require.NotContains(t, s, "  ")
			require.Equal(t, byte('.'), s[len(s)-1], reason)
			require.NotContains(t, s, "0001")
			if same, ok := seen[s]; ok {
				require.Equal(t, reason, same, "two reasons with one sentence")
			}
			seen[s] = reason
			if h.Zone == "" {
				continue
			}
			// What ends by itself says when, and what does not says who ends it.
			if h.Remedy() == browsing.Wait || h.Remedy() == browsing.TryNow {
				require.Contains(t, s, "14:07", reason)
			} else {
				require.NotEqual(t, browsing.Remedy(""), h.Remedy())
			}
		}
	}
}

// A network that is at work on an image, or refused one, was reached: what is
// told is what was in the way.
func TestARetryTellsWhatWasInTheWay(t *testing.T) {
	t.Parallel()
	h := held(post.HeldRetry)
	h.Detail = "The network is preparing the images; the post goes out as soon as it is done."
	require.Equal(t, h.Detail+" The next try is at 14:07.", h.Sentence())
	p := post.Post{State: post.Scheduled, Hold: post.HeldRetry, FailureDetail: h.Detail}
	require.Equal(t, h.Detail+" The next try is in a moment.", browsing.WhyNotOut(p, account.Account{}, post.HoldFacts{}, h.Due))
}

func TestAHoldIsToldOnThePostsClock(t *testing.T) {
	t.Parallel()
	require.Equal(t, "X has not answered properly since 14:02; Rostrum tries again at 14:07.", held(post.HeldNetworkTrouble).Sentence())
	require.Equal(t, "@acme is paused by Mara since 14:02: launch is off. It goes out once somebody resumes it.", held(post.HeldPausedAccount).Sentence())
	resumed := held(post.HeldPausedWorkspace)
	resumed.Facts = post.HoldFacts{}
	require.Equal(t, "Publishing was paused for the whole workspace and was resumed; it goes out within a minute or two.", resumed.Sentence())
	tomorrow := held(post.HeldQuota)
	tomorrow.Facts.Until = tomorrow.Due.Add(20 * time.Hour)
	require.Contains(t, tomorrow.Sentence(), "at 10:00 on 26 Nov")
}
