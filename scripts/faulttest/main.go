// Command faulttest is the fault suite: real senders against a real Postgres,
// the SQS endpoint and the simulated X, with one thing after the other going
// wrong. The simulated network's ledger is the judge. Each scenario runs by
// seed; one that fails prints the command that replays it.
//
// It has to be built with the tag fault, or nothing dies: make fault.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/config"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "sender" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		if err := arena.RunSender(ctx, config.Environ()); err != nil {
			fmt.Fprintln(os.Stderr, "sender: "+err.Error())
			os.Exit(1)
		}
		return
	}
	os.Exit(run())
}

func run() int {
	short := flag.Bool("short", false, "one seed of each scenario that CI runs")
	seeds := flag.Int("seeds", 5, "how many seeds of each scenario")
	seed := flag.Uint64("seed", 1, "the first seed")
	only := flag.String("scenario", "", "the scenarios to run, by number, with commas")
	parallel := flag.Int("parallel", 5, "how many runs at once")
	flood := flag.Int("flood", 2_000, "how many posts scenario 27 has one tenant send")
	races := flag.Int("races", 0, "how many posts race a person in scenario 24; 0 is 600 in the short set, else 4,000")
	keep := flag.Bool("keep", false, "keep the senders' logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s := &suite{short: *short, flood: *flood, seeds: *seeds, first: *seed, began: time.Now(), parallel: *parallel}
	if *short {
		s.seeds = 1
	}
	if s.races = *races; s.races == 0 {
		s.races = 4000
		if *short {
			s.races = 600
		}
	}
	for id := range strings.SplitSeq(*only, ",") {
		if id = strings.TrimSpace(id); id != "" {
			s.only = append(s.only, id)
		}
	}
	err := s.check()
	var ok bool
	if err == nil {
		ok, err = s.all(ctx, *keep)
	}
	if err != nil {
		fmt.Println("fault: " + err.Error())
		return 1
	}
	if !ok {
		return 1
	}
	return 0
}

// suite is one campaign.
type suite struct {
	short    bool
	flood    int
	races    int
	seeds    int
	first    uint64
	only     []string
	began    time.Time
	dir      string
	program  string
	cluster  *arena.Cluster
	parallel int
}

// result is what came of one scenario over its seeds.
type result struct {
	scenario scenario
	verdict  arena.Verdict
	failed   int
	errs     []string
	notes    []string
	took     time.Duration
}

// check refuses a campaign that would play nothing: nothing played is nothing
// found, and reads like a proof.
func (s *suite) check() error {
	if s.seeds < 1 || s.parallel < 1 || s.flood < 1 {
		return errors.New("seeds, parallel and flood must be 1 or more")
	}
	var ids []string
	for _, c := range scenarios() {
		ids = append(ids, c.id)
	}
	for _, id := range s.only {
		if !slices.Contains(ids, id) {
			return fmt.Errorf("there is no scenario %s; there are %s", id, strings.Join(ids, ", "))
		}
	}
	for _, c := range s.chosen() {
		if c.run != nil {
			return nil
		}
	}
	return errors.New("none of the scenarios can be played: this machine lacks what they need")
}

// replay is the command that plays a scenario again as it was played.
func (s *suite) replay(c scenario, seed uint64) string {
	command := fmt.Sprintf("make fault SCENARIO=%s SEED=%d SEEDS=1", c.id, seed)
	if s.short {
		command = fmt.Sprintf("make fault/short SCENARIO=%s SEED=%d", c.id, seed)
	}
	if c.timed {
		command += fmt.Sprintf(" FLOOD=%d", s.flood)
	}
	return command
}

func (s *suite) all(ctx context.Context, keep bool) (bool, error) {
	dir, remove, err := arena.TempDir()
	if err != nil {
		return false, err
	}
	s.dir = dir
	if keep {
		fmt.Println("fault: the senders' logs are in " + dir)
	} else {
		defer remove()
	}
	if s.program, err = os.Executable(); err != nil {
		return false, fmt.Errorf("find this program: %w", err)
	}
	if s.cluster, err = arena.OpenCluster(ctx, filepath.Join(dir, "postgres"), false, 300); err != nil {
		return false, err
	}
	defer func() { _ = s.cluster.Close(context.WithoutCancel(ctx)) }()

	list := s.chosen()
	results := make([]result, len(list))
	for i, c := range list {
		results[i].scenario = c
	}
	// Those that time something have the machine to themselves.
	s.play(ctx, results, s.parallel, func(c scenario) bool { return !c.timed })
	s.play(ctx, results, 1, func(c scenario) bool { return c.timed })
	if ctx.Err() != nil {
		return false, errors.New("stopped")
	}
	return s.report(results), nil
}

// play plays some of the scenarios with all seeds, so many runs at once.
func (s *suite) play(ctx context.Context, results []result, atOnce int, which func(scenario) bool) {
	slots := make(chan struct{}, atOnce)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range results {
		c := results[i].scenario
		if c.run == nil || !which(c) {
			continue
		}
		for n := range s.seeds {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				s.one(ctx, c, s.first+uint64(n), &mu, &results[i])
			})
		}
	}
	wg.Wait()
}

