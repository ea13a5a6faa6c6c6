// Package refreshing keeps accounts' access tokens fresh. A refresh token is
// used once, unless the network renews the access token with itself as Instagram
// does: X kills the whole family when one is used twice, so one refresh per
// account is under way at a time, across all processes, and its result is stored
// before anything uses it. No transaction is open across the call.
package refreshing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/gather"
	"rostrum/shared/killpoint"
	"rostrum/shared/platform"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/vault"
)

const (
	// fresh is how long a token must still be good for to be handed out, unless
	// its whole life is short.
	fresh = time.Minute
	// usable is how long one must be good for when there is no better one.
	usable = 15 * time.Second
	// lastShare is how much of its life a token has left when the tick refreshes
	// it, so that an unclear refresh still leaves a token that works: half an hour
	// of X's two, fifteen days of Instagram's sixty, which refuses to refresh one
	// that is younger than a day. leastAhead is for tokens that live shortly.
	lastShare  = 0.25
	leastAhead = 30 * time.Minute
	// unhurried is from how much time left a refresh that came to nothing is not
	// tried with the next tick, but after pause.
	unhurried = 24 * time.Hour
	pause     = time.Hour
	// laneLength bounds one refresh with its call and its commits. It also leaves a
	// pair that a queue keeps while the database is away the time to come in before
	// somebody uses its predecessor again.
	laneLength = 2 * time.Minute
	// unclearPause is how long after an unclear refresh nobody tries again.
	unclearPause = 40 * time.Second
	callDeadline = 10 * time.Second
	// savePatience is how long a new pair that cannot be stored is tried: it
	// exists nowhere else.
	savePatience = 15 * time.Second
	// putPatience bounds one try of it: a database that takes connections and does
	// not answer must leave time for the queue.
	putPatience = 3 * time.Second
	// graceRecheck is how long a refused refresher waits before it believes
	// that nobody else has refreshed.
	graceRecheck = 2 * time.Second
	aheadPage    = 200
)

// Service refreshes tokens.
type Service struct {
	Store      *store.Store
	Vault      *vault.Vault
	Connectors map[account.Network]platform.Connector
	// Sender and Queue keep a renewed pair while the database cannot take it.
	Sender queue.Sender
	Queue  queue.Name
	Clock  clock.Clock
	Logger *slog.Logger

	reads gather.Group[store.AccountRef, opened]
}

// opened is what was read of an account: the row, and the access token where
// the row says that it is good.
type opened struct {
	row    store.TokenRow
	access config.Secret
	err    error
}

// AccessToken returns an access token of the account that is good for a
// minute or the last quarter of its life, or for 15 s when a new one cannot be
// had just now. Errors:
// Unauthenticated when a person must connect the account again; Unavailable
// when a token may be had later; NotFound when there never was one.
func (s *Service) AccessToken(ctx context.Context, workspace uuid.UUID, id account.ID) (config.Secret, error) {
	const looks = 20
	for range looks {
		read, err := s.reads.Do(ctx, workspace, store.AccountRef{WorkspaceID: workspace, AccountID: id}, s.readAll)
		if err == nil {
			err = read.err
		}
		if err != nil {
			return "", err
		}
		row := read.row
		if row.Status != account.Connected {
			return "", needsReconnect()
		}
		if isFresh(row) {
			return read.access, nil
		}
		if !row.LeaseLive {
			done, err := s.refresh(ctx, workspace, id, row)
			if err != nil {
				return s.fallBack(ctx, workspace, id, err)
			}
			if done {
				continue
			}
		}
		if row.ExpiresAt.Sub(row.Now) > usable {
			return s.unseal(ctx, workspace, id, row, "access")
		}
		if err := clock.Wait(ctx, 250*time.Millisecond); err != nil {
			break
		}
	}
	return "", apperr.New(apperr.Unavailable, "token_refreshing", "the account's sign-in is being renewed").WithRetryAfter(15 * time.Second)
}

