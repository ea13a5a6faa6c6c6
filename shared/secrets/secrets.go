// Package secrets reads settings whose values are kept in AWS: those that say
// secret://name, secret://name#json_key or param://name. It does so once, at
// the start of a program, and asks nothing when no setting says so.
//
// Who retries: the SDK, three attempts per call, all within eight seconds,
// because a function that has not started after ten is started anew.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

const (
	attempts = 3
	// callTime bounds one attempt, startTime all of them together.
	callTime  = 3 * time.Second
	startTime = 8 * time.Second
)

// Load fills into from the process environment as config.Load does, after it
// has read what the values point to. Errors: as config.LoadResolved.
func Load(ctx context.Context, into any) error {
	return LoadFrom(ctx, into, config.Environ(), Connect)
}

// LoadFrom is Load with the environment and the way to AWS given.
func LoadFrom(ctx context.Context, into any, environment map[string]string, connect func(context.Context) (aws.Config, error)) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	connected := sync.OnceValues(func() (aws.Config, error) { return connect(ctx) })
	return config.LoadResolved(ctx, into, environment, func(ctx context.Context, at config.Place) (string, error) {
		cfg, err := connected()
		if err != nil {
			return "", unavailable("AWS cannot be used from here", err)
		}
		if at.Store == config.StoreParam {
			return readParameter(ctx, cfg, at.Name)
		}
		return readSecret(ctx, cfg, at.Name)
	})
}

// Connect returns the AWS settings of the process: region, credentials and
// endpoints as the SDK finds them, with short time limits.
func Connect(ctx context.Context) (aws.Config, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTime)),
		awsconfig.WithRetryMaxAttempts(attempts))
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS settings: %w", err)
	}
	return cfg, nil
}

func readSecret(ctx context.Context, cfg aws.Config, name string) (string, error) {
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)})
	if err != nil {
		return "", explain(ctx, err)
	}
	if out.SecretString != nil {
		return aws.ToString(out.SecretString), nil
	}
	return string(out.SecretBinary), nil
}

func readParameter(ctx context.Context, cfg aws.Config, name string) (string, error) {
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
	if err != nil {
		return "", explain(ctx, err)
	}
	return aws.ToString(out.Parameter.Value), nil
}

// explain says in words what AWS answered. Codes: docs.aws.amazon.com, Secrets
// Manager GetSecretValue and Systems Manager GetParameter, read 2026-11.
func explain(ctx context.Context, err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		if ctx.Err() != nil {
			return unavailable(fmt.Sprintf("it could not be read within %s", startTime), nil)
		}
		return unavailable("it could not be read", err)
	}
	switch code := api.ErrorCode(); code {
	case "ResourceNotFoundException":
		// One code for two things: no such secret, and none of its versions is
		// the current one, as when nothing was ever put there.
		if strings.Contains(api.ErrorMessage(), "staging label") {
			return config.ErrNoValue
		}
		return errors.New("it does not exist")
	case "ParameterNotFound":
		return errors.New("it does not exist")
	case "AccessDeniedException", "AccessDenied":
		return errors.New("it may not be read from here (" + code + ")")
	case "DecryptionFailure", "InvalidKeyId":
		return errors.New("its key does not open it from here (" + code + ")")
	case "InvalidRequestException":
		return errors.New("it cannot be read as it is, for example because it is marked for deletion (" + code + ")")
	case "ThrottlingException", "InternalServiceError", "InternalServerError":
		return unavailable("it could not be read ("+code+")", nil)
	default:
		return errors.New("it could not be read (" + code + ")")
	}
}

// unavailable is an error that a repeat may cure.
func unavailable(what string, cause error) error {
	e := apperr.New(apperr.Unavailable, "settings_unavailable", "%s", what)
	if cause != nil {
		return e.WithCause(cause)
	}
	return e
}
