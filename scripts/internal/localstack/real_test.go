//go:build localstack

package localstack

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/config"
	"rostrum/shared/host"
	"rostrum/shared/secrets"
	"rostrum/shared/vault"
	"rostrum/shared/vault/awskms"
)

// These run on the LocalStack at LOCALSTACK_URL: make test/localstack.

func account(t *testing.T) (*Account, *host.Template, []byte) {
	t.Helper()
	raw, err := os.ReadFile("../../../template.yaml")
	require.NoError(t, err)
	template, err := host.Load(raw, nil)
	require.NoError(t, err)
	a, err := Connect(t.Context(), os.Getenv("LOCALSTACK_URL"), "rostrum-test-"+uuid.NewString()[:8], func(step string) { t.Log(step) })
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Remove(context.WithoutCancel(t.Context()))) })
	return a, template, raw
}

// TestTheTemplatesRulesFireByThemselves takes the minute that a rule takes.
func TestTheTemplatesRulesFireByThemselves(t *testing.T) {
	t.Parallel()
	a, template, _ := account(t)
	urls, err := a.Rules(t.Context(), template)
	require.NoError(t, err)
	rules, err := eventbridge.NewFromConfig(a.cfg).ListRules(t.Context(), &eventbridge.ListRulesInput{NamePrefix: aws.String(a.name)})
	require.NoError(t, err)
	got := map[string]string{}
	for _, r := range rules.Rules {
		got[strings.TrimPrefix(aws.ToString(r.Name), a.name+"-")] = aws.ToString(r.ScheduleExpression)
	}
	want := map[string]string{}
	for _, f := range template.Functions {
		for _, s := range f.Schedules {
			want[f.Name+"-"+strings.ToLower(s.Name)] = s.Expression
		}
	}
	require.Equal(t, want, got)

	// Our tick comes at once, the rule's own within its minute and a little.
	body := func() string {
		out, err := a.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(urls["publish"]), WaitTimeSeconds: 10})
		require.NoError(t, err)
		if len(out.Messages) == 0 {
			return ""
		}
		_, err = a.queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String(urls["publish"]), ReceiptHandle: out.Messages[0].ReceiptHandle})
		require.NoError(t, err)
		return aws.ToString(out.Messages[0].Body)
	}
	begun := time.Now()
	fired := ""
	for fired == "" && time.Since(begun) < 100*time.Second {
		fired = body()
	}
	require.Equal(t, []string{`{"task":"tick"}`}, []string{fired}, "the input verbatim")
	t.Logf("the rule fired after %.0f s", time.Since(begun).Seconds())
}

func TestSettingsAreKeptAsTheFunctionsReadThemInTheCloud(t *testing.T) {
	t.Parallel()
	a, template, raw := account(t)
	keys, err := vault.Generate()
	require.NoError(t, err)
	text, err := keys.Marshal()
	require.NoError(t, err)
	given := map[string]map[string]string{}
	for _, f := range template.Functions {
		given[f.Name] = map[string]string{"DATABASE_URL": "postgres://h/d", "VAULT_KEYSET": text.Reveal(), "X_CLIENT_ID": "id"}
	}
	kept, err := a.Secrets(t.Context(), raw, template, given)
	require.NoError(t, err)
	require.Equal(t, "secret://"+a.name+"/database-url", kept["metrics"]["DATABASE_URL"])
	require.Equal(t, "id", kept["publish"]["X_CLIENT_ID"])
	all, err := json.Marshal(kept)
	require.NoError(t, err)
	require.NotContains(t, string(all), "postgres://")

	type settings struct {
		Database config.Secret `env:"DATABASE_URL,required"`
		Keyset   config.Secret `env:"VAULT_KEYSET,required"`
	}
	read := func(function string) *vault.Keysets {
		var s settings
		connect := func(context.Context) (aws.Config, error) { return a.cfg, nil }
		require.NoError(t, secrets.LoadFrom(t.Context(), &s, kept[function], connect))
		require.Equal(t, config.Secret("postgres://h/d"), s.Database)
		_, err := vault.Parse(s.Keyset)
		require.Error(t, err, "it is closed")
		opened, err := vault.Open(t.Context(), s.Keyset, awskms.Service(connect))
		require.NoError(t, err)
		return opened
	}
	_, err = read("publish").Tokens()
	require.NoError(t, err)
	_, err = read("api").Tokens()
	require.Error(t, err, "the api opens no token")
}

func TestTheBucketIsGivenToTheFunctionsThatUseOne(t *testing.T) {
	t.Parallel()
	a, _, _ := account(t)
	given := map[string]map[string]string{"api": {"BLOB_URL": "", "X": "y"}, "publish": {"X": "y"}}
	for range 2 { // the second finds it there
		got, err := a.Bucket(t.Context(), "http://localhost:8080", given)
		require.NoError(t, err)
		require.Equal(t, map[string]map[string]string{
			"api":     {"BLOB_URL": "s3://" + a.name + "-media", "AWS_ENDPOINT_URL_S3": a.Endpoint, "X": "y"},
			"publish": {"X": "y"},
		}, got)
	}
	a.cleanup = a.cleanup[:1]
}
