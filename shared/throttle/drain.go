package throttle

import (
	"cmp"
	"maps"
	"time"

	"github.com/google/uuid"
)

const (
	// DefaultGap lies between two posts of an account's backlog when its profile
	// names no gap: enough that its followers do not get all of it at once.
	DefaultGap = 5 * time.Second
	// PerSecond is how many posts of a backlog a network gets in a second, all
	// workspaces together: 5,000 in a little over four minutes, and most of what
	// a process can send is left to the posts that are on time.
	PerSecond = 20
)

// Waiting is a post of a backlog: its time passed while it could not go out.
type Waiting struct {
	PostID, AccountID uuid.UUID
	// Gap is the least time between two posts of the account; 0 is DefaultGap.
	Gap time.Duration
	// After is the account's last turn, or the last post it sent; zero for none.
	After time.Time
}

// Turn is when a post of a backlog may go.
type Turn struct {
	PostID uuid.UUID
	At     time.Time
}

// Turns gives the posts their turns from now until the given time, in the order
// in which they wait, which has those of an account oldest due first: those of
// an account keep their gap, and all together do not go faster than PerSecond,
// the turns counted that were given before (taken, by Unix second). A post for
// which there is no turn before the end gets none now, and neither does a later
// one of its account.
func Turns(now, until time.Time, waiting []Waiting, taken map[int64]int) []Turn {
	used := make(map[int64]int, len(taken))
	maps.Copy(used, taken)
	free := map[uuid.UUID]time.Time{}
	turns := make([]Turn, 0, len(waiting))
	for _, w := range waiting {
		gap := cmp.Or(w.Gap, DefaultGap)
		from, known := free[w.AccountID]
		if !known {
			from = now
			if after := w.After.Add(gap); !w.After.IsZero() && after.After(from) {
				from = after
			}
		}
		at := from
		for used[at.Unix()] >= PerSecond && !at.After(until) {
			at = at.Truncate(time.Second).Add(time.Second)
		}
		if at.After(until) {
			free[w.AccountID] = until.Add(time.Nanosecond)
			continue
		}
		used[at.Unix()]++
		free[w.AccountID] = at.Add(gap)
		turns = append(turns, Turn{PostID: w.PostID, At: at})
	}
	return turns
}