// isFresh reports that no new token is needed. One that lives for a minute or
// less is fresh for most of that, or it would be renewed at every call.
func isFresh(row store.TokenRow) bool {
	return row.ExpiresAt.Sub(row.Now) > min(fresh, share(row))
}

// share is how much of a token's life is its last.
func share(row store.TokenRow) time.Duration {
	return time.Duration(lastShare * float64(row.ExpiresAt.Sub(row.TakenAt)))
}

// readAll reads the tokens that are asked for in one moment with one statement,
// and opens each of them once, whoever asks for it. Nothing of it is kept.
func (s *Service) readAll(ctx context.Context, refs []store.AccountRef) ([]opened, error) {
	var rows map[store.AccountRef]store.TokenRow
	err := s.Store.ByKey().Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		rows, err = tx.TokensOf(ctx, refs)
		return err
	})
	if err != nil {
		return nil, err
	}
	known := make(map[store.AccountRef]opened, len(rows))
	out := make([]opened, len(refs))
	for i, ref := range refs {
		t, ok := known[ref]
		if !ok {
			row, found := rows[ref]
			t = opened{row: row}
			switch {
			case !found:
				t.err = store.NoTokens()
			case row.Status == account.Connected && isFresh(row):
				t.access, t.err = s.unseal(ctx, ref.WorkspaceID, ref.AccountID, row, "access")
			}
			known[ref] = t
		}
		out[i] = t
	}
	return out, nil
}

// Reject makes the next AccessToken fetch a new token.
func (s *Service) Reject(ctx context.Context, workspace uuid.UUID, id account.ID) error {
	return s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error { return tx.ExpireToken(ctx, workspace, id) })
}

// Ahead refreshes the tokens that end soon. One account's trouble keeps none
// of the others from theirs.
func (s *Service) Ahead(ctx context.Context) error {
	var refs []store.AccountRef
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		refs, err = tx.TokensToRefresh(ctx, leastAhead, lastShare, aheadPage)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, ref := range refs {
		row, err := s.tokens(ctx, ref.WorkspaceID, ref.AccountID)
		// Whoever was faster has made the token new since the list was read; a
		// second refresh would only use up its successor.
		if err == nil && isDue(row) {
			_, err = s.refresh(ctx, ref.WorkspaceID, ref.AccountID, row)
		}
		if err != nil && !apperr.Is(err, apperr.Unauthenticated) {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "token not refreshed ahead", slog.String("account_id", ref.AccountID.String()), slog.String("error", err.Error()))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func isDue(row store.TokenRow) bool {
	return row.ExpiresAt.Sub(row.Now) <= max(leastAhead, share(row))
}

func (s *Service) tokens(ctx context.Context, workspace uuid.UUID, id account.ID) (store.TokenRow, error) {
	var row store.TokenRow
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		row, err = tx.Tokens(ctx, workspace, id)
		return err
	})
	return row, err
}

func (s *Service) unseal(ctx context.Context, workspace uuid.UUID, id account.ID, row store.TokenRow, name string) (config.Secret, error) {
	sealed := row.Access
	if name == "refresh" {
		sealed = row.Refresh
	}
	secret, err := s.Vault.Unseal(ctx, field(workspace, id, name, row.Version), sealed)
	if err != nil {
		return "", fmt.Errorf("open %s token of account %s: %w", name, id, err)
	}
	return secret, nil
}

// fallBack uses the old access token for as long as it works when the refresh
// did not come through.
func (s *Service) fallBack(ctx context.Context, workspace uuid.UUID, id account.ID, cause error) (config.Secret, error) {
	if apperr.Is(cause, apperr.Unauthenticated) {
		return "", cause
	}
	row, err := s.tokens(ctx, workspace, id)
	if err != nil {
		return "", err
	}
	if row.Status == account.Connected && row.ExpiresAt.Sub(row.Now) > usable {
		return s.unseal(ctx, workspace, id, row, "access")
	}
	return "", cause
}

