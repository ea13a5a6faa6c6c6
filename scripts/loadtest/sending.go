package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/simulator/fault"
	simx "rostrum/shared/simulator/x"
)

// world makes an arena with tenants and accounts.
func (c *campaign) world(ctx context.Context, tenants, accounts int) (*arena.Arena, []*arena.Account, func(), error) {
	url, drop, err := c.cluster.Database(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	a, err := arena.New(ctx, arena.Options{
		URL: url, Program: []string{c.program, "sender"}, Template: "template.yaml", Dir: c.dir, Concurrency: "100", MaxConns: 8,
	})
	if err != nil {
		drop(ctx)
		return nil, nil, nil, err
	}
	end := func() {
		a.Close()
		drop(context.WithoutCancel(ctx))
	}
	var list []*arena.Account
	for range tenants {
		w, err := a.AddWorkspace(ctx)
		if err != nil {
			end()
			return nil, nil, nil, err
		}
		some, err := a.AddAccounts(ctx, w, accounts/tenants)
		if err != nil {
			end()
			return nil, nil, nil, err
		}
		list = append(list, some...)
	}
	return a, list, end, nil
}

// history is how many older posts are there.
const history = 20_000

// seed spreads posts over the accounts, a few accounts at a time.
func seed(ctx context.Context, a *arena.Arena, accounts []*arena.Account, posts int, due func(n int) time.Time) error {
	each := (posts + len(accounts) - 1) / len(accounts)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for lane := range errs {
		wg.Go(func() {
			for i := lane; i < len(accounts) && errs[lane] == nil; i += len(errs) {
				byDue := map[time.Time][][]string{}
				for n := i * each; n < min((i+1)*each, posts); n++ {
					at := due(n)
					byDue[at] = append(byDue[at], []string{fmt.Sprintf("Load %d", n)})
				}
				for at, contents := range byDue {
					if _, err := a.Schedule(ctx, accounts[i], at, contents...); err != nil {
						errs[lane] = err
					}
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	// Nobody has a burst on empty tables: plans made for them would read whole
	// tables as these grow.
	tenant := accounts[:max(1, min(10, len(accounts)))]
	if err := a.History(ctx, tenant, history); err != nil {
		return err
	}
	return a.Exec(ctx, "ANALYZE")
}

func (c *campaign) judge(ctx context.Context, a *arena.Arena, name string) error {
	v, err := a.Judge(ctx)
	if err != nil {
		return err
	}
	broken := v.Duplicate + v.Lost + v.Early + v.Unaudited + v.Stuck
	c.unclean += broken
	c.add(name, fmt.Sprintf("duplicate, lost, early, unaudited, stuck of %d posts", v.Posts), float64(broken), "posts", "0")
	for _, line := range v.Said[:min(len(v.Said), 5)] {
		fmt.Println("  " + line)
	}
	return nil
}

// lateness returns each accepted post's time after its due time, sorted.
func lateness(a *arena.Arena) []time.Duration {
	due := map[string]time.Time{}
	for _, p := range a.Posts() {
		due[p.Texts[0]] = p.Due
	}
	var late []time.Duration
	for _, item := range a.Network.Items("", time.Time{}) {
		late = append(late, item.AcceptedAt.Sub(due[item.Text]))
	}
	slices.Sort(late)
	return late
}

func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(float64(len(sorted))*p), len(sorted)-1)]
}

func commits(ctx context.Context, a *arena.Arena) (int, error) {
	// The figures of other sessions come with a delay of up to a second.
	arena.Pause(ctx, 1200*time.Millisecond)
	return a.Count(ctx, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
}

// slow makes the network answer after d.
func slow(a *arena.Arena, d time.Duration) error {
	_, err := a.Network.Faults().Add(fault.Rule{
		Match: fault.Match{Method: "POST", Path: "/2/tweets"}, Action: fault.Action{Kind: fault.Delay, DelayMS: d.Milliseconds()},
	})
	return err
}

// burst is B1: everything due in one second.
func (c *campaign) burst(ctx context.Context) error {
	accounts := min(1000, c.posts)
	a, list, end, err := c.world(ctx, max(accounts/10, 1), accounts)
	if err != nil {
		return err
	}
	defer end()
	if err := slow(a, 200*time.Millisecond); err != nil {
		return err
	}
	// The senders get it handed out before it is due, as in a minute's tick.
	due := time.Now().Add(time.Duration(20+c.posts/100) * time.Second).Truncate(time.Second)
	if err := seed(ctx, a, list, c.posts, func(int) time.Time { return due }); err != nil {
		return err
	}
	if left := time.Until(due); left < 5*time.Second {
		return fmt.Errorf("seeding took too long: %s are left", left)
	}
	sender, err := a.Start(ctx, arena.How{TickEvery: 20 * time.Second})
	if err != nil {
		return err
	}
	arena.Pause(ctx, time.Until(due))
	if err := a.Settle(ctx, 5*time.Minute, 0); err != nil {
		return err
	}
	sender.Stop() // And not killed, so that its profile is written.
	late := lateness(a)
	name := fmt.Sprintf("%d posts due in one second, %d accounts, network 200 ms: ", c.posts, accounts)
	c.add("B1", name+"drain", percentile(late, 1).Seconds(), "s", "<= 10 (5)")
	c.add("B1", "lateness p50", percentile(late, 0.5).Seconds(), "s", "")
	c.add("B1", "lateness p99", percentile(late, 0.99).Seconds(), "s", "<= 10")
	return c.judge(ctx, a, "B1")
}

// steady is B2: a steady stream, due times uniform in the minute.
func (c *campaign) steady(ctx context.Context) error {
	a, list, end, err := c.world(ctx, 10, 100)
	if err != nil {
		return err
	}
	defer end()
	if err := slow(a, 200*time.Millisecond); err != nil {
		return err
	}
	from := time.Now().Add(time.Duration(15+c.seconds/4) * time.Second).Truncate(time.Second)
	rng := rand.New(rand.NewPCG(c.seed, 2))
	var mu sync.Mutex
	err = seed(ctx, a, list, 50*c.seconds, func(int) time.Time {
		mu.Lock()
		defer mu.Unlock()
		return from.Add(time.Duration(rng.IntN(c.seconds)) * time.Second)
	})
	if err != nil {
		return err
	}
	if time.Until(from) < time.Second {
		return errors.New("seeding took too long")
	}
	if _, err := a.Start(ctx, arena.How{TickEvery: time.Minute}); err != nil {
		return err
	}
	arena.Pause(ctx, time.Until(from.Add(time.Duration(c.seconds)*time.Second)))
	if err := a.Settle(ctx, 2*time.Minute, 0); err != nil {
		return err
	}
	late := lateness(a)
	c.add("B2", fmt.Sprintf("50 posts/s for %d s, network 200 ms: lateness p50", c.seconds), percentile(late, 0.5).Seconds(), "s", "")
	c.add("B2", "lateness p99", percentile(late, 0.99).Seconds(), "s", "<= 2 (1)")
	c.add("B2", "lateness max", percentile(late, 1).Seconds(), "s", "")
	return c.judge(ctx, a, "B2")
}

// pipeline is B3: as fast as it goes, the network at 0 ms.
func (c *campaign) pipeline(ctx context.Context) error {
	n := max(c.posts/2, 100)
	a, list, end, err := c.world(ctx, 10, 100)
	if err != nil {
		return err
	}
	defer end()
	due := time.Now().Add(-time.Second)
	if err := seed(ctx, a, list, n, func(int) time.Time { return due }); err != nil {
		return err
	}
	before, err := commits(ctx, a)
	if err != nil {
		return err
	}
	sender, err := a.Start(ctx, arena.How{TickEvery: time.Minute})
	if err != nil {
		return err
	}
	if err := a.Settle(ctx, 5*time.Minute, 0); err != nil {
		return err
	}
	sender.Stop()
	after, err := commits(ctx, a)
	if err != nil {
		return err
	}
	items := a.Network.Items("", time.Time{})
	if len(items) == 0 {
		return errors.New("nothing was sent")
	}
	took := items[len(items)-1].AcceptedAt.Sub(items[0].AcceptedAt)
	c.add("B3", fmt.Sprintf("%d posts, network at 0 ms, first to last", n), float64(len(items))/took.Seconds(), "posts/s", ">= 1000 (2500)")
	c.add("B3", "the best whole second of it", float64(bestSecond(items)), "posts/s", "")
	c.add("B3", "commits for each post, ticks and looks of the bench included", float64(after-before)/float64(n), "commits", "(0.2)")
	return c.judge(ctx, a, "B3")
}

func bestSecond(items []simx.Item) int {
	best, from := 0, 0
	for i := range items {
		for items[i].AcceptedAt.Sub(items[from].AcceptedAt) > time.Second {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}

// recovery is B10: senders killed in the middle of it, in real time.
func (c *campaign) recovery(ctx context.Context) error {
	a, list, end, err := c.world(ctx, 5, 50)
	if err != nil {
		return err
	}
	defer end()
	if err := slow(a, 150*time.Millisecond); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(c.seed, 10))
	type death struct {
		posts []*arena.Post
		at    time.Time
	}
	var deaths []death
	keeper, err := a.Start(ctx, arena.How{TickEvery: 5 * time.Second})
	if err != nil {
		return err
	}
	_ = keeper
	for range c.kills {
		due := time.Now().Add(2 * time.Second).Truncate(time.Second)
		var posts []*arena.Post
		for i := range 6 {
			made, err := a.Schedule(ctx, list[rng.IntN(len(list))], due, []string{fmt.Sprintf("Killed %d %d %d", len(deaths), i, rng.Uint64())})
			if err != nil {
				return err
			}
			posts = append(posts, made...)
		}
		victim, err := a.Start(ctx, arena.How{TickEvery: 100 * time.Millisecond})
		if err != nil {
			return err
		}
		arena.Pause(ctx, time.Until(due)+time.Duration(rng.IntN(450))*time.Millisecond)
		victim.Kill()
		deaths = append(deaths, death{posts, time.Now()})
	}
	if err := a.Settle(ctx, 6*time.Minute, 0); err != nil {
		return err
	}
	ends, err := a.Ends(ctx)
	if err != nil {
		return err
	}
	var took []time.Duration
	hit := 0
	for _, d := range deaths {
		for _, p := range d.posts {
			at := ends[p.ID]
			if at.After(d.at) {
				hit++
				took = append(took, at.Sub(d.at))
			}
		}
	}
	slices.Sort(took)
	c.add("B10", fmt.Sprintf("%d kills at random moments; posts that were not done by then", c.kills), float64(hit), "posts", "")
	c.add("B10", "from the kill to the final state, p50", percentile(took, 0.5).Seconds(), "s", "")
	c.add("B10", "from the kill to the final state, p99", percentile(took, 0.99).Seconds(), "s", "<= 120 (60)")
	return c.judge(ctx, a, "B10")
}
