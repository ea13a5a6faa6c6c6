# What must hold in every environment: run with -var-file=environments/….

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
}

run "the_template_is_all_there" {
  assert {
    condition     = toset([for f in local.functions : f.name]) == toset(["api", "generate", "review", "publish", "metrics"])
    error_message = "template.yaml must have the five functions."
  }
  assert {
    condition     = length(aws_sqs_queue.source) == 4 && length(aws_sqs_queue.dead_letter) == 4
    error_message = "There must be four queues and a dead-letter queue for each."
  }
  assert {
    condition     = length(aws_lambda_event_source_mapping.queue) == 4
    error_message = "Each queue must have one function that empties it."
  }
  assert {
    condition     = [for s in aws_cloudwatch_event_rule.schedule : s.schedule_expression if endswith(s.name, "publish-tick")] == ["rate(1 minute)"]
    error_message = "The tick must fire once a minute."
  }
  assert {
    condition     = alltrue([for t in aws_cloudwatch_event_target.schedule : can(jsondecode(t.input).task)])
    error_message = "Every schedule must carry its task's name."
  }
}

run "queues_do_not_double_or_lose" {
  assert {
    condition = alltrue([
      for id, m in local.mappings :
      aws_sqs_queue.source[m.properties.Queue["Fn::GetAtt"][0]].visibility_timeout_seconds >= 6 * local.functions[m.function].timeout
    ])
    error_message = "A queue's visibility timeout must be six times its function's timeout."
  }
  assert {
    condition = alltrue([
      for id, q in local.source_queues :
      aws_sqs_queue.dead_letter[q.RedrivePolicy.deadLetterTargetArn["Fn::GetAtt"][0]].message_retention_seconds > aws_sqs_queue.source[id].message_retention_seconds
    ])
    error_message = "A dead letter's age counts from its first sending: its queue must keep longer than the source."
  }
  assert {
    condition     = alltrue([for q in aws_sqs_queue.source : jsondecode(q.redrive_policy).maxReceiveCount >= 5])
    error_message = "A throttled poller costs receives: maxReceiveCount must be at least 5."
  }
  assert {
    condition     = length(distinct([for q in aws_sqs_queue.source : jsondecode(q.redrive_policy).deadLetterTargetArn])) == length(aws_sqs_queue.source)
    error_message = "Every queue must have a dead-letter queue of its own."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.queue : contains(m.function_response_types, "ReportBatchItemFailures")])
    error_message = "Without ReportBatchItemFailures one bad message replays nine good ones."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.queue : m.scaling_config[0].maximum_concurrency >= 2])
    error_message = "MaximumConcurrency must be set, and AWS takes 2 at least."
  }
  assert {
    condition     = alltrue([for id, m in aws_lambda_event_source_mapping.queue : m.maximum_batching_window_in_seconds == 0 if local.mappings[id].function == "PublishFunction"])
    error_message = "A batching window would send posts late."
  }
  assert {
    condition     = alltrue([for m in aws_lambda_event_source_mapping.queue : m.batch_size <= 10])
    error_message = "Batches over ten need a window."
  }
}

run "a_late_tick_is_dropped" {
  assert {
    condition     = aws_cloudwatch_event_target.schedule["PublishFunction/Tick"].retry_policy[0].maximum_retry_attempts == 0 && aws_cloudwatch_event_target.schedule["PublishFunction/Tick"].retry_policy[0].maximum_event_age_in_seconds == 60
    error_message = "The rule must not repeat a tick."
  }
  assert {
    condition     = aws_lambda_function_event_invoke_config.async["PublishFunction"].maximum_retry_attempts == 0
    error_message = "Lambda must not repeat a tick."
  }
}

run "rights_are_exact" {
  assert {
    condition = alltrue([
      for s in flatten([values(local.function_statements), values(local.queue_statements), values(local.key_statements), local.media_statements, local.topic_statements]) :
      length(s.why) > 20 || !anytrue([for text in concat(s.actions, s.resources) : strcontains(text, "*")])
    ])
    error_message = "A statement with a wildcard in its actions or resources must say why."
  }
  assert {
    condition     = alltrue([for s in flatten(values(local.function_statements)) : !anytrue([for a in s.actions : strcontains(a, "*")])])
    error_message = "A function's actions must be named one by one."
  }
  assert {
    condition     = alltrue([for s in flatten(values(local.function_statements)) : length(s.actions) > 0 && length(s.resources) > 0])
    error_message = "A statement without actions or resources is refused by AWS."
  }
  assert {
    condition = alltrue([
      for id, statements in local.function_statements : length(distinct([for s in statements : s.sid])) == length(statements)
    ])
    error_message = "Statement ids must differ within a policy."
  }
  assert {
    condition     = length(distinct([for r in aws_iam_role_policy.function : r.policy])) == length(local.functions)
    error_message = "Every function must have a policy of its own."
  }
}

