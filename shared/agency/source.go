package agency

import (
	"context"

	"rostrum/shared/account"
	"rostrum/shared/ai/agent"
	"rostrum/shared/post"
	"rostrum/shared/store"
)

// SourceOf returns the text that an idea rests on: its item, else the project
// of the account it is about, else no more than its quote.
func SourceOf(ctx context.Context, tx *store.Tx, a account.Account, i store.Idea) (agent.Source, error) {
	s := agent.Source{Title: i.SourceTitle, URL: i.SourceURL, Text: i.Quote}
	if i.ItemID != nil {
		item, err := tx.Item(ctx, a.WorkspaceID, *i.ItemID)
		if err != nil {
			return agent.Source{}, err
		}
		// The address is the idea's: what the feed says today may have moved.
		s.Text = item.Body
		return s, nil
	}
	for _, p := range a.Profile.Projects {
		if p.Name == i.SourceTitle && p.About != "" {
			s.Text = p.About
		}
	}
	return s, nil
}

// IdeaOf is the idea as the writer takes it.
func IdeaOf(i store.Idea) agent.Idea {
	return agent.Idea{Title: i.Title, Angle: i.Angle, Goal: i.Goal, Why: i.Why, Quote: i.Quote}
}

// Recent returns what the account said lately or is about to say, a text a
// post, newest first; except is left out with its Siblings.
func Recent(ctx context.Context, tx *store.Tx, a account.Account, except post.ID) ([]string, error) {
	const posts = 30
	contents, err := tx.RecentContents(ctx, a.WorkspaceID, a.ID, except, posts)
	if err != nil {
		return nil, err
	}
	return joined(contents), nil
}

// Siblings returns what the other posts of the post's recurrence say, a text a
// post; nothing for a post that is of none.
func Siblings(ctx context.Context, tx *store.Tx, a account.Account, of post.ID) ([]string, error) {
	const posts = 30
	contents, err := tx.SiblingContents(ctx, a.WorkspaceID, of, posts)
	if err != nil {
		return nil, err
	}
	return joined(contents), nil
}

func joined(contents []post.Content) []string {
	out := make([]string, len(contents))
	for i, c := range contents {
		for j, text := range c.Texts() {
			if j > 0 {
				out[i] += "\n"
			}
			out[i] += text
		}
	}
	return out
}
