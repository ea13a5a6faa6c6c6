// Command lambda is the generate function on AWS Lambda.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/generate"
	"rostrum/shared/secrets"
)

func main() {
	ctx := context.Background()
	var cfg generate.Config
	if err := secrets.Load(ctx, &cfg); err != nil {
		log.Fatal(err)
	}
	fn, closeAll, err := generate.New(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(fn.Handle, lambda.WithEnableSIGTERM(closeAll))
}
