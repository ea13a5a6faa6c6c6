// Package review is the function that looks at drafts before people do. Queue
// messages bring it one revision of a post each; a schedule sends those again
// that have stood in review for too long.
package review

import (
	"context"
	"os"

	"rostrum/shared/agency"
	"rostrum/shared/ai/openai"
	"rostrum/shared/clock"
	"rostrum/shared/outbox"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/wake"
	"rostrum/shared/workflow/reviewing"
)

// New builds the function and returns it with what ends its connections.
// Errors: Invalid when a setting is wrong. It connects to nothing yet.
func New(ctx context.Context, cfg Config) (*wake.Function, func(), error) {
	logger := telemetry.NewLogger(os.Stderr, cfg.LogLevel)
	tracer, closeTracer, err := telemetry.NewTracer(cfg.Telemetry, "review", os.Stdout, clock.System{}, logger)
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
	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Role: store.RoleWorker, MaxConns: cfg.DatabaseMaxConns})
	if err != nil {
		return nil, nil, err
	}
	service := &reviewing.Service{
		Relay:  &outbox.Relay{Store: db, Sender: queues, Clock: clock.System{}, Logger: logger},
		Meter:  &agency.Meter{Store: db, Model: model, Prices: prices, Clock: clock.System{}, Logger: logger},
		Logger: logger,
	}
	return handler(service, logger).Traced(tracer), func() {
		closeTracer()
		closeModel()
		db.Close()
	}, nil
}
