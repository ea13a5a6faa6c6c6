// Package handlers builds the five functions for a host: each from its own
// settings, as the Lambda handler that takes and gives the very JSON.
package handlers

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/functions/api"
	"rostrum/functions/generate"
	"rostrum/functions/metrics"
	"rostrum/functions/publish"
	"rostrum/functions/review"
	"rostrum/shared/apperr"
	"rostrum/shared/blob"
	"rostrum/shared/config"
	"rostrum/shared/host"
	"rostrum/shared/wake"
)

// Build makes a function from an environment and returns it with what ends it.
// Errors: Invalid when a setting is wrong, or when there is no such function.
func Build(ctx context.Context, name string, environment map[string]string) (lambda.Handler, func(), error) {
	switch name {
	case "api":
		return build(ctx, environment, api.New, func(f *api.Function) any { return f.Handle })
	case "generate":
		return build(ctx, environment, generate.New, woken)
	case "review":
		return build(ctx, environment, review.New, woken)
	case "publish":
		return build(ctx, environment, publish.New, woken)
	case "metrics":
		return build(ctx, environment, metrics.New, woken)
	}
	return nil, nil, fmt.Errorf("there is no function %s in this program", name)
}

// BuildAll makes the named functions of a template, each with its own values
// under those of the environment, and one end for all that were made, which is
// to be called whatever the error. Errors: as Build; Invalid for a name that the
// template has not.
func BuildAll(ctx context.Context, t *host.Template, names []string, queueURLs, environment map[string]string) (map[string]lambda.Handler, func(), error) {
	built := map[string]lambda.Handler{}
	var ends []func()
	end := func() {
		for _, f := range slices.Backward(ends) {
			f()
		}
	}
	for _, f := range t.Functions {
		if !slices.Contains(names, f.Name) {
			continue
		}
		handler, done, err := Build(ctx, f.Name, t.Settings(f, queueURLs, environment))
		if err != nil {
			return nil, end, fmt.Errorf("function %s cannot start: %w", f.Name, err)
		}
		ends = append(ends, done)
		built[f.Name] = handler
	}
	for _, name := range names {
		if built[name] == nil {
			return nil, end, apperr.New(apperr.Invalid, "unknown_function", "template.yaml has no function %q", name)
		}
	}
	return built, end, nil
}

// Beside are the handlers that answer HTTP without a function: for files in a
// folder, what S3 is for those in the cloud. Errors: Invalid when a setting is
// wrong.
func Beside(ctx context.Context, environment map[string]string) (map[string]http.Handler, error) {
	var s blob.Settings
	if err := config.LoadFrom(&s, environment); err != nil {
		return nil, err
	}
	files, err := blob.Handler(ctx, s)
	if err != nil || files == nil {
		return nil, err
	}
	return map[string]http.Handler{blob.Path: files}, nil
}

func woken(f *wake.Function) any { return f.Handle }

func build[C, F any](ctx context.Context, environment map[string]string, construct func(context.Context, C) (F, func(), error), handle func(F) any) (lambda.Handler, func(), error) {
	var cfg C
	if err := config.LoadFrom(&cfg, environment); err != nil {
		return nil, nil, err
	}
	f, end, err := construct(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	return host.NewHandler(handle(f)), end, nil
}
