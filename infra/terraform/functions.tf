resource "aws_lambda_function" "function" {
  for_each = local.functions

  function_name = "${local.name}-${each.value.name}"
  # A changed description makes a new version, and so new sandboxes.
  description = trimspace("${each.value.description} ${var.restarted}")
  role        = aws_iam_role.function[each.key].arn

  runtime       = local.globals.Runtime
  handler       = local.globals.Handler
  architectures = [local.architecture]
  memory_size   = each.value.memory
  timeout       = each.value.timeout

  s3_bucket = local.artifact_bucket
  # Immutable: another release is another key, and that is what makes an update.
  s3_key  = "${var.release}/${each.value.name}-${local.architecture}.zip"
  publish = true

  reserved_concurrent_executions = local.reserve_concurrency ? local.concurrency[each.key] : -1

  environment {
    variables = {
      for name, v in each.value.environment : name => try(
        local.queue_urls[v.Ref],
        local.parameters[v.Ref],
        tostring(v),
      )
    }
  }

  logging_config {
    log_format = local.globals.LoggingConfig.LogFormat
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  dynamic "vpc_config" {
    for_each = local.aurora ? [true] : []
    content {
      subnet_ids         = aws_subnet.private[*].id
      security_group_ids = [aws_security_group.function[0].id]
    }
  }

  lifecycle {
    precondition {
      condition     = local.connections_at_most <= var.database_max_connections - 10
      error_message = "Up to ${local.connections_at_most} database connections (${local.sandboxes_at_most} sandboxes x DatabaseMaxConns ${local.parameters["DatabaseMaxConns"]}) do not fit into ${var.database_max_connections} less 10 for migrations and people. Lower PublishConcurrency, api_concurrency or DatabaseMaxConns, or raise database_max_connections."
    }
    precondition {
      condition     = toset(local.vault_users) == toset(keys(local.vault_rights))
      error_message = "roles.tf says what ${join(", ", keys(local.vault_rights))} may do with the vault's keys, but template.yaml gives VAULT_KEYSET to ${join(", ", local.vault_users)}."
    }
  }

  # The first start must find its rights in place.
  depends_on = [aws_iam_role_policy.function]
}

# Everything calls the alias, never the function: rolling back is pointing it at
# an older version.
resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = "live"
  description      = "What runs. Release ${var.release}, unless pinned."
  function_name    = aws_lambda_function.function[each.key].function_name
  function_version = lookup(var.pinned_versions, each.value.name, aws_lambda_function.function[each.key].version)
}

resource "aws_lambda_function_event_invoke_config" "async" {
  for_each = { for id, f in local.functions : id => f.async if f.async != null }

  function_name                = aws_lambda_function.function[each.key].function_name
  qualifier                    = aws_lambda_alias.live[each.key].name
  maximum_retry_attempts       = each.value.MaximumRetryAttempts
  maximum_event_age_in_seconds = each.value.MaximumEventAgeInSeconds
}

resource "aws_lambda_event_source_mapping" "queue" {
  for_each = local.mappings

  event_source_arn                   = aws_sqs_queue.source[each.value.properties.Queue["Fn::GetAtt"][0]].arn
  function_name                      = aws_lambda_alias.live[each.value.function].arn
  batch_size                         = each.value.properties.BatchSize
  maximum_batching_window_in_seconds = try(each.value.properties.MaximumBatchingWindowInSeconds, 0)
  function_response_types            = each.value.properties.FunctionResponseTypes

  scaling_config {
    maximum_concurrency = local.mapping_concurrency[each.key]
  }

  depends_on = [aws_iam_role_policy.function]
}
