// Package connecting joins accounts to a workspace and keeps their profiles. A
// connection is an OAuth2 authorization-code flow, with PKCE where the network
// knows it: it is begun and ended by the same session, its state is used once, and
// its tokens are sealed before they are stored; this package cannot open them again.
package connecting

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/schedule"
	"rostrum/shared/store"
	"rostrum/shared/vault"
)

const (
	// flowLife is how long a person may take at the network.
	flowLife = 10 * time.Minute
	// firstZone is the zone of a new account that was connected without a browser's.
	firstZone     = "UTC"
	maxReason     = 200
	slotsShown    = 10
	takenLookback = 24 * time.Hour
	takenAhead    = 60 * 24 * time.Hour
)

// Service connects accounts.
type Service struct {
	Store      *store.Store
	Connectors map[account.Network]platform.Connector
	// Missing names the settings without which a network cannot be connected.
	Missing map[account.Network][]string
	// Tokens seals what the network gives; Flows seals and opens the code
	// verifier of a flow under way.
	Tokens *vault.Sealer
	Flows  *vault.Vault
	// PublicURL is the address of the api as browsers see it, without a slash at its end.
	PublicURL string
}

// Offer is a network, and whether an account of it can be connected.
type Offer struct {
	Network account.Network
	// WhyNot says in a sentence why none can; empty when one can.
	WhyNot string
}

// Offers lists the networks. Errors: Forbidden.
func (s *Service) Offers(_ context.Context, actor audit.Actor) ([]Offer, error) {
	if err := auth.Require(actor, auth.ReadWorkspace); err != nil {
		return nil, err
	}
	var out []Offer
	for _, n := range account.Networks() {
		offer := Offer{Network: n}
		if _, err := s.connector(n); err != nil {
			offer.WhyNot = apperr.As(err).Message + "."
		}
		out = append(out, offer)
	}
	return out, nil
}

// View is an account with the next times at which it could post.
type View struct {
	account.Account
	NextSlots []schedule.Time
}

// Accounts lists the workspace's accounts. Errors: Forbidden, Unavailable.
func (s *Service) Accounts(ctx context.Context, actor audit.Actor) ([]View, error) {
	if err := auth.Require(actor, auth.ReadWorkspace); err != nil {
		return nil, err
	}
	var views []View
	err := s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		accounts, err := tx.Accounts(ctx, actor.WorkspaceID)
		if err != nil {
			return err
		}
		views, err = withSlots(ctx, tx, actor.WorkspaceID, accounts)
		return err
	})
	return views, err
}

// Account returns one account. Errors: Forbidden, NotFound, Unavailable.
func (s *Service) Account(ctx context.Context, actor audit.Actor, id account.ID) (View, error) {
	return s.onAccount(ctx, actor, auth.ReadWorkspace, func(ctx context.Context, tx *store.Tx) (account.Account, error) {
		return tx.Account(ctx, actor.WorkspaceID, id)
	})
}

// EditProfile changes an account's profile, if its etag is still the given one.
// A new time zone moves no planned post unasked: keep says what it means for
// them, see ZoneChoice. Errors: Forbidden, NotFound, PreconditionFailed (code
// stale); Conflict (posts_planned) when keep is Unsaid and posts are planned,
// (would_be_past) when a post would have to go out at once or earlier; Invalid,
// with the field at fault.
func (s *Service) EditProfile(
	ctx context.Context, actor audit.Actor, id account.ID, etag int64, keep ZoneChoice, edit func(*account.Profile),
) (View, error) {
	return s.onAccount(ctx, actor, auth.ManageAccounts, func(ctx context.Context, tx *store.Tx) (account.Account, error) {
		a, err := tx.LockAccount(ctx, actor.WorkspaceID, id)
		if err != nil {
			return account.Account{}, err
		}
		profile := a.Profile
		edit(&profile)
		if err := profile.Validate(); err != nil {
			return account.Account{}, err
		}
		was := a.Profile.TimeZone
		if a, err = tx.SaveProfile(ctx, actor.WorkspaceID, id, etag, profile); err != nil {
			return account.Account{}, err
		}
		if err := record(ctx, tx, actor, a, "account.edited", nil); err != nil || profile.TimeZone == was {
			return a, err
		}
		return a, changeZone(ctx, tx, actor, a, was, keep)
	})
}

// Pause stops sending from an account; its posts are held. Errors: Forbidden,
// NotFound, Invalid.
func (s *Service) Pause(ctx context.Context, actor audit.Actor, id account.ID, reason string) (View, error) {
	reason, err := CheckReason(reason)
	if err != nil {
		return View{}, err
	}
	return s.onAccount(ctx, actor, auth.ManageAccounts, func(ctx context.Context, tx *store.Tx) (account.Account, error) {
		a, err := tx.PauseAccount(ctx, actor.WorkspaceID, id, reason)
		if err != nil {
			return account.Account{}, err
		}
		if err := tx.ThrowSwitch(ctx, actor, store.Switch{Kind: store.SwitchAccount, AccountID: &id, Reason: reason}); err != nil {
			return account.Account{}, err
		}
		return a, record(ctx, tx, actor, a, "account.paused", map[string]any{"reason": reason})
	})
}

