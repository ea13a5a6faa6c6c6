// Command soak sends posts by the hundred thousand in virtual time under random
// faults and counts the promises that were broken. It ends with 1 when there
// was one, and prints the command that plays it again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"rostrum/scripts/internal/arena"
	"rostrum/scripts/internal/postgres"
	"rostrum/scripts/internal/soak"
)

func main() {
	var o soak.Options
	flag.IntVar(&o.Posts, "posts", 100_000, "how many posts to send")
	flag.Uint64Var(&o.Seed, "seed", 1, "of everything that is random")
	flag.IntVar(&o.Lanes, "lanes", 3, "how many installations to run beside each other; part of what a seed means")
	flag.IntVar(&o.OnlyLane, "only", -1, "run only this lane of them, to look at a break")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, o soak.Options) error {
	if o.Posts < 1 || o.Lanes < 1 || o.OnlyLane >= o.Lanes {
		return errors.New("posts and lanes must be 1 or more, and only one of the lanes")
	}
	dir, remove, err := arena.TempDir()
	if err != nil {
		return err
	}
	defer remove()
	o.Dir, o.Out = filepath.Join(dir, "postgres"), os.Stdout
	defer func() { _ = postgres.Remove(context.WithoutCancel(ctx), o.Dir) }()
	r, err := soak.Run(ctx, o)
	if err != nil {
		return err
	}
	for _, said := range r.Said {
		fmt.Println(said)
	}
	fmt.Printf("soak: %d posts, %d faults, seed %d: %d duplicate, %d lost, %d early, %d unaudited, %d stuck in %.0f s %s\n",
		r.Posts, r.Faults, o.Seed, r.Duplicate, r.Lost, r.Early, r.Unaudited, r.Stuck, r.Took.Seconds(), r.String())
	fmt.Printf("soak: story %.16s\n", r.Story)
	if !r.Clean() {
		return fmt.Errorf("a promise was broken; again: go run ./scripts/soak -posts %d -lanes %d -seed %d", o.Posts, o.Lanes, o.Seed)
	}
	return nil
}
