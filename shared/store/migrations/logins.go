package migrations

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"rostrum/shared/apperr"
)

// EnsureLogins makes, for each role that functions step down to, the login that
// an address names, with the password that stands there: a login owns nothing,
// may do nothing by itself, and can step down to its one role and no other.
// logins are addresses by role; url is the owner's, who must be allowed to make
// roles. One that is there gets the password and loses what it may not have.
// Errors: Invalid for an address that names no login, for one login of two
// roles, and for a password that is not plain ASCII; Unavailable when the
// database does not answer; Forbidden when the owner may not make roles.
func EnsureLogins(ctx context.Context, url string, logins map[string]string) error {
	named := map[string]*pgx.ConnConfig{}
	for role, address := range logins {
		cfg, err := pgx.ParseConfig(address)
		if err != nil || cfg.User == "" || cfg.Password == "" || !ascii(cfg.Password) {
			return apperr.New(apperr.Invalid, "bad_login", "the address for %s names no user with a password of letters, digits and signs", role).
				WithHint("Use postgres://user:password@host:port/database.")
		}
		for other, taken := range named {
			if taken.User == cfg.User {
				return apperr.New(apperr.Invalid, "one_login", "%s and %s cannot have one login, %s", role, other, cfg.User)
			}
		}
		named[role] = cfg
	}
	owner, err := pgx.ParseConfig(url)
	if err != nil {
		return apperr.New(apperr.Invalid, "bad_database_url", "the database address is not a Postgres address").
			WithHint("Use postgres://user:password@host:port/database.")
	}
	conn, err := pgx.ConnectConfig(ctx, owner)
	if err != nil {
		return unavailable(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, role := range slices.Sorted(maps.Keys(named)) {
		if err := ensureLogin(ctx, conn, role, named[role], slices.Sorted(maps.Keys(named))); err != nil {
			return err
		}
	}
	return nil
}

func ensureLogin(ctx context.Context, conn *pgx.Conn, role string, login *pgx.ConnConfig, roles []string) error {
	verifier, err := scram(login.Password)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", login.User).Scan(&there); err != nil {
			return err
		}
		verb := "CREATE"
		if there {
			verb = "ALTER"
		}
		name := pgx.Identifier{login.User}.Sanitize()
		// The verifier is of base64 and signs without quotes.
		statements := []string{
			verb + " ROLE " + name + " LOGIN NOINHERIT PASSWORD '" + verifier + "'",
			"GRANT " + pgx.Identifier{role}.Sanitize() + " TO " + name,
		}
		for _, other := range roles {
			if other != role {
				statements = append(statements, "REVOKE "+pgx.Identifier{other}.Sanitize()+" FROM "+name)
			}
		}
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == "42501" { // insufficient_privilege
		return apperr.New(apperr.Forbidden, "no_create_role", "this user may not make the login %s", login.User).
			WithHint("Use the owner of the schema, with CREATEROLE.").WithCause(err)
	}
	if err != nil {
		return fmt.Errorf("make login %s of %s: %w", login.User, role, err)
	}
	return nil
}

func ascii(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// scram returns what Postgres keeps of a password (postgresql.org, pg_authid and
// RFC 5803, read 2026-11). Made here, so that the password is in no statement
// and so in no log of the server.
func scram(password string) (string, error) {
	const iterations = 4096
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it never fails (crypto/rand, Go 1.24).
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive a key of the password: %w", err)
	}
	sign := func(words string) []byte {
		mac := hmac.New(sha256.New, salted)
		_, _ = mac.Write([]byte(words))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, text(salt), text(stored[:]), text(sign("Server Key"))), nil
}
