// Command emptylambda is the smallest Go function there can be: the floor that
// the cold start of ours is measured against.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) error { return nil })
}
