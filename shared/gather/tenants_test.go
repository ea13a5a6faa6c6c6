package gather

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// line is a group with members of tenants waiting, in this order, and nothing
// under way.
func line(tenants ...uuid.UUID) *Group[int, int] {
	g := &Group[int, int]{}
	for i, tenant := range tenants {
		g.waiting = append(g.waiting, &member[int, int]{in: i, tenant: tenant, lead: make(chan struct{})})
	}
	return g
}

func many(n int, tenant uuid.UUID) []uuid.UUID {
	out := make([]uuid.UUID, n)
	for i := range out {
		out[i] = tenant
	}
	return out
}

// carried counts each tenant's members in the next group.
func carried(g *Group[int, int]) map[uuid.UUID]int {
	out := map[uuid.UUID]int{}
	for _, m := range g.next() {
		out[m.tenant]++
	}
	return out
}

func TestAGroupTakesTenantsInTurn(t *testing.T) {
	t.Parallel()
	loud, quiet := uuid.New(), uuid.New()
	g := line(append(many(400, loud), quiet, quiet)...)
	require.Equal(t, map[uuid.UUID]int{loud: 25, quiet: 2}, carried(g))
	group := g.next()
	require.Equal(t, []int{0, 400, 1, 401, 2}, []int{group[0].in, group[1].in, group[2].in, group[3].in, group[4].in})
}

func TestAFullGroupHasRoomForEveryTenant(t *testing.T) {
	t.Parallel()
	var all []uuid.UUID
	for range 8 {
		all = append(all, many(50, uuid.New())...)
	}
	quiet := uuid.New()
	got := carried(line(append(all, quiet)...))
	require.Len(t, got, 9)
	require.Equal(t, 1, got[quiet])
}

func TestATenantHasOnlyItsShareOnTheWay(t *testing.T) {
	t.Parallel()
	loud := uuid.New()
	g := line(many(400, loud)...)
	g.AtOnce = 5
	for range 5 {
		g.promote()
	}
	require.Equal(t, 50, g.onWay[loud])
	require.Equal(t, 2, g.running)
	require.Len(t, g.waiting, 350)
}

func TestWhatIsNobodysKeepsToNoShare(t *testing.T) {
	t.Parallel()
	require.Len(t, line(many(400, uuid.Nil)...).next(), 100)
}

// All groups that may run are another's and stand still; a tenant with little
// goes past them, whoever has much or is nobody waits.
func TestATenantWithLittleWaitsForNoGroupThatAnotherHasFilled(t *testing.T) {
	t.Parallel()
	loud, quiet := uuid.New(), uuid.New()
	group := Group[int, int]{Limit: share}
	began, let := make(chan struct{}), make(chan struct{})
	hold := func(_ context.Context, ns []int) ([]int, error) {
		began <- struct{}{}
		<-let
		return ns, nil
	}
	var wg sync.WaitGroup
	for range defaultAtOnce {
		wg.Go(func() { _, _ = group.Do(t.Context(), loud, 1, hold) })
		<-began
	}
	got, err := group.Do(t.Context(), quiet, 7, func(_ context.Context, ns []int) ([]int, error) { return ns, nil })
	require.NoError(t, err)
	require.Equal(t, 7, got)

	group.mu.Lock()
	require.False(t, group.may(&member[int, int]{tenant: quiet}, light))
	require.False(t, group.may(&member[int, int]{tenant: uuid.Nil}, 0))
	group.mu.Unlock()
	close(let)
	wg.Wait()
	require.Empty(t, group.onWay)
	require.Zero(t, group.running)
	require.Zero(t, group.loud)
}

// Ten tenants with a tenth each are the usual burst: it goes in full groups.
func TestNoLaneIsOpenedWhereNobodyFillsItsShare(t *testing.T) {
	t.Parallel()
	var all []uuid.UUID
	for range 10 {
		all = append(all, many(30, uuid.New())...)
	}
	g := line(all...)
	for range defaultAtOnce + lanes {
		g.promote()
	}
	require.Equal(t, defaultAtOnce, g.running)
	require.Len(t, g.waiting, 300-defaultAtOnce*defaultLimit)
}

// A tenant whose posts are spread over time has few in each group, and the groups
// are busy with them all the same.
func TestALaneOpensBesideAnEighthOfAGroup(t *testing.T) {
	t.Parallel()
	quiet := &member[int, int]{tenant: uuid.New()}
	for _, c := range []struct {
		many int
		open bool
	}{{defaultLimit/heavy - 1, false}, {defaultLimit / heavy, true}} {
		g := line(many(c.many, uuid.New())...)
		g.AtOnce = 1
		g.promote()
		require.Equal(t, c.open, g.may(quiet, 0))
	}
}
