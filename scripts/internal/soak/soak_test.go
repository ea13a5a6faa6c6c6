package soak_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/scripts/internal/arena"
	"rostrum/scripts/internal/soak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func play(t *testing.T, o soak.Options) soak.Report {
	t.Helper()
	dir, remove, err := arena.TempDir()
	require.NoError(t, err)
	t.Cleanup(remove)
	o.Dir, o.Out, o.Lanes, o.OnlyLane = filepath.Join(dir, "postgres"), io.Discard, 2, -1
	r, err := soak.Run(t.Context(), o)
	require.NoError(t, err)
	return r
}

func TestPostsUnderFaultsKeepThePromises(t *testing.T) {
	t.Parallel()
	r := play(t, soak.Options{Posts: 100, Seed: 7})
	require.True(t, r.Clean(), strings.Join(r.Said, "\n"))
	require.Equal(t, 100, r.Posts)
	require.Greater(t, r.Faults, 30)
	require.Greater(t, r.Ends["published"], 80)
}

func TestASeedPlaysTheSameStoryAgain(t *testing.T) {
	t.Parallel()
	first, second := play(t, soak.Options{Posts: 120, Seed: 11}), play(t, soak.Options{Posts: 120, Seed: 11})
	require.NotEmpty(t, first.Story)
	require.Equal(t, first.Story, second.Story)
	require.NotEqual(t, first.Story, play(t, soak.Options{Posts: 120, Seed: 12}).Story)
}

// A network that takes requests later than the protocol waits for is what a
// settle window that is too short looks like.
func TestTheSoakFindsThatAbsenceIsBelievedTooSoon(t *testing.T) {
	t.Parallel()
	r := play(t, soak.Options{Posts: 2000, Seed: 7, LateBy: 3 * time.Minute})
	require.Positive(t, r.Duplicate, "%+v", r)
	require.Contains(t, r.Said[0], "was seen twice")
	require.Contains(t, r.Said[0], "intent")
}

// With a backlog that is none, what was kept waiting would go out all at once.
func TestTheSoakFindsThatABacklogGoesWithoutTurns(t *testing.T) {
	t.Parallel()
	r := play(t, soak.Options{Posts: 2000, Seed: 7, Plant: `
		CREATE OR REPLACE FUNCTION in_backlog(workspace uuid, post uuid, account uuid, due timestamptz, turn timestamptz, grace interval)
		RETURNS boolean LANGUAGE sql STABLE RETURN false`})
	require.Positive(t, r.Early, "%+v", r)
	require.Contains(t, r.Said[0], "without a turn")
}

// An account that wants to be asked gets nothing out late, whatever its row says.
func TestTheSoakFindsThatARuleForLatePostsIsNotKept(t *testing.T) {
	t.Parallel()
	r := play(t, soak.Options{Posts: 2000, Seed: 7, Plant: `
		CREATE FUNCTION lax() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.catch_up := 'send_within'; RETURN NEW; END $$;
		CREATE TRIGGER lax BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION lax()`})
	require.Positive(t, r.Early, "%+v", r)
	require.Contains(t, r.Said[0], "its account's rule")
}
