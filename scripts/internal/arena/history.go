package arena

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rostrum/shared/config"
	"rostrum/shared/post"
)

// History fills the accounts with published posts of the last three years, with
// versions and attempts. They are not judged.
func (a *Arena) History(ctx context.Context, accounts []*Account, posts int) error {
	workspace := accounts[0].Workspace.ID
	err := pgx.BeginFunc(ctx, a.sql, func(tx pgx.Tx) error {
		ids := make([]string, len(accounts))
		for i, acc := range accounts {
			ids[i] = acc.ID.String()
		}
		for _, sql := range []string{
			"SET LOCAL session_replication_role = replica", "SET LOCAL synchronous_commit = off",
			// Ids that rise with time, as ours do (UUIDv7): random ones would scatter
			// what lies together in life.
			`CREATE FUNCTION pg_temp.id_at(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
				SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(r, 1, 3) || '8' || substr(r, 4, 15))::uuid
				FROM (SELECT md5(random()::text) AS r) x $$`,
			`CREATE TEMP TABLE made ON COMMIT DROP AS SELECT pg_temp.id_at(at) AS id, pg_temp.id_at(at) AS version, n, at FROM (
				SELECT n, date_trunc('second', now() - ((` + strconv.Itoa(posts) + ` - n)::float8 / ` + strconv.Itoa(posts) + `) * interval '1095 days' - interval '1 hour') AS at
				FROM generate_series(1, ` + strconv.Itoa(posts) + `) n) t`,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		for _, sql := range []string{
			`INSERT INTO posts (workspace_id, id, account_id, group_id, correlation_id, state, version_id, due_at, due_local, due_zone, attempt_no,
				published_at, lateness_ms, created_at, updated_at)
				SELECT $1::uuid, id, ($2::uuid[])[1 + n % cardinality($2::uuid[])], id, id, 'published', version, at, to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS'), 'UTC', 1,
				at, 300, at, at FROM made`,
			`INSERT INTO versions (workspace_id, id, post_id, number, content, content_hash, actor_kind, actor_id, actor_name, created_at)
				SELECT $1::uuid, version, id, 1, '{"parts":[{"text":"An old post of about the usual length, with a link: https://example.com/story"}]}', 'x', 'person', id, 'Ada', at
				FROM made WHERE $2::uuid[] IS NOT NULL`,
			`INSERT INTO attempts (workspace_id, id, post_id, account_id, revision, part, number, state, fingerprint, started_at, finished_at, remote_id)
				SELECT $1::uuid, pg_temp.id_at(at), id, ($2::uuid[])[1 + n % cardinality($2::uuid[])], 1, 0, 1, 'accepted', 'x', at, at, id::text FROM made`,
		} {
			if _, err := tx.Exec(ctx, sql, workspace.String(), ids); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write the history: %w", err)
	}
	return nil
}

// ScheduleMany is Schedule for thousands of posts of one tenant, written in one
// statement a table: post i is due at due(i), on the accounts in turn.
func (a *Arena) ScheduleMany(ctx context.Context, accounts []*Account, contents [][]string, due func(i int) time.Time) ([]*Post, error) {
	person := accounts[0].Workspace.Person
	var posts, versions, approvals [][]any
	var made []*Post
	now := time.Now().UTC()
	for i, parts := range contents {
		acc := accounts[i%len(accounts)]
		content, err := post.Text(parts...).Canonical()
		if err != nil {
			return nil, err
		}
		raw, err := stored(content)
		if err != nil {
			return nil, err
		}
		id, version, hash := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), content.Hash(acc.ID)
		at := due(i).UTC().Truncate(time.Second)
		posts = append(posts, []any{
			person.WorkspaceID, id, uuid.UUID(acc.ID), id, uuid.Must(uuid.NewV7()), "scheduled", version, at, at.Format("2006-01-02T15:04:05"), "UTC", now, now,
		})
		versions = append(versions, []any{person.WorkspaceID, version, id, 1, raw, hash, "person", person.ID, person.Name, now})
		approvals = append(approvals, []any{person.WorkspaceID, uuid.Must(uuid.NewV7()), id, version, hash, "person", person.ID, person.Name, now})
		made = append(made, &Post{Texts: content.Texts(), Due: at})
		made[i].ID, made[i].WorkspaceID, made[i].AccountID = post.ID(id), person.WorkspaceID, acc.ID
		made[i].Version.Content, made[i].Revision = content, 1
	}
	err := pgx.BeginFunc(ctx, a.sql, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		for _, table := range []struct {
			name    string
			columns []string
			rows    [][]any
		}{
			{"posts", []string{
				"workspace_id", "id", "account_id", "group_id", "correlation_id", "state", "version_id", "due_at", "due_local", "due_zone", "created_at", "updated_at",
			}, posts},
			{"versions", []string{
				"workspace_id", "id", "post_id", "number", "content", "content_hash", "actor_kind", "actor_id", "actor_name", "created_at",
			}, versions},
			{"approvals", []string{
				"workspace_id", "id", "post_id", "version_id", "content_hash", "actor_kind", "actor_id", "actor_name", "decided_at",
			}, approvals},
		} {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{table.name}, table.columns, pgx.CopyFromRows(table.rows)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("schedule many posts: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.posts = append(a.posts, made...)
	return made, nil
}

// stored is a content as the store keeps it.
func stored(c post.Content) ([]byte, error) {
	type part struct {
		Text string `json:"text"`
	}
	var parts []part
	for _, text := range c.Texts() {
		parts = append(parts, part{text})
	}
	return json.Marshal(map[string]any{"parts": parts})
}

// DatabaseURL is the owner's address.
func (a *Arena) DatabaseURL() config.Secret { return config.Secret(a.options.URL) }

// Environment is what a shipped function needs to reach the arena.
func (a *Arena) Environment() []string {
	return []string{
		"DATABASE_URL=" + a.options.URL, "AWS_ENDPOINT_URL_SQS=" + a.QueueURL, "VAULT_KEYSET=" + a.keyset.Reveal(), "READING_AGES=1h",
		"QUEUE_URL_GENERATE=" + a.queueURL["GenerateQueue"], "QUEUE_URL_REVIEW=" + a.queueURL["ReviewQueue"],
		"QUEUE_URL_PUBLISH=" + a.queueURL["PublishQueue"], "QUEUE_URL_METRICS=" + a.queueURL["MetricsQueue"],
		"X_BASE_URL=" + a.NetworkURL, "X_AUTHORIZE_URL=" + a.NetworkURL + "/i/oauth2/authorize", "X_WEB_URL=" + a.NetworkURL,
		"X_CLIENT_ID=" + clientID, "X_CLIENT_SECRET=" + clientSecret,
	}
}

// Ends returns when each post that has an end came to it.
func (a *Arena) Ends(ctx context.Context) (map[post.ID]time.Time, error) {
	rows, err := a.sql.Query(ctx, `SELECT id, updated_at FROM posts WHERE state IN ('published', 'failed', 'missed')`)
	if err != nil {
		return nil, fmt.Errorf("read ends: %w", err)
	}
	ends := map[post.ID]time.Time{}
	var id uuid.UUID
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		ends[post.ID(id)] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read ends: %w", err)
	}
	return ends, nil
}
