# No RDS Proxy: it pins a connection on prepared statements and session
# settings, and our statements use both, so it would pool nothing. What bounds
# connections is reserved concurrency times DatabaseMaxConns (functions.tf).

resource "aws_db_subnet_group" "aurora" {
  count = local.aurora ? 1 : 0

  name        = local.name
  description = "Private subnets of ${local.name}."
  subnet_ids  = aws_subnet.private[*].id
}

resource "aws_rds_cluster_parameter_group" "aurora" {
  count = local.aurora ? 1 : 0

  name        = local.name
  family      = "aurora-postgresql${split(".", var.aurora.engine_version)[0]}"
  description = "What the functions count on."

  parameter {
    name         = "max_connections"
    value        = var.database_max_connections
    apply_method = "pending-reboot"
  }
  # A sandbox that AWS froze or ended leaves its connections behind.
  parameter {
    name         = "idle_session_timeout"
    value        = 600000
    apply_method = "immediate"
  }
  parameter {
    name         = "idle_in_transaction_session_timeout"
    value        = 15000
    apply_method = "immediate"
  }
  parameter {
    name         = "rds.force_ssl"
    value        = 1
    apply_method = "immediate"
  }
  parameter {
    name         = "log_min_duration_statement"
    value        = 1000
    apply_method = "immediate"
  }
}

resource "aws_rds_cluster" "aurora" {
  count = local.aurora ? 1 : 0

  cluster_identifier              = local.name
  engine                          = "aurora-postgresql"
  engine_mode                     = "provisioned"
  engine_version                  = var.aurora.engine_version
  database_name                   = replace(var.name, "-", "_")
  master_username                 = "owner_of_schema"
  manage_master_user_password     = true
  master_user_secret_kms_key_id   = aws_kms_key.key["data"].key_id
  db_subnet_group_name            = aws_db_subnet_group.aurora[0].name
  vpc_security_group_ids          = [aws_security_group.database[0].id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.aurora[0].name
  storage_encrypted               = true
  kms_key_id                      = aws_kms_key.key["data"].arn
  backup_retention_period         = var.aurora.backup_days
  preferred_backup_window         = "02:00-02:45"
  copy_tags_to_snapshot           = true
  deletion_protection             = var.aurora.deletion_protection
  skip_final_snapshot             = !var.aurora.deletion_protection
  final_snapshot_identifier       = var.aurora.deletion_protection ? "${local.name}-final" : null
  enabled_cloudwatch_logs_exports = ["postgresql"]

  serverlessv2_scaling_configuration {
    min_capacity = var.aurora.min_capacity
    max_capacity = var.aurora.max_capacity
  }

  depends_on = [aws_cloudwatch_log_group.aurora]
}

resource "aws_rds_cluster_instance" "aurora" {
  count = local.aurora ? var.aurora.instances : 0

  identifier                      = "${local.name}-${count.index}"
  cluster_identifier              = aws_rds_cluster.aurora[0].id
  engine                          = aws_rds_cluster.aurora[0].engine
  engine_version                  = aws_rds_cluster.aurora[0].engine_version
  instance_class                  = "db.serverless"
  publicly_accessible             = false
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.key["data"].arn
  auto_minor_version_upgrade      = true
}
