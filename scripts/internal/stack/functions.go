package stack

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rostrum/scripts/internal/driver"
	"rostrum/scripts/internal/handlers"
	"rostrum/shared/clock"
	"rostrum/shared/host"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/telemetry"
)

// functions makes the queues, builds every function of the template, and runs
// them on one host.
func (s *Stack) functions(ctx context.Context, listeners []net.Listener, environment map[string]string) error {
	raw, err := os.ReadFile(s.options.Template)
	if err != nil {
		return fmt.Errorf("template.yaml cannot be read: run from the repository's folder: %w", err)
	}
	template, err := host.Load(raw, nil)
	if err != nil {
		return sentence("template.yaml cannot be used", err)
	}
	client, urls, err := s.makeQueues(ctx, template, environment["AWS_ENDPOINT_URL_SQS"])
	if err != nil {
		return err
	}
	var waking Waking
	if s.options.Elsewhere == nil {
		waking.Handlers, err = s.here(ctx, template, urls, environment)
	} else {
		_ = listeners[portAPI].Close() // its port is for what answers instead.
		waking, err = s.elsewhere(ctx, template, urls, environment)
	}
	if err != nil {
		return err
	}
	if s.settings.SQSEndpoint == "" || s.options.QueuePrefix != "" {
		// Queues of our own are empty after a start, whatever was on them before.
		for _, name := range []string{"publish", "review", "generate"} {
			f := waking.Handlers[name]
			if f == nil {
				continue
			}
			if _, err := f.Invoke(ctx, []byte(`{"task":"recover"}`)); err != nil {
				return sentence("what an earlier run left unfinished cannot be taken up", err)
			}
		}
	}
	beside, err := handlers.Beside(ctx, environment)
	if err != nil {
		return sentence("the folder for images cannot be used", err)
	}
	h, err := host.New(template, host.Options{
		Functions: waking.Handlers, SQS: client, QueueURLs: urls, ScheduleURLs: waking.ScheduleURLs, Listener: listeners[portAPI], Beside: beside,
		Grace: 5 * time.Second, Clock: clock.System{}, Logger: telemetry.NewLogger(os.Stderr, s.settings.LogLevel),
	})
	if err != nil {
		return sentence("the functions cannot be hosted", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := h.Run(running); err != nil {
			s.failed <- err
		}
	}()
	s.onStop(func(context.Context) {
		stop()
		<-ended
	})
	return nil
}

// makeQueues makes the template's queues. Those that were made for this stack
// alone are deleted when it stops.
func (s *Stack) makeQueues(ctx context.Context, template *host.Template, endpoint string) (*sqs.Client, map[string]string, error) {
	client, err := sqsqueue.Connect(ctx, endpoint)
	if err != nil {
		return nil, nil, sentence("the queue service cannot be used", err)
	}
	prefix := s.options.QueuePrefix
	for i, q := range template.Queues {
		if prefix != "" {
			template.Queues[i].Name = prefix + strings.TrimPrefix(q.Name, "rostrum")
		}
	}
	urls, err := host.EnsureQueues(ctx, client, template)
	if err != nil {
		return nil, nil, fmt.Errorf("the queue service at %s cannot be used: check AWS_ENDPOINT_URL_SQS: %w", endpoint, err)
	}
	if prefix != "" {
		s.onStop(func(ctx context.Context) {
			for _, url := range urls {
				_, _ = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: aws.String(url)})
			}
		})
	}
	return client, urls, nil
}

// here builds every function in this process.
func (s *Stack) here(ctx context.Context, template *host.Template, queues, environment map[string]string) (map[string]lambda.Handler, error) {
	built := map[string]lambda.Handler{}
	for _, f := range template.Functions {
		handler, end, err := handlers.Build(ctx, f.Name, template.Settings(f, queues, environment))
		if err != nil {
			return nil, sentence("function "+f.Name+" cannot start", err)
		}
		s.onStop(func(context.Context) { end() })
		built[f.Name] = handler
	}
	return built, nil
}

// AwaitReady waits until the API answers that it is ready, for at most limit.
func (s *Stack) AwaitReady(ctx context.Context, limit time.Duration) error {
	client := driver.New(s.URL)
	defer client.Close()
	var last error
	err := driver.Until(ctx, limit, "the dashboard does not answer", func() (bool, error) {
		last = client.Get(ctx, "/health/ready", nil)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return nil
}
