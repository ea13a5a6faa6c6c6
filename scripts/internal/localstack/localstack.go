// Package localstack makes in a LocalStack what Terraform makes in AWS for the
// functions to use: the rules of template.yaml's schedules, the keys that close
// the vault's keysets, a secret for each parameter that is one, and the bucket for
// images. The functions are then given references instead of values, as they are
// in the cloud.
//
// What LocalStack's community edition does not have, Lambda and the HTTP API, is
// SAM's part; so a rule's target is a queue here, which shared/host follows.
//
// Who retries: the SDK, three attempts per call. Start reading at [Connect].
package localstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"rostrum/scripts/internal/driver"
	"rostrum/shared/queue/sqsqueue"
)

// Region is where everything is made; LocalStack serves all alike.
const Region = "eu-central-1"

// answersWithin is how long a LocalStack that is just starting is waited for.
const answersWithin = 30 * time.Second

// Account is what one stack keeps in a LocalStack.
type Account struct {
	// Endpoint is LocalStack's address, as containers reach it.
	Endpoint string
	// name stands before the names of all that is made, so that stacks beside
	// each other keep apart.
	name    string
	cfg     aws.Config
	queues  *sqs.Client
	cleanup []func(context.Context) error
}

// Connect waits until the LocalStack at endpoint serves what is needed. waiting
// is called when it does not at once. Errors are sentences that say what to do.
func Connect(ctx context.Context, endpoint, name string, waiting func(string)) (*Account, error) {
	endpoint = strings.TrimSuffix(endpoint, "/")
	if err := await(ctx, endpoint, waiting); err != nil {
		return nil, err
	}
	queues, err := sqsqueue.Connect(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return &Account{
		Endpoint: endpoint, name: name, queues: queues,
		cfg: aws.Config{
			Region: Region, BaseEndpoint: aws.String(endpoint), RetryMaxAttempts: 3,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		},
	}, nil
}

func needed() []string { return []string{"events", "kms", "s3", "secretsmanager", "sqs"} }

func await(ctx context.Context, endpoint string, waiting func(string)) error {
	client := driver.New(endpoint)
	defer client.Close()
	var health struct {
		Services map[string]string `json:"services"`
	}
	var last error
	said := false
	err := driver.Until(ctx, answersWithin, "LocalStack does not answer at "+endpoint, func() (bool, error) {
		last = client.Get(ctx, "/_localstack/health", &health)
		if last != nil && !said {
			said = true
			waiting("waiting for LocalStack at " + endpoint)
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w: start it, or correct LOCALSTACK_URL (%w)", err, last)
	}
	missing := slices.DeleteFunc(needed(), func(service string) bool {
		return health.Services[service] == "available" || health.Services[service] == "running"
	})
	if len(missing) > 0 {
		return fmt.Errorf("the LocalStack at %s does not serve %s: start it with SERVICES=%s",
			endpoint, strings.Join(missing, ", "), strings.Join(needed(), ","))
	}
	return nil
}

// Remove takes away what was made, but for keys, which belong to no one stack, and
// a bucket with something in it.
func (a *Account) Remove(ctx context.Context) error {
	var faults []error
	for _, undo := range slices.Backward(a.cleanup) {
		faults = append(faults, undo(ctx))
	}
	a.cleanup = nil
	return errors.Join(faults...)
}

func (a *Account) onRemove(undo func(context.Context) error) { a.cleanup = append(a.cleanup, undo) }
