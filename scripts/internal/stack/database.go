package stack

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"sync"

	"rostrum/scripts/internal/postgres"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/store"
	"rostrum/shared/store/migrations"
	"rostrum/shared/vault"
)

// database returns the address of a migrated database as its owner, and puts
// those that the functions use into the environment. In a server of ours they
// are logins of their own, as in the cloud; another one is used as it is given.
func (s *Stack) database(ctx context.Context, environment map[string]string) (string, error) {
	owner := s.settings.DatabaseURL.Reveal()
	if owner == "" {
		var err error
		if owner, err = s.ownDatabase(ctx); err != nil {
			return "", err
		}
	} else {
		s.Parts = append(s.Parts, Part{Name: "Postgres", Where: "DATABASE_URL"})
	}
	s.options.Progress("bringing the database up to date")
	if err := migrations.MigrateTo(ctx, owner, cmp.Or(s.options.Schema, math.MaxInt64)); err != nil {
		return "", sentence("the database cannot be used", err)
	}
	reached, err := s.bridged(ctx, owner)
	if err != nil {
		return "", err
	}
	if s.settings.DatabaseURL != "" {
		environment["DATABASE_URL"] = reached
		return owner, nil
	}
	logins := map[string]string{}
	for role, name := range map[string]string{store.RoleAPI: "API_DATABASE_URL", store.RoleWorker: "DATABASE_URL"} {
		u, err := url.Parse(reached)
		if err != nil {
			return "", fmt.Errorf("the embedded database's address cannot be read: %w", err)
		}
		u.User = url.UserPassword(role+"_login", rand.Text())
		logins[role], environment[name] = u.String(), u.String()
	}
	if err := migrations.EnsureLogins(ctx, owner, logins); err != nil {
		return "", sentence("the functions' database logins cannot be made", err)
	}
	return owner, nil
}

// ownDatabase runs a server on the data folder, and again on the same port
// when it ends by itself.
func (s *Stack) ownDatabase(ctx context.Context) (string, error) {
	s.options.Progress("starting Postgres")
	options := postgres.Options{
		Dir: filepath.Join(s.DataDir, "postgres"), Throwaway: s.options.Throwaway, Progress: s.options.Progress,
		Lookup: func(name string) string { return s.options.Environ[name] },
	}
	server, err := postgres.Start(ctx, options)
	if err != nil {
		return "", err
	}
	s.Parts = append(s.Parts, Part{Name: "Postgres", Embedded: true, Where: fmt.Sprintf("version %d, port %d", server.Version(), server.Port())})
	url := server.URL()
	options.Port = server.Port()

	watch, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-watch.Done():
				return
			case <-server.Done():
			}
			_ = server.Stop(watch)
			again, err := postgres.Start(watch, options)
			if watch.Err() != nil {
				if err == nil {
					server = again
				}
				return
			}
			if err != nil {
				s.failed <- fmt.Errorf("Postgres ended and does not start again: %w", err) //nolint:staticcheck // a name.
				return
			}
			server = again
		}
	})
	s.onStop(func(ctx context.Context) {
		stopWatching()
		wg.Wait()
		_ = server.Stop(ctx)
	})
	return url, nil
}

func (s *Stack) seedDemo(ctx context.Context, url string, keys *vault.Keysets, networks simulated) (bool, error) {
	db, err := store.Open(ctx, store.Config{URL: config.Secret(url), MaxConns: 1})
	if err != nil {
		return false, err
	}
	defer db.Close()
	return seed(ctx, db, keys, networks)
}

// sentence adds an error's hint for the person at the terminal.
func sentence(what string, err error) error {
	if e := apperr.As(err); e != nil && e.Hint != "" {
		return fmt.Errorf("%s: %w. %s", what, err, e.Hint)
	}
	return fmt.Errorf("%s: %w", what, err)
}
