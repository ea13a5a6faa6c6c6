// Package arena is where senders are put to the test: a real Postgres, the SQS
// endpoint and the simulated X and Instagram in this process, and the publish
// function as child processes that are killed, frozen and started again. What
// the simulated networks have in their ledgers is what the audience saw, and the
// judge.
//
// Start reading at [New], then [Arena.Start] for the child and [Arena.Judge].
package arena

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rostrum/shared/blob"
	"rostrum/shared/config"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	siminstagram "rostrum/shared/simulator/instagram"
	"rostrum/shared/simulator/sqs"
	simx "rostrum/shared/simulator/x"
	"rostrum/shared/store"
	"rostrum/shared/vault"
)

// The one developer app of each simulated network.
const (
	clientID     = "arena"
	clientSecret = "arena-secret"
)

// Options say what an arena is made of.
type Options struct {
	// URL is a migrated database of the arena's own, as its owner.
	URL string
	// SenderURL is where senders reach it; empty is URL.
	SenderURL string
	// Program is this build of the child, see RunSender.
	Program []string
	// Template is the path of template.yaml.
	Template string
	// Dir takes the children's logs.
	Dir string
	// Concurrency is the template's PublishConcurrency; empty is its default.
	Concurrency string
	// MaxConns is each child's pool; 0 is 4.
	MaxConns int
	// RefuseDuplicates has the simulated X refuse a text that the account has
	// posted already. Off, nothing but our own protocol keeps a part from being
	// seen twice.
	RefuseDuplicates bool
	// Calls limits the simulated X as DefaultLimits does; false lifts every limit.
	Calls bool
}

// Arena is one world under test.
type Arena struct {
	// Network is the simulated X.
	Network   *simx.Server
	Instagram *siminstagram.Server
	Queues    *sqsqueue.Queues
	// Desk is where people decide and read.
	Desk Desk
	// NetworkURL, InstagramURL and QueueURL are the addresses of the simulators.
	NetworkURL, InstagramURL, QueueURL string

	options  Options
	owner    *store.Store
	sql      *pgxpool.Pool
	tokens   *vault.Vault
	keyset   config.Secret
	queueURL map[string]string
	closers  []func()

	// filesURL is the folder of images, and webURL where networks fetch them.
	files            *blob.Bucket
	filesURL, webURL string
	pictures         atomic.Int64
	// FilesDown has every image answer 404 while it is set.
	FilesDown atomic.Bool

	// queueShift is how far the queue's clock was moved, in nanoseconds.
	queueShift atomic.Int64
	// QueueDown makes every call to the queue service fail while it is set.
	QueueDown atomic.Bool

	mu       sync.Mutex
	senders  []*Sender
	posts    []*Post
	accounts []*Account
	people   int
	lastKill time.Time
}

// New builds an arena without workspaces. Close ends it.
func New(ctx context.Context, o Options) (_ *Arena, err error) {
	if o.SenderURL == "" {
		o.SenderURL = o.URL
	}
	if o.MaxConns == 0 {
		o.MaxConns = 4
	}
	a := &Arena{options: o}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if err := a.simulators(ctx); err != nil {
		return nil, err
	}
	if err := a.keepFiles(ctx); err != nil {
		return nil, err
	}
	if err := a.makeQueues(ctx); err != nil {
		return nil, err
	}
	keys, err := vault.Generate()
	if err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	if a.tokens, err = keys.Tokens(); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	if a.keyset, err = keys.Marshal(); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	if a.owner, err = store.Open(ctx, store.Config{URL: config.Secret(o.URL), MaxConns: 4}); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.owner.Close)
	if err := a.openDesk(ctx); err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("the arena's database address is not one")
	}
	cfg.MaxConns = 3
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	if a.sql, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connect to the arena's database: %w", err)
	}
	a.closers = append(a.closers, a.sql.Close)
	// A storm of connections must not shut the judge out.
	if err := a.sql.Ping(ctx); err != nil {
		return nil, fmt.Errorf("connect to the arena's database: %w", err)
	}
	return a, nil
}

func (a *Arena) simulators(ctx context.Context) error {
	limits := map[string]simx.Limit{}
	if !a.options.Calls {
		for name := range simx.DefaultLimits() {
			limits[name] = simx.Limit{}
		}
	}
	network, err := simx.New(simx.Config{
		Now: time.Now, ClientID: clientID, ClientSecret: clientSecret, Limits: limits, Accounts: []simx.Account{{Handle: "nobody"}},
	})
	if err != nil {
		return err
	}
	a.Network = network
	web := httptest.NewServer(network)
	a.NetworkURL = web.URL
	settings := httptest.NewRequestWithContext(ctx, http.MethodPost, "/_sim/settings",
		strings.NewReader(fmt.Sprintf(`{"refuse_duplicates": %t}`, a.options.RefuseDuplicates)))
	answer := httptest.NewRecorder()
	network.ServeHTTP(answer, settings)
	if answer.Code != http.StatusOK {
		return fmt.Errorf("set the simulated X up: it answered %d", answer.Code)
	}
	a.closers = append(a.closers, func() {
		_ = network.Close()
		web.CloseClientConnections()
		web.Close()
	})
	if a.Instagram, err = siminstagram.New(siminstagram.Config{
		Now: time.Now, ClientID: clientID, ClientSecret: clientSecret, Accounts: []siminstagram.Account{{Handle: "nobody"}},
	}); err != nil {
		return err
	}
	gallery := httptest.NewServer(a.Instagram)
	a.InstagramURL = gallery.URL
	a.closers = append(a.closers, func() {
		_ = a.Instagram.Close()
		gallery.CloseClientConnections()
		gallery.Close()
	})
	queues := sqs.New(func() time.Time { return time.Now().Add(time.Duration(a.queueShift.Load())) })
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.QueueDown.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		queues.ServeHTTP(w, r)
	}))
	a.QueueURL = front.URL
	a.closers = append(a.closers, func() {
		queues.Close()
		front.CloseClientConnections()
		front.Close()
	})
	return nil
}

// Close kills what still runs and ends the simulators.
func (a *Arena) Close() {
	a.mu.Lock()
	senders := a.senders
	a.mu.Unlock()
	for _, s := range senders {
		s.Kill()
	}
	for _, closeOne := range slices.Backward(a.closers) {
		closeOne()
	}
}

// Exec runs SQL as the database's owner.
func (a *Arena) Exec(ctx context.Context, sql string, args ...any) error {
	if _, err := a.sql.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("run %.60q: %w", sql, err)
	}
	return nil
}

// Count runs SQL that answers one number.
func (a *Arena) Count(ctx context.Context, sql string, args ...any) (int, error) {
	var n int
	if err := a.sql.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("run %.60q: %w", sql, err)
	}
	return n, nil
}

// Deliver puts messages on the publish queue, as many times as asked.
func (a *Arena) Deliver(ctx context.Context, times int, envelopes ...queue.Envelope) error {
	for range times {
		if _, err := a.Queues.Send(ctx, envelopes); err != nil {
			return fmt.Errorf("deliver messages: %w", err)
		}
	}
	return nil
}

// Pause waits and reports whether ctx lasted.
func Pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Listen opens a free port on loopback.
func Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp", "127.0.0.1:0")
}

// TempDir makes a folder that children and Postgres may reach.
func TempDir() (string, func(), error) {
	dir, err := os.MkdirTemp("", "rostrum-arena-")
	if err != nil {
		return "", nil, fmt.Errorf("the folder for temporary files cannot be used: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", nil, fmt.Errorf("the folder %s cannot be used: %w", dir, err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
