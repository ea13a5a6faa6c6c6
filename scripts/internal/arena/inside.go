package arena

import (
	"context"
	"log/slog"

	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/outbox"
	"rostrum/shared/platform"
	"rostrum/shared/platform/x"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/workflow/publishing"
	"rostrum/shared/workflow/refreshing"
)

// Inside makes a sender in this process, for X alone, that is woken by nobody but
// its caller. watch may put something around what it asks for tokens and what it
// publishes with. The arena's end ends it.
func (a *Arena) Inside(
	ctx context.Context, watch func(publishing.TokenSource, platform.Publisher) (publishing.TokenSource, platform.Publisher),
) (*publishing.Service, error) {
	db, err := store.Open(ctx, store.Config{URL: config.Secret(a.options.SenderURL), Role: store.RoleWorker, MaxConns: 6})
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, db.Close)
	client, err := x.New(x.Settings{
		BaseURL: a.NetworkURL, AuthorizeURL: a.NetworkURL + "/i/oauth2/authorize", WebURL: a.NetworkURL, ClientID: clientID, ClientSecret: clientSecret,
	}, clock.System{})
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	tokens, publisher := watch(&refreshing.Service{
		Store: db, Vault: a.tokens, Connectors: map[account.Network]platform.Connector{account.X: client},
		Sender: a.Queues, Queue: queue.Publish, Clock: clock.System{}, Logger: logger,
	}, client)
	return &publishing.Service{
		Relay:      &outbox.Relay{Store: db, Sender: a.Queues, Clock: clock.System{}, Logger: logger},
		Publishers: map[account.Network]platform.Publisher{account.X: publisher},
		Tokens:     tokens, Clock: clock.System{}, Logger: logger,
	}, nil
}
