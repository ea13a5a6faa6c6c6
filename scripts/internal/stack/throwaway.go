package stack

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"rostrum/scripts/internal/postgres"
)

// WithThrowaway runs fn on a stack of its own: on free ports, on a folder that
// is deleted afterwards, with every part embedded whatever the environment
// names, since a test's posts must not reach a real network or database. The
// first numbers of a post are read after five seconds, and programs may ask
// faster than people.
func WithThrowaway(ctx context.Context, environ map[string]string, o Options, fn func(*Stack) error) (err error) {
	dir, err := os.MkdirTemp("", "rostrum-throwaway-")
	if err != nil {
		return fmt.Errorf("the folder for temporary files cannot be used: %w", err)
	}
	defer func() {
		_ = postgres.Remove(context.WithoutCancel(ctx), filepath.Join(dir, "postgres"))
		_ = os.RemoveAll(dir)
	}()
	// As root, Postgres runs as another user, who has to reach its folder.
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("the folder %s cannot be used: %w", dir, err)
	}
	o.Environ = maps.Clone(environ)
	for _, name := range []string{
		"DATABASE_URL", "API_DATABASE_URL", "AWS_ENDPOINT_URL_SQS", "REDIS_URL", "VAULT_KEYSET", "AUDIT_KEY", "AUDIT_HEADS_FILE", "X_CLIENT_ID", "X_CLIENT_SECRET",
		"INSTAGRAM_CLIENT_ID", "INSTAGRAM_CLIENT_SECRET", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL",
	} {
		delete(o.Environ, name)
	}
	maps.Copy(o.Environ, map[string]string{"DATA_DIR": dir, "ROSTRUM_PORTS": "free", "READING_AGES": "5s", "REQUEST_RATE": "1000"})
	maps.Copy(o.Environ, o.Fixed)
	settings, err := ReadSettings(o.Environ)
	if err != nil {
		return err
	}
	s, err := Start(ctx, settings, o)
	if err != nil {
		return err
	}
	defer s.Stop(context.WithoutCancel(ctx))
	return fn(s)
}
