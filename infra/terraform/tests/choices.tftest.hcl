# The choices: database, domain, rollback, account size; and what is refused.

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

variables {
  environment              = "test"
  region                   = "eu-central-1"
  release                  = "v9.9.9"
  account_concurrency      = 1000
  monthly_budget_usd       = 10
  database_max_connections = 200
  # Whatever the environment's file says.
  api_concurrency = 10
  settings        = {}
  aurora          = {}
}

run "an_external_database_needs_no_network" {
  variables {
    database = "external"
  }
  assert {
    condition     = length(aws_vpc.main) == 0 && length(aws_nat_gateway.main) == 0 && length(aws_rds_cluster.aurora) == 0
    error_message = "No VPC, no NAT and no cluster with an external database."
  }
  assert {
    condition     = alltrue([for f in aws_lambda_function.function : length(f.vpc_config) == 0])
    error_message = "Functions must stay outside any VPC."
  }
  assert {
    condition     = !anytrue([for key in keys(local.alarms) : startswith(key, "database-")])
    error_message = "There is no cluster to raise an alarm about."
  }
}

run "aurora_is_closed_and_bounded" {
  variables {
    database = "aurora"
  }
  assert {
    condition     = aws_rds_cluster.aurora[0].storage_encrypted && aws_rds_cluster.aurora[0].manage_master_user_password && aws_rds_cluster.aurora[0].deletion_protection
    error_message = "The cluster must be encrypted, keep its own password and refuse deletion."
  }
  assert {
    condition     = alltrue([for i in aws_rds_cluster_instance.aurora : !i.publicly_accessible])
    error_message = "Nobody outside reaches the database."
  }
  assert {
    condition     = one([for p in aws_rds_cluster_parameter_group.aurora[0].parameter : p.value if p.name == "max_connections"]) == "200"
    error_message = "max_connections must be what the functions were measured against."
  }
  assert {
    condition     = tonumber(one([for p in aws_rds_cluster_parameter_group.aurora[0].parameter : p.value if p.name == "idle_session_timeout"])) > 0
    error_message = "Connections of frozen sandboxes must end."
  }
  assert {
    condition     = one([for p in aws_rds_cluster_parameter_group.aurora[0].parameter : p.value if p.name == "rds.force_ssl"]) == "1"
    error_message = "No connection without TLS."
  }
  assert {
    condition     = alltrue([for f in aws_lambda_function.function : length(f.vpc_config) == 1])
    error_message = "Functions must be where the database is."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.database) == 1 && aws_vpc_security_group_ingress_rule.database[0].referenced_security_group_id == aws_security_group.function[0].id
    error_message = "Only functions come into the database."
  }
  assert {
    condition     = length(aws_nat_gateway.main) == 1 && length(aws_route.private) == 2
    error_message = "Both zones must reach the internet through the one NAT gateway."
  }
  assert {
    condition     = contains(keys(local.alarms), "database-connections") && contains(keys(local.alarms), "database-capacity")
    error_message = "The cluster must have its alarms."
  }
}

run "a_nat_for_each_zone" {
  variables {
    database = "aurora"
    aurora   = { nat_per_zone = true, instances = 2 }
  }
  assert {
    condition     = length(aws_nat_gateway.main) == 2 && length(aws_rds_cluster_instance.aurora) == 2
    error_message = "One NAT gateway for each zone, and a second instance."
  }
}

run "redis_is_reached_by_a_secret" {
  variables {
    redis = "external"
  }
  assert {
    condition     = aws_lambda_function.function["ApiFunction"].environment[0].variables["REDIS_URL"] == "secret://${aws_secretsmanager_secret.parameter["RedisUrl"].name}"
    error_message = "The address of Redis holds a password: the function must be given its place."
  }
  assert {
    condition     = contains(flatten([for s in local.function_statements["ApiFunction"] : s.resources if s.sid == "ReadSecrets"]), aws_secretsmanager_secret.parameter["RedisUrl"].arn)
    error_message = "api must be allowed to read it."
  }
  assert {
    condition     = alltrue([for id, names in local.function_secrets : contains(names, "RedisUrl") == contains(["ApiFunction", "GenerateFunction"], id)])
    error_message = "api counts in Redis and generate keeps feeds there; the others have no business with it."
  }
}

