resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${local.name}-${each.value.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.key["data"].arn
}

resource "aws_cloudwatch_log_group" "http" {
  name              = "/aws/apigateway/${local.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.key["data"].arn
}

# Made here, or RDS makes it with no end to what it keeps.
resource "aws_cloudwatch_log_group" "aurora" {
  count = local.aurora ? 1 : 0

  name              = "/aws/rds/cluster/${local.name}/postgresql"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = local.name
  dashboard_body = jsonencode({
    widgets = [for i, w in local.widgets : {
      type   = "metric"
      width  = 12
      height = 6
      x      = 12 * (i % 2)
      y      = 6 * floor(i / 2)
      properties = {
        title   = w.title
        region  = var.region
        view    = "timeSeries"
        stat    = w.stat
        period  = 60
        metrics = w.metrics
      }
    }]
  })
}

locals {
  function_names = { for id, f in local.functions : f.name => aws_lambda_function.function[id].function_name }
  source_names   = { for id, q in local.source_queues : q.name => aws_sqs_queue.source[id].name }
  dead_names     = { for id, q in local.dead_letters : q.name => aws_sqs_queue.dead_letter[id].name }

  widgets = [
    { title = "Requests and errors", stat = "Sum", metrics = [for m in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", m, "ApiId", aws_apigatewayv2_api.http.id]] },
    { title = "API latency, p99 (ms)", stat = "p99", metrics = [for m in ["Latency", "IntegrationLatency"] : ["AWS/ApiGateway", m, "ApiId", aws_apigatewayv2_api.http.id]] },
    { title = "Invocations", stat = "Sum", metrics = [for n in values(local.function_names) : ["AWS/Lambda", "Invocations", "FunctionName", n]] },
    { title = "Errors", stat = "Sum", metrics = [for n in values(local.function_names) : ["AWS/Lambda", "Errors", "FunctionName", n]] },
    { title = "Duration, p99 (ms)", stat = "p99", metrics = [for n in values(local.function_names) : ["AWS/Lambda", "Duration", "FunctionName", n]] },
    { title = "Sandboxes at once", stat = "Maximum", metrics = [for n in values(local.function_names) : ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", n]] },
    { title = "Waiting messages", stat = "Maximum", metrics = [for n in values(local.source_names) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", n]] },
    { title = "Oldest message (s)", stat = "Maximum", metrics = [for n in values(local.source_names) : ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", n]] },
    { title = "Dead letters", stat = "Maximum", metrics = [for n in values(local.dead_names) : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", n]] },
    { title = "Signals from the log", stat = "Sum", metrics = [for s in keys(local.signals) : [local.signal_namespace, s]] },
  ]
}

# It tells; it stops nothing.
resource "aws_budgets_budget" "monthly" {
  name         = "${local.name}/budget"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  notification {
    comparison_operator       = "GREATER_THAN"
    threshold                 = 80
    threshold_type            = "PERCENTAGE"
    notification_type         = "ACTUAL"
    subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
  }
  notification {
    comparison_operator       = "GREATER_THAN"
    threshold                 = 100
    threshold_type            = "PERCENTAGE"
    notification_type         = "FORECASTED"
    subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
  }

  depends_on = [aws_sns_topic_policy.alarms]
}