// refresh makes one refresh call if the lane is free and reports whether it
// had the lane.
func (s *Service) refresh(ctx context.Context, workspace uuid.UUID, id account.ID, row store.TokenRow) (bool, error) {
	connector, ok := s.Connectors[row.Network]
	if !ok || row.Refresh == nil {
		return false, s.reauth(ctx, workspace, id, row.Version, "no_refresh_token")
	}
	lane := uuid.Must(uuid.NewV7())
	var mine bool
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		mine, err = tx.LeaseRefresh(ctx, workspace, id, row.Version, lane, laneLength)
		return err
	})
	if err != nil || !mine {
		return false, err
	}
	old, err := s.unseal(ctx, workspace, id, row, "refresh")
	if err != nil {
		return false, errors.Join(err, s.endLane(ctx, workspace, id, lane, 0, false))
	}
	killpoint.Here("refresh.leased")
	call, cancel := context.WithTimeout(ctx, callDeadline)
	tokens, err := connector.Refresh(call, old)
	cancel()
	telemetry.Measure(ctx, telemetry.Refreshes, outcome(err), 1)
	killpoint.Here("refresh.answered")
	if err == nil {
		err = s.save(ctx, workspace, id, row, tokens)
		killpoint.Here("refresh.saved")
		return true, err
	}
	switch apperr.KindOf(err) {
	case apperr.Unauthenticated:
		return true, s.refused(ctx, workspace, id, row, lane)
	case apperr.Uncertain:
		// The old token may be used up. Nobody tries again before the lane is
		// over; then once more, which either works or says that it is dead.
		return true, errors.Join(unavailable(err), s.endLane(ctx, workspace, id, lane, unclearPause, true))
	default:
		var keep time.Duration
		if row.ExpiresAt.Sub(row.Now) > unhurried {
			keep = pause
		}
		return true, errors.Join(unavailable(err), s.endLane(ctx, workspace, id, lane, keep, false))
	}
}

// outcome is what a refresh came to, in a word for the graphs.
func outcome(err error) string {
	switch {
	case err == nil:
		return "renewed"
	case apperr.Is(err, apperr.Unauthenticated):
		return "refused"
	case apperr.Is(err, apperr.Uncertain):
		return "unclear"
	}
	return "unavailable"
}

// save stores the new pair. The old refresh token is dead by now, so a database
// that is away is asked again until the patience is up, and the pair lies on a
// queue from its first failure on, in case this process does not live as long.
func (s *Service) save(ctx context.Context, workspace uuid.UUID, id account.ID, row store.TokenRow, t platform.Tokens) error {
	if t.Access == "" {
		return apperr.New(apperr.Unavailable, "empty_token", "the network answered a refresh without a token")
	}
	sealed, err := s.seal(ctx, workspace, id, row, t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), savePatience)
	defer cancel()
	wait, spared := 50*time.Millisecond, false
	for {
		err := s.put(ctx, workspace, id, row.Version, sealed)
		if err == nil {
			return nil
		}
		if !spared {
			spared = s.spare(ctx, workspace, id, row.Version, sealed)
		}
		if clock.Wait(ctx, wait) != nil {
			s.Logger.LogAttrs(ctx, slog.LevelError, "refreshed tokens could not be stored", slog.String("account_id", id.String()),
				slog.Bool("on_the_queue", spared), slog.String("error", err.Error()))
			return err
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// put replaces the pair of version from, unless the version has moved.
func (s *Service) put(ctx context.Context, workspace uuid.UUID, id account.ID, from int64, sealed store.SealedTokens) error {
	ctx, cancel := context.WithTimeout(ctx, putPatience)
	defer cancel()
	return s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		won, err := tx.SaveRefreshed(ctx, workspace, id, from, sealed)
		if err != nil || !won {
			return err
		}
		return tx.Record(ctx, audit.Event{
			Actor: audit.SystemActor(workspace, "token refresher"), Action: "account.token_refreshed", SubjectKind: "account",
			SubjectID: uuid.UUID(id), AccountID: uuid.UUID(id), Detail: map[string]any{"token_version": sealed.Version},
		})
	})
}

