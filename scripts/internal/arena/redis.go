package arena

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// RedisProgram is what a Redis needs on the machine: Debian's package
// redis-server has it.
const RedisProgram = "redis-server"

// Redis is a real redis-server that keeps nothing on disk.
type Redis struct {
	dir  string
	port int
	cmd  *exec.Cmd
	done chan struct{}
}

// StartRedis starts one in dir and returns when it answers.
func StartRedis(ctx context.Context, dir string) (*Redis, error) {
	l, err := Listen(ctx)
	if err != nil {
		return nil, err
	}
	address, _ := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of Redis: %w", err)
	}
	r := &Redis{dir: dir, port: address.Port}
	return r, r.Start(ctx)
}

// URL is its address.
func (r *Redis) URL() string { return "redis://127.0.0.1:" + strconv.Itoa(r.port) }

// Start starts it again, empty, and returns when it answers.
func (r *Redis) Start(ctx context.Context) error {
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), RedisProgram,
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--save", "", "--appendonly", "no", "--dir", r.dir)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	cmd, done := r.cmd, make(chan struct{})
	r.done = done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	for range 200 {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(r.port))
		if err == nil {
			return c.Close()
		}
		Pause(ctx, 25*time.Millisecond)
	}
	return fmt.Errorf("the Redis on port %d does not answer", r.port)
}

// Kill ends it with SIGKILL.
func (r *Redis) Kill() {
	_ = r.cmd.Process.Kill()
	<-r.done
}
