// Command samstack runs the functions in containers with the SAM CLI:
//
//	samstack serve             the whole product: LocalStack's queues, five functions under SAM
//	samstack demo              the demo against the same, on a throw-away folder
//	samstack api               the HTTP API alone
//	samstack build             the functions alone, with the time it took
//	samstack invoke FN EVENT   one function with one payload of events/
//	samstack invoke-all        every function with each of its payloads, as a table
//
// LOCALSTACK_URL is LocalStack's address, as containers reach it; HOST_ADDRESS
// where containers reach this machine, when that is not Docker's own bridge;
// SAM_LOG the file for what SAM and the functions print, .build/sam.log if unset.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rostrum/scripts/internal/loop"
	"rostrum/scripts/internal/sam"
	"rostrum/scripts/internal/stack"
	"rostrum/shared/config"
	"rostrum/shared/host"
)

// readyWithin covers the first container of the API on a busy machine.
const readyWithin = 2 * time.Minute

const template = "template.yaml"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, errSaid) {
		fmt.Fprintln(os.Stderr, strings.ToUpper(err.Error()[:1])+err.Error()[1:])
	}
	if err != nil {
		os.Exit(1)
	}
}

// errSaid is a failure that has been told already.
var errSaid = errors.New("said")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to do: serve, demo, api, build, invoke FN EVENT or invoke-all")
	}
	environ := config.Environ()
	cli, err := sam.Find(ctx)
	if err != nil {
		return err
	}
	closeLog, err := openLog(cli, cmp.Or(environ["SAM_LOG"], ".build/sam.log"))
	if err != nil {
		return err
	}
	defer closeLog()
	release, err := cli.Claim(ctx)
	if err != nil {
		return err
	}
	defer release()
	defer cli.Sweep(context.WithoutCancel(ctx))
	address, err := sam.HostAddress(environ["HOST_ADDRESS"])
	if err != nil {
		return err
	}
	p := &program{cli: cli, environ: environ, fixed: map[string]string{"HOST_ADDRESS": address}}
	return p.do(ctx, args[0], args[1:])
}

func openLog(cli *sam.CLI, path string) (closeLog func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("SAM_LOG cannot be written: %w", err)
	}
	cli.Log, cli.LogPath = file, path
	return func() { _ = file.Close() }, nil
}

// program is one run.
type program struct {
	cli     *sam.CLI
	environ map[string]string
	fixed   map[string]string
}

func (p *program) do(ctx context.Context, what string, args []string) error {
	commands := map[string]func(context.Context) error{
		"serve": p.serve, "demo": p.demo, "api": p.api, "build": p.build,
		"invoke-all": func(ctx context.Context) error {
			return p.invoke(ctx, func(t *host.Template) error { return p.cli.InvokeAll(ctx, t, os.Stdout) })
		},
	}
	if command, ok := commands[what]; ok && len(args) == 0 {
		return command(ctx)
	}
	if what != "invoke" {
		return fmt.Errorf("%q is none of serve, demo, api, build, invoke FN EVENT and invoke-all", strings.Join(append([]string{what}, args...), " "))
	}
	if len(args) != 2 || args[0] == "" || args[1] == "" {
		return errors.New("say which function and which payload, for example: make sam-invoke FN=publish EVENT=publish/one-due.json")
	}
	// Before anything is built or started for it.
	if err := sam.CheckPayload(args[0], args[1]); err != nil {
		return err
	}
	return p.invoke(ctx, func(t *host.Template) error { return p.cli.InvokeOne(ctx, t, args[0], args[1], os.Stdout) })
}

func (p *program) demo(ctx context.Context) error {
	d := loop.New(os.Stdout)
	progress := func(step string) { d.Say("%s", step) }
	err := p.withLocalStack(ctx, "rostrum-demo-"+strings.ToLower(rand.Text()[:8]), progress, func(bridge stack.Elsewhere, prefix string) error {
		return p.throwaway(ctx, bridge, prefix, 720, progress, func(s *stack.Stack) error { return p.walk(ctx, d, s) })
	})
	if !d.End(err) {
		return errSaid
	}
	return nil
}

