package arena

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/publish"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/host"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/telemetry"
)

// The settings of a child beside those of the publish function.
const (
	settingTemplate    = "ARENA_TEMPLATE"
	settingTickEvery   = "ARENA_TICK_EVERY"
	settingTicks       = "ARENA_TICKS_AT_ONCE"
	settingAnswer      = "ARENA_ANSWER"
	settingConcurrency = "ARENA_CONCURRENCY"
	settingInstances   = "ARENA_INSTANCES"
	settingProfile     = "ARENA_PROFILE"
)

func loadTemplate(path, concurrency string) (*host.Template, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("template.yaml cannot be read: run from the repository's folder: %w", err)
	}
	parameters := map[string]string{}
	if concurrency != "" {
		parameters["PublishConcurrency"] = concurrency
	}
	return host.Load(raw, parameters)
}

// makeQueues makes the template's queues on the arena's endpoint.
func (a *Arena) makeQueues(ctx context.Context) error {
	template, err := loadTemplate(a.options.Template, a.options.Concurrency)
	if err != nil {
		return err
	}
	client, err := sqsqueue.Connect(ctx, a.QueueURL)
	if err != nil {
		return err
	}
	if a.queueURL, err = host.EnsureQueues(ctx, client, template); err != nil {
		return err
	}
	a.Queues = sqsqueue.New(client, map[queue.Name]string{
		queue.Publish: a.queueURL["PublishQueue"], queue.Metrics: a.queueURL["MetricsQueue"],
		queue.Review: a.queueURL["ReviewQueue"], queue.Generate: a.queueURL["GenerateQueue"],
	})
	return nil
}