// Resume lets an account send again. Errors: Forbidden, NotFound.
func (s *Service) Resume(ctx context.Context, actor audit.Actor, id account.ID) (View, error) {
	return s.onAccount(ctx, actor, auth.ManageAccounts, func(ctx context.Context, tx *store.Tx) (account.Account, error) {
		a, err := tx.ResumeAccount(ctx, actor.WorkspaceID, id)
		if err != nil {
			return account.Account{}, err
		}
		if _, err := tx.LiftSwitch(ctx, actor.WorkspaceID, store.Switch{Kind: store.SwitchAccount, AccountID: &id}); err != nil {
			return account.Account{}, err
		}
		return a, record(ctx, tx, actor, a, "account.resumed", nil)
	})
}

// CheckReason trims a reason for a pause and holds it to its length. Errors: Invalid.
func CheckReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > maxReason {
		return "", apperr.New(apperr.Invalid, "reason_too_long", "the reason is longer than %d characters", maxReason).WithField("reason")
	}
	return reason, nil
}

func (s *Service) onAccount(
	ctx context.Context, actor audit.Actor, p auth.Permission,
	fn func(context.Context, *store.Tx) (account.Account, error),
) (View, error) {
	if err := auth.Require(actor, p); err != nil {
		return View{}, err
	}
	var view View
	err := s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		a, err := fn(ctx, tx)
		if err != nil {
			return err
		}
		views, err := withSlots(ctx, tx, actor.WorkspaceID, []account.Account{a})
		if err != nil {
			return err
		}
		view = views[0]
		return nil
	})
	return view, err
}

// withSlots looks up the taken times of all accounts at once.
func withSlots(ctx context.Context, tx *store.Tx, workspace uuid.UUID, accounts []account.Account) ([]View, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]account.ID, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	rows, err := tx.TakenTimes(ctx, workspace, ids, now.Add(-takenLookback), now.Add(takenAhead))
	if err != nil {
		return nil, err
	}
	taken := map[account.ID][]time.Time{}
	for _, r := range rows {
		taken[r.AccountID] = append(taken[r.AccountID], r.At)
	}
	views := make([]View, len(accounts))
	for i, a := range accounts {
		views[i].Account = a
		views[i].NextSlots, err = schedule.NextSlots(a.Profile.Slots, a.Profile.TimeZone, taken[a.ID], a.Profile.MinGap, now, slotsShown)
		if err != nil {
			return nil, fmt.Errorf("next slots of account %s: %w", a.ID, err)
		}
	}
	return views, nil
}

func record(ctx context.Context, tx *store.Tx, actor audit.Actor, a account.Account, action string, detail map[string]any) error {
	return tx.Record(ctx, audit.Event{
		Actor: actor, Action: action, SubjectKind: "account", SubjectID: uuid.UUID(a.ID), AccountID: uuid.UUID(a.ID), Detail: detail,
	})
}

// Begin starts connecting an account and returns where to send the browser. A
// nil id connects a new account, which begins in the time zone, or in UTC when it
// is empty; else the account of the id is connected again and keeps its own.
// Errors: Forbidden; NotFound; Invalid for an unknown network or zone; Conflict
// (network_not_set_up) when a setting of the network is missing.
func (s *Service) Begin(
	ctx context.Context, actor audit.Actor, session uuid.UUID, n account.Network, id *account.ID, zone string,
) (string, error) {
	if err := auth.Require(actor, auth.ManageAccounts); err != nil {
		return "", err
	}
	if zone != "" {
		if _, err := schedule.Zone(zone); err != nil {
			return "", err
		}
	}
	connector, err := s.connector(n)
	if err != nil {
		return "", err
	}
	state, verifier := auth.NewToken(), auth.NewToken()
	flow := store.OAuthState{
		ID: uuid.Must(uuid.NewV7()), WorkspaceID: actor.WorkspaceID, StateHash: auth.HashToken(state), SessionID: session, Network: n, TimeZone: zone,
	}
	if flow.VerifierSealed, err = s.Flows.Seal(ctx, verifierField(flow), verifier); err != nil {
		return "", err
	}
	err = s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		if id != nil {
			a, err := tx.Account(ctx, actor.WorkspaceID, *id)
			if err != nil {
				return err
			}
			if a.Network != n {
				return apperr.New(apperr.Invalid, "bad_network", "that account is on %s", a.Network.Name()).WithField("network")
			}
			flow.AccountID = new(uuid.UUID(*id))
		}
		return tx.InsertOAuthState(ctx, flow, flowLife)
	})
	if err != nil {
		return "", fmt.Errorf("begin connecting: %w", err)
	}
	return connector.AuthorizeURL(state.Reveal(), auth.Challenge(verifier), s.callback(n)), nil
}

