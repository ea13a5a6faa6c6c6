package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rostrum/scripts/internal/filelock"
)

// Remove deletes a cluster with its folder, stopping first a server that a
// killed process left there. It returns filelock.ErrHeld, and touches nothing,
// while a process uses the folder.
func Remove(ctx context.Context, dir string) error {
	lock, err := filelock.Try(filepath.Join(dir, "lock"))
	if err != nil {
		return fmt.Errorf("remove database in %s: %w", dir, err)
	}
	defer lock.Release()
	runAs, err := serverUser()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "password")); err == nil {
		c, err := locate(dir, runAs)
		if err != nil {
			return err
		}
		if err := c.stopOrphan(ctx, func(string) {}); err != nil {
			return err
		}
		if filepath.Dir(c.data) != dir {
			err = os.RemoveAll(filepath.Dir(c.data))
		}
		if err != nil {
			return fmt.Errorf("remove database: %w", err)
		}
	}
	if err := os.RemoveAll(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove database: %w", err)
	}
	return nil
}
