// Command lambda is the publish function on AWS Lambda.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/publish"
	"rostrum/shared/config"
)

func main() {
	var cfg publish.Config
	if err := config.Load(&cfg); err != nil {
		log.Fatal(err)
	}
	fn, closeAll, err := publish.New(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(fn.Handle, lambda.WithEnableSIGTERM(closeAll))
}
