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
	"rostrum/shared/simulator/instagram"
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
// transaction. Accounts of a network that is the real one are connected by hand.
// It reports whether it made anything.
func seed(ctx context.Context, db *store.Store, keys *vault.Keysets, networks simulated) (bool, error) {
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
		users, err := networks.users()
		if err != nil {
			return err
		}
		for _, user := range users {
			if err := connect(ctx, tx, workspace, keys, user); err != nil {
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

// user is somebody on a simulated network who agreed that we post.
type user struct {
	network         account.Network
	identity        store.Identity
	access, refresh string
	scopes          []string
	expiresIn       int // in seconds
}

// users are those of the simulated networks that have a place in the demo, in
// the order of the networks.
func (n simulated) users() ([]user, error) {
	var out []user
	if n.x != nil {
		for _, a := range n.x.Accounts() {
			if _, ok := demoProfiles()[a.Handle]; !ok {
				continue
			}
			granted, err := n.x.Grant(a.Handle)
			if err != nil {
				return nil, err
			}
			out = append(out, user{
				network: account.X, identity: store.Identity{RemoteID: a.ID, Handle: a.Handle, Name: a.Name},
				access: granted.AccessToken, refresh: granted.RefreshToken, scopes: x.DefaultScopes(), expiresIn: granted.ExpiresIn,
			})
		}
	}
	if n.instagram != nil {
		for _, a := range n.instagram.Accounts() {
			if _, ok := demoProfiles()[a.Handle]; !ok {
				continue
			}
			granted, err := n.instagram.Grant(a.Handle)
			if err != nil {
				return nil, err
			}
			out = append(out, user{
				network: account.Instagram, identity: store.Identity{RemoteID: a.ID, Handle: a.Handle, Name: a.Name},
				// Instagram's token renews itself.
				access: granted.AccessToken, refresh: granted.AccessToken, scopes: instagram.DefaultScopes(), expiresIn: granted.ExpiresIn,
			})
		}
	}
	return out, nil
}

// connect writes an account with its profile and sealed tokens, as the OAuth
// flow would have left it.
func connect(ctx context.Context, tx *store.Tx, workspace uuid.UUID, keys *vault.Keysets, u user) error {
	profile := demoProfiles()[u.identity.Handle]
	a, err := tx.ConnectAccount(ctx, workspace, account.ID(uuid.Must(uuid.NewV7())), u.network, u.identity, profile.TimeZone)
	if err != nil {
		return err
	}
	profile.DisplayName = u.identity.Name
	if _, err := tx.SaveProfile(ctx, workspace, a.ID, a.ETag, profile); err != nil {
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
		Version: version, Scopes: u.scopes, ExpiresAt: time.Now().Add(time.Duration(u.expiresIn) * time.Second),
	}
	field := vault.Field{WorkspaceID: workspace, AccountID: a.ID, Version: version}
	field.Name = "access"
	if sealed.Access, err = sealer.Seal(ctx, field, config.Secret(u.access)); err != nil {
		return err
	}
	field.Name = "refresh"
	if sealed.Refresh, err = sealer.Seal(ctx, field, config.Secret(u.refresh)); err != nil {
		return err
	}
	return tx.PutTokens(ctx, workspace, a.ID, sealed)
}

// demoProfiles are those of the simulated networks' accounts, by their handles.
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
		"tidewater.studio": {
			TimeZone:  "Europe/Berlin",
			Goals:     []string{"Show the people and the desks behind the newsroom software"},
			Interests: []string{"newsroom tooling", "small teams", "open source", "writing"},
			Projects: []account.Project{
				{Name: "Open beta", About: "Free for newsrooms with fewer than twenty people until spring."},
			},
			Audience:    "Editors and developers who want to see who makes their tools",
			Voice:       "Warm, short, concrete. What is to be seen, and why it matters.",
			Guidelines:  "No stock photographs. Ask everybody who is in the picture.",
			BannedWords: []string{"revolutionary", "game-changer", "synergy"},
			Slots:       slots([2]int{17, 0}), PostsPerWeek: 3,
			CatchUp: account.Hold, CatchUpWithin: 0,
		},
	}
}
