package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/store/internal/dbsqlc"
)

// Identity is who an account is on its network.
type Identity struct {
	RemoteID string
	Handle   string // without @
	Name     string
}

// ConnectAccount writes an account that a person has just connected, under the
// given id and time zone when it is new. One that was there is connected again
// under its own id, with its profile as it was. Errors: Unavailable, Internal.
func (tx *Tx) ConnectAccount(ctx context.Context, workspace uuid.UUID, id account.ID, n account.Network, who Identity, zone string) (account.Account, error) {
	row, err := tx.q.ConnectAccount(ctx, dbsqlc.ConnectAccountParams{
		WorkspaceID: workspace, ID: uuid.UUID(id), Network: string(n), Handle: who.Handle, RemoteID: who.RemoteID,
		DisplayName: who.Name, TimeZone: zone,
	})
	if err != nil {
		return account.Account{}, fmt.Errorf("connect account @%s: %w", who.Handle, classify(err))
	}
	return toAccount(row)
}

// Account returns an account. Errors: NotFound (code no_such_account), Unavailable.
func (tx *Tx) Account(ctx context.Context, workspace uuid.UUID, id account.ID) (account.Account, error) {
	row, err := tx.q.AccountByID(ctx, dbsqlc.AccountByIDParams{WorkspaceID: workspace, ID: uuid.UUID(id)})
	if err != nil {
		return account.Account{}, fmt.Errorf("load account %s: %w", id, noAccount(err))
	}
	return toAccount(row)
}

// LockAccount is Account with the row locked until the transaction ends.
func (tx *Tx) LockAccount(ctx context.Context, workspace uuid.UUID, id account.ID) (account.Account, error) {
	row, err := tx.q.LockAccount(ctx, dbsqlc.LockAccountParams{WorkspaceID: workspace, ID: uuid.UUID(id)})
	if err != nil {
		return account.Account{}, fmt.Errorf("lock account %s: %w", id, noAccount(err))
	}
	return toAccount(row)
}

