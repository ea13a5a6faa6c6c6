package sam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/scripts/internal/payload"
	"rostrum/scripts/internal/stack"
	"rostrum/shared/host"
)

// Bridge runs the functions under SAM beside a stack: start-api at the stack's
// URL, start-lambda at a free port, and for the functions that queues and
// schedules wake, handlers that invoke them there.
func (c *CLI) Bridge(ctx context.Context, s *stack.Stack, t *host.Template, settings map[string]map[string]string) (stack.Waking, func(context.Context), error) {
	remove, err := c.Prepare(t, settings)
	if err != nil {
		return stack.Waking{}, nil, err
	}
	stops := []func(){remove}
	end := func(context.Context) {
		var wg sync.WaitGroup
		for _, stop := range stops {
			wg.Go(stop)
		}
		wg.Wait()
	}
	apiPort, err := portOf(s.URL)
	if err != nil {
		return stack.Waking{}, end, err
	}
	lambdaPort, err := freePort(ctx)
	if err != nil {
		return stack.Waking{}, end, err
	}
	for _, server := range []struct {
		command string
		port    int
	}{{"start-lambda", lambdaPort}, {"start-api", apiPort}} {
		stop, err := c.Start(ctx, server.command, server.port, s.Fail)
		if err != nil {
			return stack.Waking{}, end, err
		}
		stops = append(stops, stop)
	}
	endpoint := "http://127.0.0.1:" + strconv.Itoa(lambdaPort)
	s.Parts = append(s.Parts, stack.Part{Name: "Functions", Where: "sam local start-lambda, " + endpoint})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	stops = append(stops, client.CloseIdleConnections)
	handlers := map[string]lambda.Handler{}
	for _, f := range t.Functions {
		if !f.HTTP {
			handlers[f.Name] = &host.Remote{Client: client, Endpoint: endpoint, Function: f.LogicalID}
		}
	}
	return stack.Waking{Handlers: handlers}, end, nil
}

// API runs only start-api beside a stack, at the stack's URL.
func (c *CLI) API(ctx context.Context, s *stack.Stack, t *host.Template, settings map[string]map[string]string) (stack.Waking, func(context.Context), error) {
	remove, err := c.Prepare(t, settings)
	if err != nil {
		return stack.Waking{}, nil, err
	}
	port, err := portOf(s.URL)
	if err != nil {
		return stack.Waking{}, func(context.Context) { remove() }, err
	}
	stop, err := c.Start(ctx, "start-api", port, s.Fail)
	return stack.Waking{}, func(context.Context) {
		remove()
		if stop != nil {
			stop()
		}
	}, err
}

// Idle starts nothing beside a stack: the functions are invoked one by one.
// template is told what they are.
func (c *CLI) Idle(template **host.Template) stack.Elsewhere {
	return func(_ context.Context, _ *stack.Stack, t *host.Template, settings map[string]map[string]string) (stack.Waking, func(context.Context), error) {
		*template = t
		remove, err := c.Prepare(t, settings)
		return stack.Waking{}, func(context.Context) {
			if remove != nil {
				remove()
			}
		}, err
	}
}

// CheckPayload says what is wrong with a function's name or its payload's, when
// events/ has nothing under it.
func CheckPayload(function, event string) error {
	functions, err := os.ReadDir("events")
	if err != nil {
		return fmt.Errorf("the folder events cannot be read: run from the repository's folder: %w", err)
	}
	known := names(functions, "")
	if !slices.Contains(known, function) {
		return fmt.Errorf("there is no function %q: FN is one of %s", function, strings.Join(known, ", "))
	}
	if info, err := os.Stat(filepath.Join("events", event)); err == nil && info.Mode().IsRegular() {
		return nil
	}
	payloads, err := os.ReadDir(filepath.Join("events", function))
	if err != nil {
		return fmt.Errorf("the folder events cannot be read: %w", err)
	}
	return fmt.Errorf("there is no payload events/%s: EVENT is one of %s", event, strings.Join(names(payloads, function+"/"), ", "))
}

// InvokeOne invokes the function of that name with a payload of events/ and
// writes its answer.
func (c *CLI) InvokeOne(ctx context.Context, t *host.Template, name, event string, out io.Writer) error {
	for _, f := range t.Functions {
		if f.Name != name {
			continue
		}
		answer, err := c.Invoke(ctx, f.LogicalID, filepath.Join("events", event))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", answer)
		return err
	}
	return fmt.Errorf("template.yaml has no function %q", name)
}

// InvokeAll invokes every function with each of its payloads in events/, and
// writes a table of what they answered. Errors: an answer that is not what its
// payload calls for.
func (c *CLI) InvokeAll(ctx context.Context, t *host.Template, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "function\tevent\tseconds\tanswer")
	var faults []error
	count := 0
	for _, f := range t.Functions {
		events, err := filepath.Glob(filepath.Join("events", f.Name, "*.json"))
		if err != nil || len(events) == 0 {
			return fmt.Errorf("events/%s holds no payload", f.Name)
		}
		for _, event := range events {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			begun := time.Now()
			words, err := c.hold(ctx, f, event)
			if err != nil {
				words = "WRONG: " + err.Error()
				faults = append(faults, fmt.Errorf("%s with %s: %w", f.Name, event, err))
			}
			count++
			_, _ = fmt.Fprintf(table, "%s\t%s\t%.1f\t%s\n", f.Name, filepath.Base(event), time.Since(begun).Seconds(), words)
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	if len(faults) == 0 {
		_, _ = fmt.Fprintf(out, "invoke: ok, %d payloads answered as they call for\n", count)
	}
	return errors.Join(faults...)
}

func (c *CLI) hold(ctx context.Context, f host.Function, event string) (string, error) {
	raw, err := os.ReadFile(event)
	if err != nil {
		return "", fmt.Errorf("read the payload: %w", err)
	}
	answer, err := c.Invoke(ctx, f.LogicalID, event)
	if err != nil {
		return "", err
	}
	return payload.Judge(f.HTTP, raw, payload.Answer{Failed: failed(answer), Body: answer})
}

// failed tells an error from an answer: SAM prints both alike.
func failed(answer []byte) bool {
	//nolint:tagliatelle // Lambda spells it so.
	var said struct {
		Message *string `json:"errorMessage"`
	}
	return json.Unmarshal(answer, &said) == nil && said.Message != nil
}

func names(entries []os.DirEntry, prefix string) []string {
	var out []string
	for _, e := range entries {
		out = append(out, prefix+e.Name())
	}
	return out
}

func portOf(address string) (int, error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, fmt.Errorf("%s is no address: %w", address, err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return 0, fmt.Errorf("%s names no port: %w", address, err)
	}
	return port, nil
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no port is free: %w", err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("read the free port: %w", err)
	}
	return strconv.Atoi(port)
}
