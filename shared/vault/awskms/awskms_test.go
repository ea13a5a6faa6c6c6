package awskms_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	simaws "rostrum/shared/simulator/aws"
	"rostrum/shared/vault"
	"rostrum/shared/vault/awskms"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of clients that no test holds any more.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

func at(endpoint string) func(context.Context) (aws.Config, error) {
	return func(context.Context) (aws.Config, error) {
		return aws.Config{
			BaseEndpoint: aws.String(endpoint), Region: "eu-central-1", RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		}, nil
	}
}

func simulated(t *testing.T) (*simaws.Server, string) {
	t.Helper()
	sim := simaws.New()
	web := httptest.NewServer(sim)
	t.Cleanup(web.Close)
	return sim, web.URL
}

func newKey(t *testing.T, endpoint string) string {
	t.Helper()
	cfg, err := at(endpoint)(t.Context())
	require.NoError(t, err)
	made, err := kms.NewFromConfig(cfg).CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	return aws.ToString(made.KeyMetadata.Arn)
}

// closed returns keysets and their text closed by two new keys.
func closed(t *testing.T, endpoint string) (keys *vault.Keysets, text config.Secret) {
	t.Helper()
	keys, err := vault.Generate()
	require.NoError(t, err)
	text, err = keys.Close(t.Context(), awskms.Service(at(endpoint)), newKey(t, endpoint), newKey(t, endpoint))
	require.NoError(t, err)
	return keys, text
}

// TestKeysetsThatKMSClosedOpenThroughKMSAlone runs against our simulation, or
// the LocalStack that LOCALSTACK_URL names.
func TestKeysetsThatKMSClosedOpenThroughKMSAlone(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("LOCALSTACK_URL")
	if endpoint == "" {
		_, endpoint = simulated(t)
	}
	keys, text := closed(t, endpoint)
	require.NotContains(t, text.Reveal(), "HpkePrivateKey")
	_, err := vault.Parse(text)
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))

	opened, err := vault.Open(t.Context(), text, awskms.Service(at(endpoint)))
	require.NoError(t, err)
	field := vault.Field{WorkspaceID: uuid.New(), Name: "access", Version: 1}
	sealer, err := opened.TokenSealer()
	require.NoError(t, err)
	sealed, err := sealer.Seal(t.Context(), field, "token")
	require.NoError(t, err)
	tokens, err := keys.Tokens()
	require.NoError(t, err)
	got, err := tokens.Unseal(t.Context(), field, sealed)
	require.NoError(t, err)
	require.Equal(t, config.Secret("token"), got)

	// What was closed for one use does not open for the other.
	swapped := strings.NewReplacer(`"apps":`, `"tokens":`, `"tokens":`, `"apps":`).Replace(text.Reveal())
	_, err = vault.Open(t.Context(), config.Secret(swapped), awskms.Service(at(endpoint)))
	require.Equal(t, apperr.Invalid, apperr.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "did not close this keyset for this use")
}

func TestTheAPIsPartAsksForAppsAlone(t *testing.T) {
	t.Parallel()
	sim, endpoint := simulated(t)
	keys, _ := closed(t, endpoint)
	text, err := keys.ForAPI().Close(t.Context(), awskms.Service(at(endpoint)), newKey(t, endpoint), "none")
	require.NoError(t, err)
	before := len(sim.Calls())
	opened, err := vault.Open(t.Context(), text, awskms.Service(at(endpoint)))
	require.NoError(t, err)
	require.Equal(t, []string{"Decrypt"}, sim.Calls()[before:])
	_, err = opened.Tokens()
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))
}

func TestWhatKMSRefusesIsSaidInWords(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]apperr.Kind{
		"AccessDeniedException": apperr.Forbidden, "DisabledException": apperr.Invalid, "NotFoundException": apperr.Invalid,
		"ThrottlingException": apperr.Unavailable, "SomethingNewException": apperr.Internal,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			sim, endpoint := simulated(t)
			_, text := closed(t, endpoint)
			sim.Refuse("Decrypt", code, http.StatusBadRequest)
			_, err := vault.Open(t.Context(), text, awskms.Service(at(endpoint)))
			require.Equal(t, kind, apperr.KindOf(err))
			require.ErrorContains(t, err, "open the apps keyset: ")
		})
	}
	web := httptest.NewServer(http.NotFoundHandler())
	_, endpoint := simulated(t)
	_, text := closed(t, endpoint)
	web.Close()
	_, err := vault.Open(t.Context(), text, awskms.Service(at(web.URL)))
	require.Equal(t, apperr.Unavailable, apperr.KindOf(err))
}

func TestKeysetsInTheClearAskNobody(t *testing.T) {
	t.Parallel()
	keys, err := vault.Generate()
	require.NoError(t, err)
	text, err := keys.Marshal()
	require.NoError(t, err)
	_, err = vault.Open(t.Context(), text, awskms.Service(func(context.Context) (aws.Config, error) {
		t.Error("AWS was looked for")
		return aws.Config{}, nil
	}))
	require.NoError(t, err)
	_, err = awskms.Open(t.Context(), text)
	require.NoError(t, err)
}
