package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"rostrum/scripts/internal/arena"
	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/config"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/workflow/deciding"
	"rostrum/shared/workflow/publishing"
	"rostrum/shared/workflow/sealing"
)

const (
	// waveSize is how many posts are under way together.
	waveSize = 250
	// lateBy, with a read that lags by readLag, is what the time after which
	// absence counts is made for (publishing's settle window).
	lateBy  = 50 * time.Second
	readLag = 30 * time.Second
	// deepest bounds how much may happen inside of what happens.
	deepest = 2
	// calmAfter is when a wave's faults end: what is not at its end then has to
	// come to it by itself.
	calmAfter = 25 * time.Minute
	// stuckAfter is how long it may take for that.
	stuckAfter = 8 * time.Hour
)

// item is a post and what it is held to.
type item struct {
	post      post.Post
	account   int
	texts     []string
	due       time.Time
	approved  bool
	withdrawn bool
	ended     bool
	// shown is the network's id of each part that the audience saw.
	shown map[int]string
	story []string
}

// lane is one installation with one thing happening at a time.
type lane struct {
	seed    uint64
	number  int
	options Options
	rng     *rand.Rand
	sql     *pgxpool.Pool
	owner   *store.Store
	worker  *store.Store
	api     *store.Store
	service *publishing.Service
	people  *deciding.Service
	sealer  *sealing.Service
	heads   []audit.Head

	workspace uuid.UUID
	person    audit.Actor
	accounts  []*accountState

	network network
	queue   messages
	items   []*item
	byID    map[post.ID]*item
	byText  map[string]*item
	made    int
	waves   int
	calm    bool
	depth   int
	begun   time.Time
	tickAt  time.Time

	clock  laneClock
	report Report
	// stopped ends what keeps time from standing still.
	stopped func()
}

// accountState is what the lane knows of an account.
type accountState struct {
	id      account.ID
	remote  string
	paused  bool
	revoked bool
	// noTokenUntil is when a token can be had again.
	noTokenUntil time.Time
}

// laneClock is the lane's time. It is the database's too.
type laneClock struct {
	mu  sync.Mutex
	now time.Time
	// moves counts how often it moved.
	moves int
}

