package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rostrum/scripts/internal/arena"
)

// megabyte is a million bytes, as the targets and make build mean it.
const megabyte = 1e6

// build compiles a program as it ships.
func (c *campaign) build(ctx context.Context, name, path string) (string, float64, error) {
	program := filepath.Join(c.dir, "bootstrap-"+name)
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", "lambda.norpc,grpcnotrace", "-trimpath", "-ldflags", "-s -w", "-o", program, path)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", 0, fmt.Errorf("build %s: %w: %s", path, err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		return "", 0, fmt.Errorf("build %s: %w", path, err)
	}
	return program, float64(info.Size()) / megabyte, nil
}

func functions() []string { return []string{"api", "generate", "review", "publish", "metrics"} }

// coldStart is B8: from the spawn to the first request for work.
func (c *campaign) coldStart(ctx context.Context) error {
	environment, end, err := c.lambdaEnvironment(ctx)
	if err != nil {
		return err
	}
	defer end()
	empty, size, err := c.build(ctx, "empty", "./scripts/internal/emptylambda")
	if err != nil {
		return err
	}
	floor, err := startup(ctx, empty, nil)
	if err != nil {
		return err
	}
	c.add("floor", "empty lambda-go binary: size", size, "MB", "")
	c.add("floor", "empty lambda-go binary: spawn to first /next, p50 of 20", floor, "ms", "")
	for _, name := range functions() {
		program, size, err := c.build(ctx, name, "./functions/"+name+"/lambda")
		if err != nil {
			return err
		}
		took, err := startup(ctx, program, environment)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.add("B8", name+": size", size, "MB", "<= 15 (10)")
		c.add("B8", name+": spawn to first /next, p50 of 20", took, "ms", "<= 50 (25)")
	}
	return nil
}

// memory is B7: the largest resident set after 1,000 invocations.
func (c *campaign) memory(ctx context.Context) error {
	environment, end, err := c.lambdaEnvironment(ctx)
	if err != nil {
		return err
	}
	defer end()
	payloads := map[string]string{
		"publish": `{"task":"tick"}`, "metrics": `{"task":"collect"}`, "generate": `{"task":"fill"}`, "review": `{"task":"remind"}`,
		"api": `{"version":"2.0","routeKey":"$default","rawPath":"/health/ready","rawQueryString":"","headers":{"host":"localhost"},` +
			`"requestContext":{"http":{"method":"GET","path":"/health/ready","sourceIp":"127.0.0.1","protocol":"HTTP/1.1"},"stage":"$default"},"isBase64Encoded":false}`,
	}
	const invocations = 1000
	for _, name := range functions() {
		program, _, err := c.build(ctx, name, "./functions/"+name+"/lambda")
		if err != nil {
			return err
		}
		peak, failed, err := invoke(ctx, program, environment, payloads[name], invocations)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		what := fmt.Sprintf("%s: peak memory after %d invocations", name, invocations)
		if failed > 0 {
			what += fmt.Sprintf(" (%d answered an error)", failed)
		}
		c.add("B7", what, float64(peak)*1024/megabyte, "MB", "<= 40 (20)")
	}
	return nil
}

// lambdaEnvironment is what the shipped functions need to come up.
func (c *campaign) lambdaEnvironment(ctx context.Context) ([]string, func(), error) {
	a, _, end, err := c.world(ctx, 1, 1)
	if err != nil {
		return nil, nil, err
	}
	return append(a.Environment(),
		"OPENAI_BASE_URL=http://127.0.0.1:9/v1", "OPENAI_API_KEY=none", "OPENAI_MODEL=none", "PUBLIC_URL=http://localhost:8080", "LOG_LEVEL=error"), end, nil
}

// runtimeAPI is Lambda's Runtime API for one program: it hands out payloads
// until there are no more.
type runtimeAPI struct {
	payload string
	left    int
	failed  int
	asked   chan struct{}
	done    chan struct{}
	began   bool
}

// ServeHTTP answers one program, which asks from one goroutine.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && filepath.Base(r.URL.Path) == "next" && filepath.Base(filepath.Dir(r.URL.Path)) == "invocation":
		if !a.began {
			a.began = true
			close(a.asked)
		}
		if a.left == 0 {
			close(a.done)
			<-r.Context().Done()
			return
		}
		a.left--
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("00000000-0000-4000-8000-%012d", a.left))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(30*time.Second).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:bench")
		_, _ = io.WriteString(w, a.payload)
	case filepath.Base(r.URL.Path) == "register":
		w.Header().Set("Lambda-Extension-Identifier", "bench")
		_, _ = io.WriteString(w, "{}")
	case r.Method == http.MethodGet:
		<-r.Context().Done()
	default:
		if filepath.Base(r.URL.Path) == "error" {
			a.failed++
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}
}

// invoke spawns a program, has it take payloads, and returns its peak memory in
// kilobytes.
func invoke(ctx context.Context, program string, environment []string, payload string, times int) (peak int64, failed int, err error) {
	api := &runtimeAPI{payload: payload, left: times, asked: make(chan struct{}), done: make(chan struct{})}
	server := httptest.NewServer(api)
	defer server.Close()
	defer server.CloseClientConnections()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(slices.Clone(environment), "AWS_LAMBDA_RUNTIME_API="+server.Listener.Addr().String(), "AWS_REGION=eu-central-1")
	if err := cmd.Start(); err != nil {
		return 0, 0, fmt.Errorf("spawn: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	timeout := time.NewTimer(5 * time.Minute)
	defer timeout.Stop()
	select {
	case <-api.done:
	case err := <-ended:
		return 0, 0, fmt.Errorf("the program ended by itself: %w", err)
	case <-timeout.C:
		err = errors.New("the invocations took too long")
	}
	peak, readErr := peakMemory(cmd.Process.Pid)
	_ = cmd.Process.Kill()
	if killed := <-ended; killed == nil {
		return 0, api.failed, errors.New("the program ended before it was killed")
	}
	return peak, api.failed, errors.Join(err, readErr)
}

// peakMemory reads the largest resident set of a living program, in kilobytes.
// What wait tells of it (ru_maxrss) would be ours, if that is larger: a child
// has our memory until it has become another program (Linux, proc(5) and
// getrusage(2), read 2026-11).
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read peak memory (B7 needs Linux): %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		}
	}
	return 0, errors.New("read peak memory: the system does not say")
}

// startup returns the median of 20 spawns until the program asks for work, in
// milliseconds.
func startup(ctx context.Context, program string, environment []string) (float64, error) {
	var all []time.Duration
	for range 20 {
		api := &runtimeAPI{left: 1, asked: make(chan struct{}), done: make(chan struct{})}
		server := httptest.NewServer(api)
		cmd := exec.CommandContext(ctx, program)
		cmd.Env = append(slices.Clone(environment), "AWS_LAMBDA_RUNTIME_API="+server.Listener.Addr().String(), "AWS_REGION=eu-central-1")
		began := time.Now()
		if err := cmd.Start(); err != nil {
			server.Close()
			return 0, fmt.Errorf("spawn: %w", err)
		}
		timeout := time.NewTimer(20 * time.Second)
		var err error
		select {
		case <-api.asked:
			all = append(all, time.Since(began))
		case <-timeout.C:
			err = errors.New("the program did not ask for work: does it lack a setting?")
		}
		timeout.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		server.CloseClientConnections()
		server.Close()
		if err != nil {
			return 0, err
		}
		arena.Pause(ctx, 10*time.Millisecond)
	}
	slices.Sort(all)
	return float64(all[len(all)/2].Microseconds()) / 1000, nil
}
