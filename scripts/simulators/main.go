// Command simulators serves the simulated services on loopback, each on a port
// of its own, until it is told to stop: for trying a client by hand, and as the
// outside world of a Rostrum that runs elsewhere on this machine. A port of 0
// leaves a service out.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"rostrum/shared/simulator/instagram"
	"rostrum/shared/simulator/news"
	"rostrum/shared/simulator/openai"
	"rostrum/shared/simulator/sqs"
	"rostrum/shared/simulator/x"
)

// service is one simulator and where it is served.
type service struct {
	name    string
	port    int
	note    string
	handler http.Handler
	close   func()
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "simulators:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("simulators", flag.ContinueOnError)
	host := flags.String("host", "127.0.0.1", "address to listen on")
	dir := flags.String("dir", "", "folder that keeps what the networks accepted; empty keeps it in memory")
	xURL := flags.String("x-url", "", "where browsers reach X, when that is not where it listens")
	xPort := flags.Int("x", 8091, "port of X")
	instagramURL := flags.String("instagram-url", "", "where browsers reach Instagram, when that is not where it listens")
	fetchVia := flags.String("fetch-via", "", "host:port=host:port: where Instagram reaches the first when it fetches images")
	instagramPort := flags.Int("instagram", 8095, "port of Instagram")
	modelPort := flags.Int("model", 8092, "port of the model")
	newsPort := flags.Int("news", 8093, "port of the newsstand")
	sqsPort := flags.Int("sqs", 8094, "port of the SQS endpoint")
	seed := flags.Uint64("seed", 0, "varies figures and texts")
	speed := flags.Float64("metrics-speed", 1, "how much faster posts age for their figures")
	clientID := flags.String("client-id", "", "the one app that the networks let in; empty lets every app in")
	clientSecret := flags.String("client-secret", "", "its secret; empty makes it a public client")
	if err := flags.Parse(args); err != nil {
		return err
	}
	at := func(port int, url string) string {
		return cmp.Or(strings.TrimRight(url, "/"), "http://"+net.JoinHostPort(*host, strconv.Itoa(port)))
	}
	network, err := x.New(x.Config{
		Dir: under(*dir, "network"), Now: time.Now, Seed: *seed, ClientID: *clientID, ClientSecret: *clientSecret, MetricsSpeed: *speed,
		PublicURL: at(*xPort, *xURL),
	})
	if err != nil {
		return err
	}
	pictures, err := instagram.New(instagram.Config{
		Dir: under(*dir, "instagram"), Now: time.Now, Seed: *seed, ClientID: *clientID, ClientSecret: *clientSecret, MetricsSpeed: *speed,
		PublicURL: at(*instagramPort, *instagramURL), Processing: processing, Fetch: fetching(*fetchVia),
	})
	if err != nil {
		return err
	}
	model, err := openai.New(openai.Config{Now: time.Now, Seed: *seed})
	if err != nil {
		return err
	}
	stand, err := news.New(news.Config{Now: time.Now})
	if err != nil {
		return err
	}
	queues := sqs.New(time.Now)
	return serve(ctx, *host, []service{
		{"X", *xPort, "/_sim/ledger shows what the audience saw", network, func() { _ = network.Close() }},
		{"Instagram", *instagramPort, "/_sim/ledger shows what the audience saw", pictures, func() { _ = pictures.Close() }},
		{"Model", *modelPort, "base URL ends in /v1", model, model.Close},
		{"News", *newsPort, "/ lists the feeds", stand, stand.Close},
		{"SQS", *sqsPort, "", queues, queues.Close},
	})
}

// processing is how long Instagram works on an image, as one sees it do.
const processing = 2 * time.Second

// under is a network's folder; empty when there is none.
func under(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// fetching is the client that images are fetched with: an address that browsers
// use may be another one from here.
func fetching(via string) *http.Client {
	from, to, ok := strings.Cut(via, "=")
	if !ok {
		return nil
	}
	var dialer net.Dialer
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == from {
				address = to
			}
			return dialer.DialContext(ctx, network, address)
		},
	}}
}

// serve listens on every port before it serves any, and returns when the context
// ends or a service fails.
func serve(ctx context.Context, host string, services []service) error {
	var servers []*http.Server
	var listeners []net.Listener
	for _, s := range services {
		if s.port == 0 {
			continue
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(s.port)))
		if err != nil {
			for _, open := range listeners {
				_ = open.Close()
			}
			return fmt.Errorf("%s cannot listen on port %d; choose another with its flag: %w", s.name, s.port, err)
		}
		listeners = append(listeners, l)
		servers = append(servers, &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second})
		fmt.Printf("%-9s http://%s  %s\n", s.name, l.Addr(), s.note)
	}
	failed := make(chan error, len(servers))
	var wg sync.WaitGroup
	for i, server := range servers {
		wg.Go(func() {
			if err := server.Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	// The simulators let go of what they hold before their servers wait for it.
	for _, s := range services {
		s.close()
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(deadline) != nil {
			_ = server.Close()
		}
	}
	wg.Wait()
	return err
}
