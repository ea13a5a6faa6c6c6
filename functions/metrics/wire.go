// Package metrics is the function that reads what an audience did with each
// post, at fixed ages. Queue messages bring it the post whose reading is due; a
// schedule hands those messages out. Beside that it keeps house: it seals the
// audit log each minute, and once a day checks it and sweeps what has run out.
package metrics

import (
	"context"
	"errors"
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
	"rostrum/shared/workflow/attaching"
	"rostrum/shared/workflow/measuring"
	"rostrum/shared/workflow/refreshing"
)

// New builds the function and returns it with what ends its connections.
// Errors: Invalid when a setting is wrong. It connects to nothing yet.
func New(ctx context.Context, cfg Config) (*wake.Function, func(), error) {
	logger := telemetry.NewLogger(os.Stderr, cfg.LogLevel)
	tracer, closeTracer, err := telemetry.NewTracer(cfg.Telemetry, "metrics", os.Stdout, clock.System{}, logger)
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
	queues := sqsqueue.New(api, map[queue.Name]string{queue.Metrics: cfg.QueueURLMetrics})
	clients, err := networks.Open(cfg.Networks, clock.System{})
	if err != nil {
		return nil, nil, err
	}
	sealer, err := newSealer(cfg, logger)
	if err != nil {
		return nil, nil, err
	}
	files, err := blob.Open(ctx, cfg.Files, "")
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Role: store.RoleWorker, MaxConns: cfg.DatabaseMaxConns})
	if err != nil {
		return nil, nil, err
	}
	refresher := &refreshing.Service{
		Store: db, Vault: tokens, Connectors: clients.Connectors,
		Sender: queues, Queue: queue.Metrics, Clock: clock.System{}, Logger: logger,
	}
	service := &measuring.Service{
		Relay:       &outbox.Relay{Store: db, Sender: queues, Clock: clock.System{}, Logger: logger},
		Publishers:  clients.Publishers,
		AccessToken: refresher.AccessToken, Logger: logger,
	}
	sealer.Store = db
	sweeper := &attaching.Service{Store: db, Files: files, Logger: logger}
	function := &wake.Function{
		Name: "metrics", Logger: logger,
		Consumer: &queue.Consumer{
			Queue: queue.Metrics, Logger: logger,
			Handlers: map[queue.Kind]queue.Handler{
				queue.ReadMetrics: func(ctx context.Context, m queue.Message, _ queue.Record) error { return service.Read(ctx, m) },
				queue.KeepTokens:  func(ctx context.Context, m queue.Message, _ queue.Record) error { return refresher.Keep(ctx, m) },
			},
		},
		Tasks: map[string]wake.Task{
			"collect": service.Collect, "seal": sealer.Seal,
			"daily": func(ctx context.Context) error {
				return errors.Join(service.Daily(ctx), sealer.Daily(ctx), sweeper.Sweep(ctx))
			},
		},
	}
	return function.Traced(tracer), func() { files.Close(); db.Close(); closeTracer() }, nil
}
