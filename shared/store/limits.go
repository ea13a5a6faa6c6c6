package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
	"rostrum/shared/throttle"
)

// Reservation is one call taken out of a quota by an intent. A call that was
// not sent is given back with Tx.Hear.
type Reservation struct {
	Scope    throttle.Scope
	Window   time.Duration
	ResetsAt time.Time
}

// restraints is what may keep back the intents of one transaction although
// nobody paused them: quotas of which little is left, breakers that are not
// closed, and the drain. Everything in it is locked or was read after the locks
// on the posts; while all is well it is empty.
//
// The locks come in the order app quotas, (workspace, account, post), account
// quotas, breakers.
type restraints struct {
	app     []dbsqlc.LockLowAppQuotasRow
	account []dbsqlc.LockLowAccountQuotasRow
	posts   map[post.ID]dbsqlc.RestraintsOfRow
}

// lockAppQuotas is the first lock of a transaction of intents.
func (tx *Tx) lockAppQuotas(ctx context.Context, ins []Intent) (restraints, error) {
	app, err := tx.q.LockLowAppQuotas(ctx, accountIDs(ins))
	if err != nil {
		return restraints{}, fmt.Errorf("lock app quotas: %w", classify(err))
	}
	return restraints{app: app}, nil
}

// load reads the rest, once the posts are locked. grace is how late still
// counts as on time.
func (r *restraints) load(ctx context.Context, tx *Tx, ins []Intent) error {
	var params dbsqlc.RestraintsOfParams
	for _, in := range ins {
		params.WorkspaceIds = append(params.WorkspaceIds, in.WorkspaceID)
		params.PostIds = append(params.PostIds, uuid.UUID(in.PostID))
		params.GraceSeconds = in.Grace.Seconds()
	}
	var err error
	r.account, err = tx.q.LockLowAccountQuotas(ctx, dbsqlc.LockLowAccountQuotasParams{
		WorkspaceIds: params.WorkspaceIds, AccountIds: accountIDs(ins),
	})
	if err != nil {
		return fmt.Errorf("lock account quotas: %w", classify(err))
	}
	rows, err := tx.q.RestraintsOf(ctx, params)
	if err != nil {
		return fmt.Errorf("read breakers: %w", classify(err))
	}
	r.posts = make(map[post.ID]dbsqlc.RestraintsOfRow, len(rows))
	for _, row := range rows {
		r.posts[post.ID(row.PostID)] = row
	}
	return nil
}

// apply turns a Go into Held where something keeps the post back, and reserves
// the call where it does not. The order is of what tells a reader most. onTime
// is of no backlog, however late it is by the clock.
func (r *restraints) apply(ctx context.Context, tx *Tx, in Intent, network account.Network, onTime bool, j *Judgement) error {
	if j.Verdict != Go {
		return nil
	}
	if until, out := r.usedUp(in, network); out {
		j.Verdict, j.Hold, j.Until = Held, post.HeldQuota, until.Add(spread(in.PostID))
		return nil
	}
	if row, ok := r.posts[in.PostID]; ok {
		hold, err := tx.passBreakers(ctx, in, row)
		if err != nil {
			return err
		}
		closed := row.NetworkState == string(throttle.Closed) && row.AccountState == string(throttle.Closed)
		if hold == "" && closed && row.Backlog && !onTime {
			hold = post.HeldCatchingUp
		}
		if hold != "" {
			j.Verdict, j.Hold = Held, hold
			return nil
		}
	}
	var err error
	j.Reserved, err = r.reserve(ctx, tx, in, network)
	return err
}

// usedUp reports whether one of the quotas is, and when the last of those is whole again.
func (r *restraints) usedUp(in Intent, network account.Network) (until time.Time, out bool) {
	for _, q := range r.app {
		if q.Network == string(network) && q.Remaining <= 0 && q.ResetsAt.After(until) {
			until, out = q.ResetsAt, true
		}
	}
	for _, q := range r.account {
		if q.AccountID == uuid.UUID(in.AccountID) && q.Remaining <= 0 && q.ResetsAt.After(until) {
			until, out = q.ResetsAt, true
		}
	}
	return until, out
}

