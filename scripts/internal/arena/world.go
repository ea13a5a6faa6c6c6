package arena

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	"rostrum/shared/config"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	siminstagram "rostrum/shared/simulator/instagram"
	simx "rostrum/shared/simulator/x"
	"rostrum/shared/store"
	"rostrum/shared/vault"
)

// Workspace is a tenant with the person who approves in it.
type Workspace struct {
	ID     uuid.UUID
	Person audit.Actor
}

// Account is a connected account of a simulated network.
type Account struct {
	account.Account

	Workspace Workspace
}

// Post is an approved post and what it is held to.
type Post struct {
	post.Post

	// Texts are the approved texts; no other may be seen.
	Texts []string
	// Due is when it may go out, by the clock that everything here shares.
	Due time.Time
	// Withdrawn says that it was taken back before its intent: nothing of it
	// may be seen.
	Withdrawn bool
	// Within is how late its first part may be; 0 holds it to nothing.
	Within time.Duration
	// Expect says which ends are right beside published; nil is none.
	Expect func(Seen) bool
}

// AddWorkspace adds a tenant.
func (a *Arena) AddWorkspace(ctx context.Context) (Workspace, error) {
	a.mu.Lock()
	a.people++
	n := a.people
	a.mu.Unlock()
	var w Workspace
	err := a.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		id, err := tx.InsertWorkspace(ctx, fmt.Sprintf("Tenant %d", n))
		if err != nil {
			return err
		}
		person, err := tx.InsertPerson(ctx, fmt.Sprintf("ada%d@example.com", n), "Ada", "no-password")
		if err != nil {
			return err
		}
		w = Workspace{ID: id, Person: audit.Actor{Kind: audit.Person, ID: person, Name: "Ada", WorkspaceID: id, Role: audit.Owner}}
		return tx.InsertMember(ctx, id, person, audit.Owner)
	})
	return w, err
}

// AddAccounts adds connected accounts of the simulated X to a tenant.
func (a *Arena) AddAccounts(ctx context.Context, w Workspace, n int) ([]*Account, error) {
	return a.connect(ctx, w, account.X, n)
}

// AddInstagram adds connected accounts of the simulated Instagram to a tenant.
func (a *Arena) AddInstagram(ctx context.Context, w Workspace, n int) ([]*Account, error) {
	return a.connect(ctx, w, account.Instagram, n)
}

func (a *Arena) connect(ctx context.Context, w Workspace, network account.Network, n int) ([]*Account, error) {
	var made []*Account
	for range n {
		a.mu.Lock()
		handle := fmt.Sprintf("acct%06d", len(a.accounts))
		a.accounts = append(a.accounts, nil)
		slot := len(a.accounts) - 1
		a.mu.Unlock()
		remoteID, err := a.register(network, handle)
		if err != nil {
			return nil, fmt.Errorf("add account: %w", err)
		}
		acc := &Account{Workspace: w}
		err = a.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
			var err error
			identity := store.Identity{RemoteID: remoteID, Handle: handle, Name: handle}
			acc.Account, err = tx.ConnectAccount(ctx, w.ID, account.ID(uuid.Must(uuid.NewV7())), network, identity, "UTC")
			if err != nil {
				return err
			}
			return a.putTokens(ctx, tx, acc)
		})
		if err != nil {
			return nil, err
		}
		a.mu.Lock()
		a.accounts[slot] = acc
		a.mu.Unlock()
		made = append(made, acc)
	}
	return made, nil
}

// register makes the account at its network and returns its id there.
func (a *Arena) register(network account.Network, handle string) (string, error) {
	if network == account.Instagram {
		user, err := a.Instagram.AddAccount(siminstagram.Account{Handle: handle})
		return user.ID, err
	}
	user, err := a.Network.AddAccount(simx.Account{Handle: handle})
	return user.ID, err
}

// Accounts returns the connected accounts of all tenants.
func (a *Arena) Accounts() []*Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.accounts), func(acc *Account) bool { return acc == nil })
}

// grant has the account's network give a pair of tokens. Instagram's one token is
// renewed by itself.
func (a *Arena) grant(acc *Account) (simx.Tokens, []string, error) {
	if acc.Network == account.Instagram {
		t, err := a.Instagram.Grant(acc.Handle)
		return simx.Tokens{AccessToken: t.AccessToken, RefreshToken: t.AccessToken, ExpiresIn: t.ExpiresIn}, siminstagram.DefaultScopes(), err
	}
	t, err := a.Network.Grant(acc.Handle)
	return t, simx.DefaultScopes(), err
}

