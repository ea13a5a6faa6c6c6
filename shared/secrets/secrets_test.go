package secrets_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/secrets"
	simaws "rostrum/shared/simulator/aws"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of clients that no test holds any more.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

type settings struct {
	Database config.Secret `env:"DATABASE_URL,required,notEmpty"`
	Client   config.Secret `env:"CLIENT_SECRET"`
	Model    string        `env:"MODEL"`
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

// TestSettingsComeOutOfAWS runs against our simulation, or the LocalStack that
// LOCALSTACK_URL names.
func TestSettingsComeOutOfAWS(t *testing.T) {
	t.Parallel()
	endpoint := os.Getenv("LOCALSTACK_URL")
	if endpoint == "" {
		_, endpoint = simulated(t)
	}
	cfg, err := at(endpoint)(t.Context())
	require.NoError(t, err)
	// A server that others use too keeps what earlier runs left.
	run := "rostrum-test-" + uuid.NewString()
	sm, params := secretsmanager.NewFromConfig(cfg), ssm.NewFromConfig(cfg)
	for name, value := range map[string]*string{
		"/all": aws.String(`{"database":"postgres://u:canary@h/d"}`), "/text": aws.String("canary"), "/empty": nil,
	} {
		_, err = sm.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String(run + name), SecretString: value})
		require.NoError(t, err)
	}
	_, err = params.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/" + run + "/model"), Value: aws.String("large"), Type: ssmtypes.ParameterTypeSecureString,
	})
	require.NoError(t, err)

	var s settings
	require.NoError(t, secrets.LoadFrom(t.Context(), &s, map[string]string{
		"DATABASE_URL": "secret://" + run + "/all#database", "CLIENT_SECRET": "secret://" + run + "/empty", "MODEL": "param:///" + run + "/model",
	}, at(endpoint)))
	require.Equal(t, settings{Database: "postgres://u:canary@h/d", Model: "large"}, s)

	for reference, words := range map[string]string{
		"secret://" + run + "/gone":   "secret " + run + "/gone: it does not exist",
		"secret://" + run + "/empty":  "secret " + run + "/empty: it holds no value yet",
		"secret://" + run + "/text#a": "secret " + run + `/text: it is not a JSON object, so it has no field "a"`,
		"param:///" + run + "/gone":   "parameter /" + run + "/gone: it does not exist",
	} {
		err := secrets.LoadFrom(t.Context(), &settings{}, map[string]string{"DATABASE_URL": reference}, at(endpoint))
		require.EqualError(t, err, "settings: DATABASE_URL: "+words)
		require.Equal(t, apperr.Invalid, apperr.KindOf(err))
	}
}

func TestRefusalsAreSaidInWords(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		words string
		kind  apperr.Kind
	}{
		"AccessDeniedException":   {"it may not be read from here (AccessDeniedException)", apperr.Invalid},
		"DecryptionFailure":       {"its key does not open it from here (DecryptionFailure)", apperr.Invalid},
		"InvalidRequestException": {"marked for deletion", apperr.Invalid},
		"SomethingNewException":   {"it could not be read (SomethingNewException)", apperr.Invalid},
		"ThrottlingException":     {"it could not be read (ThrottlingException)", apperr.Unavailable},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			sim, url := simulated(t)
			sim.Refuse("GetSecretValue", code, http.StatusBadRequest)
			err := secrets.LoadFrom(t.Context(), &settings{}, map[string]string{"DATABASE_URL": "secret://db"}, at(url))
			require.ErrorContains(t, err, "settings: DATABASE_URL: secret db: ")
			require.ErrorContains(t, err, c.words)
			require.Equal(t, c.kind, apperr.KindOf(err))
		})
	}
}

func TestAWSThatIsAwayIsSaidAndNotWaitedForForever(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	web.Close()
	err := secrets.LoadFrom(t.Context(), &settings{}, map[string]string{"DATABASE_URL": "secret://db"}, at(web.URL))
	require.Equal(t, apperr.Unavailable, apperr.KindOf(err))
	require.ErrorContains(t, err, "DATABASE_URL: secret db: it could not be read")

	held := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
	t.Cleanup(func() {
		close(held)
		slow.Close()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = secrets.LoadFrom(ctx, &settings{}, map[string]string{"DATABASE_URL": "secret://db"}, at(slow.URL))
	require.Equal(t, apperr.Unavailable, apperr.KindOf(err))
	require.ErrorContains(t, err, "it could not be read within")
}

func TestSettingsWithoutReferencesDoNotReachOut(t *testing.T) {
	t.Parallel()
	var s settings
	require.NoError(t, secrets.LoadFrom(t.Context(), &s, map[string]string{"DATABASE_URL": "postgres://h/d"}, func(context.Context) (aws.Config, error) {
		t.Error("AWS was looked for")
		return aws.Config{}, nil
	}))
	require.Equal(t, config.Secret("postgres://h/d"), s.Database)
}

func TestOneSecretOfManySettingsIsReadOnce(t *testing.T) {
	t.Parallel()
	sim, url := simulated(t)
	cfg, err := at(url)(t.Context())
	require.NoError(t, err)
	all, err := json.Marshal(map[string]string{"d": "postgres://h/d", "c": "x"})
	require.NoError(t, err)
	_, err = secretsmanager.NewFromConfig(cfg).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("all"), SecretString: aws.String(string(all))})
	require.NoError(t, err)
	require.NoError(t, secrets.LoadFrom(t.Context(), &settings{}, map[string]string{
		"DATABASE_URL": "secret://all#d", "CLIENT_SECRET": "secret://all#c",
	}, at(url)))
	require.Equal(t, "CreateSecret GetSecretValue", strings.Join(sim.Calls(), " "))
}