// reserve takes one call out of each quota of which little is left.
func (r *restraints) reserve(ctx context.Context, tx *Tx, in Intent, network account.Network) ([]Reservation, error) {
	var out []Reservation
	for i, q := range r.app {
		if q.Network != string(network) {
			continue
		}
		r.app[i].Remaining--
		err := tx.q.TakeAppQuota(ctx, dbsqlc.TakeAppQuotaParams{Calls: 1, Network: q.Network, WindowSeconds: q.WindowSeconds})
		if err != nil {
			return nil, fmt.Errorf("reserve app quota: %w", classify(err))
		}
		out = append(out, Reservation{Scope: throttle.AppScope, Window: spanOf(q.WindowSeconds), ResetsAt: q.ResetsAt})
	}
	for i, q := range r.account {
		if q.AccountID != uuid.UUID(in.AccountID) {
			continue
		}
		r.account[i].Remaining--
		err := tx.q.TakeAccountQuota(ctx, dbsqlc.TakeAccountQuotaParams{
			Calls: 1, WorkspaceID: in.WorkspaceID, AccountID: uuid.UUID(in.AccountID), WindowSeconds: q.WindowSeconds,
		})
		if err != nil {
			return nil, fmt.Errorf("reserve quota of account %s: %w", in.AccountID, classify(err))
		}
		out = append(out, Reservation{Scope: throttle.AccountScope, Window: spanOf(q.WindowSeconds), ResetsAt: q.ResetsAt})
	}
	return out, nil
}

// passBreakers asks the breakers that were not closed when the posts were read.
// An attempt that both let through is the probe of both.
func (tx *Tx) passBreakers(ctx context.Context, in Intent, row dbsqlc.RestraintsOfRow) (post.HoldReason, error) {
	now := row.Now.UTC()
	if row.AccountState != string(throttle.Closed) {
		before, err := tx.lockAccountBreaker(ctx, in.WorkspaceID, in.AccountID)
		if err != nil {
			return "", err
		}
		after, ok := before.Admit(in.AttemptID, now, now.Add(in.Lease))
		if !ok {
			return post.HeldAccountTrouble, nil
		}
		// Written only if the network lets it through too, or the probe would be nobody's.
		if row.NetworkState != string(throttle.Closed) {
			if hold, err := tx.passNetwork(ctx, in, row.Network, now); err != nil || hold != "" {
				return hold, err
			}
		}
		return "", tx.putAccountBreaker(ctx, in.WorkspaceID, in.AccountID, after)
	}
	if row.NetworkState != string(throttle.Closed) {
		return tx.passNetwork(ctx, in, row.Network, now)
	}
	return "", nil
}

func (tx *Tx) passNetwork(ctx context.Context, in Intent, network string, now time.Time) (post.HoldReason, error) {
	before, err := tx.lockNetworkBreaker(ctx, account.Network(network))
	if err != nil {
		return "", err
	}
	after, ok := before.Admit(in.AttemptID, now, now.Add(in.Lease))
	if !ok {
		return post.HeldNetworkTrouble, nil
	}
	return "", tx.putNetworkBreaker(ctx, account.Network(network), after)
}

// holdUntil writes why a scheduled post waits, and until when.
func (tx *Tx) holdUntil(ctx context.Context, r PostRef, actor audit.Actor, hold post.HoldReason, until time.Time) error {
	err := tx.q.HoldPostUntil(ctx, dbsqlc.HoldPostUntilParams{
		HoldReason: string(hold), NotBefore: until.UTC(), WorkspaceID: r.WorkspaceID, ID: uuid.UUID(r.PostID),
	})
	if err != nil {
		return fmt.Errorf("hold post %s until %s: %w", r.PostID, until, classify(err))
	}
	return tx.RecordPost(ctx, r, actor, "post.held", map[string]any{"reason": string(hold), "until": until.UTC()})
}

