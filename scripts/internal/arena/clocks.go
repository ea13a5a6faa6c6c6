package arena

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// SteppableClock gives the database at the address a clock that StepClock
// moves: functions of the same names stand before Postgres' own in the search
// path of whoever connects from now on. Call it before New.
func SteppableClock(ctx context.Context, address string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connect to the arena's database: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range []string{
		"CREATE SCHEMA stepped",
		"CREATE TABLE stepped.clock AS SELECT interval '0' AS by",
		"CREATE FUNCTION stepped.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS" +
			" 'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM stepped.clock)'",
		"CREATE FUNCTION stepped.now() RETURNS timestamptz LANGUAGE sql STABLE AS" +
			" 'SELECT pg_catalog.now() + (SELECT by FROM stepped.clock)'",
		"GRANT USAGE ON SCHEMA stepped TO PUBLIC",
		"GRANT SELECT ON stepped.clock TO PUBLIC",
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = stepped, public, pg_catalog', current_database()); END $$`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make the database's clock steppable: %w", err)
		}
	}
	return nil
}

// StepClock sets how far the database's clock is off.
func (a *Arena) StepClock(ctx context.Context, by time.Duration) error {
	return a.Exec(ctx, "UPDATE stepped.clock SET by = make_interval(secs => $1)", by.Seconds())
}
