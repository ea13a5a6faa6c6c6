// Command migrate shows and applies the schema's migrations to DATABASE_URL,
// which may say secret://name. Two that apply at once wait for each other, and
// a schema that is newer than this program is left alone.
//
//	migrate plan     what apply would do
//	migrate apply    bring the database up to date
//	migrate status   every migration and when it was applied
//	migrate logins   make or mend the two logins of the functions, which
//	                 API_DATABASE_URL and WORKER_DATABASE_URL name
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/secrets"
	"rostrum/shared/store"
	"rostrum/shared/store/migrations"
)

type settings struct {
	DatabaseURL config.Secret `env:"DATABASE_URL,required,notEmpty"`
}

// logins are the addresses at which the functions reach the database: the api,
// which row-level security holds to one workspace at a time, and the others.
type logins struct {
	API    config.Secret `env:"API_DATABASE_URL,required,notEmpty"`
	Worker config.Secret `env:"WORKER_DATABASE_URL,required,notEmpty"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, config.Environ(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "migrate: "+err.Error())
		if e := apperr.As(err); e != nil && e.Hint != "" {
			fmt.Fprintln(os.Stderr, e.Hint)
		}
		os.Exit(1) //nolint:gocritic // nothing is left to release.
	}
}

func run(ctx context.Context, environment map[string]string, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: migrate plan|apply|status|logins")
	}
	var s settings
	if err := secrets.LoadFrom(ctx, &s, environment, secrets.Connect); err != nil {
		return err
	}
	url := s.DatabaseURL.Reveal()
	switch args[0] {
	case "plan":
		return show(ctx, url, out, true)
	case "status":
		return show(ctx, url, out, false)
	case "apply":
		if err := migrations.Migrate(ctx, url); err != nil {
			return err
		}
		return show(ctx, url, out, false)
	case "logins":
		var l logins
		if err := secrets.LoadFrom(ctx, &l, environment, secrets.Connect); err != nil {
			return err
		}
		return migrations.EnsureLogins(ctx, url, map[string]string{store.RoleAPI: l.API.Reveal(), store.RoleWorker: l.Worker.Reveal()})
	default:
		return fmt.Errorf("unknown command %q: use plan, apply, status or logins", args[0])
	}
}

func show(ctx context.Context, url string, out io.Writer, pendingOnly bool) error {
	list, err := migrations.Status(ctx, url)
	if err != nil {
		return err
	}
	shown := 0
	for _, m := range list {
		when := "pending"
		if m.AppliedAt != nil {
			when = m.AppliedAt.Format(time.RFC3339)
		}
		if pendingOnly && m.AppliedAt != nil {
			continue
		}
		shown++
		if _, err := fmt.Fprintf(out, "%04d  %-20s  %s\n", m.Version, when, m.Name); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if pendingOnly && shown == 0 {
		_, err = fmt.Fprintln(out, "nothing to apply")
	}
	return err
}
