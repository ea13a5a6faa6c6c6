// Command lambda is the api function on AWS Lambda.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/api"
	"rostrum/shared/config"
)

func main() {
	var cfg api.Config
	if err := config.Load(&cfg); err != nil {
		log.Fatal(err)
	}
	fn, closeAll, err := api.New(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	lambda.StartWithOptions(fn.Handle, lambda.WithEnableSIGTERM(closeAll))
}