run "only_refreshers_open_tokens" {
  assert {
    condition = toset(flatten([
      for id, statements in local.function_statements : [
        for s in statements : local.functions[id].name if contains(s.actions, "kms:Decrypt") && contains(s.resources, aws_kms_key.key["tokens"].arn)
      ]
    ])) == toset(["publish", "metrics"])
    error_message = "Only publish and metrics may open OAuth tokens."
  }
  assert {
    condition     = length([for s in local.function_statements["ApiFunction"] : s.sid if contains(s.resources, aws_kms_key.key["tokens"].arn)]) == 0
    error_message = "api must have no right at all on the key of tokens."
  }
  assert {
    condition = alltrue(flatten([
      for statements in values(local.function_statements) : [
        for s in statements : s.actions == ["kms:Decrypt"] && s.condition == { StringEquals = { "kms:EncryptionContext:rostrum" = lower(trimprefix(s.sid, "OpenVault")) } }
        if startswith(s.sid, "OpenVault")
      ]
    ]))
    error_message = "A keyset must open for its use only, and no function may close one."
  }
  assert {
    condition     = !contains(local.function_secrets["ApiFunction"], "VaultKeyset") && contains(local.function_secrets["ApiFunction"], "ApiVaultKeyset")
    error_message = "api must be given its part of the keysets, never the whole."
  }
  assert {
    condition     = strcontains(aws_kms_key.key["tokens"].policy, "ClosedToApiFunction") && strcontains(aws_kms_key.key["tokens"].policy, "ClosedToGenerateFunction")
    error_message = "The key of tokens must refuse those who may not open it, by its own policy."
  }
  assert {
    condition = length(flatten([
      for id in ["GenerateFunction", "ReviewFunction"] : [
        for s in local.function_statements[id] : s.sid
        if length(setintersection(s.resources, [aws_kms_key.key["tokens"].arn, aws_kms_key.key["apps"].arn])) > 0
      ]
    ])) == 0
    error_message = "Functions that read the outside world must have no key of the vault."
  }
}

run "secrets_are_references" {
  assert {
    condition = alltrue(flatten([
      for id, f in aws_lambda_function.function : [
        for name, v in f.environment[0].variables : startswith(v, "secret://")
        if try(contains(local.secret_parameters, local.functions[id].environment[name].Ref), false)
      ]
    ]))
    error_message = "A secret must be handed over by its name, never by its value."
  }
  assert {
    condition     = alltrue([for name in ["DatabaseUrl", "ApiDatabaseUrl", "VaultKeyset", "XClientSecret", "OpenaiApiKey"] : contains(local.secret_parameters, name)])
    error_message = "A parameter that holds a secret must be NoEcho in template.yaml."
  }
  assert {
    condition = alltrue([
      for id, names in local.function_secrets : contains(names, "DatabaseUrl") == (id != "ApiFunction") && contains(names, "ApiDatabaseUrl") == (id == "ApiFunction")
    ])
    error_message = "api must be given its own database login, which sees one workspace at a time, and no other function that one."
  }
  assert {
    condition     = local.secret_names["DatabaseUrl"] != local.secret_names["ApiDatabaseUrl"]
    error_message = "The two logins must be two secrets."
  }
  assert {
    condition     = !contains(local.function_secrets["GenerateFunction"], "VaultKeyset") && !contains(local.function_secrets["ReviewFunction"], "XClientSecret")
    error_message = "generate and review must not get the secrets of accounts."
  }
}

run "everything_at_rest_is_encrypted" {
  assert {
    condition     = alltrue([for q in concat(values(aws_sqs_queue.source), values(aws_sqs_queue.dead_letter)) : q.sqs_managed_sse_enabled])
    error_message = "Queues must be encrypted."
  }
  assert {
    condition     = alltrue([for g in concat(values(aws_cloudwatch_log_group.function), [aws_cloudwatch_log_group.http]) : g.kms_key_id == aws_kms_key.key["data"].arn && g.retention_in_days > 0])
    error_message = "Logs must be encrypted and must end."
  }
  assert {
    condition     = alltrue([for s in aws_secretsmanager_secret.parameter : s.kms_key_id == aws_kms_key.key["data"].arn])
    error_message = "Secrets must be under our own key."
  }
  assert {
    condition     = alltrue([for k in aws_kms_key.key : k.enable_key_rotation])
    error_message = "Keys must rotate."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.media.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "Media must be encrypted."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.media.block_public_acls, aws_s3_bucket_public_access_block.media.block_public_policy,
      aws_s3_bucket_public_access_block.media.ignore_public_acls, aws_s3_bucket_public_access_block.media.restrict_public_buckets,
    ])
    error_message = "Media must be private."
  }
  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == aws_kms_key.key["data"].arn
    error_message = "Alarms must be encrypted."
  }
}

