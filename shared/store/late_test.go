package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

// The intent judges a late post in Go, the drain and the tick in SQL: what one of
// them lets go and the other does not would have turns for ever, or none.
func TestTheIntentAndTheDrainAgreeOnWhatIsTooLate(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	conn := connect(t, w, "")
	exec := executor(t, conn)
	const grace, off = 2 * time.Minute, 20 * time.Second
	seed := uint64(time.Now().UnixNano())
	dice := rand.New(rand.NewPCG(seed, 1))
	rules := []account.CatchUp{account.Drop, account.Hold, account.SendWithin, account.SendWithin}
	told := map[bool]int{}
	for range 40 {
		rule := rules[dice.IntN(len(rules))]
		within := time.Duration(60+dice.IntN(3600)) * time.Second
		age := time.Duration(dice.IntN(int(2*within/time.Second))) * time.Second
		if (age-within).Abs() < off || (age-grace).Abs() < off {
			continue // The two look at moments of their own.
		}
		exec("UPDATE accounts SET catch_up = $1, catch_up_within_seconds = $2 WHERE id = $3", string(rule), int(within.Seconds()), uuid.UUID(w.Account.ID))
		p := w.Scheduled(t, -age, "late")
		exec("UPDATE posts SET paced_at = clock_timestamp() WHERE id = $1", uuid.UUID(p.ID))
		var waits bool
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT in_backlog(workspace_id, id, account_id, due_at, NULL, $2)
			FROM posts WHERE id = $1`, uuid.UUID(p.ID), grace).Scan(&waits))
		j := begin(t, w, intent(p))
		require.Equal(t, waits, j.Verdict == store.Go && age > grace, "seed %d: %s within %s, %s late: %v", seed, rule, within, age, j)
		told[waits]++
	}
	require.Positive(t, told[true])
	require.Positive(t, told[false])
}
