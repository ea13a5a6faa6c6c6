terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # Completed at init: terraform init -backend-config=environments/dev.backend
  # (infra/deploy.md shows what that file holds).
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      app         = var.name
      environment = var.environment
      managed_by  = "terraform"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  name            = "${var.name}-${var.environment}"
  account_id      = data.aws_caller_identity.current.account_id
  partition       = data.aws_partition.current.partition
  artifact_bucket = "${var.name}-artifacts-${local.account_id}"
}
