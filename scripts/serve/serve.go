package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"rostrum/scripts/internal/handlers"
	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/host"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
)

// retryEvery is the pause between two looks at a service that is not there yet.
const retryEvery = time.Second

func serve(ctx context.Context, s settings, names []string, environment map[string]string) error {
	logger := telemetry.NewLogger(os.Stderr, s.LogLevel)
	raw, err := os.ReadFile(s.Template)
	if err != nil {
		return fmt.Errorf("TEMPLATE cannot be read: %w", err)
	}
	template, err := host.Load(raw, nil)
	if err != nil {
		return err
	}
	if err := await(ctx, logger, s.Patience, "the database (DATABASE_URL)", func(ctx context.Context) error {
		return ping(ctx, s.DatabaseURL)
	}); err != nil {
		return err
	}
	client, err := sqsqueue.Connect(ctx, s.SQSEndpoint)
	if err != nil {
		return err
	}
	urls := given(template, environment)
	if s.SQSEndpoint != "" && len(urls) < len(sources(template)) {
		if err := await(ctx, logger, s.Patience, "the queues (AWS_ENDPOINT_URL_SQS)", func(ctx context.Context) error {
			urls, err = host.EnsureQueues(ctx, client, template)
			return err
		}); err != nil {
			return err
		}
	}
	built, end, err := handlers.BuildAll(ctx, template, names, urls, environment)
	defer end()
	if err != nil {
		return err
	}
	options := host.Options{Functions: built, SQS: client, QueueURLs: urls, Grace: s.Grace, Clock: clock.System{}, Logger: logger}
	if slices.Contains(names, "api") {
		if options.Beside, err = handlers.Beside(ctx, environment); err != nil {
			return err
		}
		if options.Listener, err = new(net.ListenConfig).Listen(ctx, "tcp", s.Listen); err != nil {
			return fmt.Errorf("LISTEN is %s, which cannot be used: %w", s.Listen, err)
		}
	}
	h, err := host.New(template, options)
	if err != nil {
		return err
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "serving", slog.String("functions", strings.Join(names, ",")), slog.String("listen", s.Listen))
	return h.Run(ctx)
}

// given are the queues whose addresses the environment holds: PublishQueue's is
// in QUEUE_URL_PUBLISH.
func given(t *host.Template, environment map[string]string) map[string]string {
	urls := map[string]string{}
	for _, id := range sources(t) {
		name := "QUEUE_URL_" + strings.ToUpper(strings.TrimSuffix(id, "Queue"))
		if url := environment[name]; url != "" {
			urls[id] = url
		}
	}
	return urls
}

// sources are the queues that functions empty, by logical id.
func sources(t *host.Template) []string {
	var ids []string
	for _, f := range t.Functions {
		for _, s := range f.Sources {
			ids = append(ids, s.Queue)
		}
	}
	return ids
}

func ping(ctx context.Context, url config.Secret) error {
	db, err := store.Open(ctx, store.Config{URL: url, MaxConns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Ping(ctx)
}

// await asks until a service answers. Only one that is not there is worth
// waiting for; what is wrong by itself is returned at once.
func await(ctx context.Context, logger *slog.Logger, patience time.Duration, what string, ask func(context.Context) error) error {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	said := false
	for {
		err := ask(waiting)
		if err == nil {
			return nil
		}
		if apperr.KindOf(err) != apperr.Unavailable && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if !said {
			logger.LogAttrs(ctx, slog.LevelWarn, "waiting", slog.String("for", what), slog.String("error", err.Error()))
			said = true
		}
		if clock.Wait(waiting, retryEvery) != nil {
			return fmt.Errorf("%s did not answer within %s: %w", what, patience, err)
		}
	}
}
