resource "aws_sqs_queue" "source" {
  for_each = local.source_queues

  name                       = "${local.name}-${each.value.name}"
  visibility_timeout_seconds = each.value.VisibilityTimeout
  message_retention_seconds  = each.value.MessageRetentionPeriod
  # Messages hold ids, and tokens only as the vault sealed them, so SQS's own key
  # is enough and costs nothing.
  sqs_managed_sse_enabled = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter[each.value.RedrivePolicy.deadLetterTargetArn["Fn::GetAtt"][0]].arn
    maxReceiveCount     = each.value.RedrivePolicy.maxReceiveCount
  })
}

resource "aws_sqs_queue" "dead_letter" {
  for_each = local.dead_letters

  name                      = "${local.name}-${each.value.name}"
  message_retention_seconds = each.value.MessageRetentionPeriod
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  for_each = local.source_queues

  queue_url = aws_sqs_queue.dead_letter[each.value.RedrivePolicy.deadLetterTargetArn["Fn::GetAtt"][0]].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.source[each.key].arn]
  })
}

locals {
  queue_arns = merge(
    { for id, q in aws_sqs_queue.source : id => q.arn },
    { for id, q in aws_sqs_queue.dead_letter : id => q.arn },
  )
  queue_urls = merge(
    { for id, q in aws_sqs_queue.source : id => q.url },
    { for id, q in aws_sqs_queue.dead_letter : id => q.url },
  )

  # What our own roles may do stands in their policies; these shut everyone else out.
  queue_statements = {
    for id, arn in local.queue_arns : id => [
      {
        sid       = "RefusePlainHttp"
        effect    = "Deny"
        actions   = ["sqs:*"]
        resources = [arn]
        condition = { Bool = { "aws:SecureTransport" = "false" } }
        why       = "A refusal: it takes every action away from whoever comes without TLS."
      },
      {
        sid       = "RefuseOtherAccounts"
        effect    = "Deny"
        actions   = ["sqs:*"]
        resources = [arn]
        # The service itself comes without an account when it moves dead letters.
        condition = { StringNotEqualsIfExists = { "aws:PrincipalAccount" = local.account_id }, Bool = { "aws:PrincipalIsAWSService" = "false" } }
        why       = "A refusal: it takes every action away from principals of other accounts."
      },
    ]
  }
}

resource "aws_sqs_queue_policy" "queue" {
  for_each = local.queues

  queue_url = local.queue_urls[each.key]
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in local.queue_statements[each.key] : {
      Sid       = s.sid
      Effect    = s.effect
      Principal = "*"
      Action    = s.actions
      Resource  = s.resources
      Condition = s.condition
    }]
  })
}
