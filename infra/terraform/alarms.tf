# Each alarm is named <stack>/<runbook>[/<what>], and infra/runbooks holds a
# runbook of that name.

locals {
  signal_namespace = "${var.name}/${var.environment}"

  # Log lines that mean something; a test holds the words to those in the code.
  signals = {
    tick-step-failed     = { functions = ["publish"], pattern = "{ $.msg = \"tick step failed\" }" }
    accepted-late        = { functions = ["publish"], pattern = "{ $.msg = \"accepted after it was proved absent\" }" }
    unclear-calls        = { functions = ["publish"], pattern = "{ $.msg = \"call ended\" && $.outcome = \"unclear\" }" }
    account-not-readable = { functions = ["publish"], pattern = "{ $.msg = \"account could not be read back\" }" }
    audit-chain          = { functions = ["metrics"], pattern = "{ $.msg = \"audit chain does not verify\" }" }
    token-not-stored     = { functions = ["publish", "metrics"], pattern = "{ $.msg = \"refreshed tokens could not be stored\" }" }
    clock-off            = { functions = ["publish"], pattern = "{ $.msg = \"clock is off\" }" }
    handler-panicked     = { functions = ["generate", "review", "publish", "metrics"], pattern = "{ $.msg = \"handler panicked\" }" }
    dependency-away      = { functions = ["generate", "review", "publish", "metrics"], pattern = "{ $.error_kind = \"unavailable\" }" }
  }
  # What the functions measure (shared/telemetry), written as lines of JSON in
  # their logs, which CloudWatch makes metrics of; a test holds the names to those
  # in the code.
  measures = { for name in [
    "lateness_ms", "calls", "call_ms", "queue_wait_ms", "posts_held", "posts_unknown", "unknown_age_s", "posts_need_person",
    "need_person_age_s", "breakers_open", "kept_reads", "agent_input_tokens", "agent_output_tokens", "agent_micro_usd", "token_refreshes", "tick_ms",
    "posts_dispatched", "db_ms",
  ] : name => name }

  filters = merge([
    for signal, s in local.signals : {
      for f in s.functions : "${signal}/${f}" => { signal = signal, function = f, pattern = s.pattern }
    }
  ]...)
  function_ids = { for id, f in local.functions : f.name => id }

  alarm_defaults = {
    namespace   = "AWS/Lambda"
    dimensions  = {}
    statistic   = "Sum"
    period      = 60
    periods     = 5
    of_periods  = 5
    comparison  = "GreaterThanOrEqualToThreshold"
    missing     = "notBreaching"
    description = ""
  }

  # Thresholds over one period; periods of of_periods must be over it.
  alarms = merge(
    { for id, q in local.dead_letters : "dead-letter-queue/${trimsuffix(q.name, "-dead-letter")}" => merge(local.alarm_defaults, {
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = aws_sqs_queue.dead_letter[id].name }
      statistic   = "Maximum", threshold = 1, periods = 1, of_periods = 1
      description = "A message failed too often and waits for a person."
    }) },
    { for id, q in local.source_queues : "queue-behind/${q.name}" => merge(local.alarm_defaults, {
      namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = aws_sqs_queue.source[id].name }
      # Longer than a message that failed once is hidden.
      statistic   = "Maximum", threshold = 2 * q.VisibilityTimeout, periods = 3, of_periods = 3
      description = "The queue fills faster than its function empties it."
    }) },
    { for id, f in local.functions : "function-errors/${f.name}" => merge(local.alarm_defaults, {
      metric      = "Errors", dimensions = { FunctionName = aws_lambda_function.function[id].function_name }
      threshold   = 1, periods = 3
      description = "Invocations end with an error, a timeout or no start at all."
    }) },
    { for id, f in local.functions : "function-throttled/${f.name}" => merge(local.alarm_defaults, {
      metric      = "Throttles", dimensions = { FunctionName = aws_lambda_function.function[id].function_name }
      threshold   = 1, periods = 3
      description = "Lambda refuses invocations for want of concurrency."
    }) },
    { for id, f in local.functions : "function-slow/${f.name}" => merge(local.alarm_defaults, {
      metric    = "Duration", dimensions = { FunctionName = aws_lambda_function.function[id].function_name }
      statistic = "Maximum", threshold = 900 * f.timeout, periods = 3
      # 90 % of the timeout, in milliseconds.
      description = "Invocations come near their timeout of ${f.timeout} s."
    }) },
    { "tick-missing" = merge(local.alarm_defaults, {
      metric    = "Invocations", dimensions = { FunctionName = aws_lambda_function.function[local.function_ids["publish"]].function_name }
      period    = 300, threshold = 3, periods = 1, of_periods = 1, comparison = "LessThanThreshold", missing = "breaching"
      statistic = "Sum", description = "The publish function ran less than three times in five minutes, though a rule fires each minute."
    }) },
    { "api-errors" = merge(local.alarm_defaults, {
      namespace   = "AWS/ApiGateway", metric = "5xx", dimensions = { ApiId = aws_apigatewayv2_api.http.id }
      threshold   = 3, periods = 3
      description = "The API answers 5xx."
    }) },
    { "api-slow" = merge(local.alarm_defaults, {
      namespace = "AWS/ApiGateway", metric = "Latency", dimensions = { ApiId = aws_apigatewayv2_api.http.id }
      statistic = "p99", period = 300, threshold = 2000, periods = 3, of_periods = 3
      # Cold starts alone stay far below.
      description = "One request in a hundred takes more than 2 s."
    }) },
    { "concurrency-near-quota" = merge(local.alarm_defaults, {
      metric      = "ConcurrentExecutions", statistic = "Maximum", threshold = floor(0.8 * var.account_concurrency), periods = 3
      description = "The account uses 80 % of its Lambda concurrency of ${var.account_concurrency}."
    }) },
    { for signal, a in {
      tick-step-failed     = { threshold = 1, period = 60, periods = 3, description = "A step of the tick fails again and again." }
      accepted-late        = { threshold = 1, period = 60, periods = 1, description = "A network accepted a post after it had been proved absent: perhaps a double." }
      unclear-calls        = { threshold = 3, period = 900, periods = 1, description = "Calls to a network end without a clear answer." }
      account-not-readable = { threshold = 5, period = 900, periods = 1, description = "Unknown posts cannot be settled: accounts cannot be read back." }
      token-not-stored     = { threshold = 1, period = 60, periods = 1, description = "Refreshed tokens could not be stored: unless the queue still brings them, their account will have to be connected again." }
      clock-off            = { threshold = 1, period = 60, periods = 3, description = "The publish function's clock is more than a second off the database's." }
      handler-panicked     = { threshold = 1, period = 60, periods = 1, description = "A handler panicked: a defect." }
      dependency-away      = { threshold = 5, period = 60, periods = 3, description = "The database or a network does not answer." }
      } : signal => merge(local.alarm_defaults, a, {
        namespace = local.signal_namespace, metric = signal, of_periods = max(a.periods, a.periods == 3 ? 5 : 1)
    }) },
    { for key, a in {
      posts-late                                         = { metric = local.measures.lateness_ms, statistic = "p99", period = 300, threshold = 5000, periods = 2, of_periods = 3, description = "One post in a hundred goes out more than 5 s late, though nothing held it." }
      unknown-too-long                                   = { metric = local.measures.unknown_age_s, threshold = 1800, periods = 3, description = "A post has been unknown for half an hour: reading its account back does not settle it." }
      breaker-open                                       = { metric = local.measures.breakers_open, threshold = 1, periods = 3, description = "A breaker has kept the posts of a network or an account back for minutes." }
      needs-person                                       = { metric = local.measures.need_person_age_s, threshold = 14400, periods = 3, description = "Somebody should have decided about an unknown post four hours ago." }
      } : key => merge(local.alarm_defaults, { statistic = "Maximum" }, a, {
        namespace                                        = local.signal_namespace, dimensions = { function = "publish" }
    }) },
    { for key, a in {
      database-connections = { metric = "DatabaseConnections", threshold = floor(0.8 * var.database_max_connections), description = "80 % of the database's connections are taken." }
      database-capacity    = { metric = "ACUUtilization", threshold = 90, description = "The database is at 90 % of its largest size." }
      } : key => merge(local.alarm_defaults, a, {
        namespace = "AWS/RDS", dimensions = { DBClusterIdentifier = aws_rds_cluster.aurora[0].cluster_identifier }, statistic = "Maximum"
    }) if local.aurora },
  )
}

resource "aws_cloudwatch_log_metric_filter" "signal" {
  for_each = local.filters

  name           = "${local.name}/${each.key}"
  log_group_name = aws_cloudwatch_log_group.function[local.function_ids[each.value.function]].name
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = local.signal_namespace
    name          = each.value.signal
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = local.alarms

  alarm_name          = "${local.name}/${each.key}"
  alarm_description   = "${each.value.description} What to do: infra/runbooks/${split("/", each.key)[0]}.md"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  period              = each.value.period
  evaluation_periods  = each.value.of_periods
  datapoints_to_alarm = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = each.value.comparison
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.key["data"].arn
}

locals {
  topic_statements = [for sid, service in { Alarms = "cloudwatch.amazonaws.com", Budgets = "budgets.amazonaws.com" } : {
    sid       = sid
    effect    = "Allow"
    service   = service
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]
    condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    why       = ""
  }]
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in local.topic_statements : {
      Sid       = s.sid
      Effect    = s.effect
      Principal = { Service = s.service }
      Action    = s.actions
      Resource  = s.resources
      Condition = s.condition
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count = var.alarm_email == "" ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}
