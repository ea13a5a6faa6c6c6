package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/audit"
	"rostrum/shared/publication"
	"rostrum/shared/store"
)

// rounds is how often each step of B6 is timed; their median counts.
const rounds = 30

// growth is B6: what one tick, one publication and one calendar cost as the
// table grows.
func (c *campaign) growth(ctx context.Context) error {
	slices.Sort(c.rows)
	var first, last map[string]time.Duration
	for _, rows := range c.rows {
		cost, err := c.costAt(ctx, rows)
		if err != nil {
			return fmt.Errorf("%d rows: %w", rows, err)
		}
		for _, what := range []string{"tick", "publish", "calendar"} {
			c.add("B6", fmt.Sprintf("%s at %d posts, p50 of %d", what, rows, rounds), float64(cost[what].Microseconds())/1000, "ms", "")
		}
		if first == nil {
			first = cost
		}
		last = cost
	}
	for _, what := range []string{"tick", "publish", "calendar"} {
		c.add("B6", fmt.Sprintf("%s: %d posts over %d", what, c.rows[len(c.rows)-1], c.rows[0]), float64(last[what])/float64(first[what]), "x", "<= 1.5 (1.1)")
	}
	return nil
}

func (c *campaign) costAt(ctx context.Context, rows int) (map[string]time.Duration, error) {
	a, list, end, err := c.world(ctx, 1, 10)
	if err != nil {
		return nil, err
	}
	defer end()
	// History: published posts of three years, of one tenant, with versions and attempts.
	if err := a.History(ctx, list, rows); err != nil {
		return nil, err
	}
	posts, err := a.Schedule(ctx, list[0], time.Now().Add(-time.Second), contentsOf(rounds)...)
	if err != nil {
		return nil, err
	}
	if _, err := a.Schedule(ctx, list[1], time.Now().Add(time.Hour), contentsOf(200)...); err != nil {
		return nil, err
	}
	// The table's cost is measured, not that of still writing a million rows out.
	for _, sql := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if err := a.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	worker, err := store.Open(ctx, store.Config{URL: a.DatabaseURL(), Role: store.RoleWorker, MaxConns: 1})
	if err != nil {
		return nil, err
	}
	defer worker.Close()
	cost := map[string]time.Duration{}
	if cost["publish"], err = median(rounds, func(n int) error { return publishOne(ctx, worker, posts[n]) }); err != nil {
		return nil, err
	}
	if cost["tick"], err = median(rounds, func(int) error { return tickOnce(ctx, worker) }); err != nil {
		return nil, err
	}
	// A window that holds 300 posts whatever the table holds: the answer's size
	// is not what is measured.
	window := time.Duration(float64(300) / float64(rows) * float64(3*365*24*time.Hour))
	from := time.Now().Add(-30*time.Hour - window)
	cost["calendar"], err = median(rounds, func(int) error {
		return a.Owner().InWorkspace(ctx, list[0].Workspace.ID, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PostsDue(ctx, list[0].Workspace.ID, nil, from, from.Add(window), 500)
			return err
		})
	})
	return cost, err
}

func contentsOf(n int) [][]string {
	out := make([][]string, n)
	for i := range out {
		out[i] = []string{"Growth " + uuid.NewString()}
	}
	return out
}

func median(n int, step func(int) error) (time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		if err := step(i); err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[n/2], nil
}

// tickOnce is what the tick asks of the database when little is due.
func tickOnce(ctx context.Context, worker *store.Store) error {
	return worker.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.ExpiredLeases(ctx, 500); err != nil {
			return err
		}
		if _, err := tx.ExplainHolds(ctx, 180*time.Second, 2*time.Minute); err != nil {
			return err
		}
		plan, err := tx.PlanDispatch(ctx, 180*time.Second, 2*time.Minute, 500, time.Time{})
		if err != nil {
			return err
		}
		if _, err := tx.DispatchPlanned(ctx, plan); err != nil {
			return err
		}
		_, err = tx.ReconcilesDue(ctx, 15*time.Second, 500)
		return err
	})
}

// publishOne is the protocol for one post without its network call.
func publishOne(ctx context.Context, worker *store.Store, p *arena.Post) error {
	attempt := uuid.Must(uuid.NewV7())
	actor := audit.SystemActor(p.WorkspaceID, "publish")
	err := worker.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.LoadSending(ctx, p.WorkspaceID, p.ID); err != nil {
			return err
		}
		judged, err := tx.BeginAttempts(ctx, []store.Intent{{
			WorkspaceID: p.WorkspaceID, PostID: p.ID, AccountID: p.AccountID, Revision: p.Revision, AttemptID: attempt,
			Hash: p.Version.Content.Hash(p.AccountID), Fingerprint: "f", Lease: 25 * time.Second, Grace: time.Hour,
		}}, actor)
		if err == nil && judged[0].Verdict != store.Go {
			err = fmt.Errorf("the intent was answered %s", judged[0].Verdict)
		}
		return err
	})
	if err != nil {
		return err
	}
	return worker.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		ref := store.Ref(p.Post)
		if _, err := tx.LockPosts(ctx, []store.PostRef{ref}); err != nil {
			return err
		}
		accepted := store.Acceptance{PostRef: ref, AttemptID: attempt, RemoteID: attempt.String(), At: time.Now()}
		if err := tx.SettleAccepted(ctx, []store.Acceptance{accepted}); err != nil {
			return err
		}
		ages := []time.Duration{time.Hour, 24 * time.Hour, 72 * time.Hour, 168 * time.Hour, 720 * time.Hour}
		return publication.Finish(ctx, tx, actor, ages, store.Publication{PostRef: ref, At: time.Now()})
	})
}
