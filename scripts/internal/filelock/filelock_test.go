package filelock_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/scripts/internal/filelock"
)

func TestSecondHolderIsRefusedUntilRelease(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "lock")
	first, err := filelock.Try(path)
	require.NoError(t, err)

	_, err = filelock.Try(path)
	require.ErrorIs(t, err, filelock.ErrHeld)

	first.Release()
	second, err := filelock.Try(path)
	require.NoError(t, err)
	second.Release()
}

func TestWaitTakesTheLockOnceItIsFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := filelock.Try(path)
	require.NoError(t, err)
	took := make(chan error, 1)
	go func() {
		lock, err := filelock.Wait(t.Context(), path)
		if err == nil {
			lock.Release()
		}
		took <- err
	}()
	first.Release()
	require.NoError(t, <-took)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := filelock.Try(path)
	require.NoError(t, err)
	defer first.Release()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = filelock.Wait(ctx, path)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
