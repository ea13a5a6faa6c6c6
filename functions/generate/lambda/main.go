// Command lambda is the generate function on AWS Lambda.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/generate"
	"rostrum/shared/config"
)

func main() {
	var cfg generate.Config
	if err := config.Load(&cfg); err != nil {
		log.Fatal(err)
	}
	fn, closeAll, err := generate.New(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(fn.Handle, lambda.WithEnableSIGTERM(closeAll))
}
