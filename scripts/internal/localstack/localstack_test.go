package localstack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of clients that no test holds any more.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

func TestTheSecretsOfEachFunctionAreThoseThatTheTemplateMarks(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../template.yaml")
	require.NoError(t, err)
	got, err := secretParameters(raw)
	require.NoError(t, err)
	require.Len(t, got, 5)
	require.Equal(t, "DatabaseUrl", got["MetricsFunction"]["DATABASE_URL"], "of the globals")
	require.Equal(t, apiKeyset, got["ApiFunction"]["VAULT_KEYSET"], "the api opens no token")
	require.Equal(t, wholeKeyset, got["PublishFunction"]["VAULT_KEYSET"])
	require.Equal(t, "OpenaiApiKey", got["ReviewFunction"]["OPENAI_API_KEY"])
	require.NotContains(t, got["PublishFunction"], "OPENAI_API_KEY")
	require.NotContains(t, got["PublishFunction"], "X_CLIENT_ID", "which is no secret")
}

func TestNamesAreThoseOfTerraform(t *testing.T) {
	t.Parallel()
	require.Equal(t, "api-vault-keyset", kebab("ApiVaultKeyset"))
}

func TestALocalStackThatLacksAServiceIsToldWhatToStart(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/_localstack/health" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"services":{"sqs":"running","kms":"available","s3":"disabled","events":"error"}}`)
	}))
	defer web.Close()
	_, err := Connect(t.Context(), web.URL+"/", "rostrum-test", func(string) { t.Error("it answered at once") })
	require.ErrorContains(t, err, "does not serve events, s3, secretsmanager: start it with SERVICES=events,kms,s3,secretsmanager,sqs")
}
