// Command lambda is the metrics function on AWS Lambda.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/metrics"
	"rostrum/shared/config"
)

func main() {
	var cfg metrics.Config
	if err := config.Load(&cfg); err != nil {
		log.Fatal(err)
	}
	fn, closeAll, err := metrics.New(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(fn.Handle, lambda.WithEnableSIGTERM(closeAll))
}
