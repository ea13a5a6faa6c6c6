mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
}

variables {
  region            = "eu-central-1"
  github_repository = "example/rostrum"
}

run "the_role_is_for_our_repository_alone" {
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role.deploy[0].assume_role_policy).Statement : s.Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/rostrum:environment:dev", "repo:example/rostrum:environment:prod"]])
    error_message = "Only the named environments of our repository may take the role."
  }
  assert {
    condition     = alltrue([for s in local.deploy_statements : length(s.why) > 20 || !anytrue([for text in concat(s.actions, s.resources) : strcontains(text, "*")])])
    error_message = "A statement with a wildcard must say why."
  }
}

run "buckets_are_closed_and_versioned" {
  assert {
    condition     = alltrue([for b in aws_s3_bucket_public_access_block.bucket : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets])
    error_message = "State and releases must be private."
  }
  assert {
    condition     = alltrue([for v in aws_s3_bucket_versioning.bucket : v.versioning_configuration[0].status == "Enabled"])
    error_message = "A state that was overwritten must be recoverable."
  }
  assert {
    condition     = length(aws_s3_bucket_server_side_encryption_configuration.bucket) == length(aws_s3_bucket.bucket)
    error_message = "State and releases must be encrypted."
  }
}

run "no_repository_no_role" {
  variables {
    github_repository = ""
  }
  assert {
    condition     = length(aws_iam_role.deploy) == 0 && length(aws_iam_openid_connect_provider.github) == 0
    error_message = "Without a repository nobody from outside may deploy."
  }
}
