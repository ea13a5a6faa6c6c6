package soak

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

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
	waveSize = 1000
	// pace is how far apart the posts of a wave are due on average: in a lane one
	// thing happens at a time, and many calls last until their deadline.
	pace = 1300 * time.Millisecond
	// lateBy, with a read that lags by readLag, is what the time after which
	// absence counts is made for (publishing's settle window).
	lateBy  = 55 * time.Second
	readLag = 40 * time.Second
	// deepest bounds how much may happen inside of what happens.
	deepest = 2
	// calmAfter is how long after the last post of a wave was due its faults end:
	// what is not at its end then has to come to it by itself.
	calmAfter = 25 * time.Minute
	// stuckAfter is how long it may take for that.
	stuckAfter = 8 * time.Hour
)

// item is a post and what it is held to.
type item struct {
	id post.ID
	// number counts the lane's posts from 1.
	number    int
	account   int
	texts     []string
	due       time.Time
	approved  bool
	withdrawn bool
	ended     bool
	// shown is the network's id of each part that the audience saw.
	shown map[int]string
	// usedUp is until when an answer to it said that the quota is used up.
	usedUp time.Time
	story  []string
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
	outages outages
	items   []*item
	byID    map[post.ID]*item
	byText  map[string]*item
	posts   int // made so far
	made    int // texts made so far
	ticks   int
	calm    bool
	depth   int
	begun   time.Time
	tickAt  time.Time

	// now is the lane's time. It is the database's too.
	now time.Time
	// story takes everything that happens, in its order.
	story  hash.Hash
	report Report
}

// accountState is what the lane knows of an account.
type accountState struct {
	id      account.ID
	remote  string
	paused  bool
	revoked bool
	// noTokenUntil is when a token can be had again.
	noTokenUntil time.Time
	// rule, within and gap are its word on what is late.
	rule        account.CatchUp
	within, gap time.Duration
	// quota is what the network lets it post. usedUpUntil is when the quota that
	// the senders know to be used up is whole again.
	quota       quota
	usedUpUntil time.Time
	// downUntil is when the network serves this account again.
	downUntil time.Time
}

// Now returns the lane's time.
func (l *lane) Now() time.Time { return l.now }

// Wait is a sender that waits in place: others may work, and the time passes.
func (l *lane) Wait(ctx context.Context, d time.Duration) error {
	until := l.now.Add(d)
	l.meanwhile(ctx, 40)
	if rest := until.Sub(l.now); rest > 0 {
		l.forward(ctx, rest)
	}
	return ctx.Err()
}

// begins is when every lane's time begins: a seed plays at the same dates again.
// It lies ahead, so that no deadline of the lane's time has passed by the machine's.
const begins = "2040-01-02T00:00:00Z"

// timeFunctions stand before Postgres's own on the search path of the database.
// What the schema has bound to Postgres's own when it was made is made again.
//
// Planning took half of the database's time: it guesses that an array has ten
// elements, finds one to be cheaper, and plans each statement anew. So one plan
// serves all values, and none reads a whole table because it is small when the
// plan is made.
const timeFunctions = `
CREATE TEMP TABLE bound AS SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
  WHERE pronamespace = 'public'::regnamespace AND prosqlbody IS NOT NULL;
CREATE SEQUENCE soak_clock MINVALUE 1 MAXVALUE 9000000000000000000;
GRANT SELECT, USAGE ON SEQUENCE soak_clock TO rostrum_api, rostrum_worker;
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
  $$ SELECT 'epoch'::timestamptz + pg_sequence_last_value('public.soak_clock'::regclass) * interval '1 microsecond' $$;
-- In plpgsql, whose expressions stay planned: SQL that reads a sequence is not
-- put into the statement where it is called stable, and is planned at each call.
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql STABLE AS
  $$ BEGIN RETURN 'epoch'::timestamptz + pg_sequence_last_value('public.soak_clock'::regclass) * interval '1 microsecond'; END $$;
SET search_path = public, pg_catalog;
DO $$
DECLARE setting text; made text;
BEGIN
  FOR made IN SELECT definition FROM bound LOOP EXECUTE made; END LOOP;
  FOREACH setting IN ARRAY ARRAY['search_path = public, pg_catalog', 'plan_cache_mode = force_generic_plan', 'jit = off', 'enable_seqscan = off', 'enable_hashjoin = off', 'enable_mergejoin = off'] LOOP
    EXECUTE format('ALTER DATABASE %I SET ', current_database()) || setting;
  END LOOP;
END $$;
`

func newLane(ctx context.Context, url string, o Options, n int) (_ *lane, err error) {
	l := &lane{
		seed: o.Seed, number: n, options: o, rng: rand.New(rand.NewPCG(o.Seed, uint64(n))),
		byID: map[post.ID]*item{}, byText: map[string]*item{}, report: Report{Ends: map[string]int{}}, story: sha256.New(),
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.now, err = time.Parse(time.RFC3339, begins); err != nil {
		return nil, err
	}
	first, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	_, err = first.Exec(ctx, timeFunctions, pgx.QueryExecModeSimpleProtocol)
	if err == nil && o.Plant != "" {
		_, err = first.Exec(ctx, o.Plant, pgx.QueryExecModeSimpleProtocol)
	}
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
	if err := l.characterize(ctx); err != nil {
		return nil, err
	}
	l.build()
	return l, l.newSealer()
}

func (l *lane) close() {
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
	relay := &outbox.Relay{Store: l.worker, Sender: l, Clock: l, Logger: logger}
	l.service = &publishing.Service{
		Relay: relay, Publishers: map[account.Network]platform.Publisher{account.X: l}, Tokens: l,
		Clock: l, Logger: logger, ReadingAges: []time.Duration{time.Hour},
	}
	l.people = &deciding.Service{
		Relay:       &outbox.Relay{Store: l.api, Sender: l, Clock: l, Logger: logger},
		ReadingAges: []time.Duration{time.Hour},
	}
}

// chance is true in n of a thousand cases, and never once faults have ended.
func (l *lane) chance(n int) bool {
	if l.calm || l.rng.IntN(1000) >= n {
		return false
	}
	l.report.Faults++
	l.note("fault %d", n)
	return true
}

func (l *lane) between(a, b time.Duration) time.Duration {
	return a + time.Duration(l.rng.Int64N(int64(b-a)+1)).Truncate(time.Millisecond)
}

// forward lets time pass: what the network still has on its way arrives in it.
func (l *lane) forward(ctx context.Context, d time.Duration) {
	l.now = l.now.Add(d)
	l.arrive(l.now)
	if _, err := l.sql.Exec(ctx, "SELECT setval('public.soak_clock', $1)", l.now.UnixMicro()); err != nil && ctx.Err() == nil {
		panic(fmt.Errorf("move the lane's clock: %w", err))
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

// note adds to the lane's story.
func (l *lane) note(format string, args ...any) {
	_, _ = fmt.Fprintf(l.story, "%d "+format+"\n", append([]any{l.now.UnixMicro()}, args...)...)
}

// tell adds a line to the story of a post.
func (l *lane) tell(it *item, format string, args ...any) {
	l.note("post %d "+format, append([]any{it.number}, args...)...)
	it.story = append(it.story, l.now.Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
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
	said := fmt.Sprintf("lane %d, post %s: %s\n  due %s, now %s", l.number, it.id, what, it.due.Format("15:04:05"), l.now.Format("15:04:05.000"))
	l.report.Said = append(l.report.Said, strings.Join(append([]string{said}, it.story...), "\n    "))
}

func (l *lane) lookUp(m queue.Message) *item { return l.byID[post.ID(m.SubjectID)] }
