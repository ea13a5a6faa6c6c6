package arena

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/post"
	"rostrum/shared/simulator/ledger"
	"rostrum/shared/store"
)

// toldPage is how many posts one page of the api's list has here.
const toldPage = 500

// judgeTold holds what the api's list says of each post against what the audience
// saw: its state, its text and its link.
func (a *Arena) judgeTold(ctx context.Context, v *Verdict, audience map[string][]ledger.Entry, accepted map[uuid.UUID]map[int]string) error {
	left := map[uuid.UUID]map[post.ID]*Post{}
	for _, p := range a.Posts() {
		if left[p.WorkspaceID] == nil {
			left[p.WorkspaceID] = map[post.ID]*Post{}
		}
		left[p.WorkspaceID][p.ID] = p
	}
	for workspace, posts := range left {
		person := a.personOf(workspace).Person
		var filter store.PostFilter
		for len(posts) > 0 {
			rows, err := a.Desk.Browsing.Posts(ctx, person, filter, toldPage)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			for _, row := range rows {
				if p := posts[row.ID]; p != nil {
					v.judgeTold(p, row, audience, accepted[uuid.UUID(row.ID)])
					delete(posts, row.ID)
				}
			}
			last := rows[len(rows)-1]
			filter.After = &store.PostPlace{UpdatedAt: last.UpdatedAt, ID: uuid.UUID(last.ID)}
		}
		// One that changed while the list was read is on no page of it.
		for _, p := range posts {
			d, err := a.Told(ctx, p)
			if err != nil {
				return err
			}
			v.judgeTold(p, d.Summary, audience, accepted[uuid.UUID(p.ID)])
		}
	}
	return nil
}

// judgeTold of one post. What is being sent or unknown may be either.
func (v *Verdict) judgeTold(p *Post, row store.PostSummary, audience map[string][]ledger.Entry, accepted map[int]string) {
	seen := audience[row.FirstPart]
	switch {
	case row.State == post.Sending || row.State == post.Unknown || strings.HasPrefix(row.FirstPart, OwnTwin):
	case row.State == post.Published && len(seen) == 0:
		v.say(&v.Lost, "post %s is told as published with a text that nobody saw: %q", p.ID, row.FirstPart)
	case row.State == post.Published && (row.RemoteURL == "" || row.Network == account.X && !strings.HasSuffix(row.RemoteURL, "/"+seen[0].ID)):
		v.say(&v.Lost, "post %s is told to be at %q, the network calls it %q", p.ID, row.RemoteURL, seen[0].ID)
	case row.State != post.Published && len(seen) > 0 && accepted[0] == "":
		v.say(&v.Early, "post %s is told as %s and was seen: %q", p.ID, row.State, row.FirstPart)
	}
}