func (a *Arena) putTokens(ctx context.Context, tx *store.Tx, acc *Account) error {
	granted, scopes, err := a.grant(acc)
	if err != nil {
		return fmt.Errorf("grant tokens: %w", err)
	}
	version, err := tx.NextTokenVersion(ctx, acc.Workspace.ID, acc.ID)
	if err != nil {
		return err
	}
	sealed := store.SealedTokens{Version: version, Scopes: scopes, ExpiresAt: time.Now().Add(time.Duration(granted.ExpiresIn) * time.Second)}
	field := vault.Field{WorkspaceID: acc.Workspace.ID, AccountID: acc.ID, Name: "access", Version: version}
	if sealed.Access, err = a.tokens.Seal(ctx, field, config.Secret(granted.AccessToken)); err != nil {
		return err
	}
	field.Name = "refresh"
	if sealed.Refresh, err = a.tokens.Seal(ctx, field, config.Secret(granted.RefreshToken)); err != nil {
		return err
	}
	return tx.PutTokens(ctx, acc.Workspace.ID, acc.ID, sealed)
}

// Reconnect is a person signing the account in again.
func (a *Arena) Reconnect(ctx context.Context, acc *Account) error {
	err := a.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error { return a.putTokens(ctx, tx, acc) })
	if err != nil {
		return err
	}
	return a.Exec(ctx, "UPDATE accounts SET status = 'connected' WHERE id = $1", uuid.UUID(acc.ID))
}

// Schedule adds approved posts, one for each list of parts, all due at the same
// whole second. On Instagram each part shows one image, or two.
func (a *Arena) Schedule(ctx context.Context, acc *Account, due time.Time, contents ...[]string) ([]*Post, error) {
	return a.scheduleAll(ctx, acc, due, acc.Network == account.Instagram, contents)
}

// ScheduleIllustrated is Schedule with images, whatever the network.
func (a *Arena) ScheduleIllustrated(ctx context.Context, acc *Account, due time.Time, contents ...[]string) ([]*Post, error) {
	return a.scheduleAll(ctx, acc, due, true, contents)
}

func (a *Arena) scheduleAll(ctx context.Context, acc *Account, due time.Time, illustrated bool, contents [][]string) ([]*Post, error) {
	var made []*Post
	err := a.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		made = nil
		for _, parts := range contents {
			p, err := a.schedule(ctx, tx, acc, due.UTC().Truncate(time.Second), parts, illustrated)
			if err != nil {
				return err
			}
			made = append(made, p)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("schedule posts: %w", err)
	}
	a.mu.Lock()
	a.posts = append(a.posts, made...)
	a.mu.Unlock()
	return made, nil
}

func (a *Arena) schedule(ctx context.Context, tx *store.Tx, acc *Account, due time.Time, parts []string, illustrated bool) (*Post, error) {
	content, err := post.Text(parts...).Canonical()
	if err != nil {
		return nil, err
	}
	if illustrated {
		if err := a.illustrate(ctx, tx, acc, content); err != nil {
			return nil, err
		}
	}
	p, err := tx.InsertPost(ctx, store.NewPost{AccountID: acc.ID, Content: content, Actor: acc.Workspace.Person})
	if err != nil {
		return nil, err
	}
	if p, err = tx.MovePost(ctx, p, post.InReview, post.Draft); err != nil {
		return nil, err
	}
	if p, err = tx.MovePost(ctx, p, post.AwaitingApproval, post.InReview); err != nil {
		return nil, err
	}
	schedule := &post.Schedule{DueAt: due, Local: due.Format("2006-01-02T15:04:05"), Zone: "UTC"}
	if p, err = tx.SetSchedule(ctx, p, schedule, post.AwaitingApproval); err != nil {
		return nil, err
	}
	if p, err = tx.Approve(ctx, p, acc.Workspace.Person); err != nil {
		return nil, err
	}
	if p, err = tx.MovePost(ctx, p, post.Scheduled, post.AwaitingApproval); err != nil {
		return nil, err
	}
	return &Post{Post: p, Texts: content.Texts(), Due: due}, nil
}

// illustrate puts images under the parts of a content: one, two, one and so on.
func (a *Arena) illustrate(ctx context.Context, tx *store.Tx, acc *Account, content post.Content) error {
	for i := range content.Parts {
		for range 1 + int(a.pictures.Load()%3)/2 {
			m, err := a.picture(ctx, tx, acc)
			if err != nil {
				return err
			}
			content.Parts[i].Media = append(content.Parts[i].Media, m)
		}
	}
	return nil
}

// Owner gives the store as the database's owner, for what people do.
func (a *Arena) Owner() *store.Store { return a.owner }

// Envelope is a message about the post for the publish queue.
func Envelope(p *Post, kind queue.Kind, revision int64) (queue.Envelope, error) {
	body, err := queue.Encode(queue.Message{
		Version: queue.Version, Kind: kind, WorkspaceID: p.WorkspaceID, SubjectID: uuid.UUID(p.ID), Revision: revision, CorrelationID: p.CorrelationID,
	})
	if err != nil {
		return queue.Envelope{}, fmt.Errorf("encode message: %w", err)
	}
	return queue.Envelope{ID: uuid.Must(uuid.NewV7()), Queue: queue.Publish, Body: body, Group: p.WorkspaceID.String()}, nil
}