// spread keeps posts that wait for one instant from coming all at once: 1 to 30 s.
func spread(id post.ID) time.Duration {
	return time.Duration(1000+(int(id[14])<<8|int(id[15]))*29_000/65_536) * time.Millisecond
}

// Heard is what the answer to one call says beside what became of the post.
type Heard struct {
	WorkspaceID uuid.UUID
	AccountID   account.ID
	Network     account.Network
	// Proper says that the network answered as it should, whatever it said.
	Proper bool
	Quotas []throttle.Quota
	// Returned are the reservations of a call that was not sent.
	Returned []Reservation
}

// Closing is a breaker that was not closed and is now. AccountID is zero for a
// network's.
type Closing struct {
	Network      account.Network
	WorkspaceID  uuid.UUID
	AccountID    account.ID
	FailingSince time.Time
}

// HearOfApp keeps what the answers say of the app's quotas. It comes before any
// lock on a post, as an intent's does; Hear keeps the rest.
func (tx *Tx) HearOfApp(ctx context.Context, heard []Heard) error {
	for _, h := range heard {
		for _, r := range h.Returned {
			if r.Scope != throttle.AppScope {
				continue
			}
			err := tx.q.GiveAppQuotaBack(ctx, dbsqlc.GiveAppQuotaBackParams{
				Network: string(h.Network), WindowSeconds: int32(r.Window / time.Second), ResetsAt: r.ResetsAt,
			})
			if err != nil {
				return fmt.Errorf("give app quota back: %w", classify(err))
			}
		}
	}
	return tx.learnOfApp(ctx, heard)
}

// Hear keeps what the answers say of the accounts' quotas and of the health of
// network and accounts, and returns the breakers that this closed. While all is
// well and little has changed it writes nothing. Call it once the posts are locked.
func (tx *Tx) Hear(ctx context.Context, heard []Heard) ([]Closing, error) {
	for _, h := range heard {
		for _, r := range h.Returned {
			if r.Scope != throttle.AccountScope {
				continue
			}
			err := tx.q.GiveAccountQuotaBack(ctx, dbsqlc.GiveAccountQuotaBackParams{
				WorkspaceID: h.WorkspaceID, AccountID: uuid.UUID(h.AccountID), WindowSeconds: int32(r.Window / time.Second), ResetsAt: r.ResetsAt,
			})
			if err != nil {
				return nil, fmt.Errorf("give quota of account %s back: %w", h.AccountID, classify(err))
			}
		}
	}
	if err := tx.learnOfAccounts(ctx, heard); err != nil {
		return nil, err
	}
	return tx.closeBreakers(ctx, heard)
}

// quotaKey names one row of the ledger.
type quotaKey struct {
	workspace uuid.UUID
	account   uuid.UUID
	network   account.Network
	use       throttle.Use
	window    time.Duration
}

// newest keeps of several answers about one window the one that says most: the
// latest window, and in it the fewest calls left.
func newest(heard []Heard, scope throttle.Scope) map[quotaKey]throttle.Quota {
	out := map[quotaKey]throttle.Quota{}
	for _, h := range heard {
		for _, q := range h.Quotas {
			if q.Scope != scope {
				continue
			}
			key := quotaKey{network: h.Network, use: q.Use, window: q.Window}
			if scope == throttle.AccountScope {
				key.workspace, key.account = h.WorkspaceID, uuid.UUID(h.AccountID)
			}
			known, ok := out[key]
			if !ok || q.ResetsAt.After(known.ResetsAt) || q.ResetsAt.Equal(known.ResetsAt) && q.Remaining < known.Remaining {
				out[key] = q
			}
		}
	}
	return out
}

func (tx *Tx) learnOfApp(ctx context.Context, heard []Heard) error {
	app := newest(heard, throttle.AppScope)
	if len(app) == 0 {
		return nil
	}
	var p dbsqlc.LearnAppQuotasParams
	for key, q := range app {
		p.Networks, p.Uses = append(p.Networks, string(key.network)), append(p.Uses, string(key.use))
		p.Windows, p.Limits = append(p.Windows, int32(key.window/time.Second)), append(p.Limits, int32(q.Limit))
		p.Remainings, p.Resets = append(p.Remainings, int32(q.Remaining)), append(p.Resets, q.ResetsAt.UTC())
	}
	if err := tx.q.LearnAppQuotas(ctx, p); err != nil {
		return fmt.Errorf("learn app quotas: %w", classify(err))
	}
	return nil
}

