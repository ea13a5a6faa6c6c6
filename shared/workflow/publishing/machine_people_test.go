package publishing

import (
	"context"

	"pgregory.net/rapid"

	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/workflow/deciding"
)

// edit changes one part or both. It may be refused; it may not be wrong.
func (m *machine) edit() {
	p := m.view().Post
	texts := p.Version.Content.Texts()
	which := rapid.SampledFrom([]string{"first", "second", "both"}).Draw(m.rt, "edited")
	if which != "second" {
		texts[0] = m.text(0)
	}
	if which != "first" {
		texts[1] = m.text(1)
	}
	_, err := m.people.Edit(m.ctx, m.world.Person, deciding.Target{PostID: m.id}, post.Text(texts...), "")
	m.decided(err)
}

func (m *machine) cancel() {
	_, err := m.people.Cancel(m.ctx, m.world.Person, deciding.Target{PostID: m.id}, "")
	m.decided(err)
}

func (m *machine) decided(err error) {
	if err != nil && !apperr.Is(err, apperr.Conflict) {
		m.must(err)
	}
}

// approve takes an edited post through review to its time again.
func (m *machine) approve() {
	if m.view().Post.State != post.Draft {
		return
	}
	m.must(m.world.Owner.Across(m.ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := tx.LockPost(ctx, m.world.Workspace, m.id)
		if err != nil {
			return err
		}
		if p, err = tx.MovePost(ctx, p, post.InReview, post.Draft); err != nil {
			return err
		}
		if p, err = tx.MovePost(ctx, p, post.AwaitingApproval, post.InReview); err != nil {
			return err
		}
		if p, err = tx.Approve(ctx, p, m.world.Person); err != nil {
			return err
		}
		_, err = tx.MovePost(ctx, p, post.Scheduled, post.AwaitingApproval)
		return err
	}))
}

func (m *machine) pause(on bool) {
	m.paused = on
	which := ""
	if on {
		which = rapid.SampledFrom([]string{"account", "network", "workspace"}).Draw(m.rt, "paused")
	}
	m.exec("UPDATE accounts SET paused_at = CASE WHEN $1 = 'account' THEN clock_timestamp() END", which)
	m.exec("UPDATE workspaces SET paused_at = CASE WHEN $1 = 'workspace' THEN clock_timestamp() END,"+
		" paused_networks = CASE WHEN $1 = 'network' THEN '{x}' ELSE '{}' END::text[]", which)
}
