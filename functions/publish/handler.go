package publish

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/wake"
	"rostrum/shared/workflow/publishing"
	"rostrum/shared/workflow/refreshing"
)

func handler(service *publishing.Service, refresher *refreshing.Service, queues *sqsqueue.Queues, logger *slog.Logger) *wake.Function {
	return &wake.Function{
		Name: "publish", Logger: logger,
		Consumer: &queue.Consumer{
			Queue: queue.Publish, Logger: logger,
			Handlers: map[queue.Kind]queue.Handler{
				queue.PublishPost: func(ctx context.Context, m queue.Message, r queue.Record) error {
					return service.Send(ctx, m, func(ctx context.Context, d time.Duration) error {
						return queues.ChangeVisibility(ctx, queue.Publish, r.ReceiptHandle, d)
					})
				},
				queue.ReconcilePost: func(ctx context.Context, m queue.Message, _ queue.Record) error {
					return service.Reconcile(ctx, m)
				},
				queue.KeepTokens: func(ctx context.Context, m queue.Message, _ queue.Record) error {
					return refresher.Keep(ctx, m)
				},
			},
		},
		Tasks: map[string]wake.Task{
			"tick": func(ctx context.Context) error { return errors.Join(service.Tick(ctx), refresher.Ahead(ctx)) },
			// For a start at which every queue is known to be empty.
			"recover": service.Recover,
		},
	}
}