func (tx *Tx) learnOfAccounts(ctx context.Context, heard []Heard) error {
	own := newest(heard, throttle.AccountScope)
	if len(own) == 0 {
		return nil
	}
	var p dbsqlc.LearnAccountQuotasParams
	for key, q := range own {
		p.WorkspaceIds, p.AccountIds = append(p.WorkspaceIds, key.workspace), append(p.AccountIds, key.account)
		p.Uses, p.Windows = append(p.Uses, string(key.use)), append(p.Windows, int32(key.window/time.Second))
		p.Limits, p.Remainings = append(p.Limits, int32(q.Limit)), append(p.Remainings, int32(q.Remaining))
		p.Resets = append(p.Resets, q.ResetsAt.UTC())
	}
	if err := tx.q.LearnAccountQuotas(ctx, p); err != nil {
		return fmt.Errorf("learn account quotas: %w", classify(err))
	}
	return nil
}

func (tx *Tx) closeBreakers(ctx context.Context, heard []Heard) ([]Closing, error) {
	var networks []string
	var of dbsqlc.CloseAccountBreakersParams
	for _, h := range heard {
		if h.Proper {
			networks = append(networks, string(h.Network))
			of.WorkspaceIds, of.AccountIds = append(of.WorkspaceIds, h.WorkspaceID), append(of.AccountIds, uuid.UUID(h.AccountID))
		}
	}
	if len(networks) == 0 {
		return nil, nil
	}
	slices.Sort(networks)
	closedAccounts, err := tx.q.CloseAccountBreakers(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("close account breakers: %w", classify(err))
	}
	closedNetworks, err := tx.q.CloseNetworkBreakers(ctx, slices.Compact(networks))
	if err != nil {
		return nil, fmt.Errorf("close network breakers: %w", classify(err))
	}
	var out []Closing
	for _, r := range closedAccounts {
		if r.WasState != string(throttle.Closed) {
			out = append(out, Closing{WorkspaceID: r.WorkspaceID, AccountID: account.ID(r.AccountID), FailingSince: zeroOr(r.FailingSince)})
		}
	}
	for _, r := range closedNetworks {
		if r.WasState != string(throttle.Closed) {
			out = append(out, Closing{Network: account.Network(r.Network), FailingSince: zeroOr(r.FailingSince)})
		}
	}
	return out, nil
}

// Opening is a breaker that a failure opened. AccountID is zero for a network's.
type Opening struct {
	Network     account.Network
	WorkspaceID uuid.UUID
	AccountID   account.ID
	Breaker     throttle.Breaker
}

// CountFailure counts a call that speaks for the network or the account being
// down, and returns the breakers that this opened. It has a transaction of its
// own, after the post's result stands: what it loses is a count.
func (tx *Tx) CountFailure(ctx context.Context, workspace uuid.UUID, network account.Network, f throttle.Failure) ([]Opening, error) {
	id := account.ID(f.Account)
	if err := tx.q.SeedAccountBreaker(ctx, dbsqlc.SeedAccountBreakerParams{WorkspaceID: workspace, AccountID: f.Account}); err != nil {
		return nil, fmt.Errorf("make breaker of account %s: %w", id, classify(err))
	}
	if err := tx.q.SeedNetworkBreaker(ctx, string(network)); err != nil {
		return nil, fmt.Errorf("make breaker of %s: %w", network, classify(err))
	}
	var out []Opening
	before, err := tx.lockAccountBreaker(ctx, workspace, id)
	if err != nil {
		return nil, err
	}
	after, err := tx.fail(ctx, before, throttle.AccountRule(), f)
	if err != nil {
		return nil, err
	}
	if err := tx.putAccountBreaker(ctx, workspace, id, after); err != nil {
		return nil, err
	}
	if before.State != throttle.Open && after.State == throttle.Open {
		out = append(out, Opening{Network: network, WorkspaceID: workspace, AccountID: id, Breaker: after})
	}
	if before, err = tx.lockNetworkBreaker(ctx, network); err != nil {
		return nil, err
	}
	if after, err = tx.fail(ctx, before, throttle.NetworkRule(), f); err != nil {
		return nil, err
	}
	if err := tx.putNetworkBreaker(ctx, network, after); err != nil {
		return nil, err
	}
	if before.State != throttle.Open && after.State == throttle.Open {
		out = append(out, Opening{Network: network, Breaker: after})
	}
	return out, nil
}

