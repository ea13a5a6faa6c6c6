// Command e2e runs a stack on a throw-away folder and the main story against it
// in a real browser: story.mjs. CHROMIUM names the browser; scripts/chromium
// finds one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"rostrum/scripts/internal/stack"
	"rostrum/shared/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Println("e2e: failed: " + err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	chromium := os.Getenv("CHROMIUM")
	if chromium == "" {
		return errors.New("CHROMIUM is not set: run make e2e, or set it to a Chromium's path")
	}
	return stack.WithThrowaway(ctx, config.Environ(), stack.Options{Template: "template.yaml", MetricsSpeed: 720}, func(s *stack.Stack) error {
		if err := s.Welcome(ctx, 0); err != nil {
			return err
		}
		shots, err := filepath.Abs(".build/e2e")
		if err != nil {
			return fmt.Errorf("the folder for screenshots: %w", err)
		}
		cmd := exec.CommandContext(ctx, "node", "scripts/e2e/story.mjs")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), "BASE_URL="+s.URL, "NETWORK_URL="+s.NetworkURL, "SHOTS="+shots,
			"EMAIL="+stack.DemoEmail, "PASSWORD="+stack.DemoPassword, "CHROMIUM="+chromium)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("the story in the browser: %w", err)
		}
		return nil
	})
}
