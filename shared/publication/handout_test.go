package publication_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/publication"
	"rostrum/shared/store"
)

func TestThoseBeyondTheFirstFiftyOfASecondComeWithoutALead(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	due := func(workspace uuid.UUID, at time.Time) store.Due {
		return store.Due{PostRef: store.PostRef{WorkspaceID: workspace}, SendAt: at}
	}
	loud, quiet := uuid.New(), uuid.New()
	var crowd publication.Crowd
	lead := func(d store.Due) time.Duration { return d.SendAt.Sub(crowd.HandOut(d)[0].At) }
	for range 50 {
		require.Equal(t, publication.Lead, lead(due(loud, at)))
	}
	require.Zero(t, lead(due(loud, at.Add(300*time.Millisecond))))
	require.Equal(t, publication.Lead, lead(due(loud, at.Add(time.Second))), "the next second is another crowd")
	require.Equal(t, publication.Lead, lead(due(quiet, at)), "another's post keeps its lead")
	illustrated := due(loud, at)
	illustrated.Illustrated = true
	early := crowd.HandOut(illustrated)
	require.Equal(t, at.Add(-publication.Ahead), early[0].At, "images go ahead all the same")
	require.Equal(t, at, early[1].At)
}