// fail counts a failure. Of calls that end together the answers may be written
// before the failures, so a run that would open a breaker is first held against
// what went out in its time: if anything did, it was no run.
func (tx *Tx) fail(ctx context.Context, before throttle.Breaker, rule throttle.Rule, f throttle.Failure) (throttle.Breaker, error) {
	after := before.Fail(rule, f)
	if before.State != throttle.Closed || after.State != throttle.Open {
		return after, nil
	}
	went, err := tx.q.AcceptedSince(ctx, dbsqlc.AcceptedSinceParams{AccountIds: after.Accounts, Since: after.FailingSince.Add(-time.Second)})
	if err != nil {
		return throttle.Breaker{}, fmt.Errorf("look for what went out: %w", classify(err))
	}
	if went {
		return throttle.Breaker{State: throttle.Closed}, nil
	}
	return after, nil
}

func (tx *Tx) lockAccountBreaker(ctx context.Context, workspace uuid.UUID, id account.ID) (throttle.Breaker, error) {
	r, err := tx.q.LockAccountBreaker(ctx, dbsqlc.LockAccountBreakerParams{WorkspaceID: workspace, AccountID: uuid.UUID(id)})
	if err != nil {
		return throttle.Breaker{}, fmt.Errorf("lock breaker of account %s: %w", id, classify(err))
	}
	b := throttle.Breaker{
		State: throttle.State(r.State), Failures: int(r.Failures), FailingSince: zeroOr(r.FailingSince), LastFailure: zeroOr(r.LastFailureAt),
		Openings: int(r.Openings), RetryAt: zeroOr(r.RetryAt), ProbeUntil: zeroOr(r.ProbeUntil), LastCode: r.LastCode,
	}
	if r.ProbeID != nil {
		b.Probe = *r.ProbeID
	}
	if b.Failures > 0 {
		b.Accounts = []uuid.UUID{uuid.UUID(id)} // Its own, whatever the row says.
	}
	return b, nil
}

func (tx *Tx) putAccountBreaker(ctx context.Context, workspace uuid.UUID, id account.ID, b throttle.Breaker) error {
	err := tx.q.PutAccountBreaker(ctx, dbsqlc.PutAccountBreakerParams{
		State: string(b.State), Failures: int32(b.Failures), FailingSince: orNull(b.FailingSince), LastFailureAt: orNull(b.LastFailure),
		Openings: int32(b.Openings), RetryAt: orNull(b.RetryAt), ProbeID: idOrNull(b.Probe), ProbeUntil: orNull(b.ProbeUntil),
		LastCode: b.LastCode, WorkspaceID: workspace, AccountID: uuid.UUID(id),
	})
	if err != nil {
		return fmt.Errorf("set breaker of account %s: %w", id, classify(err))
	}
	return nil
}

func (tx *Tx) lockNetworkBreaker(ctx context.Context, network account.Network) (throttle.Breaker, error) {
	r, err := tx.q.LockNetworkBreaker(ctx, string(network))
	if err != nil {
		return throttle.Breaker{}, fmt.Errorf("lock breaker of %s: %w", network, classify(err))
	}
	return toBreaker(r), nil
}

