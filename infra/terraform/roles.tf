locals {
  # KMS opens the keysets at a function's start, and closes none of them there.
  # Two keys, so that whoever takes over api opens no token: its part of the
  # keysets only seals them (infra/decisions/0008-the-api-seals-with-a-public-key.md).
  vault_rights = {
    api     = ["apps"]
    publish = ["apps", "tokens"]
    metrics = ["apps", "tokens"]
  }

  # Where an action or a resource holds a wildcard, why says the reason; a test
  # refuses one without.
  function_statements = {
    for id, f in local.functions : id => concat(
      [{
        sid       = "WriteLogs"
        actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        resources = ["${aws_cloudwatch_log_group.function[id].arn}:*"]
        condition = {}
        why       = "The streams of this one group, whose names Lambda makes up."
      }],
      [for i, r in f.queue_rights : {
        sid       = "Queues${i}"
        actions   = r.actions
        resources = [for q in r.queues : local.queue_arns[q]]
        condition = {}
        why       = ""
      }],
      [for m in local.mappings : {
        sid       = "TakeMessages"
        actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
        resources = [local.queue_arns[m.properties.Queue["Fn::GetAtt"][0]]]
        condition = {}
        why       = ""
      } if m.function == id],
      [for _ in range(length(local.function_secrets[id]) > 0 ? 1 : 0) : {
        sid       = "ReadSecrets"
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [for name in local.function_secrets[id] : aws_secretsmanager_secret.parameter[name].arn]
        condition = {}
        why       = ""
      }],
      [for _ in range(length(local.function_secrets[id]) > 0 ? 1 : 0) : {
        sid       = "OpenSecrets"
        actions   = ["kms:Decrypt"]
        resources = [aws_kms_key.key["data"].arn]
        condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${var.region}.amazonaws.com" } }
        why       = ""
      }],
      [for key in lookup(local.vault_rights, f.name, []) : {
        sid       = "OpenVault${title(key)}"
        actions   = ["kms:Decrypt"]
        resources = [aws_kms_key.key[key].arn]
        # What shared/vault/awskms names with each call: a keyset opens for its use only.
        condition = { StringEquals = { "kms:EncryptionContext:rostrum" = key } }
        why       = ""
      }],
      [for r in [for name, r in local.media_rights : r if name == f.name] : {
        sid       = "Files"
        actions   = r.actions
        resources = ["${aws_s3_bucket.media.arn}/*"]
        condition = {}
        why       = "The files of this one bucket, whose names are made up."
      }],
      [for r in [for name, r in local.media_rights : r if name == f.name] : {
        sid       = "ListFiles"
        actions   = ["s3:ListBucket"]
        resources = [aws_s3_bucket.media.arn]
        condition = {}
        why       = ""
      }],
      [for r in [for name, r in local.media_rights : r if name == f.name && length(r.keys) > 0] : {
        sid       = "OpenFiles"
        actions   = r.keys
        resources = [aws_kms_key.key["data"].arn]
        condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
        why       = ""
      }],
      [for _ in range(local.aurora ? 1 : 0) : {
        sid       = "JoinNetwork"
        actions   = ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"]
        resources = ["*"]
        condition = {}
        why       = "Lambda joins the VPC with the function's role, and EC2 has no resource to name for an interface that is yet to be made."
      }],
    )
  }
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = "${local.name}-${each.value.name}"
  description = "What the function ${each.value.name} may do."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = "function"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in local.function_statements[each.key] : merge(
      { Sid = s.sid, Effect = "Allow", Action = s.actions, Resource = s.resources },
      length(s.condition) > 0 ? { Condition = s.condition } : {},
    )]
  })
}
