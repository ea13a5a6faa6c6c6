// Command lambda is the review function on AWS Lambda.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/review"
	"rostrum/shared/config"
)

func main() {
	var cfg review.Config
	if err := config.Load(&cfg); err != nil {
		log.Fatal(err)
	}
	fn, closeAll, err := review.New(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(fn.Handle, lambda.WithEnableSIGTERM(closeAll))
}
