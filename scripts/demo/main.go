// Command demo runs the whole loop headless on a throw-away folder, and ends
// with one line: "demo: ok ..." or "demo: failed at <step>: <why>".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"rostrum/scripts/internal/loop"
	"rostrum/scripts/internal/stack"
	"rostrum/shared/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := loop.New(os.Stdout)
	options := stack.Options{Template: "template.yaml", MetricsSpeed: 720, Progress: func(step string) { d.Say("%s", step) }}
	err := stack.WithThrowaway(ctx, config.Environ(), options, func(s *stack.Stack) error {
		d.Say("%s, all parts embedded", s.URL)
		return d.Walk(ctx, s)
	})
	if !d.End(err) {
		os.Exit(1)
	}
}
