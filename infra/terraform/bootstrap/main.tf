# What must be there before the stack can be: a place for its state, a place for
# its releases, and a role for GitHub to deploy with. Applied once by hand
# (infra/deploy.md); its own small state stays with whoever applied it.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      app        = var.name
      managed_by = "terraform"
    }
  }
}

variable "name" {
  description = "Product name, as in the stack."
  type        = string
  default     = "rostrum"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must be 2 to 16 lower-case letters, digits or hyphens, and start with a letter."
  }
}

variable "region" {
  description = "AWS region of the stack."
  type        = string
}

variable "github_repository" {
  description = "owner/name of the repository whose deploy workflow may take the role; empty makes no role."
  type        = string
  default     = ""

  validation {
    condition     = var.github_repository == "" || can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github_repository))
    error_message = "github_repository must be owner/name."
  }
}

variable "github_environments" {
  description = "GitHub environments that may deploy. Protect prod there by a required reviewer."
  type        = list(string)
  default     = ["dev", "prod"]
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  buckets    = { state = "Terraform state of the stacks.", artifacts = "Releases, one folder each." }
  github     = var.github_repository == "" ? 0 : 1
}

resource "aws_s3_bucket" "bucket" {
  for_each = local.buckets

  bucket = "${var.name}-${each.key}-${local.account_id}"
  tags   = { purpose = each.value }
}

resource "aws_s3_bucket_versioning" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "bucket" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.bucket[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "bucket" {
  for_each = local.buckets

  bucket = aws_s3_bucket.bucket[each.key].id
  rule {
    id     = "replaced"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
  }

  depends_on = [aws_s3_bucket_versioning.bucket]
}

# An account has one provider of this address: import it where it exists.
resource "aws_iam_openid_connect_provider" "github" {
  count = local.github

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "deploy" {
  count = local.github

  name                 = "${var.name}-deploy"
  description          = "Taken by the deploy workflow of ${var.github_repository}, by OIDC; there are no keys."
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github[0].arn }
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        # An environment, not a branch: whoever may deploy there is decided in GitHub.
        "token.actions.githubusercontent.com:sub" = [for e in var.github_environments : "repo:${var.github_repository}:environment:${e}"]
      } }
    }]
  })
}

# Everything but identities; those only of our own name, below.
resource "aws_iam_role_policy_attachment" "deploy" {
  count = local.github

  role       = aws_iam_role.deploy[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/PowerUserAccess"
}

locals {
  # A wildcard says why.
  deploy_statements = [
    {
      sid    = "RolesOfFunctions"
      effect = "Allow"
      actions = [
        "iam:CreateRole", "iam:DeleteRole", "iam:GetRole", "iam:UpdateRole", "iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole",
        "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
        "iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:PassRole",
      ]
      resources = ["arn:${local.partition}:iam::${local.account_id}:role/${var.name}-*"]
      why       = "One role for each function of each environment; their names share this beginning."
    },
    {
      sid       = "NotItself"
      effect    = "Deny"
      actions   = ["iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole"]
      resources = ["arn:${local.partition}:iam::${local.account_id}:role/${var.name}-deploy"]
      why       = ""
    },
    {
      sid       = "NoSecrets"
      effect    = "Deny"
      actions   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
      resources = ["arn:${local.partition}:secretsmanager:*:${local.account_id}:secret:${var.name}-*"]
      why       = "A refusal: whoever deploys code does not read or write the secrets it runs with, of any environment."
    },
  ]
}

resource "aws_iam_role_policy" "deploy" {
  count = local.github

  name = "deploy"
  role = aws_iam_role.deploy[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in local.deploy_statements : {
      Sid = s.sid, Effect = s.effect, Action = s.actions, Resource = s.resources
    }]
  })
}

output "state_bucket" {
  description = "For the stack's backend file."
  value       = aws_s3_bucket.bucket["state"].bucket
}

output "artifact_bucket" {
  description = "Where releases are copied to."
  value       = aws_s3_bucket.bucket["artifacts"].bucket
}

output "deploy_role" {
  description = "For the repository variable AWS_DEPLOY_ROLE; empty without a repository."
  value       = one(aws_iam_role.deploy[*].arn) == null ? "" : one(aws_iam_role.deploy[*].arn)
}
