// Command testdb gives tests a throw-away Postgres.
//
//	go run ./scripts/testdb -- go test ./...
//
// runs a command with ROSTRUM_TEST_DATABASE_URL set to a server that lives as
// long as the command, and exits with the command's code.
//
//	go run ./scripts/testdb -daemon
//
// prints the address of a server shared by this user's test processes, which it
// starts when none runs; that one ends by itself when nobody has used it for 15
// minutes. Package storetest calls it when ROSTRUM_TEST_DATABASE_URL is not set.
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
	"time"

	"rostrum/scripts/internal/postgres"
)

const (
	urlSetting     = "ROSTRUM_TEST_DATABASE_URL"
	folderPrefix   = "rostrum-test-"
	maxConnections = 300
	stopWithin     = 20 * time.Second
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testdb: "+err.Error())
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	if len(args) == 1 {
		switch args[0] {
		case "-daemon":
			return exitCode(printShared(context.Background(), os.Stdout))
		case "-serve":
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return exitCode(serveShared(ctx, idleLimit, pollEvery))
		}
	}
	if len(args) < 2 || args[0] != "--" {
		return 2, errors.New("usage: testdb -- command [argument ...]   or   testdb -daemon")
	}
	return runCommand(context.Background(), args[1:])
}

func exitCode(err error) (int, error) {
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// runCommand runs the command beside a server of its own.
func runCommand(ctx context.Context, command []string) (int, error) {
	// From here on a signal ends the command, and the command's end ends us.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	sweep(ctx)
	dir, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return 1, fmt.Errorf("the folder for temporary files cannot be used: %w", err)
	}
	server, err := postgres.Start(ctx, postgres.Options{
		Dir: dir, Throwaway: true, MaxConnections: maxConnections, Lookup: os.Getenv,
		Progress: func(step string) { fmt.Fprintln(os.Stderr, "testdb: "+step) },
	})
	if err != nil {
		return 1, err
	}
	code, err := supervise(ctx, command, server.URL(), signals)
	stopping, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	stopErr := server.Stop(stopping)
	return code, errors.Join(err, stopErr, postgres.Remove(ctx, dir))
}

// supervise runs the command and passes signals on. One from the terminal has
// reached the command already; a second copy does no harm.
func supervise(ctx context.Context, command []string, url string, signals <-chan os.Signal) (int, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), urlSetting+"="+url)
	if err := cmd.Start(); err != nil {
		return 127, fmt.Errorf("%s could not be started: %w", command[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s)
		case err := <-ended:
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
					return 128 + int(status.Signal()), nil
				}
				return exit.ExitCode(), nil
			}
			return exitCode(err)
		}
	}
}

// sweep removes what runs that were killed have left. A folder in use is held
// by its lock and stays.
func sweep(ctx context.Context) {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, dir := range dirs {
		// One just made has no lock yet, and another user's is not ours.
		if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) < time.Minute || !ownedByUs(info) {
			continue
		}
		_ = postgres.Remove(ctx, dir)
	}
}

func ownedByUs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
