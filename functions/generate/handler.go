package generate

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rostrum/shared/cache"
	"rostrum/shared/feed"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/wake"
	"rostrum/shared/workflow/drafting"
	"rostrum/shared/workflow/recurring"
)

func handler(service *drafting.Service, repeats *recurring.Service, logger *slog.Logger) *wake.Function {
	return &wake.Function{
		Name: "generate", Logger: logger,
		Consumer: &queue.Consumer{
			Queue: queue.Generate, Logger: logger,
			Handlers: map[queue.Kind]queue.Handler{
				queue.GenerateDrafts: func(ctx context.Context, m queue.Message, _ queue.Record) error { return service.Run(ctx, m) },
			},
		},
		Tasks: map[string]wake.Task{
			"fill": func(ctx context.Context) error { return errors.Join(repeats.Make(ctx), service.Fill(ctx)) },
			// For a start at which every queue is known to be empty.
			"recover": service.Recover,
		},
	}
}

// feedFor is how long a feed's answer stands for another account that follows it:
// half of how long a source is not looked at again.
const feedFor = 5 * time.Minute

// fetch lets the workflow read feeds without knowing who reads them. Accounts of
// one workspace that follow one feed share what was read.
func fetch(reader *feed.Reader, kept *cache.Cache) func(context.Context, drafting.Feed) (drafting.Fetched, error) {
	return func(ctx context.Context, f drafting.Feed) (drafting.Fetched, error) {
		key := cache.Key{Workspace: f.Workspace, Kind: "feed 1", Name: f.URL, For: feedFor}
		// That nothing is new is an answer only to who has the same.
		fits := func(r feed.Result) bool {
			return !r.NotModified || r.ETag == f.ETag && r.LastModified == f.LastModified
		}
		got, err := cache.Read(ctx, kept, key, fits, func(ctx context.Context) (feed.Result, error) {
			return reader.Fetch(ctx, feed.Request{URL: f.URL, ETag: f.ETag, LastModified: f.LastModified})
		})
		if err != nil {
			return drafting.Fetched{}, err
		}
		out := drafting.Fetched{NotModified: got.NotModified, ETag: got.ETag, LastModified: got.LastModified}
		for _, i := range got.Items {
			out.Items = append(out.Items, store.Item{Key: i.Key, Title: i.Title, URL: i.URL, Body: i.Text, PublishedAt: i.PublishedAt})
		}
		return out, nil
	}
}
