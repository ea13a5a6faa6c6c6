package drafting

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"rostrum/shared/agency"
	"rostrum/shared/ai/agent"
	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/store"
)

const (
	// feedAge is how long what a feed said is taken for what it says.
	feedAge = 10 * time.Minute
	// maxFeeds bounds one generation's reading; the rest has its turn next time,
	// since those read longest ago come first.
	maxFeeds      = 12
	feedsAtOnce   = 4
	maxItems      = 8
	maxFeedItems  = 50
	maxItemText   = 20_000
	maxProblem    = 300
	maxKeyOrTitle = 500
)

const codeNothingToRead = "nothing_to_read"

// research reads the account's sources and keeps the ideas found in them.
func (j *job) research(ctx context.Context) ([]store.Idea, error) {
	if err := j.readFeeds(ctx); err != nil {
		return nil, err
	}
	var items []store.Item
	var recent []string
	err := j.Relay.Store.InWorkspace(ctx, j.claim.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		if items, err = tx.ItemsToResearch(ctx, j.claim.Workspace, j.acc.ID, j.gen.ID, maxItems); err != nil {
			return err
		}
		recent, err = agency.Recent(ctx, tx, j.acc, post.ID{})
		return err
	})
	if err != nil {
		return nil, err
	}
	if j.planned() && len(items) > 0 {
		// What was written about once is only written about again when a person asks.
		items = slices.DeleteFunc(items, func(i store.Item) bool { return i.Used })
		if len(items) == 0 {
			return nil, apperr.New(apperr.Invalid, codeNothingToRead, "The sources say nothing new.")
		}
	}
	sources := j.sources(items)
	if len(sources) == 0 {
		return nil, apperr.New(apperr.Invalid, codeNothingToRead, "There is nothing to write about yet.").
			WithHint("Give the account a feed, a note or a project.")
	}
	if err := j.step(ctx, "Looking for ideas in %s.", plural(len(sources), "text")); err != nil {
		return nil, err
	}
	wanted := min(j.gen.Wanted+spareIdeas, MaxWanted)
	found, err := j.agents.Ideas(ctx, agent.IdeasInput{Account: j.acc, Items: sources, Recent: recent, Wanted: wanted})
	if err != nil {
		return nil, fmt.Errorf("find ideas: %w", err)
	}
	return j.keep(ctx, found, items, sources)
}

// sources are the texts that the researcher reads: the items, or, for an
// account that follows nothing, what it says about its projects.
func (j *job) sources(items []store.Item) []agent.Source {
	var out []agent.Source
	for _, i := range items {
		out = append(out, agent.Source{Title: i.Title, URL: i.URL, Text: i.Body})
	}
	if len(out) > 0 {
		return out
	}
	for _, p := range j.acc.Profile.Projects {
		if p.About != "" && len(out) < maxItems {
			out = append(out, agent.Source{Title: p.Name, Text: p.About})
		}
	}
	return out
}

func (j *job) keep(ctx context.Context, found []agent.Idea, items []store.Item, sources []agent.Source) ([]store.Idea, error) {
	var ideas []store.Idea
	err := j.held(ctx, func(ctx context.Context, tx *store.Tx, _ int) error {
		for _, f := range found {
			idea := store.Idea{
				AccountID: j.acc.ID, GenerationID: &j.gen.ID, Title: f.Title, Angle: f.Angle, Goal: f.Goal, Why: f.Why, Quote: f.Quote,
				SourceTitle: sources[f.Item].Title, SourceURL: sources[f.Item].URL,
			}
			if f.Item < len(items) {
				idea.ItemID = &items[f.Item].ID
			}
			if _, err := tx.AddIdea(ctx, j.claim.Workspace, idea); err != nil {
				return err
			}
		}
		var err error
		if ideas, err = tx.IdeasOf(ctx, j.claim.Workspace, j.gen.ID); err != nil {
			return err
		}
		return tx.SaveProgress(ctx, j.claim, plural(len(found), "idea")+" found.", 0)
	})
	if err != nil {
		return nil, fmt.Errorf("keep ideas: %w", err)
	}
	return ideas, nil
}

// readFeeds brings the account's feeds up to date. A feed that cannot be read
// says so beside itself and holds nothing up.
func (j *job) readFeeds(ctx context.Context) error {
	var feeds []store.Source
	err := j.Relay.Store.InWorkspace(ctx, j.claim.Workspace, func(ctx context.Context, tx *store.Tx) (err error) {
		feeds, err = tx.FeedsToFetch(ctx, j.claim.Workspace, j.acc.ID, feedAge, maxFeeds)
		return err
	})
	if err != nil || len(feeds) == 0 {
		return err
	}
	if err := j.step(ctx, "Reading %s.", plural(len(feeds), "feed")); err != nil {
		return err
	}
	slots := make(chan struct{}, feedsAtOnce)
	errs := make([]error, len(feeds))
	var wg sync.WaitGroup
	for i, feed := range feeds {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = j.readFeed(ctx, feed)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readFeed reads one feed and keeps what it said. Its error is the store's.
func (j *job) readFeed(ctx context.Context, feed store.Source) error {
	fetched, failure := j.FetchFeed(ctx, Feed{Workspace: j.claim.Workspace, URL: feed.URL, ETag: feed.HTTPETag, LastModified: feed.HTTPLastModified})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := j.Relay.Store.InWorkspace(ctx, j.claim.Workspace, func(ctx context.Context, tx *store.Tx) error {
		if failure != nil {
			return tx.SaveFetch(ctx, j.claim.Workspace, feed.ID, "", "", cut(problemOf(failure), maxProblem))
		}
		for _, item := range fetched.Items[:min(len(fetched.Items), maxFeedItems)] {
			item.Key, item.Title, item.Body = cut(item.Key, maxKeyOrTitle), cut(item.Title, maxKeyOrTitle), cut(item.Body, maxItemText)
			if item.Body == "" {
				item.Body = item.Title // many feeds carry headlines alone
			}
			if item.Key == "" || item.Body == "" {
				continue
			}
			if err := tx.SaveItem(ctx, j.claim.Workspace, feed, item); err != nil {
				return err
			}
		}
		return tx.SaveFetch(ctx, j.claim.Workspace, feed.ID, cut(fetched.ETag, maxAddress), cut(fetched.LastModified, maxAddress), "")
	})
	if err != nil {
		return fmt.Errorf("keep feed %s: %w", feed.ID, err)
	}
	return nil
}

func problemOf(err error) string {
	if e := apperr.As(err); e != nil {
		return agency.Sentence(err)
	}
	return "The feed could not be read."
}

// cut returns at most n bytes of s, whole characters only.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
