package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"rostrum/shared/apperr"
)

// OldestSchema is the oldest version of the schema that this code runs on. A
// migration is applied before the code that needs it, and code may be there first
// all the same: until it is raised, what a newer migration adds is used only by
// what cannot do without it. Raised a release after a migration, never with it.
const OldestSchema = 8

// mark is a table or index that a migration made and no later one took away: the
// functions' roles may not read what the migrations keep of themselves.
type mark struct {
	version int64
	name    string
}

// marks are those up to OldestSchema.
func marks() []mark {
	return []mark{
		{1, "workspaces"},
		{2, "spend_reservations"},
		{3, "attempts_newest"},
		{5, "app_quotas"},
		{6, "recurrences"},
		{7, "audit_seals"},
		{8, "media"},
	}
}

// checkSchema refuses a schema that is older than OldestSchema, until it is
// migrated; nothing is written to one. Errors: Unavailable, so that what was to be
// done is tried again.
func (s *Store) checkSchema(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) error {
	if s.schemaFits.Load() {
		return nil
	}
	versions, names := make([]int64, len(marks())), make([]string, len(marks()))
	for i, m := range marks() {
		versions[i], names[i] = m.version, m.name
	}
	var at int64
	err := db.QueryRow(ctx, `
		SELECT coalesce(max(m.version), 0) FROM unnest($1::bigint[], $2::text[]) AS m (version, name)
		JOIN pg_class c ON c.relname = m.name JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'`,
		versions, names).Scan(&at)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", classify(err))
	}
	if at >= OldestSchema {
		s.schemaFits.Store(true)
		return nil
	}
	message := fmt.Sprintf("the database is at schema %d, and this version needs at least %d", at, OldestSchema)
	if at == 0 {
		message = fmt.Sprintf("the database has no schema yet, and this version needs at least %d", OldestSchema)
	}
	return apperr.New(apperr.Unavailable, "database_older", "%s", message).WithHint("Run `make migrate DO=apply` on it; nothing is lost until then.")
}
