package arena

import (
	"context"
	"log/slog"

	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/outbox"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/workflow/browsing"
	"rostrum/shared/workflow/connecting"
	"rostrum/shared/workflow/deciding"
	"rostrum/shared/workflow/operating"
	"rostrum/shared/workflow/signing"
)

// Desk is what people do and read, by the api's code and in its role.
type Desk struct {
	Deciding   *deciding.Service
	Operating  *operating.Service
	Connecting *connecting.Service
	Signing    *signing.Service
	Browsing   *browsing.Service
}

func (a *Arena) openDesk(ctx context.Context) error {
	db, err := store.Open(ctx, store.Config{URL: config.Secret(a.options.URL), Role: store.RoleAPI, MaxConns: 8})
	if err != nil {
		return err
	}
	a.closers = append(a.closers, db.Close)
	relay := &outbox.Relay{Store: db, Sender: a.Queues, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
	a.Desk = Desk{
		Deciding: &deciding.Service{Relay: relay}, Operating: &operating.Service{Relay: relay},
		Connecting: &connecting.Service{Store: db}, Signing: &signing.Service{Store: db}, Browsing: &browsing.Service{Store: db},
	}
	return nil
}

// Told is what the api tells the post's people of it.
func (a *Arena) Told(ctx context.Context, p *Post) (browsing.Detail, error) {
	return a.Desk.Browsing.Post(ctx, a.personOf(p.WorkspaceID).Person, p.ID)
}

// PersonOf is who decides on the post.
func (a *Arena) PersonOf(p *Post) audit.Actor { return a.personOf(p.WorkspaceID).Person }

// Reviewed is the review of a submitted post that finds nothing.
func (a *Arena) Reviewed(ctx context.Context, p *Post) (post.Post, error) {
	var now post.Post
	err := a.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		was, err := tx.LockPost(ctx, p.WorkspaceID, p.ID)
		if err != nil {
			return err
		}
		now, err = tx.MovePost(ctx, was, post.AwaitingApproval, post.InReview)
		return err
	})
	return now, err
}
