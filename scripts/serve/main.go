// Command serve hosts the functions outside Lambda, against real services: in a
// container, under Compose or Kubernetes. What each function reads is in
// template.yaml; a secret may also be given as a file, by its name and _FILE
// (DATABASE_URL_FILE), which is how clusters hand them over. What only one
// function is to have goes by its parameter's name there: the api takes
// API_DATABASE_URL and API_VAULT_KEYSET before DATABASE_URL and VAULT_KEYSET.
//
//	serve                               all five functions
//	serve -functions api                only some; HTTP is served where api is among them
//	serve -check                        ask a running one whether it is ready; for health checks
//
// It waits for the database and the queues, says for which, and gives up with a
// sentence. Queues are used by their addresses (QUEUE_URL_…); with
// AWS_ENDPOINT_URL_SQS they are made where they are missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], config.Environ()); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "serve: "+err.Error())
		if e := apperr.As(err); e != nil && e.Hint != "" {
			fmt.Fprintln(os.Stderr, e.Hint)
		}
		os.Exit(1) //nolint:gocritic // nothing is left to release.
	}
}

// settings are serve's own; each function reads its own beside them.
type settings struct {
	// Listen is where HTTP is served.
	Listen   string        `env:"LISTEN" envDefault:":8080"`
	Template string        `env:"TEMPLATE" envDefault:"template.yaml"`
	Patience time.Duration `env:"START_PATIENCE" envDefault:"60s"`
	// Grace is how long invocations may go on after a stop was asked for.
	Grace       time.Duration `env:"STOP_GRACE" envDefault:"20s"`
	LogLevel    string        `env:"LOG_LEVEL" envDefault:"info"`
	DatabaseURL config.Secret `env:"DATABASE_URL,required,notEmpty"`
	SQSEndpoint string        `env:"AWS_ENDPOINT_URL_SQS"`
}

func run(ctx context.Context, args []string, environment map[string]string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	names := flags.String("functions", "api,generate,review,publish,metrics", "the functions to host")
	check := flags.Bool("check", false, "ask a running server whether it is ready")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := readFiles(environment); err != nil {
		return err
	}
	if *check {
		return ready(ctx, environment["LISTEN"])
	}
	var s settings
	if err := config.LoadFrom(&s, environment); err != nil {
		return err
	}
	return serve(ctx, s, strings.Split(*names, ","), environment)
}

// maxSecret bounds a secret in a file.
const maxSecret = 1 << 20

// readFiles puts the content of each NAME_FILE under NAME. The file's name is
// said when it cannot be read, never its content.
func readFiles(environment map[string]string) error {
	for _, name := range []string{
		"DATABASE_URL", "API_DATABASE_URL", "REDIS_URL", "VAULT_KEYSET", "API_VAULT_KEYSET", "X_CLIENT_SECRET", "INSTAGRAM_CLIENT_SECRET", "OPENAI_API_KEY",
	} {
		path := environment[name+"_FILE"]
		switch {
		case path == "":
			continue
		case environment[name] != "":
			return fmt.Errorf("%s and %s_FILE are both set: unset one", name, name)
		}
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("%s_FILE cannot be read: %w", name, err)
		}
		raw, err := io.ReadAll(io.LimitReader(file, maxSecret))
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("%s_FILE cannot be read: %w", name, err)
		}
		environment[name] = strings.TrimSpace(string(raw))
	}
	return nil
}

// ready asks the server on this machine. An image without a shell has no other
// program to do it.
func ready(ctx context.Context, listen string) error {
	_, port, found := strings.Cut(listen, ":")
	if !found || port == "" {
		port = "8080"
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/health/ready", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask whether it is ready: %w", err)
	}
	answer, err := new(http.Client).Do(request)
	if err != nil {
		return fmt.Errorf("ask whether it is ready: %w", err)
	}
	if err := answer.Body.Close(); err != nil {
		return fmt.Errorf("ask whether it is ready: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it is not ready: %s", answer.Status)
	}
	return nil
}
