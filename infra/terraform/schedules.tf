# Rules, not EventBridge Scheduler: infra/decisions/0002-one-tick-plus-delay.md.

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.schedules

  name                = "${local.name}-${each.value.name}"
  description         = "Wakes ${local.functions[each.value.function].name} with ${each.value.properties.Input}."
  schedule_expression = each.value.properties.Schedule
  state               = "ENABLED"
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.schedules

  rule  = aws_cloudwatch_event_rule.schedule[each.key].name
  arn   = aws_lambda_alias.live[each.value.function].arn
  input = each.value.properties.Input

  dynamic "retry_policy" {
    for_each = can(each.value.properties.RetryPolicy) ? [each.value.properties.RetryPolicy] : []
    content {
      maximum_retry_attempts       = retry_policy.value.MaximumRetryAttempts
      maximum_event_age_in_seconds = retry_policy.value.MaximumEventAgeInSeconds
    }
  }
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.schedules

  statement_id  = "rule-${each.value.name}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function[each.value.function].function_name
  qualifier     = aws_lambda_alias.live[each.value.function].name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}
