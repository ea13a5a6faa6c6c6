package stack

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/simulator/x"
	"rostrum/shared/store"
	"rostrum/shared/vault"
)

// Who signs in to the demo workspace. The stack listens on loopback only.
const (
	DemoEmail    = "demo@rostrum.example"
	DemoPassword = "rostrum-demo"
	demoName     = "Robin Demo"
)

// seed makes the demo workspace unless it is there already, all in one
// transaction. network is nil when X is the real one: accounts then are
// connected by hand. It reports whether it made anything.
func seed(ctx context.Context, db *store.Store, keys *vault.Keysets, network *x.Server) (bool, error) {
	hash, err := auth.HashPassword(config.Secret(DemoPassword))
	if err != nil {
		return false, fmt.Errorf("make the demo workspace: %w", err)
	}
	made := false
	err = db.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PersonByEmail(ctx, DemoEmail)
		if !apperr.Is(err, apperr.NotFound) {
			return err
		}
		workspace, err := tx.InsertWorkspace(ctx, "Tidewater (demo)")
		if err != nil {
			return err
		}
		person, err := tx.InsertPerson(ctx, DemoEmail, demoName, hash)
		if err != nil {
			return err
		}
		if err := tx.InsertMember(ctx, workspace, person, audit.Owner); err != nil {
			return err
		}
		made = true
		if network == nil {
			return nil
		}
		for _, user := range network.Accounts() {
			if err := connect(ctx, tx, workspace, keys, network, user); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("make the demo workspace: %w", err)
	}
	return made, nil
}

// connect writes an account with its profile and sealed tokens, as the OAuth
// flow would have left it.
func connect(ctx context.Context, tx *store.Tx, workspace uuid.UUID, keys *vault.Keysets, network *x.Server, user x.Account) error {
	profile, ok := demoProfiles()[user.Handle]
	if !ok {
		return nil
	}
	id := account.ID(uuid.Must(uuid.NewV7()))
	identity := store.Identity{RemoteID: user.ID, Handle: user.Handle, Name: user.Name}
	a, err := tx.ConnectAccount(ctx, workspace, id, account.X, identity, profile.TimeZone)
	if err != nil {
		return err
	}
	profile.DisplayName = user.Name
	if _, err := tx.SaveProfile(ctx, workspace, a.ID, a.ETag, profile); err != nil {
		return err
	}
	granted, err := network.Grant(user.Handle)
	if err != nil {
		return err
	}
	sealer, err := keys.TokenSealer()
	if err != nil {
		return err
	}
	version, err := tx.NextTokenVersion(ctx, workspace, a.ID)
	if err != nil {
		return err
	}
	sealed := store.SealedTokens{
		Version: version, Scopes: x.DefaultScopes(),
		ExpiresAt: time.Now().Add(time.Duration(granted.ExpiresIn) * time.Second),
	}
	field := vault.Field{WorkspaceID: workspace, AccountID: a.ID, Version: version}
	field.Name = "access"
	if sealed.Access, err = sealer.Seal(ctx, field, config.Secret(granted.AccessToken)); err != nil {
		return err
	}
	field.Name = "refresh"
	if sealed.Refresh, err = sealer.Seal(ctx, field, config.Secret(granted.RefreshToken)); err != nil {
		return err
	}
	return tx.PutTokens(ctx, workspace, a.ID, sealed)
}

// demoProfiles are those of the simulated network's own two accounts.
func demoProfiles() map[string]account.Profile {
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	slots := func(times ...[2]int) []account.Slot {
		var out []account.Slot
		for _, day := range weekdays {
			for _, at := range times {
				out = append(out, account.Slot{Weekday: day, Hour: at[0], Minute: at[1]})
			}
		}
		return out
	}
	return map[string]account.Profile{
		"tidewater_dev": {
			TimeZone: "Europe/Berlin",
			Goals: []string{
				"Be the team that newsroom developers ask first about publishing systems in Go",
				"Bring ten newsrooms a month to the open beta",
			},
			Interests: []string{"Go", "Postgres", "newsroom tooling", "reliability", "open source"},
			Projects: []account.Project{
				{Name: "Ebb", About: "Our open-source queue for newsroom pipelines, built on Postgres. Version 1 is out this quarter."},
				{Name: "Open beta", About: "Free for newsrooms with fewer than twenty people until spring."},
			},
			Audience:    "Developers and data editors in small and mid-sized newsrooms",
			Voice:       "Plain, precise, a little dry. Numbers before adjectives. No exclamation marks.",
			Guidelines:  "Say what we measured and how. Link the source. Never announce a date that is not public.",
			BannedWords: []string{"revolutionary", "game-changer", "synergy"},
			Slots:       slots([2]int{9, 30}, [2]int{15, 0}), PostsPerWeek: 8,
			CatchUp: account.SendWithin, CatchUpWithin: 2 * time.Hour,
		},
		"mara_builds": {
			TimeZone:  "America/New_York",
			Goals:     []string{"Show how a small team keeps software calm", "Find two more engineers who write well"},
			Interests: []string{"small teams", "slow growth", "writing", "hiring", "on-call without heroics"},
			Projects: []account.Project{
				{Name: "Field notes", About: "A weekly note on one decision we made at Tidewater, and what it cost."},
			},
			Audience:    "Founders and lead engineers of teams below fifteen people",
			Voice:       "First person, warm, concrete. One idea a post. Admits what went wrong.",
			Guidelines:  "No advice without the story behind it. No customer names.",
			BannedWords: []string{"hustle", "10x", "rockstar"},
			Slots:       slots([2]int{8, 45}, [2]int{12, 15}), PostsPerWeek: 5,
			CatchUp: account.Hold, CatchUpWithin: 0,
		},
	}
}
