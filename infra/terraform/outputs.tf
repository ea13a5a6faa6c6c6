output "public_url" {
  description = "Where the API and the dashboard answer; networks return to <this>/v1/oauth/<network>/callback."
  value       = local.public_url
}

output "function_versions" {
  description = "The version that each function's alias points at: note it before a deployment, pin it to roll back."
  value       = { for id, f in local.functions : f.name => aws_lambda_alias.live[id].function_version }
}

output "queue_urls" {
  description = "Queues and dead-letter queues by name."
  value       = { for id, q in local.queues : q.name => local.queue_urls[id] }
}

output "secret_names" {
  description = "Secrets to fill before the functions can start, by the template's parameter."
  value       = local.secret_names
}

output "vault_keys" {
  description = "KMS keys by purpose."
  value       = { for key in keys(local.keys) : key => aws_kms_key.key[key].arn }
}

output "media_bucket" {
  description = "Bucket of pictures and films."
  value       = aws_s3_bucket.media.bucket
}

output "alarm_topic" {
  description = "SNS topic that alarms and the budget write to."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.main.dashboard_name
}

output "connections_at_most" {
  description = "Database connections that all functions together can hold."
  value       = local.connections_at_most
}

output "concurrency_reserved" {
  description = "Whether functions have reserved concurrency; false while the account's quota is too small for it."
  value       = local.reserve_concurrency
}

output "database_endpoint" {
  description = "Aurora's writer; empty with an external database."
  value       = one(aws_rds_cluster.aurora[*].endpoint) == null ? "" : one(aws_rds_cluster.aurora[*].endpoint)
}

output "database_owner_secret" {
  description = "Secret with the schema owner's password, kept by RDS; empty with an external database."
  value       = try(aws_rds_cluster.aurora[0].master_user_secret[0].secret_arn, "")
}