// RunSender is the child: one instance of the publish function or more on
// shared/host, each woken by the queue and by a tick of its own, until ctx ends.
func RunSender(ctx context.Context, environ map[string]string) error {
	template, err := loadTemplate(environ[settingTemplate], environ[settingConcurrency])
	if err != nil {
		return err
	}
	client, err := sqsqueue.Connect(ctx, environ["AWS_ENDPOINT_URL_SQS"])
	if err != nil {
		return err
	}
	urls, err := host.EnsureQueues(ctx, client, template)
	if err != nil {
		return err
	}
	settings := map[string]string{}
	for _, f := range template.Functions {
		if f.Name == "publish" {
			maps.Copy(settings, template.Environment(f, urls))
		}
	}
	maps.Copy(settings, environ)
	var cfg publish.Config
	if err := config.LoadFrom(&cfg, settings); err != nil {
		return err
	}
	every, err := time.ParseDuration(environ[settingTickEvery])
	if err != nil {
		return fmt.Errorf("%s: %w", settingTickEvery, err)
	}
	atOnce, err := strconv.Atoi(environ[settingTicks])
	if err != nil {
		return fmt.Errorf("%s: %w", settingTicks, err)
	}
	instances, err := strconv.Atoi(environ[settingInstances])
	if err != nil {
		return fmt.Errorf("%s: %w", settingInstances, err)
	}
	if path := environ[settingProfile]; path != "" {
		file, err := os.Create(path)
		if err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
		defer func() { _ = file.Close() }()
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	return runAll(ctx, instances, func(ctx context.Context, up func()) error {
		f, end, err := publish.New(ctx, cfg)
		if err != nil {
			return err
		}
		defer end()
		handler := host.NewHandler(answering(f.Handle, environ[settingAnswer]))
		h, err := host.New(template, host.Options{
			Functions: map[string]lambda.Handler{"publish": handler}, SQS: client, QueueURLs: urls,
			Grace: 5 * time.Second, Clock: clock.System{}, Logger: telemetry.NewLogger(os.Stderr, cfg.LogLevel),
		})
		if err != nil {
			return err
		}
		var wg sync.WaitGroup
		wg.Go(func() { tick(ctx, handler, every, atOnce, up) })
		defer wg.Wait()
		return h.Run(ctx)
	})
}

// runAll runs so many instances until ctx or one of them ends, and says when all
// are up.
func runAll(ctx context.Context, instances int, run func(ctx context.Context, up func()) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var waiting atomic.Int64
	waiting.Store(int64(instances))
	up := func() {
		if waiting.Add(-1) == 0 {
			fmt.Fprintln(os.Stderr, upLine)
		}
	}
	errs := make([]error, instances)
	var wg sync.WaitGroup
	for i := range instances {
		wg.Go(func() {
			defer stop()
			errs[i] = run(ctx, up)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// tick wakes the function as its schedule would, only more often, and calls up
// after the first time.
func tick(ctx context.Context, handler lambda.Handler, every time.Duration, atOnce int, up func()) {
	var told time.Duration
	for first := true; every > 0; {
		var wg sync.WaitGroup
		for range atOnce {
			wg.Go(func() {
				work, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
				defer cancel()
				// A failed tick is logged by the function; the next one follows.
				_, _ = handler.Invoke(work, []byte(`{"task":"tick"}`))
			})
		}
		wg.Wait()
		if first {
			up()
			first = false
		}
		if d := skew(); d != told {
			fmt.Fprintln(os.Stderr, skewLine+d.String())
			told = d
		}
		if !Pause(ctx, every) {
			return
		}
	}
}

// answering spoils the function's answers to batches: "panic" after the work
// is done, "panic_halfway" after half of the batch's messages, "wrong_id" names a
// message that was not in the batch, "all_failed" says that none was done.
func answering(handle func(context.Context, json.RawMessage) (any, error), how string) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, raw json.RawMessage) (any, error) {
		batch := strings.Contains(string(raw), `"Records"`)
		if batch && how == "panic_halfway" {
			half, err := firstHalf(raw)
			if err != nil {
				return nil, err
			}
			if _, err := handle(ctx, half); err != nil {
				return nil, err
			}
			panic("the arena has this batch panic halfway")
		}
		answer, err := handle(ctx, raw)
		if !batch {
			return answer, err
		}
		switch how {
		case "panic":
			panic("the arena has this batch panic after its work")
		case "wrong_id":
			return map[string]any{"batchItemFailures": []map[string]string{{"itemIdentifier": "of-nobody"}}}, nil
		case "all_failed":
			return nil, errors.New("the arena has this batch fail after its work")
		}
		return answer, err
	}
}

// firstHalf is a batch with the first half of its messages.
func firstHalf(raw json.RawMessage) (json.RawMessage, error) {
	var batch struct{ Records []json.RawMessage }
	if err := json.Unmarshal(raw, &batch); err != nil {
		return nil, fmt.Errorf("read the batch: %w", err)
	}
	batch.Records = batch.Records[:len(batch.Records)/2]
	half, err := json.Marshal(batch)
	if err != nil {
		return nil, fmt.Errorf("halve the batch: %w", err)
	}
	return half, nil
}

// skew is how far this process's wall clock was moved, as its parts see it.
func skew() time.Duration {
	return clock.System{}.Now().Round(0).Sub(time.Now().Round(0)).Round(time.Second)
}

// upLine is what a child says after the first tick of all its instances, skewLine when its clock moves.
const (
	upLine   = "arena: the first tick is over"
	skewLine = "arena: the wall clock is off by "
)

// Moved reports whether the child's wall clock has been off by d.
func (s *Sender) Moved(d time.Duration) bool { return s.said(skewLine + d.String()) }

func (s *Sender) said(what string) bool {
	raw, err := os.ReadFile(s.Log)
	return err == nil && strings.Contains(string(raw), what)
}

// AwaitUp waits until the child's first tick is over.
func (s *Sender) AwaitUp(ctx context.Context) error {
	for range 400 {
		if s.said(upLine) {
			return nil
		}
		if !Pause(ctx, 25*time.Millisecond) {
			return ctx.Err()
		}
	}
	return errors.New("the sender did not come up")
}

// How is what a child is told beside the usual.
type How struct {
	// Instances is how many of the function the child runs, each with a pool and
	// ticks of its own; 0 is one.
	Instances int
	// Kill and Freeze name a kill point, with :n for the n-th passing.
	Kill, Freeze string
	// TickEvery is the child's own tick; 0 is 300 ms, below 0 none.
	TickEvery time.Duration
	// TicksAtOnce is how many ticks run at the same time; 0 is one.
	TicksAtOnce int
	// Answer spoils the function's answers, see answering.
	Answer string
	// URL is another database address than Options.SenderURL.
	URL string
	// MaxConns is another pool than Options.MaxConns.
	MaxConns int
	// Clock moves the child's wall clock: "1h", "-1h@2s" (two seconds after its start).
	Clock string
	// Redis is REDIS_URL.
	Redis string
}

// Sender is a child process.
type Sender struct {
	arena *Arena
	cmd   *exec.Cmd
	ended chan struct{}
	// Log is the path of what it said.
	Log string
}

// Start starts a child.
func (a *Arena) Start(ctx context.Context, how How) (*Sender, error) {
	if how.TickEvery == 0 {
		how.TickEvery = 300 * time.Millisecond
	}
	if how.URL == "" {
		how.URL = a.options.SenderURL
	}
	if how.MaxConns == 0 {
		how.MaxConns = a.options.MaxConns
	}
	log, err := os.CreateTemp(a.options.Dir, "sender-*.log")
	if err != nil {
		return nil, fmt.Errorf("open a child's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	s := &Sender{arena: a, ended: make(chan struct{}), Log: log.Name()}
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), a.options.Program[0], a.options.Program[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	template, err := filepath.Abs(a.options.Template)
	if err != nil {
		return nil, fmt.Errorf("find template.yaml: %w", err)
	}
	s.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + how.URL, "DATABASE_MAX_CONNS=" + strconv.Itoa(how.MaxConns),
		"AWS_ENDPOINT_URL_SQS=" + a.QueueURL, "VAULT_KEYSET=" + a.keyset.Reveal(), "READING_AGES=1h",
		"X_BASE_URL=" + a.NetworkURL, "X_AUTHORIZE_URL=" + a.NetworkURL + "/i/oauth2/authorize", "X_WEB_URL=" + a.NetworkURL,
		"X_CLIENT_ID=" + clientID, "X_CLIENT_SECRET=" + clientSecret,
		"INSTAGRAM_API_URL=" + a.InstagramURL, "INSTAGRAM_AUTHORIZE_URL=" + a.InstagramURL + "/oauth/authorize",
		"INSTAGRAM_TOKEN_URL=" + a.InstagramURL + "/oauth/access_token", "INSTAGRAM_WEB_URL=" + a.InstagramURL,
		"INSTAGRAM_CLIENT_ID=" + clientID, "INSTAGRAM_CLIENT_SECRET=" + clientSecret, "BLOB_URL=" + a.filesURL, "PUBLIC_URL=" + a.webURL,
		settingTemplate + "=" + template, settingConcurrency + "=" + a.options.Concurrency,
		settingTickEvery + "=" + how.TickEvery.String(), settingTicks + "=" + strconv.Itoa(max(how.TicksAtOnce, 1)), settingInstances + "=" + strconv.Itoa(max(how.Instances, 1)),
		settingAnswer + "=" + how.Answer,
		settingProfile + "=" + os.Getenv(settingProfile), "ROSTRUM_KILL_AT=" + how.Kill, "ROSTRUM_FREEZE_AT=" + how.Freeze,
		"ROSTRUM_CLOCK_SHIFT=" + how.Clock, "REDIS_URL=" + how.Redis,
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a sender: %w", err)
	}
	go func() {
		defer close(s.ended)
		_ = s.cmd.Wait()
	}()
	a.mu.Lock()
	a.senders = append(a.senders, s)
	a.mu.Unlock()
	return s, nil
}

// Ended is closed when the child is gone.
func (s *Sender) Ended() <-chan struct{} { return s.ended }

// Stop ends the child as a deployment does and waits for its end.
func (s *Sender) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.gone()
}

// Kill ends the child with SIGKILL, unless it is gone, and waits for its end.
func (s *Sender) Kill() {
	_ = s.cmd.Process.Kill()
	s.gone()
}

// gone waits for the end and notes when it was.
func (s *Sender) gone() {
	<-s.ended
	s.arena.mu.Lock()
	defer s.arena.mu.Unlock()
	s.arena.lastKill = time.Now()
}

// Signal sends the child a signal.
func (s *Sender) Signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// Peak is the child's largest resident set in kilobytes, as the kernel counted
// it; 0 while it runs.
func (s *Sender) Peak() int64 {
	select {
	case <-s.ended:
	default:
		return 0
	}
	if usage, ok := s.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss
	}
	return 0
}

// AwaitDeath waits until the child has killed itself at its point, warping time
// so that what it waits for comes, and reports false when it is alive after the
// time or has ended otherwise.
func (s *Sender) AwaitDeath(ctx context.Context, within time.Duration, warp bool) bool {
	end := time.NewTimer(within)
	defer end.Stop()
	step := time.NewTicker(250 * time.Millisecond)
	defer step.Stop()
	for {
		select {
		case <-s.ended:
			s.gone()
			status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
			return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
		case <-ctx.Done():
			return false
		case <-end.C:
			return false
		case <-step.C:
			if warp {
				_ = s.arena.Warp(ctx, 5*time.Second)
			}
		}
	}
}

// AwaitStop waits until the child has stopped itself.
func (s *Sender) AwaitStop(ctx context.Context, within time.Duration) bool {
	until := time.Now().Add(within)
	for time.Now().Before(until) {
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
		if err == nil && strings.Contains(string(raw), ") T ") {
			return true
		}
		if !Pause(ctx, 50*time.Millisecond) {
			return false
		}
	}
	return false
}
