// Package sqsqueue puts messages on Amazon SQS and looks at its queues. It is
// the one adapter behind queue.Sender; locally it speaks to an emulator by its
// address.
//
// Who retries: the SDK, three attempts per call with jittered backoff, and
// nothing above it within the call. What then still was not taken stays unsent
// in the outbox, whose sweep sends it again.
package sqsqueue

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	attempts = 3
	// callTimeout is above the longest long poll, 20 s.
	callTimeout = 30 * time.Second
	// idleConns keeps one connection for each batch under way; the SDK's own 10
	// would dial anew for most calls of a burst.
	idleConns = 256
	// emulatorRegion is any region: emulators do not look at it.
	emulatorRegion = "eu-central-1"
)

// Connect returns a client of SQS. With an empty endpoint it is the real
// service, with the region and credentials of the environment it runs in. A
// plain http endpoint is an emulator on this machine or network: it is signed
// with placeholder credentials, so that real ones are neither needed nor looked
// for. An https endpoint is the real service at another address, such as a VPC
// endpoint.
func Connect(ctx context.Context, endpoint string) (*sqs.Client, error) {
	transport := whole{awshttp.NewBuildableClient().WithTimeout(callTimeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConns
		t.MaxIdleConns = 2 * idleConns
	})}
	if strings.HasPrefix(endpoint, "http://") {
		return sqs.New(sqs.Options{
			BaseEndpoint: aws.String(endpoint), Region: emulatorRegion, HTTPClient: transport, RetryMaxAttempts: attempts,
			Credentials: credentials.NewStaticCredentialsProvider("emulator", "emulator", ""),
		}), nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(transport), config.WithRetryMaxAttempts(attempts))
	if err != nil {
		return nil, fmt.Errorf("load AWS settings: %w", err)
	}
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	}), nil
}
