package signing_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/signing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	email                  = "ada@example.org"
	password config.Secret = "correct horse battery"
)

type bundle struct {
	url     string
	service *signing.Service
	actor   audit.Actor
}

func setup(t *testing.T) *bundle {
	t.Helper()
	url := storetest.Database(t)
	b := &bundle{url: url}
	b.service = &signing.Service{Store: storetest.Open(t, config.Secret(url), store.RoleAPI)}
	hash, err := auth.HashPassword(password)
	require.NoError(t, err)
	b.actor = audit.Actor{Kind: audit.Person, Name: "Ada", Role: audit.Owner}
	require.NoError(t, storetest.Open(t, config.Secret(url), "").Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if b.actor.WorkspaceID, err = tx.InsertWorkspace(ctx, "Harbour"); err != nil {
			return err
		}
		if b.actor.ID, err = tx.InsertPerson(ctx, email, "Ada", hash); err != nil {
			return err
		}
		return tx.InsertMember(ctx, b.actor.WorkspaceID, b.actor.ID, audit.Owner)
	}))
	return b
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	_, err = conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func code(t *testing.T, err error) string {
	t.Helper()
	require.Error(t, err)
	require.NotNil(t, apperr.As(err), "%v", err)
	return apperr.As(err).Code
}

func TestSignInOpensASessionOfThePersonsWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	signed, err := b.service.SignIn(t.Context(), "  ADA@example.org ", password)
	require.NoError(t, err)
	require.Equal(t, b.actor, signing.Actor(signed.Session))
	found, err := b.service.Session(t.Context(), signed.Token)
	require.NoError(t, err)
	require.Equal(t, signed.Session, found)
	require.NoError(t, b.service.SignOut(t.Context(), signed.Session))
	_, err = b.service.Session(t.Context(), signed.Token)
	require.Equal(t, "sign_in_required", code(t, err))
}

func TestUnknownAddressAndWrongPasswordLookAlike(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, wrong := b.service.SignIn(t.Context(), email, "incorrect horse")
	_, unknown := b.service.SignIn(t.Context(), "nobody@example.org", "incorrect horse")
	require.Equal(t, "wrong_credentials", code(t, wrong))
	require.Equal(t, wrong.Error(), unknown.Error())
	b.exec(t, "UPDATE people SET disabled_at = clock_timestamp()")
	_, disabled := b.service.SignIn(t.Context(), email, password)
	require.Equal(t, wrong.Error(), disabled.Error())
}

func TestARightPasswordForgetsTheWrongOnes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		for range 9 {
			_, err := b.service.SignIn(t.Context(), email, "incorrect horse")
			require.Equal(t, "wrong_credentials", code(t, err))
		}
		_, err := b.service.SignIn(t.Context(), email, password)
		require.NoError(t, err)
	}
}

func TestALockEndsByItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, "UPDATE people SET failed_sign_ins = 9")
	_, err := b.service.SignIn(t.Context(), email, "incorrect horse")
	require.Equal(t, "too_many_attempts", code(t, err))
	require.Positive(t, apperr.As(err).RetryAfter)
	_, err = b.service.SignIn(t.Context(), email, password)
	require.Equal(t, "too_many_attempts", code(t, err), "the right password does not help while it is locked")
	b.exec(t, "UPDATE people SET locked_until = clock_timestamp() - interval '1 second'")
	_, err = b.service.SignIn(t.Context(), email, password)
	require.NoError(t, err)
}

func TestWhoIsInNoWorkspaceIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(t, "DELETE FROM members")
	_, err := b.service.SignIn(t.Context(), email, password)
	require.Equal(t, "no_workspace", code(t, err))
}

func TestARoleTakenAwayIsGoneWithTheNextRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	signed, err := b.service.SignIn(t.Context(), email, password)
	require.NoError(t, err)
	b.exec(t, "UPDATE members SET role = 'analyst'")
	found, err := b.service.Session(t.Context(), signed.Token)
	require.NoError(t, err)
	require.Equal(t, audit.Analyst, found.Role)
	require.Equal(t, "forbidden", code(t, b.service.SetPaused(t.Context(), signing.Actor(found), true, "")))
}

func TestPausingIsRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.service.SetPaused(t.Context(), b.actor, true, "fire drill"))
	require.NoError(t, b.service.SetPaused(t.Context(), b.actor, false, ""))
	require.NoError(t, b.service.Store.InWorkspace(t.Context(), b.actor.WorkspaceID, func(ctx context.Context, tx *store.Tx) error {
		events, err := tx.EventsOf(ctx, b.actor.WorkspaceID, b.actor.WorkspaceID)
		require.Len(t, events, 2)
		require.Equal(t, "workspace.resumed", events[0].Action)
		require.Equal(t, "fire drill", events[1].Detail["reason"])
		return err
	}))
}
