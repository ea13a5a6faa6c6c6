// Command kill ends the local stack with SIGKILL again and again while posts
// are going out, starts it again on the same folder, and counts from outside
// what came of every approved post: seen twice, never seen, or stuck.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"rostrum/scripts/internal/driver"
	"rostrum/scripts/internal/postgres"
)

func main() {
	kills := flag.Int("kills", 12, "how often to kill")
	posts := flag.Int("posts", 4, "posts under way at each kill")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random moments")
	settle := flag.Duration("settle", 3*time.Minute, "how long posts may take to their final state at the end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Printf("kill: seed %d\n", *seed)
	r := &run{rng: mathrand.New(mathrand.NewPCG(*seed, 0)), begun: time.Now(), texts: map[string]string{}}
	err := r.all(ctx, *kills, *posts, *settle)
	if err != nil {
		fmt.Printf("kill: failed: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("kill: ok in %.0f s\n", time.Since(r.begun).Seconds())
}

// run is one campaign on one folder.
type run struct {
	rng      *mathrand.Rand
	begun    time.Time
	dir      string
	program  string
	port     int
	child    *exec.Cmd
	ended    chan struct{}
	client   *driver.Client
	accounts []driver.Account
	// texts maps each approved post to its text.
	texts map[string]string
}

func (r *run) all(ctx context.Context, kills, posts int, settle time.Duration) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	defer r.clean(context.WithoutCancel(ctx))
	for i := range kills {
		if err := r.start(ctx); err != nil {
			return err
		}
		if err := r.approveSome(ctx, posts); err != nil {
			return err
		}
		// Posts are due within the next two seconds; the whole of their sending,
		// and the quiet before and after it, is to be hit.
		wait := time.Duration(r.rng.Int64N(int64(3500 * time.Millisecond)))
		if err := pause(ctx, wait); err != nil {
			return err
		}
		_ = r.child.Process.Kill()
		<-r.ended
		fmt.Printf("%6.1f s  kill %d of %d, %.1f s after approving\n", time.Since(r.begun).Seconds(), i+1, kills, wait.Seconds())
	}
	if err := r.start(ctx); err != nil {
		return err
	}
	return r.judge(ctx, settle)
}

func (r *run) prepare(ctx context.Context) (err error) {
	if r.dir, err = os.MkdirTemp("", "rostrum-kill-"); err != nil {
		return fmt.Errorf("the folder for temporary files cannot be used: %w", err)
	}
	if err := os.Chmod(r.dir, 0o755); err != nil {
		return fmt.Errorf("the folder %s cannot be used: %w", r.dir, err)
	}
	r.program = filepath.Join(r.dir, "local")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", r.program, "./scripts/local").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	if r.port, err = r.freePorts(ctx); err != nil {
		return err
	}
	return nil
}

func (r *run) clean(ctx context.Context) {
	if r.child != nil {
		_ = r.child.Process.Signal(syscall.SIGTERM)
		select {
		case <-r.ended:
		case <-time.After(30 * time.Second):
			_ = r.child.Process.Kill()
			<-r.ended
		}
	}
	_ = postgres.Remove(ctx, filepath.Join(r.dir, "data", "postgres"))
	_ = os.RemoveAll(r.dir)
}

// start starts the stack and signs in.
func (r *run) start(ctx context.Context) error {
	output, err := os.OpenFile(filepath.Join(r.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the stack's output: %w", err)
	}
	defer func() { _ = output.Close() }()
	r.child = exec.CommandContext(context.WithoutCancel(ctx), r.program)
	r.child.Stdout, r.child.Stderr = output, output
	r.child.Env = append(os.Environ(), "DATA_DIR="+filepath.Join(r.dir, "data"), fmt.Sprintf("PORT=%d", r.port), "READING_AGES=1h",
		"DATABASE_URL=", "AWS_ENDPOINT_URL_SQS=", "X_CLIENT_ID=", "INSTAGRAM_CLIENT_ID=", "OPENAI_API_KEY=", "OPENAI_BASE_URL=", "VAULT_KEYSET=", "REDIS_URL=", "REQUEST_RATE=1000")
	// A Ctrl-C is ours to handle.
	r.child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	begun := time.Now()
	if err := r.child.Start(); err != nil {
		return fmt.Errorf("start the stack: %w", err)
	}
	ended := make(chan struct{})
	r.ended = ended
	go func(child *exec.Cmd) {
		defer close(ended)
		_ = child.Wait()
	}(r.child)
	if r.client != nil {
		r.client.Close()
	}
	r.client = driver.New(fmt.Sprintf("http://127.0.0.1:%d", r.port))
	err = driver.Until(ctx, time.Minute, "the stack does not answer", func() (bool, error) {
		select {
		case <-ended:
			said, _ := os.ReadFile(output.Name())
			return false, fmt.Errorf("the stack ended: %s", said[max(0, len(said)-500):])
		default:
		}
		return r.client.Get(ctx, "/health/ready", nil) == nil, nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("%6.1f s  up after %.1f s\n", time.Since(r.begun).Seconds(), time.Since(begun).Seconds())
	if err := r.client.SignIn(ctx, "demo@rostrum.example", "rostrum-demo"); err != nil {
		return err
	}
	var list struct {
		Items []driver.Account `json:"items"`
	}
	if err := r.client.Get(ctx, "/v1/accounts", &list); err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return errors.New("the demo workspace has no accounts")
	}
	// The judge is X's ledger, and the posts are text.
	r.accounts = slices.DeleteFunc(list.Items, func(a driver.Account) bool { return a.Network != "x" })
	if err := r.closeRanks(ctx); err != nil {
		return err
	}
	return r.slowNetwork(ctx)
}

// slowNetwork makes the network take its time before and after it accepts a
// post, so that kills hit calls under way on either side of that line.
func (r *run) slowNetwork(ctx context.Context) error {
	for i, kind := range []string{"delay", "delay_answer"} {
		rule := map[string]any{
			"match":       map[string]string{"method": "POST", "path": "/2/tweets"},
			"action":      map[string]any{"kind": kind, "delay_ms": 500},
			"probability": 0.6, "seed": r.rng.Uint64()%1000 + uint64(i),
		}
		if err := r.client.Post(ctx, r.networkURL()+"/_sim/faults", rule, nil); err != nil {
			return err
		}
	}
	return nil
}

// freePorts finds five free ports in a row, below those that the kernel lends
// to outgoing connections, so that they are still free at every start.
func (r *run) freePorts(ctx context.Context) (int, error) {
	for range 100 {
		first := 10_000 + r.rng.IntN(20_000)
		free := true
		for port := first; port < first+5 && free; port++ {
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if free = err == nil; free {
				_ = listener.Close()
			}
		}
		if free {
			return first, nil
		}
	}
	return 0, errors.New("five free ports in a row were not found between 10000 and 30000")
}

func (r *run) networkURL() string { return fmt.Sprintf("http://127.0.0.1:%d", r.port+2) }

// closeRanks lets posts of one account follow one another at once.
func (r *run) closeRanks(ctx context.Context) error {
	for _, a := range r.accounts {
		if a.MinGapMinutes == 0 {
			continue
		}
		if err := r.client.Patch(ctx, "/v1/accounts/"+a.ID, a.ETag, map[string]int{"min_gap_minutes": 0}, nil); err != nil {
			return err
		}
	}
	return nil
}

// approveSome writes posts, lets them be reviewed, and approves each for one of
// the next seconds.
func (r *run) approveSome(ctx context.Context, n int) error {
	var ids []string
	for range n {
		account := r.accounts[r.rng.IntN(len(r.accounts))]
		text := "Kill test " + rand.Text() + " " + rand.Text()
		var p driver.Post
		err := r.client.Post(ctx, "/v1/posts", map[string]any{
			"account_id": account.ID, "parts": []map[string]string{{"text": text}}, "submit": true,
		}, &p)
		if err != nil {
			return err
		}
		ids = append(ids, p.ID)
		r.texts[p.ID] = text
	}
	for _, id := range ids {
		p := driver.Post{}
		err := driver.Until(ctx, time.Minute, "the review did not end", func() (bool, error) {
			if err := r.client.Get(ctx, "/v1/posts/"+id, &p); err != nil {
				return false, err
			}
			return p.State == "awaiting_approval", nil
		})
		if err != nil {
			return fmt.Errorf("post %s is %s: %w", id, p.State, err)
		}
		zone, err := time.LoadLocation(r.zoneOf(p))
		if err != nil {
			return fmt.Errorf("the account's time zone: %w", err)
		}
		due := time.Now().Add(time.Second + time.Duration(r.rng.IntN(1500))*time.Millisecond).Truncate(time.Second).Add(time.Second)
		err = r.client.Post(ctx, "/v1/posts/"+id+"/approve", map[string]any{
			"revision": p.Revision, "content_hash": p.ContentHash, "due_local": due.In(zone).Format("2006-01-02T15:04:05"),
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) zoneOf(p driver.Post) string {
	for _, a := range r.accounts {
		if a.ID == p.Account.ID {
			return a.TimeZone
		}
	}
	return "UTC"
}

// verdict counts what came of the approved posts.
type verdict struct{ doubles, losses, unsent, stuck int }

// judge waits for the final states and holds them against the ledger.
func (r *run) judge(ctx context.Context, settle time.Duration) error {
	begun := time.Now()
	// Those still open after the wait are counted as stuck.
	waited := driver.Until(ctx, settle, "posts are not in their final state", func() (bool, error) {
		for id := range r.texts {
			p, err := r.read(ctx, id)
			if err != nil || !final(p) {
				return false, err
			}
		}
		return true, nil
	})
	settled := time.Since(begun)
	shown, err := r.client.Ledger(ctx, r.networkURL(), "")
	if err != nil {
		return errors.Join(waited, err)
	}
	seen := map[string]int{}
	for _, s := range shown {
		seen[s.Text]++
	}
	var v verdict
	for id, text := range r.texts {
		p, err := r.read(ctx, id)
		if err != nil {
			return err
		}
		v.count(p, seen[text])
	}
	fmt.Printf("kill: %d posts, %d doubles, %d losses, %d not sent, %d stuck; settled after %.0f s\n",
		len(r.texts), v.doubles, v.losses, v.unsent, v.stuck, settled.Seconds())
	if v != (verdict{}) {
		return errors.New("not every post was seen exactly once")
	}
	return nil
}

func (v *verdict) count(p driver.Post, seen int) {
	if seen > 1 {
		v.doubles++
		fmt.Printf("  double: %s is %s, seen %d times\n", p.ID, p.State, seen)
	}
	switch {
	case p.State == "published" && seen == 0:
		v.losses++
		fmt.Printf("  lost: %s is published, but was never seen\n", p.ID)
	case p.State == "published":
	case final(p):
		v.unsent++
		fmt.Printf("  not sent: %s is %s, seen %d times: %s\n", p.ID, p.State, seen, p.WhyNotOut)
	default:
		v.stuck++
		fmt.Printf("  stuck: %s is %s, seen %d times: %s\n", p.ID, p.State, seen, p.WhyNotOut)
	}
}

func final(p driver.Post) bool {
	return p.State == "published" || p.State == "failed" || p.State == "missed"
}

func (r *run) read(ctx context.Context, id string) (driver.Post, error) {
	var p driver.Post
	err := r.client.Get(ctx, "/v1/posts/"+id, &p)
	return p, err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
