package host

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
)

func loadReal(t *testing.T, parameters map[string]string) *Template {
	t.Helper()
	data, err := os.ReadFile("../../template.yaml")
	require.NoError(t, err)
	tmpl, err := Load(data, parameters)
	require.NoError(t, err)
	return tmpl
}

func TestTheTemplateHoldsTheFiveFunctionsAndTheirTriggers(t *testing.T) {
	t.Parallel()
	tmpl := loadReal(t, nil)
	type shape struct {
		Timeout time.Duration
		Queue   string
		Tasks   []string
	}
	got := map[string]shape{}
	for _, f := range tmpl.Functions {
		s := shape{Timeout: f.Timeout}
		for _, source := range f.Sources {
			s.Queue = source.Queue
			require.True(t, source.PartialFailures)
			require.Equal(t, 10, source.BatchSize)
			require.Zero(t, source.Window)
		}
		for _, schedule := range f.Schedules {
			s.Tasks = append(s.Tasks, schedule.Expression+" "+string(schedule.Input))
		}
		require.Equal(t, f.Name == "api", f.HTTP)
		got[f.Name] = s
	}
	require.Equal(t, map[string]shape{
		"api":      {29 * time.Second, "", nil},
		"generate": {120 * time.Second, "GenerateQueue", []string{`rate(15 minutes) {"task":"fill"}`}},
		"review":   {120 * time.Second, "ReviewQueue", []string{`rate(15 minutes) {"task":"remind"}`}},
		"publish":  {30 * time.Second, "PublishQueue", []string{`rate(1 minute) {"task":"tick"}`}},
		"metrics":  {60 * time.Second, "MetricsQueue", []string{`rate(5 minutes) {"task":"collect"}`, `rate(1 minute) {"task":"seal"}`, `cron(15 3 * * ? *) {"task":"daily"}`}},
	}, got)
}

func TestTheTemplatesQueuesGiveUpLateAndHideLong(t *testing.T) {
	t.Parallel()
	tmpl := loadReal(t, nil)
	queues := map[string]Queue{}
	names := map[string]bool{}
	for _, q := range tmpl.Queues {
		queues[q.LogicalID] = q
		names[q.Name] = true
	}
	require.Len(t, names, 8)
	require.True(t, names["rostrum-publish"] && names["rostrum-publish-dead-letter"], names)
	for _, f := range tmpl.Functions {
		for _, s := range f.Sources {
			q := queues[s.Queue]
			require.GreaterOrEqual(t, q.Visibility, 6*f.Timeout, f.Name)
			require.Equal(t, 5, q.MaxReceives)
			require.Greater(t, queues[q.DeadLetter].Retention, q.Retention)
		}
	}
}

func TestEnvironmentHoldsParametersAndQueueAddresses(t *testing.T) {
	t.Parallel()
	tmpl := loadReal(t, map[string]string{"LogLevel": "debug", "PublishConcurrency": "100"})
	i := slices.IndexFunc(tmpl.Functions, func(f Function) bool { return f.Name == "publish" })
	publish := tmpl.Functions[i]
	require.Equal(t, 100, publish.Sources[0].MaxConcurrency)
	got := tmpl.Environment(publish, map[string]string{"PublishQueue": "http://q/publish", "ReviewQueue": "http://q/review"})
	require.Equal(t, "debug", got["LOG_LEVEL"])
	require.Equal(t, "http://q/publish", got["QUEUE_URL_PUBLISH"])
	require.Equal(t, "http://q/review", got["QUEUE_URL_REVIEW"])
	require.NotContains(t, got, "QUEUE_URL_METRICS")
	require.Contains(t, slices.Collect(maps.Keys(got)), "X_CLIENT_SECRET")
	require.NotContains(t, got, "OPENAI_API_KEY", "publish has no business with the model")
}

func TestASettingMeantForOneFunctionIsThatFunctionsOnly(t *testing.T) {
	t.Parallel()
	tmpl := loadReal(t, nil)
	given := map[string]string{"DATABASE_URL": "workers", "API_DATABASE_URL": "api", "DEMO": "true"}
	for _, f := range tmpl.Functions {
		got := tmpl.Settings(f, map[string]string{"PublishQueue": "http://q/publish"}, given)
		require.Equal(t, map[bool]string{true: "api", false: "workers"}[f.Name == "api"], got["DATABASE_URL"], f.Name)
		require.Equal(t, "true", got["DEMO"])
		require.Equal(t, "info", got["LOG_LEVEL"])
	}
	delete(given, "API_DATABASE_URL")
	for _, f := range tmpl.Functions {
		require.Equal(t, "workers", tmpl.Settings(f, nil, given)["DATABASE_URL"], "one for all, where there is one")
	}
}

const minimal = `
Parameters:
  Empty: {Type: String, Default: ""}
Resources:
  Q:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 60}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/f/lambda/
      Timeout: 10
      Environment: {Variables: {EMPTY: {Ref: Empty}}}
      Events:
        E:
`

func TestTemplateThatCannotBeRunIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Load([]byte(minimal+"          {Type: SQS, Properties: {Queue: {Fn::GetAtt: [Q, Arn]}}}"), nil)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"empty":               "",
		"not YAML":            "a: [",
		"list":                "[]",
		"scalar":              "x",
		"short tag":           minimal + "          {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}",
		"unknown queue":       minimal + "          {Type: SQS, Properties: {Queue: {Fn::GetAtt: [R, Arn]}}}",
		"queue by Ref":        minimal + "          {Type: SQS, Properties: {Queue: {Ref: Q}}}",
		"unknown intrinsic":   minimal + "          {Type: Schedule, Properties: {Schedule: {Fn::Sub: x}, Input: '{}'}}",
		"unknown event":       minimal + "          {Type: SNS, Properties: {}}",
		"concurrency of one":  minimal + "          {Type: SQS, Properties: {Queue: {Fn::GetAtt: [Q, Arn]}, ScalingConfig: {MaximumConcurrency: 1}}}",
		"no number":           minimal + "          {Type: SQS, Properties: {Queue: {Fn::GetAtt: [Q, Arn]}, BatchSize: many}}",
		"batch without delay": minimal + "          {Type: SQS, Properties: {Queue: {Fn::GetAtt: [Q, Arn]}, BatchSize: 11}}",
		"bad schedule":        minimal + "          {Type: Schedule, Properties: {Schedule: rate(1 minutes), Input: '{}'}}",
		"input is no JSON":    minimal + "          {Type: Schedule, Properties: {Schedule: rate(1 minute), Input: '{'}}",
		"path":                minimal + "          {Type: HttpApi, Properties: {Path: /x}}",
		"alias":               "a: &a {b: c}\nResources: *a",
		"code elsewhere":      "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: elsewhere/}}}",
		"visibility":          "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 9}}, F: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/f/lambda/, Timeout: 10, Events: {E: {Type: SQS, Properties: {Queue: {Fn::GetAtt: [Q, Arn]}}}}}}}",
		"dead-letter queue":   "Resources: {Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: {Fn::GetAtt: [D, Arn]}, maxReceiveCount: 5}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load([]byte(text), nil)
			require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
		})
	}
	_, err = Load([]byte(minimal+"          {Type: HttpApi}"), map[string]string{"Unknown": "x"})
	require.ErrorContains(t, err, "Unknown")
}

func FuzzLoad(f *testing.F) {
	data, err := os.ReadFile("../../template.yaml")
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, data []byte) {
		tmpl, err := Load(data, nil)
		if (tmpl == nil) != apperr.Is(err, apperr.Invalid) {
			t.Fatalf("%v %v", tmpl, err)
		}
	})
}
