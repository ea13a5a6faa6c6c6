package soak

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/workflow/deciding"
)

// accountsPerLane is how many accounts share a lane's posts.
const accountsPerLane = 20

func (l *lane) populate(ctx context.Context) error {
	return l.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if l.workspace, err = tx.InsertWorkspace(ctx, "Soak"); err != nil {
			return err
		}
		id, err := tx.InsertPerson(ctx, "ada@example.com", "Ada", "no-password")
		if err != nil {
			return err
		}
		l.person = audit.Actor{Kind: audit.Person, ID: id, Name: "Ada", WorkspaceID: l.workspace, Role: audit.Owner}
		if err := tx.InsertMember(ctx, l.workspace, id, audit.Owner); err != nil {
			return err
		}
		for n := range accountsPerLane {
			handle := "soak" + strconv.Itoa(n)
			a, err := tx.ConnectAccount(ctx, l.workspace, account.ID(l.newID(n)), account.X,
				store.Identity{RemoteID: handle, Handle: handle, Name: handle}, "UTC")
			if err != nil {
				return err
			}
			l.accounts = append(l.accounts, &accountState{id: a.ID, remote: handle})
		}
		return nil
	})
}

// write makes the wave's posts, approved and due one after the other. They are
// put straight into the tables: how posts come about is not what is tried here.
func (l *lane) write(ctx context.Context, n int) error {
	var posts, versions, approvals [][]any
	for i := range n {
		it := l.newItem(i, n)
		content, err := post.Text(it.texts...).Canonical()
		if err != nil {
			return err
		}
		stored, err := json.Marshal(map[string]any{"parts": partsOf(content)})
		if err != nil {
			return err
		}
		acc := l.accounts[it.account]
		id, version, hash := uuid.UUID(it.id), l.newID(i), content.Hash(acc.id)
		by := []any{hash, "person", l.person.ID, l.person.Name, l.now}
		posts = append(posts, []any{
			l.workspace, id, uuid.UUID(acc.id), id, id, string(post.Scheduled), version, it.due, it.due.Format("2006-01-02T15:04:05"), "UTC", l.now, l.now,
		})
		versions = append(versions, append([]any{l.workspace, version, id, 1, stored}, by...))
		approvals = append(approvals, append([]any{l.workspace, l.newID(i), id, version}, by...))
	}
	err := pgx.BeginFunc(ctx, l.sql, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		by := []string{"content_hash", "actor_kind", "actor_id", "actor_name"}
		for _, t := range []struct {
			name    string
			columns []string
			rows    [][]any
		}{
			{"posts", []string{
				"workspace_id", "id", "account_id", "group_id", "correlation_id", "state", "version_id", "due_at", "due_local", "due_zone", "created_at", "updated_at",
			}, posts},
			{"versions", slices.Concat([]string{"workspace_id", "id", "post_id", "number", "content"}, by, []string{"created_at"}), versions},
			{"approvals", slices.Concat([]string{"workspace_id", "id", "post_id", "version_id"}, by, []string{"decided_at"}), approvals},
		} {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write posts: %w", err)
	}
	return nil
}

// newItem is the post i of n in its wave.
func (l *lane) newItem(i, n int) *item {
	l.posts++
	it := &item{id: post.ID(l.newID(i)), number: l.posts, shown: map[int]string{}, account: l.rng.IntN(len(l.accounts)), approved: true}
	parts := 1
	if l.rng.IntN(8) == 0 {
		parts += 1 + l.rng.IntN(3)
	}
	for part := range parts {
		it.texts = append(it.texts, l.text(it, part))
	}
	it.due = l.now.Add(l.between(0, time.Duration(n)*pace)).Truncate(time.Second).Add(time.Second)
	l.items = append(l.items, it)
	l.byID[it.id] = it
	return it
}

// newID is a UUIDv7 of the lane's time and chance: the sender spreads its waiting
// by the id. n keeps the ids of one moment in order.
func (l *lane) newID(n int) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(l.now.UnixMilli())<<16|7<<12|uint64(n&0xfff))
	binary.BigEndian.PutUint64(id[8:], l.rng.Uint64()&^(3<<62)|2<<62)
	return id
}

func partsOf(c post.Content) []map[string]string {
	var parts []map[string]string
	for _, text := range c.Texts() {
		parts = append(parts, map[string]string{"text": text})
	}
	return parts
}

// text is one that no other part ever had.
func (l *lane) text(it *item, part int) string {
	l.made++
	text := fmt.Sprintf("Text %d for part %d", l.made, part)
	l.byText[text] = it
	return text
}

