package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"rostrum/scripts/internal/localstack"
	"rostrum/scripts/internal/stack"
	"rostrum/shared/host"
)

// removeWithin bounds the taking away of what was made in LocalStack.
const removeWithin = 10 * time.Second

// withLocalStack runs fn with the bridge to functions that have their queues,
// rules, secrets and keys in LocalStack, under names that begin with name, and
// takes those away afterwards.
func (p *program) withLocalStack(ctx context.Context, name string, progress func(string), fn func(bridge stack.Elsewhere, prefix string) error) error {
	address := p.environ["LOCALSTACK_URL"]
	if address == "" {
		return errors.New("LOCALSTACK_URL is not set: start LocalStack so that containers reach it, and set it to that address, for example http://" + p.fixed["HOST_ADDRESS"] + ":4566")
	}
	account, err := localstack.Connect(ctx, address, name, progress)
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
		defer cancel()
		if err := account.Remove(ending); err != nil {
			progress("something was left in LocalStack: " + err.Error())
		}
	}()
	p.fixed["AWS_ENDPOINT_URL_SQS"] = account.Endpoint
	return fn(p.inCloud(account), name)
}

// inCloud is the bridge of SAM with what LocalStack adds to it.
func (p *program) inCloud(account *localstack.Account) stack.Elsewhere {
	return func(ctx context.Context, s *stack.Stack, t *host.Template, settings map[string]map[string]string) (stack.Waking, func(context.Context), error) {
		raw, err := os.ReadFile(template)
		if err != nil {
			return stack.Waking{}, nil, fmt.Errorf("template.yaml cannot be read: run from the repository's folder: %w", err)
		}
		kept, err := account.Secrets(ctx, raw, t, settings)
		if err != nil {
			return stack.Waking{}, nil, err
		}
		s.Parts = append(s.Parts, stack.Part{Name: "Secrets", Where: "Secrets Manager of LocalStack, the vault's keys closed by its KMS"})
		if kept, err = account.Bucket(ctx, s.URL, kept); err != nil {
			return stack.Waking{}, nil, err
		}
		s.Parts = append(s.Parts, stack.Part{Name: "Images", Where: "a bucket of LocalStack's S3"})
		waking, end, err := p.cli.Bridge(ctx, s, t, kept)
		if err != nil {
			return waking, end, err
		}
		if waking.ScheduleURLs, err = account.Rules(ctx, t); err != nil {
			return waking, end, err
		}
		s.Parts = append(s.Parts, stack.Part{Name: "Schedules", Where: fmt.Sprintf("%d EventBridge rules of LocalStack", count(t))})
		return waking, end, fireFirst(ctx, account, t, waking.ScheduleURLs)
	}
}

// fireFirst lets publish have a tick at the start, as the host's own clock would:
// a rule's first event is a minute away.
func fireFirst(ctx context.Context, account *localstack.Account, t *host.Template, urls map[string]string) error {
	for _, f := range t.Functions {
		if f.Name != "publish" {
			continue
		}
		for _, s := range f.Schedules {
			if err := account.FireNow(ctx, urls[f.Name], s); err != nil {
				return err
			}
		}
	}
	return nil
}

func count(t *host.Template) int {
	n := 0
	for _, f := range t.Functions {
		n += len(f.Schedules)
	}
	return n
}
