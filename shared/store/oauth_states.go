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

// OAuthState is a started connect flow.
type OAuthState struct {
	ID          uuid.UUID
	WorkspaceID uuid.UUID
	// StateHash is the SHA-256 of the state parameter that the browser carries.
	StateHash []byte
	// SessionID is the session that began the flow, the only one that may end it.
	SessionID uuid.UUID
	Network   account.Network
	// AccountID is the account to reconnect; nil connects a new one.
	AccountID *uuid.UUID
	// VerifierSealed is the sealed PKCE code verifier.
	VerifierSealed []byte
	// TimeZone is the browser's, for a new account; may be empty.
	TimeZone string
}

// InsertOAuthState stores a started flow, to end after keep. Errors: NotFound
// when the account is not of the workspace; Unavailable.
func (tx *Tx) InsertOAuthState(ctx context.Context, s OAuthState, keep time.Duration) error {
	err := tx.q.InsertOAuthState(ctx, dbsqlc.InsertOAuthStateParams{
		WorkspaceID: s.WorkspaceID, ID: s.ID, StateHash: s.StateHash, SessionID: s.SessionID, Network: string(s.Network),
		AccountID: s.AccountID, VerifierSealed: s.VerifierSealed, TimeZone: s.TimeZone, KeepSeconds: keep.Seconds(),
	})
	if err != nil {
		return fmt.Errorf("insert oauth state: %w", classify(err))
	}
	return nil
}

// UseOAuthState burns a flow's state and returns the flow. Errors: NotFound
// when it is unknown, used, over or of another session; Unavailable.
func (tx *Tx) UseOAuthState(ctx context.Context, workspace, session uuid.UUID, stateHash []byte) (OAuthState, error) {
	r, err := tx.q.UseOAuthState(ctx, dbsqlc.UseOAuthStateParams{WorkspaceID: workspace, StateHash: stateHash, SessionID: session})
	if err != nil {
		err = classify(err)
		if apperr.Is(err, apperr.NotFound) {
			err = apperr.New(apperr.NotFound, "connect_expired", "this connection attempt is over or was used already").
				WithHint("Start connecting again.").WithCause(err)
		}
		return OAuthState{}, fmt.Errorf("use oauth state: %w", err)
	}
	return OAuthState{
		ID: r.ID, WorkspaceID: workspace, StateHash: stateHash, SessionID: session, Network: account.Network(r.Network),
		AccountID: r.AccountID, VerifierSealed: r.VerifierSealed, TimeZone: r.TimeZone,
	}, nil
}
