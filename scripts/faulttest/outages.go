package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/uuid"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/throttle"
)

// ownCluster starts a durable server for one trial.
func (r *trial) ownCluster(ctx context.Context, maxConnections int) (*arena.Cluster, string, error) {
	dir := filepath.Join(r.suite.dir, fmt.Sprintf("postgres-%s-%d", r.id, r.seed))
	cluster, err := arena.OpenCluster(ctx, dir, true, maxConnections)
	if err != nil {
		return nil, "", err
	}
	r.onClose(func(ctx context.Context) { _ = cluster.Close(ctx) })
	url, _, err := cluster.Database(ctx)
	return cluster, url, err
}

// databaseCrash ends Postgres at once, twice, while posts are sent. Judged: I1 to I5, I7.
func databaseCrash(ctx context.Context, r *trial) error {
	cluster, url, err := r.ownCluster(ctx, 60)
	if err != nil {
		return err
	}
	a, accounts, err := r.worldOn(ctx, url, 3, nil)
	if err != nil {
		return err
	}
	for i, acc := range accounts {
		for second := range 6 {
			_, err := a.Schedule(ctx, acc, time.Now().Add(time.Duration(1+second)*time.Second), r.contents(2, 1+i)...)
			if err != nil {
				return err
			}
		}
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	for range 2 {
		arena.Pause(ctx, time.Duration(1000+r.intN(1500))*time.Millisecond)
		if err := cluster.Restart(ctx, time.Duration(r.intN(1000))*time.Millisecond); err != nil {
			return err
		}
	}
	// What was in flight at the crash settles by itself: the results wait for the
	// database up to 12 s before they are given up.
	arena.Pause(ctx, 14*time.Second)
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// brokenCommits breaks connections at COMMIT, before the server has heard of it and after it has
// carried it out. Judged: I1 to I5, I7.
func brokenCommits(ctx context.Context, r *trial) error {
	url, drop, err := r.suite.cluster.Database(ctx)
	if err != nil {
		return err
	}
	r.onClose(drop)
	proxy, through, err := arena.NewProxy(ctx, url)
	if err != nil {
		return err
	}
	r.onClose(func(context.Context) { proxy.Close() })
	a, accounts, err := r.worldOn(ctx, url, 3, func(o *arena.Options) { o.SenderURL = through })
	if err != nil {
		return err
	}
	for _, cut := range []arena.Cut{arena.AfterCommit, arena.BeforeCommit} {
		for i, acc := range accounts {
			if _, err := a.Schedule(ctx, acc, time.Now().Add(time.Second), r.contents(4, 1+i)...); err != nil {
				return err
			}
		}
		before := proxy.Cuts.Load()
		proxy.Break(cut, int64(3+r.intN(4)))
		end, err := start(ctx, a, 2, arena.How{})
		if err != nil {
			return err
		}
		arena.Pause(ctx, 5*time.Second)
		proxy.Break(arena.NoCut, 0)
		arena.Pause(ctx, 3*time.Second)
		err = a.Settle(ctx, settleWithin, warpStep)
		end()
		if err != nil {
			return err
		}
		if proxy.Cuts.Load() == before {
			return errors.New("no COMMIT was cut")
		}
	}
	end, err := start(ctx, a, 1, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// diskFull runs Postgres on a small file system of its own and fills it. Judged:
// nothing is sent without a durable intent, I1 to I5, I7 once there is room.
func diskFull(ctx context.Context, r *trial) error {
	dir := filepath.Join(r.suite.dir, fmt.Sprintf("postgres-%s-%d", r.id, r.seed))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=170m"); err != nil {
		return fmt.Errorf("this scenario has to mount a small file system, as root: %w", err)
	}
	r.onClose(func(context.Context) { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	cluster, url, err := r.ownCluster(ctx, 60)
	if err != nil {
		return err
	}
	a, accounts, err := r.worldOn(ctx, url, 2, nil)
	if err != nil {
		return err
	}
	for _, acc := range accounts {
		for second := range 5 {
			if _, err := a.Schedule(ctx, acc, time.Now().Add(time.Duration(second)*2*time.Second), r.contents(2, 2)...); err != nil {
				return err
			}
		}
	}
	filler := filepath.Join(dir, "filler")
	if err := fill(filler); err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	arena.Pause(ctx, 8*time.Second)
	if err := os.Remove(filler); err != nil {
		return err
	}
	// A server that could not write its log has ended; it is started again.
	if err := cluster.Restart(ctx, 0); err != nil {
		return err
	}
	arena.Pause(ctx, 14*time.Second)
	return r.recovered(ctx, a, settleWithin, warpStep)
}

// fill writes a file until nothing more fits.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for {
		if _, err := file.Write(block); errors.Is(err, syscall.ENOSPC) {
			return file.Close()
		} else if err != nil {
			return errors.Join(err, file.Close())
		}
	}
}

// longOutage finds posts of a whole day waiting, 5,000 of them in the whole
// suite: each goes by its account's catch-up rule, none goes out that the rule
// keeps back, and what may go goes in turns. Judged: I1 to I5, I7; nothing waits
// without a reason.
func longOutage(ctx context.Context, r *trial) error {
	rules := []string{"send_within", "hold", "drop"}
	each, old, fresh := 1, 40, 10
	if !r.suite.short {
		each, old, fresh = 10, 146, 20
	}
	a, accounts, err := r.world(ctx, each*len(rules), nil)
	if err != nil {
		return err
	}
	for i, acc := range accounts {
		err := a.Exec(ctx, "UPDATE accounts SET catch_up = $1, catch_up_within_seconds = 7200 WHERE id = $2", rules[i%len(rules)], uuid.UUID(acc.ID))
		if err != nil {
			return err
		}
	}
	if err := r.missADay(ctx, a, accounts, old, fresh); err != nil {
		return err
	}
	end, err := start(ctx, a, 2, arena.How{})
	if err != nil {
		return err
	}
	defer end()
	if err := r.recovered(ctx, a, 8*time.Minute, 0); err != nil {
		return err
	}
	undecided, err := a.Count(ctx, "SELECT count(*) FROM posts WHERE state = 'scheduled' AND hold_reason = ''")
	if err == nil && undecided > 0 {
		err = fmt.Errorf("%d posts wait without a reason", undecided)
	}
	return errors.Join(err, paced(ctx, a, each*fresh))
}

// paced holds what went out of a backlog of so many posts to the turns that it
// was given: one each, at its account's gap and at most the network's rate, and
// none before its own.
func paced(ctx context.Context, a *arena.Arena, posts int) error {
	turns, err := a.Count(ctx, "SELECT count(*) FROM posts WHERE paced_at IS NOT NULL AND state = 'published'")
	if err != nil {
		return err
	}
	if turns != posts {
		return fmt.Errorf("%d of %d posts of the backlog went in a turn", turns, posts)
	}
	for _, check := range []struct{ what, sql string }{
		{"went before their turn", `SELECT count(*) FROM posts p JOIN attempts t ON t.workspace_id = p.workspace_id AND t.post_id = p.id
			WHERE t.started_at < p.paced_at`},
		{"had a turn too near to the one before", `SELECT count(*) FROM (SELECT paced_at, lag(paced_at) OVER (PARTITION BY account_id ORDER BY paced_at) AS before
			FROM posts WHERE paced_at IS NOT NULL) t WHERE paced_at < before + interval '` + throttle.DefaultGap.String() + `'`},
		{"shared a second with more than the rate", fmt.Sprintf(`SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM posts WHERE paced_at IS NOT NULL
			GROUP BY date_trunc('second', paced_at) HAVING count(*) > %d) t`, throttle.PerSecond)},
	} {
		n, err := a.Count(ctx, check.sql)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d posts of the backlog %s", n, check.what)
		}
	}
	return nil
}

// missADay schedules posts that were due a day and an hour ago, with what each
// account's rule (send_within, hold, drop) makes of them.
func (r *trial) missADay(ctx context.Context, a *arena.Arena, accounts []*arena.Account, old, fresh int) error {
	for i, acc := range accounts {
		rule := i % 3
		day, err := a.Schedule(ctx, acc, time.Now().Add(-24*time.Hour), r.contents(old, 1)...)
		if err != nil {
			return err
		}
		hour, err := a.Schedule(ctx, acc, time.Now().Add(-time.Hour), r.contents(fresh, 1)...)
		if err != nil {
			return err
		}
		late := func(s arena.Seen) bool {
			return s.State == "scheduled" && s.Hold == "late_needs_decision" && s.NeedsPerson
		}
		missed := func(s arena.Seen) bool { return s.State == "missed" }
		for _, p := range day {
			// Nothing of a day ago may go out, whatever the rule.
			p.Withdrawn, p.Expect = true, []func(arena.Seen) bool{late, late, missed}[rule]
		}
		for _, p := range hour {
			if rule > 0 {
				p.Withdrawn, p.Expect = true, []func(arena.Seen) bool{nil, late, missed}[rule]
			}
		}
	}
	return nil
}
