package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/store/internal/dbsqlc"
)

// SealedTokens are an account's OAuth tokens as they lie at rest. Version is
// part of what each ciphertext is bound to.
type SealedTokens struct {
	Version   int64
	Access    []byte
	Refresh   []byte // nil when the network gave none
	Scopes    []string
	ExpiresAt time.Time
}

// TokenRow is an account's sealed tokens with what a refresher must know.
type TokenRow struct {
	SealedTokens
	Network account.Network
	Status  account.Status
	// LeaseLive says that somebody is refreshing at this moment.
	LeaseLive bool
	// UnclearAt is when a refresh went out whose answer was lost; nil when
	// none did since the tokens last changed.
	UnclearAt *time.Time
	// TakenAt is when the access token was taken.
	TakenAt time.Time
	// Now is the database's clock at the reading.
	Now time.Time
}

// NextTokenVersion locks the account's token row and returns the version that
// tokens written now must carry: 1 for an account without tokens.
func (tx *Tx) NextTokenVersion(ctx context.Context, workspace uuid.UUID, id account.ID) (int64, error) {
	v, err := tx.q.TokenVersion(ctx, dbsqlc.TokenVersionParams{WorkspaceID: workspace, AccountID: uuid.UUID(id)})
	if err != nil {
		if err := classify(err); apperr.KindOf(err) != apperr.NotFound {
			return 0, fmt.Errorf("read token version of account %s: %w", id, err)
		}
		return 1, nil
	}
	return v + 1, nil
}

// PutTokens stores the tokens of a fresh connect over any older ones.
func (tx *Tx) PutTokens(ctx context.Context, workspace uuid.UUID, id account.ID, t SealedTokens) error {
	err := tx.q.InsertTokens(ctx, dbsqlc.InsertTokensParams{
		WorkspaceID: workspace, AccountID: uuid.UUID(id), Version: t.Version, AccessSealed: t.Access, RefreshSealed: t.Refresh,
		Scopes: scopesOf(t), ExpiresAt: t.ExpiresAt.UTC(),
	})
	if err != nil {
		return fmt.Errorf("store tokens of account %s: %w", id, classify(err))
	}
	return nil
}

// TokensOf returns the sealed tokens of accounts. An account that was never
// connected is not in the answer.
func (tx *Tx) TokensOf(ctx context.Context, refs []AccountRef) (map[AccountRef]TokenRow, error) {
	var arg dbsqlc.TokensOfAccountsParams
	for _, r := range refs {
		arg.WorkspaceIds = append(arg.WorkspaceIds, r.WorkspaceID)
		arg.AccountIds = append(arg.AccountIds, uuid.UUID(r.AccountID))
	}
	rows, err := tx.q.TokensOfAccounts(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("load tokens of %d accounts: %w", len(refs), classify(err))
	}
	out := make(map[AccountRef]TokenRow, len(rows))
	for _, r := range rows {
		out[AccountRef{WorkspaceID: r.WorkspaceID, AccountID: account.ID(r.AccountID)}] = TokenRow{
			SealedTokens: SealedTokens{Version: r.Version, Access: r.AccessSealed, Refresh: r.RefreshSealed, Scopes: r.Scopes, ExpiresAt: r.ExpiresAt.UTC()},
			Network:      account.Network(r.Network), Status: account.Status(r.Status), LeaseLive: r.LeaseLive,
			UnclearAt: utcOrNil(r.RefreshUnclearAt), TakenAt: r.UpdatedAt.UTC(), Now: r.Now.UTC(),
		}
	}
	return out, nil
}

// Tokens returns an account's sealed tokens. Errors: NotFound (code no_tokens).
func (tx *Tx) Tokens(ctx context.Context, workspace uuid.UUID, id account.ID) (TokenRow, error) {
	ref := AccountRef{WorkspaceID: workspace, AccountID: id}
	all, err := tx.TokensOf(ctx, []AccountRef{ref})
	if err != nil {
		return TokenRow{}, err
	}
	row, ok := all[ref]
	if !ok {
		return TokenRow{}, NoTokens()
	}
	return row, nil
}