func (s *Service) seal(ctx context.Context, workspace uuid.UUID, id account.ID, row store.TokenRow, t platform.Tokens) (store.SealedTokens, error) {
	next := row.Version + 1
	access, err := s.Vault.Seal(ctx, field(workspace, id, "access", next), t.Access)
	if err != nil {
		return store.SealedTokens{}, fmt.Errorf("seal access token of account %s: %w", id, err)
	}
	refreshToken := t.Refresh
	if refreshToken == "" {
		// A network that does not rotate leaves the old one in force; it is
		// bound to its version and so sealed anew.
		if refreshToken, err = s.unseal(ctx, workspace, id, row, "refresh"); err != nil {
			return store.SealedTokens{}, err
		}
	}
	refresh, err := s.Vault.Seal(ctx, field(workspace, id, "refresh", next), refreshToken)
	if err != nil {
		return store.SealedTokens{}, fmt.Errorf("seal refresh token of account %s: %w", id, err)
	}
	scopes := t.Scopes
	if len(scopes) == 0 {
		scopes = row.Scopes
	}
	return store.SealedTokens{Version: next, Access: access, Refresh: refresh, Scopes: scopes, ExpiresAt: t.ExpiresAt}, nil
}

// refused is the network's word that the refresh token is dead. If the version
// has moved, somebody else refreshed and all is well; a loser looks twice,
// because the winner may not have committed yet.
func (s *Service) refused(ctx context.Context, workspace uuid.UUID, id account.ID, row store.TokenRow, lane uuid.UUID) error {
	if err := clock.Wait(ctx, graceRecheck); err != nil {
		return errors.Join(unavailable(err), s.endLane(ctx, workspace, id, lane, 0, false))
	}
	now, err := s.tokens(ctx, workspace, id)
	if err != nil {
		return err
	}
	if now.Version != row.Version {
		return nil
	}
	why := "refresh_refused"
	if row.UnclearAt != nil {
		why = "refresh_answer_lost"
	}
	return errors.Join(s.reauth(ctx, workspace, id, row.Version, why), s.endLane(ctx, workspace, id, lane, 0, false))
}

// errReplaced takes a mark back.
var errReplaced = errors.New("the tokens were replaced meanwhile")

// reauth marks the account; its posts are held from now on, not failed. Who
// connects the account anew changes the account before its tokens, so the version
// is asked after the mark has waited for that row. It returns nil when others have
// replaced the tokens.
func (s *Service) reauth(ctx context.Context, workspace uuid.UUID, id account.ID, version int64, why string) error {
	err := s.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.AccountNeedsReauth(ctx, workspace, id, audit.SystemActor(workspace, "token refresher"), why); err != nil {
			return err
		}
		row, err := tx.Tokens(ctx, workspace, id)
		if err == nil && row.Version != version {
			err = errReplaced
		}
		return err
	})
	switch {
	case errors.Is(err, errReplaced):
		return nil
	case err != nil:
		return err
	}
	return needsReconnect()
}

func (s *Service) endLane(ctx context.Context, workspace uuid.UUID, id account.ID, lane uuid.UUID, keep time.Duration, unclear bool) error {
	return s.Store.Across(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		return tx.EndRefreshLease(ctx, workspace, id, lane, keep, unclear)
	})
}

func field(workspace uuid.UUID, id account.ID, name string, version int64) vault.Field {
	return vault.Field{WorkspaceID: workspace, AccountID: id, Name: name, Version: version}
}

func needsReconnect() error {
	return apperr.New(apperr.Unauthenticated, "account_needs_reconnect", "the network no longer accepts the account's sign-in").
		WithHint("Open the account and connect it again; its posts wait.")
}

func unavailable(err error) error {
	return apperr.New(apperr.Unavailable, "token_refresh_unclear", "the account's sign-in could not be renewed just now").WithCause(err)
}
