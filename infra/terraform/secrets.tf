locals {
  keys = {
    apps   = "Closes the keyset of developer apps' secrets."
    tokens = "Closes the keyset that opens accounts' OAuth tokens."
    data   = "Secrets, logs, media and alarms at rest."
  }

  whole_account = "arn:${local.partition}:iam::${local.account_id}:root"

  # A key's policy always says "*" for the resource: it means that key.
  key_statements = {
    for key in keys(local.keys) : key => concat(
      [{
        sid       = "Account"
        effect    = "Allow"
        principal = { AWS = local.whole_account }
        actions   = ["kms:*"]
        resources = ["*"]
        condition = {}
        why       = "A key that the account itself cannot manage is lost for ever; who in it may do what is left to IAM policies."
      }],
      [for id, f in local.functions : {
        sid       = "ClosedTo${id}"
        effect    = "Deny"
        principal = { AWS = aws_iam_role.function[id].arn }
        actions   = ["kms:Decrypt"]
        resources = ["*"]
        condition = {}
        why       = "In a key's policy this means the key itself. A refusal, whatever the role's own policy comes to say."
      } if key == "tokens" && !contains(lookup(local.vault_rights, f.name, []), "tokens")],
      [for service in(key == "data" ? ["logs.${var.region}.amazonaws.com"] : []) : {
        sid       = "Logs"
        effect    = "Allow"
        principal = { Service = service }
        actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
        resources = ["*"]
        condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = [
          "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/lambda/${local.name}-*",
          "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:/aws/apigateway/${local.name}",
        ] } }
        why = "In a key's policy this means the key itself; the condition holds it to this stack's log groups."
      }],
      [for service in(key == "data" ? ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] : []) : {
        sid       = service == "budgets.amazonaws.com" ? "Budgets" : "Alarms"
        effect    = "Allow"
        principal = { Service = service }
        actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
        resources = ["*"]
        condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
        why       = "In a key's policy this means the key itself; needed to write to the encrypted topic."
      }],
    )
  }
}

resource "aws_kms_key" "key" {
  for_each = local.keys

  description             = "${local.name}: ${each.value}"
  enable_key_rotation     = true
  deletion_window_in_days = var.secret_recovery_days
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in local.key_statements[each.key] : merge(
      { Sid = s.sid, Effect = s.effect, Principal = s.principal, Action = s.actions, Resource = s.resources },
      length(s.condition) > 0 ? { Condition = s.condition } : {},
    )]
  })
}

resource "aws_kms_alias" "key" {
  for_each = local.keys

  name          = "alias/${local.name}-${each.key}"
  target_key_id = aws_kms_key.key[each.key].key_id
}

# Only the places. The values are put there by hand (infra/deploy.md), so that
# none of them is ever in a state file or a plan.
resource "aws_secretsmanager_secret" "parameter" {
  for_each = local.secret_names

  name                    = each.value
  description             = try(local.template.Parameters[each.key].Description, "${each.key} of template.yaml.")
  kms_key_id              = aws_kms_key.key["data"].arn
  recovery_window_in_days = var.secret_recovery_days
}