run "without_redis_there_is_no_place_for_it" {
  assert {
    condition     = !contains(keys(aws_secretsmanager_secret.parameter), "RedisUrl") && aws_lambda_function.function["ApiFunction"].environment[0].variables["REDIS_URL"] == ""
    error_message = "Each sandbox counts for itself without Redis."
  }
}

run "the_address_of_redis_is_no_setting" {
  command = plan
  variables {
    settings = { RedisUrl = "rediss://:password@redis.example.com:6379" }
  }
  expect_failures = [var.settings]
}

run "a_domain_is_the_only_way_in" {
  variables {
    domain = { name = "rostrum.example.com", zone_id = "Z0123456789ABC" }
  }
  override_resource {
    target = aws_acm_certificate.domain
    values = {
      arn                       = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
      domain_validation_options = [{ domain_name = "rostrum.example.com", resource_record_name = "_a.rostrum.example.com", resource_record_type = "CNAME", resource_record_value = "_b.example.com" }]
    }
  }
  override_resource {
    target = aws_apigatewayv2_domain_name.domain
    values = { domain_name_configuration = { target_domain_name = "d.example.com", hosted_zone_id = "Z1" } }
  }
  assert {
    condition     = aws_apigatewayv2_api.http.disable_execute_api_endpoint
    error_message = "AWS's own address must be off."
  }
  assert {
    condition     = aws_lambda_function.function["ApiFunction"].environment[0].variables["PUBLIC_URL"] == "https://rostrum.example.com"
    error_message = "Networks must return to the domain."
  }
  assert {
    condition     = one(aws_apigatewayv2_domain_name.domain[0].domain_name_configuration).security_policy == "TLS_1_2"
    error_message = "TLS 1.2 at least."
  }
}

run "rolling_back_points_the_alias" {
  variables {
    pinned_versions = { publish = "41" }
  }
  assert {
    condition     = aws_lambda_alias.live["PublishFunction"].function_version == "41"
    error_message = "A pinned function must stay at its version."
  }
  assert {
    condition     = aws_lambda_alias.live["ApiFunction"].function_version == aws_lambda_function.function["ApiFunction"].version
    error_message = "The others must follow the release."
  }
  assert {
    condition     = alltrue([for f in aws_lambda_function.function : startswith(f.s3_key, "v9.9.9/") && f.publish])
    error_message = "Functions must come from the release, and be published as versions."
  }
}

run "a_new_account_reserves_nothing" {
  variables {
    account_concurrency      = 10
    database_max_connections = 30
  }
  assert {
    condition     = !local.reserve_concurrency && local.connections_at_most == 10 * tonumber(local.parameters["DatabaseMaxConns"])
    error_message = "With the first quota nothing can be reserved, and the quota bounds the connections."
  }
}

run "too_many_connections_are_refused" {
  command = plan
  variables {
    database_max_connections = 40
  }
  expect_failures = [aws_lambda_function.function]
}

run "an_unbounded_account_is_refused" {
  command = plan
  variables {
    account_concurrency = 130
  }
  expect_failures = [aws_lambda_function.function]
}

run "a_secret_among_the_settings_is_refused" {
  command = plan
  variables {
    settings = { DatabaseUrl = "postgres://somebody" }
  }
  expect_failures = [var.settings]
}

run "a_setting_that_nobody_reads_is_refused" {
  command = plan
  variables {
    settings = { PublishConcurency = "4" }
  }
  expect_failures = [var.settings]
}

run "an_unknown_function_cannot_be_pinned" {
  command = plan
  variables {
    pinned_versions = { publisher = "1" }
  }
  expect_failures = [var.pinned_versions]
}

run "a_mistyped_database_is_refused" {
  command = plan
  variables {
    database = "rds"
  }
  expect_failures = [var.database]
}
