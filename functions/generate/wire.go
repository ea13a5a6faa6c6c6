// Package generate is the function that has drafts written. Queue messages
// bring it one generation each; a schedule lets it make the posts that repeat,
// fill the calendars that are emptier than their accounts want, and take up what
// was left lying.
package generate

import (
	"context"
	"os"

	"rostrum/shared/agency"
	"rostrum/shared/ai/openai"
	"rostrum/shared/cache"
	"rostrum/shared/clock"
	"rostrum/shared/feed"
	"rostrum/shared/httpclient"
	"rostrum/shared/outbox"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/wake"
	"rostrum/shared/workflow/drafting"
	"rostrum/shared/workflow/recurring"
)

// New builds the function and returns it with what ends its connections.
// Errors: Invalid when a setting is wrong. It connects to nothing yet.
func New(ctx context.Context, cfg Config) (*wake.Function, func(), error) {
	logger := telemetry.NewLogger(os.Stderr, cfg.LogLevel)
	tracer, closeTracer, err := telemetry.NewTracer(cfg.Telemetry, "generate", os.Stdout, clock.System{}, logger)
	if err != nil {
		return nil, nil, err
	}
	model, prices, closeModel, err := openai.Open(cfg.Model)
	if err != nil {
		return nil, nil, err
	}
	api, err := sqsqueue.Connect(ctx, cfg.SQSEndpoint)
	if err != nil {
		return nil, nil, err
	}
	queues := sqsqueue.New(api, map[queue.Name]string{
		queue.Generate: cfg.QueueURLGenerate, queue.Review: cfg.QueueURLReview,
		queue.Publish: cfg.QueueURLPublish, queue.Metrics: cfg.QueueURLMetrics,
	})
	kept, err := cache.New(cfg.RedisURL, clock.System{}, logger)
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Role: store.RoleWorker, MaxConns: cfg.DatabaseMaxConns})
	if err != nil {
		return nil, nil, err
	}
	guard := httpclient.NewGuard(cfg.SourceAllowedHosts)
	feeds := feed.NewReader(guard, clock.System{})
	relay := &outbox.Relay{Store: db, Sender: queues, Clock: clock.System{}, Logger: logger}
	service := &drafting.Service{
		Relay:        relay,
		CheckAddress: guard.Check, FetchFeed: fetch(feeds, kept),
		Meter: &agency.Meter{Store: db, Model: model, Prices: prices, Clock: clock.System{}, Logger: logger},
		Clock: clock.System{}, Logger: logger,
	}
	return handler(service, &recurring.Service{Relay: relay}, logger).Traced(tracer), func() {
		closeTracer()
		closeModel()
		feeds.CloseIdleConnections()
		kept.Close()
		db.Close()
	}, nil
}
