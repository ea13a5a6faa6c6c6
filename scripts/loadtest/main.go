// Command loadtest measures: how fast, how late, how big. Every figure stands
// beside the floor of the same machine in the same run. It asserts no time;
// it fails only when a post was doubled, lost or early.
//
//	make bench                    everything, shortened where the definition takes long
//	BENCH=B1,B3 BENCH_JSON=out.json make bench
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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
	if err := run(); err != nil {
		fmt.Println("bench: " + err.Error())
		os.Exit(1)
	}
}

// campaign is one run of the benches.
type campaign struct {
	dir     string
	program string
	cluster *arena.Cluster
	posts   int
	seconds int
	rows    []int
	kills   int
	seed    uint64
	figures []figure
	unclean int
}

// figure is one line of the table.
type figure struct {
	Bench  string  `json:"bench"`
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Target string  `json:"target,omitempty"`
}

// report is what BENCH_JSON gets.
type report struct {
	At      time.Time `json:"at"`
	Machine string    `json:"machine"`
	Go      string    `json:"go"`
	Load    string    `json:"load_average"`
	Figures []figure  `json:"figures"`
}

func run() error {
	only := flag.String("bench", "floor,B1,B2,B3,B6,B7,B8,B10", "the benches to run")
	c := &campaign{}
	flag.IntVar(&c.posts, "posts", 10_000, "posts of B1 (and half as many of B3)")
	flag.IntVar(&c.seconds, "seconds", 60, "length of B2; its definition says 600")
	rows := flag.String("rows", "10000,100000,1000000", "table sizes of B6")
	flag.IntVar(&c.kills, "kills", 20, "kills of B10; its definition says 100")
	flag.Uint64Var(&c.seed, "seed", 1, "of the random moments")
	flag.Parse()
	for n := range strings.SplitSeq(*rows, ",") {
		var size int
		if _, err := fmt.Sscan(n, &size); err != nil {
			return fmt.Errorf("-rows: %q is no number", n)
		}
		c.rows = append(c.rows, size)
	}
	chosen, err := c.chosen(*only)
	if err != nil {
		return err
	}
	if err := writable(os.Getenv("BENCH_JSON")); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, remove, err := arena.TempDir()
	if err != nil {
		return err
	}
	defer remove()
	c.dir = dir
	if c.program, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if c.cluster, err = arena.OpenCluster(ctx, filepath.Join(dir, "postgres"), true, 100); err != nil {
		return err
	}
	defer func() { _ = c.cluster.Close(context.WithoutCancel(ctx)) }()
	load := firstLine("/proc/loadavg")
	fmt.Printf("bench: %s, load %s\n", machine(), load)
	for _, b := range chosen {
		fmt.Fprintf(os.Stderr, "bench: %s\n", b.name)
		if err := b.run(ctx); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", b.name, err), c.finish(load))
		}
	}
	return c.finish(load)
}

type bench struct {
	name string
	run  func(context.Context) error
}

func (c *campaign) benches() []bench {
	return []bench{
		{"floor", c.floor},
		{"B1", c.burst},
		{"B2", c.steady},
		{"B3", c.pipeline},
		{"B6", c.growth},
		{"B7", c.memory},
		{"B8", c.coldStart},
		{"B10", c.recovery},
	}
}

// chosen are the benches with these names, in the order in which they run.
func (c *campaign) chosen(names string) ([]bench, error) {
	var known []string
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		wanted[strings.ToLower(strings.TrimSpace(name))] = true
	}
	list := slices.DeleteFunc(c.benches(), func(b bench) bool {
		known = append(known, b.name)
		found := wanted[strings.ToLower(b.name)]
		delete(wanted, strings.ToLower(b.name))
		return !found
	})
	delete(wanted, "")
	if len(wanted) > 0 || len(list) == 0 {
		return nil, fmt.Errorf("%q names a bench that does not exist; there are %s", names, strings.Join(known, ", "))
	}
	return list, nil
}

// writable says before the run, which takes long, that its end could not be
// written. What a file holds already is left to it until then.
func writable(path string) error {
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("BENCH_JSON cannot be written: %w", err)
	}
	return file.Close()
}

func (c *campaign) add(bench, what string, value float64, unit, target string) {
	c.figures = append(c.figures, figure{bench, what, value, unit, target})
}

func (c *campaign) finish(load string) error {
	fmt.Printf("\n%-6s %-64s %12s %-10s %s\n", "bench", "what", "measured", "unit", "target (stretch)")
	for _, f := range c.figures {
		fmt.Printf("%-6s %-64s %12.2f %-10s %s\n", f.Bench, f.What, f.Value, f.Unit, f.Target)
	}
	if path := os.Getenv("BENCH_JSON"); path != "" {
		raw, err := json.MarshalIndent(report{time.Now().UTC(), machine(), runtime.Version(), load, c.figures}, "", "  ")
		if err != nil {
			return fmt.Errorf("encode the report: %w", err)
		}
		if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if c.unclean > 0 {
		return fmt.Errorf("%d promises were broken", c.unclean)
	}
	return nil
}

// machine says what this ran on.
func machine() string {
	model := "unknown processor"
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.SplitSeq(string(raw), "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d x %s, %s/%s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH)
}

func firstLine(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return line
}

// floor is what this machine's disk and Postgres do without us.
func (c *campaign) floor(ctx context.Context) error {
	program, err := pgbench()
	if err != nil {
		fmt.Println("bench: " + err.Error() + ": the floors of Postgres are absent")
		return nil
	}
	url, drop, err := c.cluster.Database(ctx)
	if err != nil {
		return err
	}
	defer drop(ctx)
	if out, err := exec.CommandContext(ctx, program, "-i", "-q", "-s", "10", url).CombinedOutput(); err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	for _, clients := range []string{"1", "8"} {
		out, err := exec.CommandContext(ctx, program, "-N", "-M", "prepared", "-c", clients, "-j", "2", "-T", "5", url).CombinedOutput()
		if err != nil {
			return fmt.Errorf("pgbench: %w: %s", err, out)
		}
		var tps float64
		for line := range strings.SplitSeq(string(out), "\n") {
			if rest, ok := strings.CutPrefix(line, "tps = "); ok {
				_, _ = fmt.Sscan(rest, &tps)
			}
		}
		c.add("floor", "pgbench -N, "+clients+" clients", tps, "tps", "")
	}
	return nil
}

func pgbench() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if len(found) == 0 {
		return "", errors.New("pgbench is not on this machine")
	}
	return found[len(found)-1], nil
}
