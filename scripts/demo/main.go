// Command demo runs the whole loop headless on a throw-away folder, and ends
// with one line: "demo: ok ..." or "demo: failed at <step>: <why>". With
// -oldest-schema it does so on the oldest schema that this version runs on.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"rostrum/scripts/internal/loop"
	"rostrum/scripts/internal/stack"
	"rostrum/shared/config"
	"rostrum/shared/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	oldest := flag.Bool("oldest-schema", false, "use the oldest schema that this version runs on")
	flag.Parse()
	d := loop.New(os.Stdout)
	options := stack.Options{Template: "template.yaml", MetricsSpeed: 720, Progress: func(step string) { d.Say("%s", step) }}
	if *oldest {
		options.Schema = store.OldestSchema
		d.Say("on schema %d", options.Schema)
	}
	err := stack.WithThrowaway(ctx, config.Environ(), options, func(s *stack.Stack) error {
		d.Say("%s, all parts embedded", s.URL)
		return d.Walk(ctx, s)
	})
	if !d.End(err) {
		os.Exit(1)
	}
}