func (p *program) walk(ctx context.Context, d *loop.Demo, s *stack.Stack) error {
	for _, part := range s.Parts {
		d.Say("%s: %s", part.Name, part.Where)
	}
	if err := s.AwaitReady(ctx, readyWithin); err != nil {
		return err
	}
	d.Say("the API answers at %s", s.URL)
	return d.Walk(ctx, s)
}

func (p *program) api(ctx context.Context) error {
	return p.throwaway(ctx, p.cli.API, "", 1, say, func(s *stack.Stack) error {
		if err := s.AwaitReady(ctx, readyWithin); err != nil {
			return err
		}
		fmt.Printf("\nThe API answers at %s (Ctrl-C stops it).\nSign in: %s / %s\n", s.URL, stack.DemoEmail, stack.DemoPassword)
		return wait(ctx, s)
	})
}

func (p *program) build(ctx context.Context) error {
	begun := time.Now()
	if err := p.cli.Build(ctx); err != nil {
		return err
	}
	fmt.Printf("sam build: ok in %.1f s\n", time.Since(begun).Seconds())
	return nil
}

func (p *program) invoke(ctx context.Context, do func(*host.Template) error) error {
	var t *host.Template
	return p.throwaway(ctx, p.cli.Idle(&t), "", 1, say, func(*stack.Stack) error { return do(t) })
}

// throwaway starts what the functions need on a folder that is deleted
// afterwards, and runs fn.
func (p *program) throwaway(ctx context.Context, elsewhere stack.Elsewhere, prefix string, speed float64, progress func(string), fn func(*stack.Stack) error) error {
	progress("building the functions")
	if err := p.cli.Build(ctx); err != nil {
		return err
	}
	options := stack.Options{Template: template, MetricsSpeed: speed, Progress: progress, Elsewhere: elsewhere, Fixed: p.fixed, QueuePrefix: prefix}
	return stack.WithThrowaway(ctx, p.environ, options, fn)
}

func (p *program) serve(ctx context.Context) error {
	return p.withLocalStack(ctx, "rostrum-local", say, func(bridge stack.Elsewhere, prefix string) error {
		return p.serveOn(ctx, bridge, prefix)
	})
}

func (p *program) serveOn(ctx context.Context, bridge stack.Elsewhere, prefix string) error {
	environ := maps.Clone(p.environ)
	if environ["DATA_DIR"] == "" {
		environ["DATA_DIR"] = ".local/sam"
	}
	maps.Copy(environ, p.fixed)
	settings, err := stack.ReadSettings(environ)
	if err != nil {
		return err
	}
	say("building the functions")
	if err := p.cli.Build(ctx); err != nil {
		return err
	}
	s, err := stack.Start(ctx, settings, stack.Options{Environ: environ, Template: template, Progress: say, Elsewhere: bridge, QueuePrefix: prefix})
	if err != nil {
		return err
	}
	defer s.Stop(context.WithoutCancel(ctx))
	if err := s.AwaitReady(ctx, readyWithin); err != nil {
		return err
	}
	if err := s.Welcome(ctx, 2); err != nil {
		return err
	}
	fmt.Printf("\nRostrum is ready, in containers: %s (Ctrl-C stops it).\nSign in: %s / %s\n", s.URL, stack.DemoEmail, stack.DemoPassword)
	for _, part := range s.Parts {
		fmt.Printf("  %-10s %s\n", part.Name, part.Where)
	}
	fmt.Printf("  %-10s %s\n", "Log", p.cli.LogPath)
	return wait(ctx, s)
}

func say(step string) { fmt.Fprintln(os.Stderr, "  … "+step) }

func wait(ctx context.Context, s *stack.Stack) error {
	select {
	case <-ctx.Done():
		say("stopping")
		return nil
	case err := <-s.Failed():
		return err
	}
}
