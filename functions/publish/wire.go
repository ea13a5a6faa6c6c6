// Package publish is the function that sends posts. Queue messages bring it
// posts just before they are due and unknowns to look into; a schedule wakes it
// once a minute to hand out what falls due and to mend what was left lying.
package publish

import (
	"context"
	"os"

	"rostrum/shared/blob"
	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/platform/networks"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/vault/awskms"
	"rostrum/shared/wake"
	"rostrum/shared/workflow/publishing"
	"rostrum/shared/workflow/refreshing"
)

// New builds the function and returns it with what ends its connections.
// Errors: Invalid when a setting is wrong. It connects to nothing yet.
func New(ctx context.Context, cfg Config) (*wake.Function, func(), error) {
	logger := telemetry.NewLogger(os.Stderr, cfg.LogLevel)
	tracer, closeTracer, err := telemetry.NewTracer(cfg.Telemetry, "publish", os.Stdout, clock.System{}, logger)
	if err != nil {
		return nil, nil, err
	}
	keysets, err := awskms.Open(ctx, cfg.VaultKeyset)
	if err != nil {
		return nil, nil, err
	}
	tokens, err := keysets.Tokens()
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
	clients, err := networks.Open(cfg.Networks, clock.System{})
	if err != nil {
		return nil, nil, err
	}
	files, err := blob.Open(ctx, cfg.Files, cfg.filesURL())
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Role: store.RoleWorker, MaxConns: cfg.DatabaseMaxConns})
	if err != nil {
		return nil, nil, err
	}
	refresher := &refreshing.Service{
		Store: db, Vault: tokens, Connectors: clients.Connectors,
		Sender: queues, Queue: queue.Publish, Clock: clock.System{}, Logger: logger,
	}
	service := &publishing.Service{
		Relay:      &outbox.Relay{Store: db, Sender: queues, Clock: clock.System{}, Logger: logger},
		Publishers: clients.Publishers,
		Tokens:     refresher, Clock: clock.System{}, Logger: logger, ReadingAges: cfg.ReadingAges, Files: files,
		Quiet: func(ctx context.Context) error { return clock.Wait(ctx, publishing.Between(clock.System{}.Now())) },
	}
	return handler(service, refresher, queues, logger).Traced(tracer), func() { files.Close(); db.Close(); closeTracer() }, nil
}