// NoTokens says that an account was never connected.
func NoTokens() error {
	return apperr.New(apperr.NotFound, "no_tokens", "the account is not connected").WithHint("Connect the account again.")
}

// LeaseRefresh takes the one refresh lane of an account for the version read
// before, and reports false when somebody has it or the version has moved.
func (tx *Tx) LeaseRefresh(ctx context.Context, workspace uuid.UUID, id account.ID, version int64, lease uuid.UUID, length time.Duration) (bool, error) {
	n, err := tx.q.LeaseRefresh(ctx, dbsqlc.LeaseRefreshParams{
		LeaseID: &lease, LeaseSeconds: length.Seconds(), WorkspaceID: workspace, AccountID: uuid.UUID(id), Version: version,
	})
	if err != nil {
		return false, fmt.Errorf("lease refresh of account %s: %w", id, classify(err))
	}
	return n == 1, nil
}

// SaveRefreshed replaces the tokens of version from with a new pair of version
// from+1 and frees the lane; it reports false when the version has moved.
func (tx *Tx) SaveRefreshed(ctx context.Context, workspace uuid.UUID, id account.ID, from int64, t SealedTokens) (bool, error) {
	n, err := tx.q.SaveRefreshed(ctx, dbsqlc.SaveRefreshedParams{
		AccessSealed: t.Access, RefreshSealed: t.Refresh, Scopes: scopesOf(t), ExpiresAt: t.ExpiresAt.UTC(),
		WorkspaceID: workspace, AccountID: uuid.UUID(id), FromVersion: from,
	})
	if err != nil {
		return false, fmt.Errorf("save refreshed tokens of account %s: %w", id, classify(err))
	}
	return n == 1, nil
}

// EndRefreshLease frees the lane, after keep more when keep is positive.
// unclear records that a refresh went out whose answer was lost.
func (tx *Tx) EndRefreshLease(ctx context.Context, workspace uuid.UUID, id account.ID, lease uuid.UUID, keep time.Duration, unclear bool) error {
	err := tx.q.EndRefreshLease(ctx, dbsqlc.EndRefreshLeaseParams{
		KeepSeconds: keep.Seconds(), Unclear: unclear, WorkspaceID: workspace, AccountID: uuid.UUID(id), LeaseID: &lease,
	})
	if err != nil {
		return fmt.Errorf("end refresh lease of account %s: %w", id, classify(err))
	}
	return nil
}

// AccountRef names an account across workspaces.
type AccountRef struct {
	WorkspaceID uuid.UUID
	AccountID   account.ID
}

// TokensToRefresh returns connected accounts whose access token has no more than
// that share of its life left, or ends within least.
func (tx *Tx) TokensToRefresh(ctx context.Context, least time.Duration, share float64, limit int) ([]AccountRef, error) {
	rows, err := tx.q.TokensToRefresh(ctx, dbsqlc.TokensToRefreshParams{LeastSeconds: least.Seconds(), Share: share, MaxRows: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list tokens to refresh: %w", classify(err))
	}
	out := make([]AccountRef, len(rows))
	for i, r := range rows {
		out[i] = AccountRef{WorkspaceID: r.WorkspaceID, AccountID: account.ID(r.AccountID)}
	}
	return out, nil
}

func scopesOf(t SealedTokens) []string {
	if t.Scopes == nil {
		return []string{}
	}
	return t.Scopes
}

// ExpireToken makes the access token count as expired, so that the next who
// needs one fetches a new one.
func (tx *Tx) ExpireToken(ctx context.Context, workspace uuid.UUID, id account.ID) error {
	if err := tx.q.ExpireToken(ctx, dbsqlc.ExpireTokenParams{WorkspaceID: workspace, AccountID: uuid.UUID(id)}); err != nil {
		return fmt.Errorf("expire token of account %s: %w", id, classify(err))
	}
	return nil
}