run "every_alarm_has_a_runbook" {
  assert {
    condition     = alltrue([for key in keys(local.alarms) : fileexists("${path.module}/../runbooks/${split("/", key)[0]}.md")])
    error_message = "No runbook for: ${join(", ", [for key in keys(local.alarms) : key if !fileexists("${path.module}/../runbooks/${split("/", key)[0]}.md")])}."
  }
  assert {
    condition     = fileexists("${path.module}/../runbooks/${split("/", aws_budgets_budget.monthly.name)[1]}.md")
    error_message = "The budget alarm has no runbook."
  }
  assert {
    condition     = alltrue([for a in aws_cloudwatch_metric_alarm.alarm : length(a.alarm_actions) == 1 && a.datapoints_to_alarm <= a.evaluation_periods])
    error_message = "Every alarm must tell somebody, and can only count periods that it looks at."
  }
  assert {
    condition     = alltrue([for id, q in local.dead_letters : contains(keys(local.alarms), "dead-letter-queue/${trimsuffix(q.name, "-dead-letter")}")])
    error_message = "Every dead-letter queue must have an alarm."
  }
}

run "alarms_hear_what_is_measured" {
  assert {
    condition     = alltrue([for f in aws_lambda_function.function : f.environment[0].variables["METRICS_NAMESPACE"] == local.signal_namespace])
    error_message = "The functions must measure into the namespace that the alarms listen to."
  }
  assert {
    condition     = alltrue([for key in ["posts-late", "unknown-too-long", "needs-person", "breaker-open"] : aws_cloudwatch_metric_alarm.alarm[key].namespace == local.signal_namespace && aws_cloudwatch_metric_alarm.alarm[key].dimensions == tomap({ function = "publish" })])
    error_message = "An alarm on what publish measures must name its dimension as it is written."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.alarm["posts-late"].extended_statistic == "p99" && aws_cloudwatch_metric_alarm.alarm["posts-late"].threshold == 5000
    error_message = "Lateness must ring by its 99th percentile."
  }
  assert {
    condition     = toset([for a in aws_cloudwatch_metric_alarm.alarm : a.metric_name if a.namespace == local.signal_namespace && !contains(keys(local.measures), a.metric_name) && !contains(keys(local.signals), a.metric_name)]) == toset([])
    error_message = "An alarm listens to a metric that nobody writes."
  }
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.main.dashboard_body).widgets) == length(local.widgets) && strcontains(aws_cloudwatch_dashboard.main.dashboard_body, "lateness_ms")
    error_message = "The dashboard must show what is measured."
  }
}

run "connections_fit" {
  assert {
    condition     = local.connections_at_most <= var.database_max_connections - 10
    error_message = "Sandboxes times pool must fit into the database."
  }
  assert {
    condition     = alltrue([for id, m in local.mappings : local.concurrency[m.function] >= local.mapping_concurrency[id] + 1])
    error_message = "A function needs room for its queue's batches and a schedule, or the poller is throttled."
  }
  assert {
    condition     = alltrue([for id, f in aws_lambda_function.function : f.reserved_concurrent_executions == (local.reserve_concurrency ? local.concurrency[id] : -1)])
    error_message = "Concurrency must be reserved where the account allows it."
  }
}

run "everything_goes_through_the_alias" {
  assert {
    condition     = alltrue([for a in aws_lambda_alias.live : a.name == "live"])
    error_message = "The alias is called live."
  }
  assert {
    condition     = alltrue([for id, m in aws_lambda_event_source_mapping.queue : m.function_name == aws_lambda_alias.live[local.mappings[id].function].arn])
    error_message = "Queues must call the alias."
  }
  assert {
    condition     = alltrue([for id, t in aws_cloudwatch_event_target.schedule : t.arn == aws_lambda_alias.live[local.schedules[id].function].arn])
    error_message = "Schedules must call the alias."
  }
  assert {
    condition     = alltrue([for id, i in aws_apigatewayv2_integration.function : i.integration_uri == aws_lambda_alias.live[local.routes[id].function].invoke_arn])
    error_message = "HTTP must call the alias."
  }
  assert {
    condition     = alltrue([for p in concat(values(aws_lambda_permission.schedule), values(aws_lambda_permission.http)) : p.qualifier == "live"])
    error_message = "Permissions must be for the alias."
  }
}
