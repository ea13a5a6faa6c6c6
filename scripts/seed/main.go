// Command seed makes a workspace and its first owner in the database that
// DATABASE_URL names, as the schema's owner. Everybody else is let in by them.
//
//	seed -workspace "Tidewater" -name "Ada Martin" -email ada@example.com < password
//
// The password is read from the standard input, so that it stands in no history,
// or from OWNER_PASSWORD. With -unless-there it is no fault when somebody with
// the address is there already; nothing is changed then.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/auth"
	"rostrum/shared/config"
	"rostrum/shared/store"
)

type settings struct {
	DatabaseURL   config.Secret `env:"DATABASE_URL,required,notEmpty"`
	OwnerPassword config.Secret `env:"OWNER_PASSWORD"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], config.Environ(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "seed: "+err.Error())
		if e := apperr.As(err); e != nil && e.Hint != "" {
			fmt.Fprintln(os.Stderr, e.Hint)
		}
		os.Exit(1) //nolint:gocritic // nothing is left to release.
	}
}

func run(ctx context.Context, args []string, environment map[string]string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	flags.SetOutput(out)
	workspace := flags.String("workspace", "", "name of the workspace")
	name := flags.String("name", "", "the owner's name")
	email := flags.String("email", "", "the owner's address, to sign in with")
	unlessThere := flags.Bool("unless-there", false, "do nothing when somebody with the address is there already")
	if err := flags.Parse(args); err != nil {
		return err
	}
	address := strings.ToLower(strings.TrimSpace(*email))
	switch {
	case strings.TrimSpace(*workspace) == "" || strings.TrimSpace(*name) == "":
		return errors.New("-workspace and -name are needed")
	case strings.Count(address, "@") != 1:
		return errors.New("-email is needed, and must be an address")
	}
	var s settings
	if err := config.LoadFrom(&s, environment); err != nil {
		return err
	}
	password, err := passwordOf(s, in)
	if err != nil {
		return err
	}
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: s.DatabaseURL, MaxConns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	id, err := found(ctx, db, strings.TrimSpace(*workspace), strings.TrimSpace(*name), address, hash)
	if *unlessThere && apperr.Is(err, apperr.Conflict) {
		_, err = fmt.Fprintf(out, "%s is there already\n", address)
		return err
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "workspace %s is made; %s signs in as its owner\n", id, address); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func passwordOf(s settings, in io.Reader) (config.Secret, error) {
	if s.OwnerPassword != "" {
		return s.OwnerPassword, nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return config.Secret(strings.TrimRight(line, "\r\n")), nil
}

// found writes a workspace, its owner and membership in one transaction. Errors:
// Conflict when the address is taken.
func found(ctx context.Context, db *store.Store, workspace, name, email, hash string) (uuid.UUID, error) {
	var id uuid.UUID
	err := db.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if id, err = tx.InsertWorkspace(ctx, workspace); err != nil {
			return err
		}
		person, err := tx.InsertPerson(ctx, email, name, hash)
		if err != nil {
			return err
		}
		return tx.InsertMember(ctx, id, person, audit.Owner)
	})
	if apperr.Is(err, apperr.Conflict) {
		return uuid.Nil, apperr.New(apperr.Conflict, "address_taken", "somebody with the address %s is there already", email)
	}
	return id, err
}
