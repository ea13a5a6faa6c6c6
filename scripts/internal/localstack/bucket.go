package localstack

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// Bucket makes the bucket for images, which browsers at origin may write to by
// signed addresses, and returns the settings with it for the functions that use
// one. Errors: those of LocalStack.
func (a *Account) Bucket(ctx context.Context, origin string, settings map[string]map[string]string) (map[string]map[string]string, error) {
	service := s3.NewFromConfig(a.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	name := aws.String(a.name + "-media")
	_, err := service.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(Region)},
	})
	if _, ours := errors.AsType[*types.BucketAlreadyOwnedByYou](err); err != nil && !ours {
		return nil, fmt.Errorf("make the bucket %s in LocalStack: %w", *name, err)
	}
	a.onRemove(func(ctx context.Context) error {
		_, err := service.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name})
		if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "BucketNotEmpty" {
			return nil // posts name what is in it.
		}
		return err
	})
	_, err = service.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: name, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
		AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{origin}, AllowedHeaders: []string{"content-type"},
	}}}})
	if err != nil {
		return nil, fmt.Errorf("open the bucket %s to browsers: %w", *name, err)
	}
	out := map[string]map[string]string{}
	for function, own := range settings {
		out[function] = maps.Clone(own)
		if _, uses := own["BLOB_URL"]; uses {
			out[function]["BLOB_URL"], out[function]["AWS_ENDPOINT_URL_S3"] = "s3://"+*name, a.Endpoint
		}
	}
	return out, nil
}
