package arena

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/post"
	"rostrum/shared/store"
)

// Edit is a person who changes a post's text and has it approved again for the
// given time. Errors: Conflict when the sender was faster.
func (a *Arena) Edit(ctx context.Context, p *Post, parts []string, due time.Time) (*Post, error) {
	var now *Post
	err := a.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		was, err := tx.LockPost(ctx, p.WorkspaceID, p.ID)
		if err != nil {
			return err
		}
		content, err := post.Text(parts...).Canonical()
		if err != nil {
			return err
		}
		person := a.personOf(p.WorkspaceID)
		edited, err := tx.AddVersion(ctx, was, content, "", person.Person)
		if err != nil {
			return err
		}
		if edited, err = tx.MovePost(ctx, edited, post.InReview, post.Draft); err != nil {
			return err
		}
		if edited, err = tx.MovePost(ctx, edited, post.AwaitingApproval, post.InReview); err != nil {
			return err
		}
		due = due.UTC().Truncate(time.Second)
		schedule := &post.Schedule{DueAt: due, Local: due.Format("2006-01-02T15:04:05"), Zone: "UTC"}
		if edited, err = tx.SetSchedule(ctx, edited, schedule, post.AwaitingApproval); err != nil {
			return err
		}
		if edited, err = tx.Approve(ctx, edited, person.Person); err != nil {
			return err
		}
		edited, err = tx.MovePost(ctx, edited, post.Scheduled, post.AwaitingApproval)
		now = &Post{Post: edited, Texts: content.Texts(), Due: due}
		return err
	})
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p.Post, p.Texts, p.Due = now.Post, now.Texts, now.Due
	return p, nil
}

// Cancel is a person who takes a post back before it is sent. Errors: Conflict
// when the sender was faster.
func (a *Arena) Cancel(ctx context.Context, p *Post) error {
	err := a.owner.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		was, err := tx.LockPost(ctx, p.WorkspaceID, p.ID)
		if err != nil {
			return err
		}
		if was, err = tx.MovePost(ctx, was, post.Canceled, post.Scheduled); err != nil {
			return err
		}
		return tx.RevokeApproval(ctx, was, "canceled")
	})
	if err == nil {
		a.mu.Lock()
		p.Withdrawn = true
		a.mu.Unlock()
	}
	return err
}

func (a *Arena) personOf(workspace uuid.UUID) Workspace {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, acc := range a.accounts {
		if acc != nil && acc.Workspace.ID == workspace {
			return acc.Workspace
		}
	}
	return Workspace{}
}

// Forward moves the queue's clock, so that hidden and delayed messages come.
func (a *Arena) Forward(d time.Duration) { a.queueShift.Add(int64(d)) }

// PostByHand is somebody who posts past the senders.
func (a *Arena) PostByHand(ctx context.Context, acc *Account, text string) error {
	granted, err := a.Network.Grant(acc.Handle)
	if err != nil {
		return fmt.Errorf("post by hand: %w", err)
	}
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return fmt.Errorf("post by hand: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.NetworkURL+"/2/tweets", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post by hand: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+granted.AccessToken)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("post by hand: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("post by hand: the network answered %s", response.Status)
	}
	return nil
}