// Accounts returns the workspace's accounts, oldest first, at most 500.
func (tx *Tx) Accounts(ctx context.Context, workspace uuid.UUID) ([]account.Account, error) {
	rows, err := tx.q.AccountsOfWorkspace(ctx, workspace)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", classify(err))
	}
	out := make([]account.Account, len(rows))
	for i, r := range rows {
		if out[i], err = toAccount(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SaveProfile replaces an account's profile if its etag is still the given one.
// Errors: PreconditionFailed (code stale), Unavailable.
func (tx *Tx) SaveProfile(ctx context.Context, workspace uuid.UUID, id account.ID, etag int64, p account.Profile) (account.Account, error) {
	projects, err := encodeProjects(p.Projects)
	if err != nil {
		return account.Account{}, err
	}
	slots, err := encodeSlots(p.Slots)
	if err != nil {
		return account.Account{}, err
	}
	row, err := tx.q.SaveProfile(ctx, dbsqlc.SaveProfileParams{
		DisplayName: p.DisplayName, TimeZone: p.TimeZone, Goals: notNil(p.Goals), Interests: notNil(p.Interests), Projects: projects,
		Audience: p.Audience, Voice: p.Voice, Guidelines: p.Guidelines, BannedWords: notNil(p.BannedWords), Slots: slots,
		PostsPerWeek: int32(p.PostsPerWeek), MinGapSeconds: int32(p.MinGap / time.Second), CatchUp: string(p.CatchUp),
		CatchUpWithinSeconds: int32(p.CatchUpWithin / time.Second), WorkspaceID: workspace, ID: uuid.UUID(id), Etag: etag,
	})
	if err != nil {
		if err := classify(err); !apperr.Is(err, apperr.NotFound) {
			return account.Account{}, fmt.Errorf("save profile of account %s: %w", id, err)
		}
		return account.Account{}, apperr.New(apperr.PreconditionFailed, "stale", "somebody changed this account in between").
			WithHint("Reload it and repeat your change.")
	}
	return toAccount(row)
}

// PauseAccount stops sending from an account. Errors: NotFound, Unavailable.
func (tx *Tx) PauseAccount(ctx context.Context, workspace uuid.UUID, id account.ID, reason string) (account.Account, error) {
	row, err := tx.q.PauseAccount(ctx, dbsqlc.PauseAccountParams{WorkspaceID: workspace, ID: uuid.UUID(id), PauseReason: reason})
	if err != nil {
		return account.Account{}, fmt.Errorf("pause account %s: %w", id, noAccount(err))
	}
	return toAccount(row)
}

// ResumeAccount lets an account send again. Errors: NotFound, Unavailable.
func (tx *Tx) ResumeAccount(ctx context.Context, workspace uuid.UUID, id account.ID) (account.Account, error) {
	row, err := tx.q.ResumeAccount(ctx, dbsqlc.ResumeAccountParams{WorkspaceID: workspace, ID: uuid.UUID(id)})
	if err != nil {
		return account.Account{}, fmt.Errorf("resume account %s: %w", id, noAccount(err))
	}
	return toAccount(row)
}

// Taken is a time at which an account says something or means to.
type Taken struct {
	AccountID account.ID
	PostID    uuid.UUID
	At        time.Time
}

// TakenTimes returns when the accounts' posts are due in [from, to), earliest
// first, at most 10,000; posts that will not go out are left out.
func (tx *Tx) TakenTimes(ctx context.Context, workspace uuid.UUID, ids []account.ID, from, to time.Time) ([]Taken, error) {
	raw := make([]uuid.UUID, len(ids))
	for i, id := range ids {
		raw[i] = uuid.UUID(id)
	}
	rows, err := tx.q.TakenTimes(ctx, dbsqlc.TakenTimesParams{WorkspaceID: workspace, AccountIds: raw, FromTime: from, ToTime: to})
	if err != nil {
		return nil, fmt.Errorf("list taken times: %w", classify(err))
	}
	out := make([]Taken, len(rows))
	for i, r := range rows {
		out[i] = Taken{AccountID: account.ID(r.AccountID), PostID: r.ID, At: r.DueAt.UTC()}
	}
	return out, nil
}

// storedProject and storedSlot are the JSON forms in the accounts table.
type storedProject struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

type storedSlot struct {
	Weekday time.Weekday `json:"weekday"`
	Hour    int          `json:"hour"`
	Minute  int          `json:"minute"`
}

func encodeProjects(projects []account.Project) ([]byte, error) {
	out := make([]storedProject, len(projects))
	for i, p := range projects {
		out[i] = storedProject(p)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode projects: %w", err)
	}
	return b, nil
}

func encodeSlots(slots []account.Slot) ([]byte, error) {
	out := make([]storedSlot, len(slots))
	for i, s := range slots {
		out[i] = storedSlot(s)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode slots: %w", err)
	}
	return b, nil
}

func toAccount(r dbsqlc.Account) (account.Account, error) {
	var projects []storedProject
	if err := json.Unmarshal(r.Projects, &projects); err != nil {
		return account.Account{}, fmt.Errorf("decode projects of account %s: %w", r.ID, err)
	}
	var slots []storedSlot
	if err := json.Unmarshal(r.Slots, &slots); err != nil {
		return account.Account{}, fmt.Errorf("decode slots of account %s: %w", r.ID, err)
	}
	a := account.Account{
		ID: account.ID(r.ID), WorkspaceID: r.WorkspaceID, Network: account.Network(r.Network), Handle: r.Handle, RemoteID: r.RemoteID,
		Status: account.Status(r.Status), PausedAt: utcOrNil(r.PausedAt), PauseReason: r.PauseReason,
		LimitedUntil: utcOrNil(r.LimitedUntil), ETag: r.Etag, CreatedAt: r.CreatedAt.UTC(),
		Profile: account.Profile{
			DisplayName: r.DisplayName, TimeZone: r.TimeZone, Goals: r.Goals, Interests: r.Interests, Audience: r.Audience,
			Voice: r.Voice, Guidelines: r.Guidelines, BannedWords: r.BannedWords, PostsPerWeek: int(r.PostsPerWeek),
			MinGap: time.Duration(r.MinGapSeconds) * time.Second, CatchUp: account.CatchUp(r.CatchUp),
			CatchUpWithin: time.Duration(r.CatchUpWithinSeconds) * time.Second,
		},
	}
	for _, p := range projects {
		a.Profile.Projects = append(a.Profile.Projects, account.Project(p))
	}
	for _, s := range slots {
		a.Profile.Slots = append(a.Profile.Slots, account.Slot(s))
	}
	return a, nil
}

// notNil keeps a nil list from being stored as null.
func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func noAccount(err error) error {
	err = classify(err)
	if apperr.Is(err, apperr.NotFound) {
		return apperr.New(apperr.NotFound, "no_such_account", "there is no such account here").WithCause(err)
	}
	return err
}
