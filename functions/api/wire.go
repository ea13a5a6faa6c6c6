package api

import (
	"context"
	"net/http"
	"net/url"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/blob"
	"rostrum/shared/clock"
	"rostrum/shared/httpclient"
	"rostrum/shared/outbox"
	"rostrum/shared/platform/networks"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/ratelimit"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/vault/awskms"
	"rostrum/shared/workflow/attaching"
	"rostrum/shared/workflow/browsing"
	"rostrum/shared/workflow/connecting"
	"rostrum/shared/workflow/deciding"
	"rostrum/shared/workflow/drafting"
	"rostrum/shared/workflow/operating"
	"rostrum/shared/workflow/recurring"
	"rostrum/shared/workflow/signing"
)

// Function is the api as Lambda calls it.
type Function struct {
	// HTTP is the same without Lambda's envelope.
	HTTP    http.Handler
	adapter *httpadapter.HandlerAdapterV2
	tracer  *telemetry.Tracer
}

// Handle is the Lambda handler: an HTTP API event of payload version 2.0.
// Errors: Invalid for any other event.
func (f *Function) Handle(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if event.RequestContext.HTTP.Method == "" {
		return events.APIGatewayV2HTTPResponse{}, apperr.New(apperr.Invalid, "wrong_event", "function api cannot take this event: it holds no HTTP request of payload version 2.0").
			WithHint("Look at events/api for the events it takes.")
	}
	defer f.tracer.Flush(ctx)
	// The path arrives decoded, and the adapter parses it again: one that then is
	// no address is to be answered by the routes, not by an error of the function.
	if _, err := url.ParseRequestURI(event.RawPath); err != nil {
		event.RawPath = (&url.URL{Path: event.RawPath}).EscapedPath()
	}
	return f.adapter.ProxyWithContext(ctx, event) //nolint:wrapcheck // Lambda shows it as it is.
}

// New builds the function and returns it with what ends its connections.
// Errors: Invalid when a setting is wrong. It connects to nothing yet.
func New(ctx context.Context, cfg Config) (*Function, func(), error) {
	logger := telemetry.NewLogger(os.Stderr, cfg.LogLevel)
	tracer, closeTracer, err := telemetry.NewTracer(cfg.Telemetry, "api", os.Stdout, clock.System{}, logger)
	if err != nil {
		return nil, nil, err
	}
	keysets, err := awskms.Open(ctx, cfg.VaultKeyset)
	if err != nil {
		return nil, nil, err
	}
	tokens, err := keysets.TokenSealer()
	if err != nil {
		return nil, nil, err
	}
	flows, err := keysets.Apps()
	if err != nil {
		return nil, nil, err
	}
	sqs, err := sqsqueue.Connect(ctx, cfg.SQSEndpoint)
	if err != nil {
		return nil, nil, err
	}
	queues := sqsqueue.New(sqs, map[queue.Name]string{
		queue.Generate: cfg.QueueURLGenerate, queue.Review: cfg.QueueURLReview,
		queue.Publish: cfg.QueueURLPublish, queue.Metrics: cfg.QueueURLMetrics,
	})
	clients, err := networks.Open(cfg.Networks, clock.System{})
	if err != nil {
		return nil, nil, err
	}
	limiter, err := ratelimit.New(cfg.RedisURL, clock.System{}, logger)
	if err != nil {
		return nil, nil, err
	}
	files, err := blob.Open(ctx, cfg.Files, cfg.PublicURL+blob.Path)
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Role: store.RoleAPI, MaxConns: cfg.DatabaseMaxConns})
	if err != nil {
		return nil, nil, err
	}
	relay := &outbox.Relay{Store: db, Sender: queues, Clock: clock.System{}, Logger: logger}
	server := &Server{
		Store: db, Signing: &signing.Service{Store: db}, Browsing: &browsing.Service{Store: db},
		Deciding:  &deciding.Service{Relay: relay, ReadingAges: cfg.ReadingAges, WebURLs: clients.WebURLs},
		Recurring: &recurring.Service{Relay: relay},
		Operating: &operating.Service{Relay: relay},
		Connecting: &connecting.Service{
			Store: db, Connectors: clients.Connectors, Missing: clients.Missing,
			Tokens: tokens, Flows: flows, PublicURL: cfg.PublicURL,
		},
		Drafting: &drafting.Service{
			Relay: relay, CheckAddress: httpclient.NewGuard(cfg.SourceAllowedHosts).Check, Clock: clock.System{}, Logger: logger,
		},
		Attaching: &attaching.Service{Store: db, Files: files, Logger: logger},
		Depths:    queues.Depths, Tracer: tracer, Limiter: limiter, Limits: LimitsFor(cfg.RequestRate), Clock: clock.System{}, Logger: logger,
		Settings: Settings{
			PublicURL: cfg.PublicURL, Demo: cfg.Demo, NetworkURLs: clients.WebURLs,
			SimulatedURLs: map[account.Network]string{account.X: cfg.SimulatedXURL, account.Instagram: cfg.SimulatedInstagramURL},
			Model:         cfg.Model, ModelSimulated: cfg.ModelSimulated, MediaOrigin: files.Origin(),
		},
	}
	handler := server.Handler()
	return &Function{HTTP: handler, adapter: httpadapter.NewV2(handler), tracer: tracer}, func() {
		limiter.Close()
		clients.CloseIdleConnections()
		files.Close()
		db.Close()
		closeTracer()
	}, nil
}
