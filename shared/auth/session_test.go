package auth_test

import (
	"encoding/hex"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/auth"
)

func TestTokensAreLongFreshAndFitAnAddress(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		token := auth.NewToken().Reveal()
		require.Len(t, token, 43)
		require.Equal(t, token, url.QueryEscape(token))
		require.False(t, seen[token])
		seen[token] = true
	}
}

func TestAStoredTokenIsItsSHA256(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", hex.EncodeToString(auth.HashToken("abc")))
}

// The vector of RFC 7636, appendix B.
func TestChallengeIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	require.Equal(t, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", auth.Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
}
