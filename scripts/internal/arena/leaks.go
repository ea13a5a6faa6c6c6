package arena

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// canaries begin what nobody but the vault and the networks may hold: the
// simulated networks' tokens and codes, and the developer app's secret.
func canaries() []string {
	return []string{"sim-access-", "sim-refresh-", "sim-code-", "IGSIM-", clientSecret}
}

// judgeLeaks looks for canaries in what the senders said and in every table, the
// audit log and the messages among them.
func (a *Arena) judgeLeaks(ctx context.Context, v *Verdict) error {
	a.mu.Lock()
	senders := a.senders
	a.mu.Unlock()
	for _, s := range senders {
		if err := v.searchLog(s.Log); err != nil {
			return err
		}
	}
	rows, err := a.sql.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	for _, table := range tables {
		for _, c := range canaries() {
			// Bytes are shown in hex.
			n, err := a.Count(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()+" t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0",
				c, hex.EncodeToString([]byte(c)))
			if err != nil {
				return err
			}
			if n > 0 {
				v.say(&v.Leaked, "%d rows of %s hold a secret that begins %q", n, table, c)
			}
		}
	}
	return nil
}

func (v *Verdict) searchLog(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read a sender's log: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		for _, c := range canaries() {
			if at := bytes.Index(lines.Bytes(), []byte(c)); at >= 0 {
				v.say(&v.Leaked, "a sender's log holds a secret: %.80q", strings.TrimSpace(lines.Text()[max(at-60, 0):at+len(c)]))
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read a sender's log: %w", err)
	}
	return nil
}
