package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"rostrum/shared/config"
)

// tokenBytes is how much randomness a token holds.
const tokenBytes = 32

// NewToken returns a fresh random token, 43 characters that fit a cookie or an
// address.
func NewToken() config.Secret {
	var b [tokenBytes]byte
	// crypto/rand.Read never fails (go.dev/doc/go1.24).
	_, _ = rand.Read(b[:])
	return config.Secret(base64.RawURLEncoding.EncodeToString(b[:]))
}

// HashToken returns what is stored of a token. The token is random, so a plain
// SHA-256 is enough: there is nothing to guess.
func HashToken(token config.Secret) []byte {
	sum := sha256.Sum256([]byte(token.Reveal()))
	return sum[:]
}

// Challenge is the PKCE code challenge (S256, RFC 7636) of a code verifier.
func Challenge(verifier config.Secret) string {
	sum := sha256.Sum256([]byte(verifier.Reveal()))
	return strings.TrimRight(base64.URLEncoding.EncodeToString(sum[:]), "=")
}
