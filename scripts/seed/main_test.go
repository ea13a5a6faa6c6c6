package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
)

func arguments(email string) []string {
	return []string{"-workspace", "Tidewater", "-name", "Ada Martin", "-email", email}
}

func TestTheOwnerCanSignIn(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"DATABASE_URL": storetest.Database(t)}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), arguments(" Ada@Example.com"), environment, strings.NewReader("correct horse battery\n"), &out))
	require.Contains(t, out.String(), "ada@example.com signs in as its owner")
	require.NotContains(t, out.String(), "battery")

	db, err := store.Open(t.Context(), store.Config{URL: config.Secret(environment["DATABASE_URL"]), MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	require.NoError(t, db.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		person, err := tx.PersonByEmail(ctx, "ada@example.com")
		require.NoError(t, err)
		right, err := auth.CheckPassword("correct horse battery", person.PasswordHash)
		require.NoError(t, err)
		require.True(t, right)
		memberships, err := tx.Memberships(ctx, person.ID)
		require.NoError(t, err)
		require.Len(t, memberships, 1)
		require.Equal(t, audit.Owner, memberships[0].Role)
		return nil
	}))

	err = run(t.Context(), arguments("ada@example.com"), environment, strings.NewReader("another password\n"), &out)
	require.Equal(t, apperr.Conflict, apperr.KindOf(err))
	require.ErrorContains(t, err, "there already")

	out.Reset()
	environment["OWNER_PASSWORD"] = "another password"
	require.NoError(t, run(t.Context(), append(arguments("ada@example.com"), "-unless-there"), environment, strings.NewReader(""), &out))
	require.Equal(t, "ada@example.com is there already\n", out.String())
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args        []string
		environment map[string]string
		password    string
		want        string
	}{
		"NoName":        {args: []string{"-email", "a@b.c"}, want: "-workspace and -name"},
		"NoAddress":     {args: arguments("ada"), want: "must be an address"},
		"NoDatabase":    {args: arguments("a@b.c"), password: "long enough to do\n", want: "DATABASE_URL is not set"},
		"ShortPassword": {args: arguments("a@b.c"), environment: map[string]string{"DATABASE_URL": "postgres://nowhere"}, password: "short\n", want: "a password has"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), tc.args, tc.environment, strings.NewReader(tc.password), &out), tc.want)
		})
	}
}
