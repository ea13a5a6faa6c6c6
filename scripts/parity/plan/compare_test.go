package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const soundTemplate = `Parameters:
  PublishConcurrency: {Type: Number, Default: 10}
Globals:
  Function:
    Runtime: provided.al2023
    MemorySize: 256
    Environment: {Variables: {LOG_LEVEL: info}}
Resources:
  PublishFunction:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 30
      Environment: {Variables: {QUEUE_URL_PUBLISH: {Ref: PublishQueue}}}
      Events:
        Queue:
          Type: SQS
          Properties:
            BatchSize: 10
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: {Ref: PublishConcurrency}}
        Tick:
          Type: Schedule
          Properties:
            Schedule: rate(1 minute)
            Input: '{"task":"tick"}'
            RetryPolicy: {MaximumRetryAttempts: 0}
  PublishQueue:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 180, MessageRetentionPeriod: 345600}
`

const soundPlan = `{"variables": {"settings": {"value": {"PublishConcurrency": "4"}}}, "resource_changes": [
  {"mode": "managed", "type": "aws_lambda_function", "index": "PublishFunction", "change": {"actions": ["create"],
    "after": {"memory_size": 256, "timeout": 30, "runtime": "provided.al2023", "environment": [{"variables": {"LOG_LEVEL": "info"}}]},
    "after_unknown": {"environment": [{"variables": {"QUEUE_URL_PUBLISH": true}}]}}},
  {"mode": "managed", "type": "aws_lambda_event_source_mapping", "index": "PublishFunction/Queue", "change": {"actions": ["create"],
    "after": {"batch_size": 10, "function_response_types": ["ReportBatchItemFailures"], "scaling_config": [{"maximum_concurrency": 4}]}}},
  {"mode": "managed", "type": "aws_cloudwatch_event_rule", "index": "PublishFunction/Tick", "change": {"actions": ["create"],
    "after": {"schedule_expression": "rate(1 minute)"}}},
  {"mode": "managed", "type": "aws_cloudwatch_event_target", "index": "PublishFunction/Tick", "change": {"actions": ["create"],
    "after": {"input": "{\"task\":\"tick\"}", "retry_policy": [{"maximum_retry_attempts": 0}]}}},
  {"mode": "managed", "type": "aws_sqs_queue", "index": "PublishQueue", "change": {"actions": ["create"],
    "after": {"visibility_timeout_seconds": 180, "message_retention_seconds": 345600}}},
  {"mode": "managed", "type": "aws_sqs_queue", "index": "Gone", "change": {"actions": ["delete"], "after": null}},
  {"mode": "data", "type": "aws_partition", "change": {"actions": ["read"]}}
]}`

func TestPlantedDisagreementsAreNamedWithTheirLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		inTemplate, inPlan bool
		old, replacement   string
		want               string
	}{
		"Sound":            {},
		"Timeout":          {inTemplate: true, old: "Timeout: 30", replacement: "Timeout: 60", want: "template.yaml:12: PublishFunction: timeout is 60, in the plan it is 30"},
		"MemoryOfGlobals":  {inPlan: true, old: `"memory_size": 256`, replacement: `"memory_size": 128`, want: "template.yaml:6: PublishFunction: memory_size is 256, in the plan it is 128"},
		"Visibility":       {inPlan: true, old: `"visibility_timeout_seconds": 180`, replacement: `"visibility_timeout_seconds": 30`, want: "template.yaml:29: PublishQueue: visibility_timeout_seconds is 180, in the plan it is 30"},
		"Retention":        {inPlan: true, old: "345600", replacement: "60", want: "message_retention_seconds is 345600, in the plan it is 60"},
		"Setting":          {inPlan: true, old: `"PublishConcurrency": "4"`, replacement: `"PublishConcurrency": "8"`, want: "scaling_config.maximum_concurrency is 8, in the plan it is 4"},
		"DefaultOfSetting": {inPlan: true, old: `"PublishConcurrency": "4"`, replacement: `"Other": "4"`, want: "scaling_config.maximum_concurrency is 10, in the plan it is 4"},
		"BatchSize":        {inPlan: true, old: `"batch_size": 10`, replacement: `"batch_size": 1`, want: "batch_size is 10, in the plan it is 1"},
		"WholeBatch":       {inPlan: true, old: `["ReportBatchItemFailures"]`, replacement: `[]`, want: "function_response_types is ReportBatchItemFailures, in the plan it is "},
		"Schedule":         {inPlan: true, old: "rate(1 minute)", replacement: "rate(5 minutes)", want: "schedule_expression is rate(1 minute), in the plan it is rate(5 minutes)"},
		"Task":             {inPlan: true, old: `\"tick\"`, replacement: `\"tock\"`, want: `in the plan it is {"task":"tock"}`},
		"Retries":          {inPlan: true, old: `"retry_policy": [{"maximum_retry_attempts": 0}]`, replacement: `"retry_policy": []`, want: "maximum_retry_attempts is 0, in the plan it is absent"},
		"MissingVariable":  {inPlan: true, old: `{"LOG_LEVEL": "info"}`, replacement: `{}`, want: "template.yaml:7: PublishFunction is given LOG_LEVEL, in the plan it is not"},
		"ExtraVariable":    {inPlan: true, old: `{"LOG_LEVEL": "info"}`, replacement: `{"LOG_LEVEL": "info", "DEBUG": "1"}`, want: "PublishFunction is not given DEBUG, in the plan it is"},
		"MissingQueue":     {inPlan: true, old: `"index": "PublishQueue"`, replacement: `"index": "OtherQueue"`, want: "PublishQueue has no aws_sqs_queue in the plan"},
		"ExtraQueue":       {inPlan: true, old: `"index": "PublishQueue"`, replacement: `"index": "OtherQueue"`, want: `the plan has aws_sqs_queue "OtherQueue", which template.yaml does not list`},
		"MissingFunction":  {inPlan: true, old: `"index": "PublishFunction", `, replacement: `"index": "SendFunction", `, want: "PublishFunction has no aws_lambda_function in the plan"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			templateText, planText := soundTemplate, soundPlan
			if tc.inTemplate {
				templateText = strings.Replace(templateText, tc.old, tc.replacement, 1)
			}
			if tc.inPlan {
				planText = strings.Replace(planText, tc.old, tc.replacement, 1)
			}
			tpl, err := parseTemplate("template.yaml", []byte(templateText))
			require.NoError(t, err)
			p, err := parsePlan([]byte(planText))
			require.NoError(t, err)
			faults, checked := compare(tpl, p)
			require.Greater(t, checked, 10)
			if tc.want == "" {
				require.Empty(t, faults)
				return
			}
			require.Contains(t, strings.Join(faults, "\n"), tc.want)
		})
	}
}

func TestWhatIsNoPlanIsSaid(t *testing.T) {
	t.Parallel()
	_, err := parsePlan([]byte(`{"format_version": "1.2"}`))
	require.ErrorContains(t, err, "terraform show -json")
	_, err = parsePlan([]byte(`Plan: 3 to add`))
	require.ErrorContains(t, err, "decode plan")
	_, err = parseTemplate("template.yaml", []byte("Description: nothing"))
	require.ErrorContains(t, err, "lists no resources")
}
