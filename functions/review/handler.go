package review

import (
	"context"
	"log/slog"

	"rostrum/shared/queue"
	"rostrum/shared/wake"
	"rostrum/shared/workflow/reviewing"
)

func handler(service *reviewing.Service, logger *slog.Logger) *wake.Function {
	return &wake.Function{
		Name: "review", Logger: logger,
		Consumer: &queue.Consumer{
			Queue: queue.Review, Logger: logger,
			Handlers: map[queue.Kind]queue.Handler{
				queue.ReviewPost: func(ctx context.Context, m queue.Message, _ queue.Record) error { return service.Review(ctx, m) },
			},
		},
		// recover is for a start at which every queue is known to be empty.
		Tasks: map[string]wake.Task{"remind": service.Remind, "recover": service.Recover},
	}
}
