package sam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rostrum/scripts/internal/filelock"
)

// Claim makes this the only program that runs SAM on this folder's functions, and
// ends what an earlier one left behind when it was killed: SAM's servers with the
// ports they hold, their containers, and the templates with settings in them.
// release gives the folder back. Errors: a sentence, when another one runs.
func (c *CLI) Claim(ctx context.Context) (release func(), err error) {
	root, err := filepath.Abs(filepath.Dir(buildDir))
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", buildDir, err)
	}
	if err := os.MkdirAll(root, 0o750); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be made: %w", root, err)
	}
	lock, err := filelock.Try(filepath.Join(root, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, errors.New("another sam target already runs in this folder: stop it, or use another checkout")
	}
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", root, err)
	}
	for _, pid := range servers(ctx, root) {
		end(ctx, pid)
	}
	c.Sweep(ctx)
	templates, err := filepath.Glob(filepath.Join(root, "local-*.yaml"))
	for _, path := range templates {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		lock.Release()
		return nil, fmt.Errorf("what an earlier run left cannot be removed: %w", err)
	}
	return lock.Release, nil
}

// servers are the processes that run `sam local` with a template of the folder.
func servers(ctx context.Context, root string) []int {
	list, err := exec.CommandContext(ctx, "ps", "-axo", "pid=,args=").Output()
	if err != nil {
		return nil // then a port that is still held says so.
	}
	return serversIn(string(list), root)
}

func serversIn(list, root string) []int {
	var pids []int
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.Contains(line, " local start-") || !strings.Contains(line, " -t "+filepath.Join(root, "local-")) {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// end asks a process to end, and ends it after five seconds.
func end(ctx context.Context, pid int) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	_ = syscall.Kill(pid, syscall.SIGINT)
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = syscall.Kill(pid, syscall.SIGKILL)
			return
		}
	}
}
