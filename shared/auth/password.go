package auth

import (
	"fmt"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

// The bounds of a password's length: in characters at least, in bytes at most,
// so that hashing one costs what it should and no more.
const (
	minPasswordRunes = 10
	maxPasswordBytes = 1024
)

// params are OWASP's first choice for argon2id (cheatsheetseries.owasp.org,
// Password Storage, read 2026-11): 19 MiB, two passes, one lane.
func params() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// HashPassword returns what is stored of a password. Errors: Invalid when it is
// too short or too long; Internal.
func HashPassword(password config.Secret) (string, error) {
	plain := password.Reveal()
	if utf8.RuneCountInString(plain) < minPasswordRunes || len(plain) > maxPasswordBytes {
		return "", apperr.New(apperr.Invalid, "bad_password", "a password has %d characters or more", minPasswordRunes).WithField("password")
	}
	hash, err := argon2id.CreateHash(plain, params())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// CheckPassword reports whether the password is the one that was hashed. It
// takes as long for a wrong one. Errors: Internal when the hash is none.
func CheckPassword(password config.Secret, hash string) (bool, error) {
	plain := password.Reveal()
	if len(plain) > maxPasswordBytes {
		return false, nil
	}
	ok, err := argon2id.ComparePasswordAndHash(plain, hash)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return ok, nil
}

// PretendToCheck costs what CheckPassword costs, so that the time of an answer
// does not tell whether an address is known.
func PretendToCheck(password config.Secret) {
	plain := password.Reveal()
	_, _ = argon2id.CreateHash(plain[:min(len(plain), maxPasswordBytes)], params())
}
