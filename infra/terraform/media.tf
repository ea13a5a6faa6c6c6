resource "aws_s3_bucket" "media" {
  bucket = "${local.name}-media-${local.account_id}"
}

resource "aws_s3_bucket_public_access_block" "media" {
  bucket = aws_s3_bucket.media.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "media" {
  bucket = aws_s3_bucket.media.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "media" {
  bucket = aws_s3_bucket.media.id

  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.key["data"].arn
    }
  }
}

resource "aws_s3_bucket_versioning" "media" {
  bucket = aws_s3_bucket.media.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "media" {
  bucket = aws_s3_bucket.media.id

  # What a browser began to upload and left.
  rule {
    id     = "unfinished"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  rule {
    id     = "replaced"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  depends_on = [aws_s3_bucket_versioning.media]
}

# Browsers put images there and show them from there, by addresses that api signs.
resource "aws_s3_bucket_cors_configuration" "media" {
  bucket = aws_s3_bucket.media.id

  cors_rule {
    allowed_methods = ["GET", "PUT"]
    allowed_origins = [local.public_url]
    allowed_headers = ["content-type"]
    max_age_seconds = 3000
  }
}

locals {
  # What each function does with files (shared/blob). To be told that a file is
  # not there, rather than that it may not be read, takes the right to list.
  media_rights = {
    api     = { actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], keys = ["kms:Decrypt", "kms:GenerateDataKey"] }
    publish = { actions = ["s3:GetObject"], keys = ["kms:Decrypt"] }
    metrics = { actions = ["s3:DeleteObject"], keys = [] }
  }

  media_statements = [{
    sid       = "RefusePlainHttp"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.media.arn, "${aws_s3_bucket.media.arn}/*"]
    condition = { Bool = { "aws:SecureTransport" = "false" } }
    why       = "A refusal: it takes every action on every object away from whoever comes without TLS."
  }]
}

resource "aws_s3_bucket_policy" "media" {
  bucket = aws_s3_bucket.media.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in local.media_statements : {
      Sid       = s.sid
      Effect    = s.effect
      Principal = "*"
      Action    = s.actions
      Resource  = s.resources
      Condition = s.condition
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.media]
}