// someone is a person who decides something about some post. What is refused is
// refused; what is said to be done must hold.
func (l *lane) someone(ctx context.Context) error {
	it := l.items[l.rng.IntN(len(l.items))]
	if it.ended {
		return nil
	}
	switch l.rng.IntN(8) {
	case 0, 1, 2:
		return l.edit(ctx, it)
	case 3:
		return l.cancel(ctx, it)
	case 4, 5:
		return l.reschedule(ctx, it)
	case 6:
		return l.pause(ctx, it.account, true)
	}
	l.tokenTrouble(ctx, it.account)
	return nil
}

func (l *lane) edit(ctx context.Context, it *item) error {
	if !it.approved {
		return l.approve(ctx, it)
	}
	texts := append([]string(nil), it.texts...)
	from := l.rng.IntN(len(texts))
	for part := from; part < len(texts); part++ {
		texts[part] = l.text(it, part)
	}
	done, err := l.decide(it, "edit", func() error {
		_, err := l.people.Edit(ctx, l.person, deciding.Target{PostID: it.id}, post.Text(texts...), "")
		return err
	})
	if done {
		it.texts, it.approved = texts, false
	}
	return err
}

// decide runs a person's decision and reports whether it stands.
func (l *lane) decide(it *item, what string, fn func() error) (done bool, err error) {
	// The request's process may die after its commit; the decision stands then.
	alive, err := l.survive(fn)
	switch {
	case !alive:
		l.tell(it, "%s (and its process died)", what)
		return true, nil
	case err == nil:
		l.tell(it, "%s", what)
		return true, nil
	case apperr.Is(err, apperr.Conflict) || apperr.Is(err, apperr.Invalid):
		return false, nil
	}
	return false, err
}

// approve takes an edited post through review to its time again.
func (l *lane) approve(ctx context.Context, it *item) error {
	err := l.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.LockPost(ctx, l.workspace, it.id)
		if err != nil || p.State != post.Draft {
			return err
		}
		if p, err = tx.MovePost(ctx, p, post.InReview, post.Draft); err != nil {
			return err
		}
		if p, err = tx.MovePost(ctx, p, post.AwaitingApproval, post.InReview); err != nil {
			return err
		}
		if p, err = tx.Approve(ctx, p, l.person); err != nil {
			return err
		}
		_, err = tx.MovePost(ctx, p, post.Scheduled, post.AwaitingApproval)
		return err
	})
	if err == nil {
		it.approved = true
		l.tell(it, "approved again")
	}
	return err
}

func (l *lane) cancel(ctx context.Context, it *item) error {
	done, err := l.decide(it, "cancel", func() error {
		_, err := l.people.Cancel(ctx, l.person, deciding.Target{PostID: it.id}, "")
		return err
	})
	it.withdrawn = it.withdrawn || done
	return err
}

func (l *lane) reschedule(ctx context.Context, it *item) error {
	due := l.now.Add(l.between(time.Second, 3*time.Minute)).Truncate(time.Second)
	done, err := l.decide(it, "move to "+due.Format("15:04:05"), func() error {
		_, err := l.people.Schedule(ctx, l.person, deciding.Target{PostID: it.id}, due.Format("2006-01-02T15:04:05"), "UTC")
		return err
	})
	if done {
		it.due = due
	}
	return err
}

func (l *lane) pause(ctx context.Context, n int, on bool) error {
	a := l.accounts[n]
	sql := "UPDATE accounts SET paused_at = NULL WHERE id = $1"
	if on {
		sql = "UPDATE accounts SET paused_at = public.clock_timestamp() WHERE id = $1"
	}
	if _, err := l.sql.Exec(ctx, sql, uuid.UUID(a.id)); err != nil {
		return fmt.Errorf("pause account: %w", err)
	}
	a.paused = on
	return nil
}

func (l *lane) tokenTrouble(_ context.Context, n int) {
	a := l.accounts[n]
	if l.rng.IntN(3) == 0 {
		a.revoked = true
		return
	}
	a.noTokenUntil = l.now.Add(l.between(time.Second, 2*time.Minute))
}

// mend ends an account's troubles, as its owner would.
func (l *lane) mend(ctx context.Context, n int) error {
	a := l.accounts[n]
	a.revoked, a.noTokenUntil, a.downUntil = false, time.Time{}, time.Time{}
	if _, err := l.sql.Exec(ctx, "UPDATE accounts SET status = 'connected' WHERE id = $1", uuid.UUID(a.id)); err != nil {
		return fmt.Errorf("connect account: %w", err)
	}
	return l.pause(ctx, n, false)
}
