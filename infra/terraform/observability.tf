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
        yAxis   = { left = { min = 0 } }
      }
    }]
  })
}

locals {
  function_names = { for id, f in local.functions : f.name => aws_lambda_function.function[id].function_name }
  source_names   = { for id, q in local.source_queues : q.name => aws_sqs_queue.source[id].name }
  dead_names     = { for id, q in local.dead_letters : q.name => aws_sqs_queue.dead_letter[id].name }

  # A line for each value of a metric's second dimension, whatever values come.
  by_value = { for name, dimension in {
    calls = "outcome", call_ms = "network", queue_wait_ms = "queue", token_refreshes = "outcome", kept_reads = "outcome", agent_micro_usd = "agent"
  } : name => "SEARCH('{${local.signal_namespace},${dimension}} MetricName=\"${local.measures[name]}\"', '%s', 60)" }

  widgets = [
    { title = "Lateness of posts (ms)", stat = "p99", metrics = [for s in ["p50", "p95", "p99"] : [local.signal_namespace, local.measures.lateness_ms, "function", "publish", { stat = s, label = s }]] },
    { title = "Calls to networks, by outcome", stat = "Sum", metrics = [[{ expression = format(local.by_value["calls"], "Sum") }]] },
    { title = "Duration of a call, p99 (ms)", stat = "p99", metrics = [[{ expression = format(local.by_value["call_ms"], "p99") }]] },
    { title = "Wait in the queue, p99 (ms)", stat = "p99", metrics = [[{ expression = format(local.by_value["queue_wait_ms"], "p99") }]] },
    { title = "Posts held, unknown, for a person", stat = "Maximum", metrics = [for m in [local.measures.posts_held, local.measures.posts_unknown, local.measures.posts_need_person] : [local.signal_namespace, m, "function", "publish"]] },
    { title = "The oldest of them (s)", stat = "Maximum", metrics = [for m in [local.measures.unknown_age_s, local.measures.need_person_age_s] : [local.signal_namespace, m, "function", "publish"]] },
    { title = "Open breakers", stat = "Maximum", metrics = [[local.signal_namespace, local.measures.breakers_open, "function", "publish"]] },
    { title = "Tick (ms)", stat = "Maximum", metrics = [[local.signal_namespace, local.measures.tick_ms, "function", "publish"]] },
    { title = "Posts handed out", stat = "Sum", metrics = [[local.signal_namespace, local.measures.posts_dispatched, "function", "publish"]] },
    { title = "Transactions, p99 (ms)", stat = "p99", metrics = [for n in keys(local.function_names) : [local.signal_namespace, local.measures.db_ms, "function", n]] },
    { title = "Refreshes of tokens, by outcome", stat = "Sum", metrics = [[{ expression = format(local.by_value["token_refreshes"], "Sum") }]] },
    { title = "Agents' cost (micro-USD)", stat = "Sum", metrics = [[{ expression = format(local.by_value["agent_micro_usd"], "Sum") }]] },
    { title = "Agents' tokens", stat = "Sum", metrics = [for pair in setproduct([local.measures.agent_input_tokens, local.measures.agent_output_tokens], ["generate", "review"]) : [local.signal_namespace, pair[0], "function", pair[1]]] },
    { title = "Feeds to read: kept or fetched", stat = "Sum", metrics = [[{ expression = format(local.by_value["kept_reads"], "Sum") }]] },
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
