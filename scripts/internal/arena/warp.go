package arena

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Warp makes d pass for what waits, without waiting: the recorded times of
// posts that are overdue, waiting or unknown move into the past, those of posts
// that a dead sender left, and the queue's clock goes forward. A post that is
// not due yet keeps its time, and so does one that a living sender is sending:
// for that, time passes by itself. Whoever has an effect still on its way to
// the network must not warp.
func (a *Arena) Warp(ctx context.Context, d time.Duration) error {
	a.mu.Lock()
	killed := a.lastKill
	a.mu.Unlock()
	err := pgx.BeginFunc(ctx, a.sql, func(tx pgx.Tx) error {
		for _, sql := range []string{
			// The guards forbid a due time to move; here time itself does.
			"SET LOCAL session_replication_role = replica",
			"SET LOCAL lock_timeout = '2s'",
			fmt.Sprintf("CREATE TEMP TABLE warped ON COMMIT DROP AS SELECT id FROM posts p WHERE due_at <= clock_timestamp() AND ("+
				"state IN ('scheduled', 'unknown') OR state = 'sending' AND NOT EXISTS ("+
				"SELECT 1 FROM attempts t WHERE t.post_id = p.id AND t.started_at > to_timestamp(%d.%06d))) FOR UPDATE",
				killed.Unix(), killed.Nanosecond()/1000),
			fmt.Sprintf("UPDATE posts SET due_at = due_at - interval '%[1]d seconds', dispatched_at = dispatched_at - interval '%[1]d seconds',"+
				" not_before = not_before - interval '%[1]d seconds', lease_until = lease_until - interval '%[1]d seconds',"+
				" reconcile_at = reconcile_at - interval '%[1]d seconds', paced_at = paced_at - interval '%[1]d seconds' WHERE id IN (SELECT id FROM warped)", int(d/time.Second)),
			fmt.Sprintf("UPDATE attempts SET started_at = started_at - interval '%d seconds'"+
				" WHERE state IN ('sending', 'unknown') AND post_id IN (SELECT id FROM warped)", int(d/time.Second)),
			fmt.Sprintf("UPDATE network_stages SET staged_at = staged_at - interval '%d seconds' WHERE post_id IN (SELECT id FROM warped)", int(d/time.Second)),
			fmt.Sprintf("UPDATE accounts SET limited_until = limited_until - interval '%d seconds' WHERE limited_until IS NOT NULL", int(d/time.Second)),
			fmt.Sprintf("UPDATE app_quotas SET resets_at = resets_at - interval '%d seconds'", int(d/time.Second)),
			fmt.Sprintf("UPDATE account_quotas SET resets_at = resets_at - interval '%d seconds'", int(d/time.Second)),
			fmt.Sprintf("UPDATE account_breakers SET retry_at = retry_at - interval '%[1]d seconds', probe_until = probe_until - interval '%[1]d seconds'"+
				" WHERE state <> 'closed'", int(d/time.Second)),
			fmt.Sprintf("UPDATE network_breakers SET retry_at = retry_at - interval '%[1]d seconds', probe_until = probe_until - interval '%[1]d seconds'"+
				" WHERE state <> 'closed'", int(d/time.Second)),
			fmt.Sprintf("UPDATE account_tokens SET refresh_lease_until = refresh_lease_until - interval '%d seconds'"+
				" WHERE refresh_lease_until IS NOT NULL", int(d/time.Second)),
			fmt.Sprintf("UPDATE outbox SET created_at = created_at - interval '%[1]d seconds', deliver_at = deliver_at - interval '%[1]d seconds'"+
				" WHERE sent_at IS NULL", int(d/time.Second)),
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("warp: %w", err)
			}
		}
		return nil
	})
	if err == nil {
		a.queueShift.Add(int64(d))
	}
	return err
}
