// Package awskms opens and closes the vault's keysets with keys of AWS KMS. It
// asks KMS when a program starts, never for a single token: what is sealed for
// rest is sealed under the keysets.
//
// Each call names its use in the encryption context, {"rostrum": "apps"} or
// {"rostrum": "tokens"}, which key policies and CloudTrail see, and without
// which KMS opens nothing.
//
// Who retries: the SDK, three attempts per call.
package awskms

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go/v2/tink"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/vault"
)

const (
	attempts  = 3
	callTime  = 3 * time.Second
	startTime = 8 * time.Second
)

// Open reads keysets, and asks KMS when that closed them. KMS is not looked for
// otherwise. It gives up after eight seconds. Errors: as vault.Parse; Forbidden
// when this program may not use the key, Unavailable, Internal.
func Open(ctx context.Context, keysets config.Secret) (*vault.Keysets, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return vault.Open(ctx, keysets, Service(Connect))
}

// Connect returns the AWS settings of the process, with short time limits.
func Connect(ctx context.Context) (aws.Config, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx,
		awsconfig.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTime)),
		awsconfig.WithRetryMaxAttempts(attempts))
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS settings: %w", err)
	}
	return cfg, nil
}

// Service is KMS as the vault uses it; connect is called when it is first
// needed.
func Service(connect func(context.Context) (aws.Config, error)) vault.KeyService {
	var (
		once   sync.Once
		client *kms.Client
		fault  error
	)
	return func(ctx context.Context, keyID, use string) (tink.AEADWithContext, error) {
		once.Do(func() {
			cfg, err := connect(ctx)
			client, fault = kms.NewFromConfig(cfg), err
		})
		if fault != nil {
			return nil, fault
		}
		return &key{client: client, id: keyID, context: map[string]string{"rostrum": use}}, nil
	}
}

// key is one key of KMS, for one use.
type key struct {
	client  *kms.Client
	id      string
	context map[string]string
}

// EncryptWithContext closes up to 4,096 bytes. The associated data is not sent:
// the use stands in the encryption context.
func (k *key) EncryptWithContext(ctx context.Context, plaintext, _ []byte) ([]byte, error) {
	out, err := k.client.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String(k.id), Plaintext: plaintext, EncryptionContext: k.context})
	if err != nil {
		return nil, k.explain(err)
	}
	return out.CiphertextBlob, nil
}

// DecryptWithContext opens what this key closed for this use.
func (k *key) DecryptWithContext(ctx context.Context, ciphertext, _ []byte) ([]byte, error) {
	out, err := k.client.Decrypt(ctx, &kms.DecryptInput{KeyId: aws.String(k.id), CiphertextBlob: ciphertext, EncryptionContext: k.context})
	if err != nil {
		return nil, k.explain(err)
	}
	return out.Plaintext, nil
}

// explain says in words what KMS answered. Codes: docs.aws.amazon.com, KMS
// Decrypt, read 2026-11.
func (k *key) explain(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return apperr.New(apperr.Unavailable, "key_service_away", "KMS does not answer").WithCause(err)
	}
	switch code := api.ErrorCode(); code {
	case "AccessDeniedException":
		return apperr.New(apperr.Forbidden, "key_forbidden", "KMS does not let this program use key %s", k.id).
			WithHint("Give the function's role the right to kms:Decrypt with it.")
	case "NotFoundException", "DisabledException", "KMSInvalidStateException":
		return apperr.New(apperr.Invalid, "bad_keyset", "key %s of KMS cannot be used (%s)", k.id, code)
	case "InvalidCiphertextException", "IncorrectKeyException":
		return apperr.New(apperr.Invalid, "bad_keyset", "key %s of KMS did not close this keyset for this use", k.id)
	case "ThrottlingException", "KMSInternalException", "DependencyTimeoutException":
		return apperr.New(apperr.Unavailable, "key_service_away", "KMS does not answer (%s)", code)
	default:
		return apperr.New(apperr.Internal, "key_service", "KMS refused: %s", code)
	}
}