func toBreaker(r dbsqlc.NetworkBreaker) throttle.Breaker {
	b := throttle.Breaker{
		State: throttle.State(r.State), Failures: int(r.Failures), Accounts: r.AccountIds, FailingSince: zeroOr(r.FailingSince),
		LastFailure: zeroOr(r.LastFailureAt), Openings: int(r.Openings), RetryAt: zeroOr(r.RetryAt),
		ProbeUntil: zeroOr(r.ProbeUntil), LastCode: r.LastCode,
	}
	if r.ProbeID != nil {
		b.Probe = *r.ProbeID
	}
	return b
}

func (tx *Tx) putNetworkBreaker(ctx context.Context, network account.Network, b throttle.Breaker) error {
	accounts := b.Accounts
	if accounts == nil {
		accounts = []uuid.UUID{}
	}
	err := tx.q.PutNetworkBreaker(ctx, dbsqlc.PutNetworkBreakerParams{
		State: string(b.State), Failures: int32(b.Failures), AccountIds: accounts, FailingSince: orNull(b.FailingSince),
		LastFailureAt: orNull(b.LastFailure), Openings: int32(b.Openings), RetryAt: orNull(b.RetryAt), ProbeID: idOrNull(b.Probe),
		ProbeUntil: orNull(b.ProbeUntil), LastCode: b.LastCode, Network: string(network),
	})
	if err != nil {
		return fmt.Errorf("set breaker of %s: %w", network, classify(err))
	}
	return nil
}

// Probes returns for each breaker whose time to try comes within the horizon
// the oldest post that may be its probe, to be handed out for that time. Asking
// twice hands it out twice, which the intent makes harmless.
func (tx *Tx) Probes(ctx context.Context, horizon, grace time.Duration) ([]Due, error) {
	rows, err := tx.q.Probes(ctx, dbsqlc.ProbesParams{GraceSeconds: grace.Seconds(), HorizonSeconds: horizon.Seconds()})
	if err != nil {
		return nil, fmt.Errorf("find probes: %w", classify(err))
	}
	out := make([]Due, len(rows))
	for i, r := range rows {
		out[i] = Due{
			PostRef:  PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID), CorrelationID: r.CorrelationID},
			Revision: r.Revision, SendAt: r.TryAt.UTC(),
		}
	}
	return out, nil
}

// TryNow brings the next try of an open breaker forward to now: of the account,
// or of the network when id is nil. It returns a post of the workspace to try
// with, nil when none waits. Errors: NotFound (code not_open) when the breaker
// is not open or its time has come already.
func (tx *Tx) TryNow(ctx context.Context, workspace uuid.UUID, network account.Network, id *account.ID) (*Due, error) {
	var n int64
	var err error
	var accountID *uuid.UUID
	if id != nil {
		accountID = new(uuid.UUID(*id))
		n, err = tx.q.TryAccountNow(ctx, dbsqlc.TryAccountNowParams{WorkspaceID: workspace, AccountID: *accountID})
	} else {
		n, err = tx.q.TryNetworkNow(ctx, string(network))
	}
	if err != nil {
		return nil, fmt.Errorf("bring try of %s forward: %w", network, classify(err))
	}
	if n == 0 {
		return nil, apperr.New(apperr.NotFound, "not_open", "there is no breaker waiting for its next try here")
	}
	r, err := tx.q.OldestHeldByBreaker(ctx, dbsqlc.OldestHeldByBreakerParams{WorkspaceID: workspace, Network: string(network), AccountID: accountID})
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return nil, fmt.Errorf("find post to try with: %w", err)
		}
		return nil, nil //nolint:nilnil // none waits, which is no error
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	ref := PostRef{WorkspaceID: r.WorkspaceID, PostID: post.ID(r.ID), CorrelationID: r.CorrelationID}
	return &Due{PostRef: ref, Revision: r.Revision, SendAt: now}, nil
}

func accountIDs(ins []Intent) []uuid.UUID {
	out := make([]uuid.UUID, len(ins))
	for i, in := range ins {
		out[i] = uuid.UUID(in.AccountID)
	}
	return out
}

func spanOf(n int32) time.Duration { return time.Duration(n) * time.Second }

func zeroOr(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