// chosen are the scenarios to play; one that needs a program that is not on
// this machine says so instead.
func (s *suite) chosen() []scenario {
	list := slices.DeleteFunc(scenarios(), func(c scenario) bool {
		return len(s.only) > 0 && !slices.Contains(s.only, c.id) || s.short && c.nightly && len(s.only) == 0
	})
	for i, c := range list {
		if _, err := exec.LookPath(c.needs); c.needs != "" && err != nil {
			list[i].run, list[i].absent = nil, "NOT PLAYED: this machine has no "+c.needs+"; Debian: apt-get install "+c.needs
		}
	}
	return list
}

// one runs one scenario with one seed and adds what came of it.
func (s *suite) one(ctx context.Context, c scenario, seed uint64, mu *sync.Mutex, into *result) {
	began := time.Now()
	r := &trial{suite: s, seed: seed, id: c.id, rng: rand.New(rand.NewPCG(seed, 1))}
	err := c.run(ctx, r)
	r.close(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	into.verdict.Add(r.verdict)
	into.took += time.Since(began)
	into.notes = append(into.notes, r.notes...)
	if err != nil {
		into.errs = append(into.errs, err.Error())
	}
	if err == nil && r.verdict.Clean() {
		return
	}
	into.failed++
	fmt.Printf("fault: scenario %s failed with seed %d; to replay: %s\n", c.id, seed, s.replay(c, seed))
	if err != nil {
		fmt.Printf("  %v\n", err)
	}
	for _, line := range r.verdict.Said[:min(len(r.verdict.Said), 10)] {
		fmt.Println("  " + line)
	}
}

func (s *suite) report(results []result) bool {
	fmt.Printf("\n%-4s %-58s %6s %6s %5s %5s %5s %5s %5s %7s %7s\n", "no", "scenario", "seeds", "posts", "dup", "lost", "early", "unaud", "stuck", "late ms", "s/seed")
	var total arena.Verdict
	ran, broken := 0, 0
	for _, r := range results {
		if r.scenario.run == nil {
			fmt.Printf("%-4s %-58s absent: %s\n", r.scenario.id, r.scenario.name, r.scenario.absent)
			continue
		}
		ran++
		broken += r.failed
		v := r.verdict
		total.Add(v)
		fmt.Printf("%-4s %-58s %3d/%-2d %6d %5d %5d %5d %5d %5d %7s %7.1f\n", r.scenario.id, r.scenario.name, s.seeds-r.failed, s.seeds,
			v.Posts, v.Duplicate, v.Lost, v.Early, v.Unaudited, v.Stuck, latest(v.Lateness), r.took.Seconds()/float64(s.seeds))
	}
	for _, r := range results {
		for _, line := range r.notes {
			fmt.Printf("%-4s %s\n", r.scenario.id, line)
		}
	}
	if broken > 0 {
		fmt.Printf("\nfault: %d runs failed in %.0f s", broken, time.Since(s.began).Seconds())
	}
	if n := len(total.Lateness); n > 0 {
		slices.Sort(total.Lateness)
		fmt.Printf("\nfault: once a fault was over %d posts fell due: lateness p50 %d ms, p99 %d ms, worst %d ms; %d beyond %s and the machine's own noise",
			n, total.Lateness[n/2].Milliseconds(), total.Lateness[n*99/100].Milliseconds(), total.Lateness[n-1].Milliseconds(), total.Late, slo)
	}
	fmt.Printf("\nfault: %d posts judged in %.0f s; %d secrets outside the vault\n", total.Posts, time.Since(s.began).Seconds(), total.Leaked)
	for _, r := range results {
		if r.scenario.needs != "" && r.scenario.run == nil {
			fmt.Printf("fault: scenario %s was %s\n", r.scenario.id, r.scenario.absent)
		}
	}
	fmt.Printf("fault: %d scenarios x %d seeds: %d duplicate, %d lost, %d early, %d unaudited, %d stuck\n",
		ran, s.seeds, total.Duplicate, total.Lost, total.Early, total.Unaudited, total.Stuck)
	return broken == 0
}

// latest is the worst of what was held to its second, in milliseconds.
func latest(lateness []time.Duration) string {
	if len(lateness) == 0 {
		return "-"
	}
	return strconv.FormatInt(slices.Max(lateness).Milliseconds(), 10)
}

// trial is one scenario with one seed.
type trial struct {
	suite   *suite
	seed    uint64
	id      string
	rng     *rand.Rand
	verdict arena.Verdict
	closers []func(context.Context)
	notes   []string

	mu    sync.Mutex
	texts int
}

// note is a line under the table.
func (r *trial) note(line string) { r.notes = append(r.notes, line) }

func (r *trial) onClose(f func(context.Context)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closers = append(r.closers, f)
}

func (r *trial) close(ctx context.Context) {
	for _, f := range slices.Backward(r.closers) {
		f(ctx)
	}
}

// world makes an arena with one tenant and some accounts.
func (r *trial) world(ctx context.Context, accounts int, change func(*arena.Options)) (*arena.Arena, []*arena.Account, error) {
	url, drop, err := r.suite.cluster.Database(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.onClose(drop)
	return r.worldOn(ctx, url, accounts, change)
}

func (r *trial) worldOn(ctx context.Context, url string, accounts int, change func(*arena.Options)) (*arena.Arena, []*arena.Account, error) {
	o := arena.Options{URL: url, Program: []string{r.suite.program, "sender"}, Template: "template.yaml", Dir: r.suite.dir}
	if change != nil {
		change(&o)
	}
	a, err := arena.New(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	r.onClose(func(context.Context) { a.Close() })
	w, err := a.AddWorkspace(ctx)
	if err != nil {
		return nil, nil, err
	}
	list, err := a.AddAccounts(ctx, w, accounts)
	return a, list, err
}

// text is one that nobody else has.
func (r *trial) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts++
	return fmt.Sprintf("Fault %s/%d, text %d: <%d> & https://example.com/%d", r.id, r.seed, r.texts, r.rng.Uint64(), r.texts)
}

// contents makes n posts of the given number of parts.
func (r *trial) contents(n, parts int) [][]string {
	out := make([][]string, n)
	for i := range out {
		for range parts {
			out[i] = append(out[i], r.text())
		}
	}
	return out
}

// finish waits for the ends and judges.
func (r *trial) finish(ctx context.Context, a *arena.Arena, within, warp time.Duration) error {
	if err := a.Settle(ctx, within, warp); err != nil {
		return err
	}
	v, err := a.Judge(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verdict.Add(v)
	return err
}

func (r *trial) intN(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.IntN(n)
}
