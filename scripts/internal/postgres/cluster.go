package postgres

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

	"github.com/jackc/pgx/v5/pgconn"
)

// cluster is where one server's files lie.
type cluster struct {
	// data is the server's own folder, made by initdb and owned by runAs.
	data         string
	passwordFile string
	password     string
	log          string
	runAs        *identity
}

// locate decides where the cluster of dir lies and reads its password. As root
// the server runs as another user, who may be unable to reach dir (a clone
// below /root); then the server's own folder lies under /var/lib/rostrum and a
// file in dir names it.
func locate(dir string, runAs *identity) (*cluster, error) {
	c := &cluster{
		data: filepath.Join(dir, "data"), passwordFile: filepath.Join(dir, "password"),
		log: filepath.Join(dir, "postgres.log"), runAs: runAs,
	}
	pointer := filepath.Join(dir, "location")
	if raw, err := os.ReadFile(pointer); err == nil {
		c.data = strings.TrimSpace(string(raw))
	} else if runAs != nil && !runAs.canReach(dir) {
		home := filepath.Join("/var/lib/rostrum", "postgres-"+strings.ToLower(newPassword()[:10]))
		if err := os.MkdirAll(home, 0o755); err != nil {
			return nil, fmt.Errorf("the server's user %s can reach neither %s nor a folder below /var/lib: run from a folder that all users may enter: %w", runAs.name, dir, err)
		}
		for _, folder := range []string{filepath.Dir(home), home} {
			if err := os.Chmod(folder, 0o755); err != nil {
				return nil, fmt.Errorf("the folder %s cannot be opened to the user %s: %w", folder, runAs.name, err)
			}
		}
		c.data = filepath.Join(home, "data")
		if err := os.WriteFile(pointer, []byte(c.data+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("the data folder %s cannot be written: %w", dir, err)
		}
	}
	raw, err := os.ReadFile(c.passwordFile)
	switch {
	case err == nil && len(raw) > 0:
		c.password = strings.TrimSpace(string(raw))
	case err == nil || errors.Is(err, os.ErrNotExist):
		if c.major() != 0 {
			return nil, fmt.Errorf("the password file %s of the database in %s is gone: restore it, or choose another data folder", c.passwordFile, c.data)
		}
		c.password = newPassword()
		if err := os.WriteFile(c.passwordFile, []byte(c.password+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("the data folder %s cannot be written: %w", dir, err)
		}
	default:
		return nil, fmt.Errorf("the password file %s cannot be read: %w", c.passwordFile, err)
	}
	return c, nil
}

// major is the version the cluster was made by; 0 when there is none yet.
func (c *cluster) major() int {
	raw, err := os.ReadFile(filepath.Join(c.data, "PG_VERSION"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0
	}
	return n
}

// create runs initdb beside the final place and renames the result, so that a
// process killed half-way leaves no half cluster.
func (c *cluster) create(ctx context.Context, bin *binaries, throwaway bool) error {
	fresh := c.data + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove unfinished database %s: %w", fresh, err)
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("the folder %s cannot be made: %w", fresh, err)
	}
	pwfile := c.data + ".pw"
	defer func() { _ = os.Remove(pwfile) }()
	if err := os.WriteFile(pwfile, []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("the file %s cannot be written: %w", pwfile, err)
	}
	for _, path := range []string{fresh, pwfile} {
		if err := c.runAs.own(path); err != nil {
			return err
		}
	}
	args := []string{"-D", fresh, "-U", superuser, "-A", "scram-sha-256", "--pwfile", pwfile, "-E", "UTF8", "--locale=C"}
	if throwaway {
		args = append(args, "--no-sync")
		if bin.major >= 18 {
			args = append(args, "--no-data-checksums")
		}
	} else {
		args = append(args, "--data-checksums")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.dir, "initdb"), args...)
	cmd.Env = cleanEnvironment()
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.runAs.credential()}
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(fresh)
		return fmt.Errorf("making the database in %s did not work (%w); initdb said: %s", c.data, err, tail(string(out), 400))
	}
	if err := os.Rename(fresh, c.data); err != nil {
		return fmt.Errorf("put the new database in place: %w", err)
	}
	return nil
}

// stopOrphan ends a server that a killed process left on this cluster.
func (c *cluster) stopOrphan(ctx context.Context, progress func(string)) error {
	pidFile := filepath.Join(c.data, "postmaster.pid")
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || !alive(pid) {
		// The server sees by itself whether children of a dead one live on.
		return nil
	}
	if !c.servedBy(ctx, pid) {
		// After a power cut the number may be any process's by now, and the
		// server would refuse to start as long as that one lives.
		if err := os.Remove(pidFile); err != nil {
			return fmt.Errorf("the stale file %s cannot be removed: %w", pidFile, err)
		}
		return nil
	}
	progress("stopping the database server that an earlier run left behind")
	gone := make(chan struct{})
	watch, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go func() {
		defer close(gone)
		for alive(pid) && watch.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	if err := stopProcess(ctx, pid, gone); err != nil {
		return fmt.Errorf("the database server of an earlier run (process %d) does not stop: end it by hand, then start again: %w", pid, err)
	}
	return nil
}

// servedBy reports whether the process is a server on this cluster.
func (c *cluster) servedBy(ctx context.Context, pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		// No /proc on macOS.
		line, err = exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
		if err != nil {
			return false
		}
	}
	return strings.Contains(string(line), c.data)
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// stopProcess asks a server to end (fast shutdown), then, when ctx ends, tells
// it to end at once, then kills it. gone is closed when it has ended.
func stopProcess(ctx context.Context, pid int, gone <-chan struct{}) error {
	if err := syscall.Kill(pid, syscall.SIGINT); errors.Is(err, syscall.ESRCH) {
		return nil
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		_ = syscall.Kill(pid, signal)
		select {
		case <-gone:
			return nil
		case <-time.After(5 * time.Second):
		}
	}
	return fmt.Errorf("process %d does not end: %w", pid, ctx.Err())
}

func authenticationFailure(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(pgErr.Code, "28") {
		return pgErr.Code
	}
	return ""
}

func tail(s string, n int) string {
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-n):]
}
