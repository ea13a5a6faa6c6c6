// Command local runs all of Rostrum on this machine, on the folder DATA_DIR,
// until it is told to stop.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"rostrum/scripts/internal/stack"
	"rostrum/shared/config"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "\n"+capital(err.Error()))
		os.Exit(1)
	}
}

func run() error {
	// Postgres has its own process group, so a Ctrl-C reaches only us; a second
	// one ends us at once, which loses nothing.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	environ, err := stack.WithFile(config.Environ(), ".env")
	if err != nil {
		return err
	}
	settings, err := stack.ReadSettings(environ)
	if err != nil {
		return err
	}
	s, err := stack.Start(ctx, settings, stack.Options{
		Environ: environ, Template: "template.yaml",
		Progress: func(step string) { fmt.Println("  … " + step) },
	})
	if ctx.Err() != nil {
		return nil // told to stop while starting.
	}
	if err != nil {
		return err
	}
	fmt.Print(screen(s))
	if err := s.Welcome(ctx, 2); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "The first drafts could not be asked for: "+err.Error())
	}
	select {
	case <-ctx.Done():
		stop()
		fmt.Println("\n  … stopping")
	case err = <-s.Failed():
	}
	s.Stop(context.Background())
	return err
}

func screen(s *stack.Stack) string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "  %-10s %s\n", name, value) }
	b.WriteString("\nRostrum is ready.\n\n")
	line("Open", s.URL)
	line("Sign in", stack.DemoEmail+" / "+stack.DemoPassword)
	if s.NetworkURL != "" {
		line("Audience", s.NetworkURL+"/_sim/ledger (what the simulated X shows)")
	}
	if s.InstagramURL != "" {
		line("", s.InstagramURL+"/_sim/ledger (what the simulated Instagram shows)")
	}
	line("API", s.URL+"/docs")
	b.WriteString("\n")
	for _, part := range s.Parts {
		kind := "external"
		if part.Embedded {
			kind = "embedded"
		}
		line(part.Name, kind+": "+part.Where)
	}
	line("Data", s.DataDir)
	b.WriteString("\n  Ctrl-C stops it; the next make run has kept everything.\n\n")
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