// Finish takes the network's answer to a flow that Begin started, fetches the
// tokens and stores the account. Errors: Forbidden; NotFound (code
// connect_expired) when the state is unknown, used or of another session;
// Conflict (other_account) when somebody else's account was signed in than the
// one to reconnect; those of the network.
func (s *Service) Finish(ctx context.Context, actor audit.Actor, session uuid.UUID, n account.Network, state, code config.Secret) (account.Account, error) {
	if err := auth.Require(actor, auth.ManageAccounts); err != nil {
		return account.Account{}, err
	}
	connector, err := s.connector(n)
	if err != nil {
		return account.Account{}, err
	}
	// The state is burned first and by itself: it is gone whatever comes of it.
	var flow store.OAuthState
	err = s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		flow, err = tx.UseOAuthState(ctx, actor.WorkspaceID, session, auth.HashToken(state))
		return err
	})
	if err != nil {
		return account.Account{}, fmt.Errorf("finish connecting: %w", err)
	}
	verifier, err := s.Flows.Unseal(ctx, verifierField(flow), flow.VerifierSealed)
	if err != nil {
		return account.Account{}, fmt.Errorf("finish connecting: %w", err)
	}
	tokens, err := connector.Exchange(ctx, code.Reveal(), verifier.Reveal(), s.callback(n))
	if err != nil {
		return account.Account{}, fmt.Errorf("exchange code: %w", err)
	}
	who, err := connector.WhoAmI(ctx, tokens.Access)
	if err != nil {
		return account.Account{}, fmt.Errorf("ask whose account it is: %w", err)
	}
	a, err := s.save(ctx, actor, flow, who, tokens)
	if err != nil {
		return account.Account{}, fmt.Errorf("store connection of @%s: %w", who.Handle, err)
	}
	return a, nil
}

func (s *Service) save(ctx context.Context, actor audit.Actor, flow store.OAuthState, who platform.Profile, tokens platform.Tokens) (account.Account, error) {
	var a account.Account
	newID := account.ID(uuid.Must(uuid.NewV7()))
	err := s.Store.InWorkspace(ctx, actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if flow.AccountID != nil {
			old, err := tx.Account(ctx, actor.WorkspaceID, account.ID(*flow.AccountID))
			if err != nil {
				return err
			}
			if old.RemoteID != who.RemoteID {
				return apperr.New(apperr.Conflict, "other_account", "you signed in as @%s, but this is the account @%s", who.Handle, old.Handle).
					WithHint("Sign in to the network as @%s, then connect again.", old.Handle)
			}
		}
		a, err = tx.ConnectAccount(ctx, actor.WorkspaceID, newID, flow.Network,
			store.Identity{RemoteID: who.RemoteID, Handle: who.Handle, Name: who.Name}, cmp.Or(flow.TimeZone, firstZone))
		if err != nil {
			return err
		}
		sealed, err := s.seal(ctx, tx, a, tokens)
		if err != nil {
			return err
		}
		if err := tx.PutTokens(ctx, actor.WorkspaceID, a.ID, sealed); err != nil {
			return err
		}
		return record(ctx, tx, actor, a, "account.connected", map[string]any{"handle": a.Handle, "network": string(a.Network)})
	})
	return a, err
}

func (s *Service) seal(ctx context.Context, tx *store.Tx, a account.Account, tokens platform.Tokens) (store.SealedTokens, error) {
	version, err := tx.NextTokenVersion(ctx, a.WorkspaceID, a.ID)
	if err != nil {
		return store.SealedTokens{}, err
	}
	sealed := store.SealedTokens{Version: version, Scopes: tokens.Scopes, ExpiresAt: tokens.ExpiresAt}
	field := vault.Field{WorkspaceID: a.WorkspaceID, AccountID: a.ID, Name: "access", Version: version}
	if sealed.Access, err = s.Tokens.Seal(ctx, field, tokens.Access); err != nil {
		return store.SealedTokens{}, err
	}
	if tokens.Refresh == "" {
		return sealed, nil
	}
	field.Name = "refresh"
	sealed.Refresh, err = s.Tokens.Seal(ctx, field, tokens.Refresh)
	return sealed, err
}

func (s *Service) connector(n account.Network) (platform.Connector, error) {
	c, ok := s.Connectors[n]
	if !ok {
		return nil, apperr.New(apperr.Invalid, "bad_network", "%q is not a network that can be connected here", string(n)).WithField("network")
	}
	if missing := s.Missing[n]; len(missing) > 0 {
		are := "is"
		if len(missing) > 1 {
			are = "are"
		}
		return nil, apperr.New(apperr.Conflict, "network_not_set_up", "%s is not set up here: %s %s not set", n.Name(), strings.Join(missing, " and "), are).
			WithHint("Whoever runs this Rostrum can make a developer app at %s and set them; the manual says how.", n.Name())
	}
	return c, nil
}

func (s *Service) callback(n account.Network) string {
	return s.PublicURL + "/v1/oauth/" + string(n) + "/callback"
}

func verifierField(flow store.OAuthState) vault.Field {
	return vault.Field{WorkspaceID: flow.WorkspaceID, Name: "oauth_verifier " + flow.ID.String(), Version: 1}
}
