package parity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/functions/api"
	"rostrum/functions/generate"
	"rostrum/functions/metrics"
	"rostrum/functions/publish"
	"rostrum/functions/review"
)

func configs() map[string]any {
	return map[string]any{
		"api": &api.Config{}, "generate": &generate.Config{}, "review": &review.Config{},
		"publish": &publish.Config{}, "metrics": &metrics.Config{},
	}
}

func TestTemplateCodeAndEventsAgree(t *testing.T) {
	t.Parallel()
	tpl, err := readTemplate()
	require.NoError(t, err)
	c, err := readCode(root, configs())
	require.NoError(t, err)
	for _, fault := range compare(tpl, c) {
		t.Error(fault)
	}
}

func TestTheFiveFunctionsAreThere(t *testing.T) {
	t.Parallel()
	c, err := readCode(root, configs())
	require.NoError(t, err)
	for _, name := range []string{"api", "generate", "review", "publish", "metrics"} {
		require.Contains(t, c.settings, name)
	}
}

const sound = `
Globals:
  Function:
    Environment: {Variables: {DATABASE_URL: {Ref: DatabaseUrl}}}
Resources:
  PublishFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/publish/lambda/
      Timeout: 30
      Environment: {Variables: {X_BASE_URL: {Ref: XBaseUrl}}}
      Events:
        Queue:
          Type: SQS
          Properties:
            Queue: {Fn::GetAtt: [PublishQueue, Arn]}
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 10}
        Tick:
          Type: Schedule
          Properties: {Schedule: rate(1 minute), Input: '{"task":"tick"}'}
  PublishQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 180
      RedrivePolicy: {deadLetterTargetArn: {Fn::GetAtt: [PublishDeadLetterQueue, Arn]}, maxReceiveCount: 5}
  PublishDeadLetterQueue: {Type: AWS::SQS::Queue, Properties: {}}
`

func TestPlantedDisagreementsAreFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		old, replacement string
		change           func(*code)
		want             string
	}{
		"Sound":           {},
		"ShortVisibility": {old: "VisibilityTimeout: 180", replacement: "VisibilityTimeout: 179", want: "hides a message for 179 s"},
		"WholeBatch":      {old: "[ReportBatchItemFailures]", replacement: "[]", want: "does not say ReportBatchItemFailures"},
		"NoLimit":         {old: "ScalingConfig: {MaximumConcurrency: 10}", replacement: "BatchSize: 10", want: "no MaximumConcurrency"},
		"NoTask":          {old: `Input: '{"task":"tick"}'`, replacement: "Input: '{}'", want: "carries no task name"},
		"NoDeadLetters":   {old: "RedrivePolicy", replacement: "Tags", want: "has no dead-letter queue"},
		"LostDeadLetters": {old: "[PublishDeadLetterQueue, Arn]", replacement: "[Nowhere, Arn]", want: `to "Nowhere", which is not a queue`},
		"FewReceives":     {old: "maxReceiveCount: 5", replacement: "maxReceiveCount: 2", want: "after 2 receives"},
		"UnknownQueue":    {old: "[PublishQueue, Arn]", replacement: "[Nowhere, Arn]", want: `listens to "Nowhere"`},
		"WrongFolder":     {old: "functions/publish/lambda/", replacement: "functions/send/lambda/", want: `has its code at "functions/send/lambda/"`},
		"UnreadVariable":  {old: "X_BASE_URL:", replacement: "X_URL:", want: "gives X_URL to function publish, which does not read it"},
		"UnreadGlobal":    {old: "DATABASE_URL:", replacement: "DB_URL:", want: "gives DB_URL to every function, but none reads it"},
		"MissingVariable": {
			change: func(c *code) { c.settings["publish"] = append(c.settings["publish"], "VAULT_KEYSET") },
			want:   "reads VAULT_KEYSET, which template.yaml does not give it",
		},
		"MissingFunction": {change: func(c *code) { delete(c.settings, "publish") }, want: "there is no functions/publish/lambda"},
		"ExtraFunction":   {change: func(c *code) { c.settings["extra"] = nil }, want: "functions/extra is not in template.yaml"},
		"NoPayload":       {change: func(c *code) { delete(c.events, "publish") }, want: "events/publish holds no payload"},
		"StrayPayload":    {change: func(c *code) { c.events["gone"] = []string{"a.json"} }, want: "events/gone is for a function that does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tpl, err := parseTemplate([]byte(strings.Replace(sound, tc.old, tc.replacement, 1)))
			require.NoError(t, err)
			c := &code{
				settings: map[string][]string{"publish": {"DATABASE_URL", "X_BASE_URL"}},
				events:   map[string][]string{"publish": {"batch.json"}},
			}
			if tc.change != nil {
				tc.change(c)
			}
			faults := strings.Join(compare(tpl, c), "\n")
			if tc.want == "" {
				require.Empty(t, faults)
				return
			}
			require.Contains(t, faults, tc.want)
		})
	}
}