// Now returns the lane's time.
func (c *laneClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// timeFunctions stand before Postgres's own on the search path of the database.
const timeFunctions = `
CREATE SEQUENCE soak_clock MINVALUE 1 MAXVALUE 9000000000000000000;
GRANT SELECT, USAGE ON SEQUENCE soak_clock TO rostrum_api, rostrum_worker;
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
  $$ SELECT 'epoch'::timestamptz + pg_sequence_last_value('public.soak_clock'::regclass) * interval '1 microsecond' $$;
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE AS
  $$ SELECT 'epoch'::timestamptz + pg_sequence_last_value('public.soak_clock'::regclass) * interval '1 microsecond' $$;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$;
`

func newLane(ctx context.Context, url string, o Options, n int) (_ *lane, err error) {
	l := &lane{
		seed: o.Seed, number: n, options: o, rng: rand.New(rand.NewPCG(o.Seed, uint64(n))),
		byID: map[post.ID]*item{}, byText: map[string]*item{}, report: Report{Ends: map[string]int{}}, stopped: func() {},
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	l.clock.now = time.Now().UTC().Truncate(time.Second)
	first, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	_, err = first.Exec(ctx, timeFunctions, pgx.QueryExecModeSimpleProtocol)
	if err = errors.Join(err, first.Close(ctx)); err != nil {
		return nil, fmt.Errorf("make the time virtual: %w", err)
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the lane's database address is not one")
	}
	cfg.MaxConns = 2
	if l.sql, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	for role, into := range map[string]**store.Store{"": &l.owner, store.RoleWorker: &l.worker, store.RoleAPI: &l.api} {
		if *into, err = store.Open(ctx, store.Config{URL: config.Secret(url), Role: role, MaxConns: 3}); err != nil {
			return nil, err
		}
	}
	l.forward(ctx, 0)
	if err := l.populate(ctx); err != nil {
		return nil, err
	}
	l.build()
	if err := l.newSealer(); err != nil {
		return nil, err
	}
	l.keepMoving(ctx)
	return l, nil
}

func (l *lane) close() {
	l.stopped()
	for _, s := range []*store.Store{l.owner, l.worker, l.api} {
		if s != nil {
			s.Close()
		}
	}
	if l.sql != nil {
		l.sql.Close()
	}
}

// build makes the workers anew, as a process that starts.
func (l *lane) build() {
	logger := slog.New(slog.DiscardHandler)
	relay := &outbox.Relay{Store: l.worker, Sender: l, Clock: &l.clock, Logger: logger}
	l.service = &publishing.Service{
		Relay: relay, Publishers: map[account.Network]platform.Publisher{account.X: l}, Tokens: l,
		Clock: &l.clock, Logger: logger, ReadingAges: []time.Duration{time.Hour},
	}
	l.people = &deciding.Service{
		Relay:       &outbox.Relay{Store: l.api, Sender: l, Clock: &l.clock, Logger: logger},
		ReadingAges: []time.Duration{time.Hour},
	}
}

// chance is true in n of a thousand cases, and never once faults have ended.
func (l *lane) chance(n int) bool {
	if l.calm || l.rng.IntN(1000) >= n {
		return false
	}
	l.report.Faults++
	return true
}

func (l *lane) between(a, b time.Duration) time.Duration {
	return a + time.Duration(l.rng.Int64N(int64(b-a)+1)).Truncate(time.Millisecond)
}

// forward lets time pass: what the network still has on its way arrives in it.
func (l *lane) forward(ctx context.Context, d time.Duration) {
	l.clock.mu.Lock()
	l.clock.now = l.clock.now.Add(d)
	l.clock.moves++
	now := l.clock.now
	l.clock.mu.Unlock()
	l.arrive(now)
	if _, err := l.sql.Exec(ctx, "SELECT setval('public.soak_clock', $1)", now.UnixMicro()); err != nil && ctx.Err() == nil {
		panic(fmt.Errorf("move the lane's clock: %w", err))
	}
}

// keepMoving lets a second pass whenever nothing has moved for a while: a
// sender waits in place for a post that is nearly due.
func (l *lane) keepMoving(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		was := -1
		for arena.Pause(ctx, 400*time.Millisecond) {
			l.clock.mu.Lock()
			if l.clock.moves == was {
				l.clock.now = l.clock.now.Add(time.Second)
				_, _ = l.sql.Exec(ctx, "SELECT setval('public.soak_clock', $1)", l.clock.now.UnixMicro())
			}
			was = l.clock.moves
			l.clock.mu.Unlock()
		}
	}()
	l.stopped = func() {
		cancel()
		<-ended
	}
}

// died is what a worker ends with when it is killed.
type died struct{}

// mayDie kills whoever runs, in n of a thousand cases.
func (l *lane) mayDie(n int) {
	if l.chance(n) {
		panic(died{})
	}
}

// survive runs one worker's work and reports whether it lived.
func (l *lane) survive(fn func() error) (alive bool, err error) {
	depth := l.depth
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(died); !ok {
				panic(r)
			}
			l.depth, alive, err = depth, false, nil
			l.build()
		}
	}()
	return true, fn()
}

// take hands out what was found since the last time.
func (l *lane) take() Report {
	r := l.report
	l.report = Report{Ends: map[string]int{}}
	return r
}

// tell adds a line to the story of a post.
func (l *lane) tell(it *item, format string, args ...any) {
	it.story = append(it.story, l.clock.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// breaks notes a promise that was broken, with the post's story.
func (l *lane) breaks(count *int, it *item, format string, args ...any) {
	*count++
	if len(l.report.Said) >= maxSaid {
		return
	}
	what := fmt.Sprintf(format, args...)
	if it == nil {
		l.report.Said = append(l.report.Said, fmt.Sprintf("lane %d: %s", l.number, what))
		return
	}
	said := fmt.Sprintf("lane %d, post %s: %s\n  due %s, now %s", l.number, it.post.ID, what, it.due.Format("15:04:05"), l.clock.Now().Format("15:04:05.000"))
	l.report.Said = append(l.report.Said, strings.Join(append([]string{said}, it.story...), "\n    "))
}

func (l *lane) lookUp(m queue.Message) *item { return l.byID[post.ID(m.SubjectID)] }
