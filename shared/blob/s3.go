package blob

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

const (
	attempts    = 3
	callTimeout = 10 * time.Second
	// emulatorRegion is any region: emulators do not look at it.
	emulatorRegion = "eu-central-1"
)

// openS3 reaches S3 with the region and credentials of the environment. A plain
// http endpoint is an emulator and is signed with placeholder credentials, as
// sqsqueue.Connect does.
func openS3(ctx context.Context, bucket, endpoint string) (*gocloud.Bucket, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTimeout)), config.WithRetryMaxAttempts(attempts),
	}
	emulated := strings.HasPrefix(endpoint, "http://")
	if emulated {
		options = append(options, config.WithRegion(emulatorRegion),
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load AWS settings: %w", err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
		o.UsePathStyle = emulated
		// The SDK would sign a checksum of an empty body into an upload's address.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	files, err := s3blob.OpenBucket(ctx, client, bucket, nil)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	return files, nil
}
