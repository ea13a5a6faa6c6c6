package auth_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/auth"
	"rostrum/shared/config"
)

func TestPasswordChecksOutOnlyAgainstItsOwnHash(t *testing.T) {
	t.Parallel()
	hash, err := auth.HashPassword("correct horse battery")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	for password, want := range map[config.Secret]bool{
		"correct horse battery": true, "correct horse batterz": false, "": false,
		config.Secret(strings.Repeat("x", 2000)): false,
	} {
		ok, err := auth.CheckPassword(password, hash)
		require.NoError(t, err)
		require.Equal(t, want, ok)
	}
	again, err := auth.HashPassword("correct horse battery")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "salted")
}

func TestPasswordsHaveBounds(t *testing.T) {
	t.Parallel()
	for _, bad := range []config.Secret{"", "short", config.Secret(strings.Repeat("x", 1025))} {
		_, err := auth.HashPassword(bad)
		require.True(t, apperr.Is(err, apperr.Invalid))
	}
	_, err := auth.CheckPassword("whatever it is", "not a hash")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "whatever it is")
}

func TestTokensAreRandomAndStoredAsHash(t *testing.T) {
	t.Parallel()
	a, b := auth.NewToken(), auth.NewToken()
	require.NotEqual(t, a, b)
	require.Len(t, a.Reveal(), 43)
	require.Len(t, auth.HashToken(a), 32)
	require.NotEqual(t, auth.HashToken(a), auth.HashToken(b))
}

// The pair is the example of RFC 7636, appendix B.
func TestChallengeIsTheOneOfTheRFC(t *testing.T) {
	t.Parallel()
	require.Equal(t, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", auth.Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
}
