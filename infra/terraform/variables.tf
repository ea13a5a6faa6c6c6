variable "name" {
  description = "Product name; the first part of every resource's name."
  type        = string
  default     = "rostrum"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must be 2 to 16 lower-case letters, digits or hyphens, and start with a letter."
  }
}

variable "environment" {
  description = "Which copy of the stack this is; the second part of every resource's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment must be 2 to 10 lower-case letters or digits, for example dev or prod."
  }
}

variable "region" {
  description = "AWS region of everything, for example eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region, for example eu-central-1."
  }
}

variable "release" {
  description = "Release whose functions run. The zips lie in the artifact bucket under this name (infra/deploy.md)."
  type        = string

  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+([-+][0-9A-Za-z.-]+)?$", var.release))
    error_message = "release must be a version such as v1.4.0."
  }
}

variable "pinned_versions" {
  description = "Rollback: function name (api, generate, review, publish, metrics) to the published Lambda version that its alias stays at. Empty follows the release."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for v in values(var.pinned_versions) : can(regex("^[1-9][0-9]*$", v))])
    error_message = "pinned_versions holds version numbers, for example { publish = \"41\" }."
  }
  validation {
    condition     = length(setsubtract(keys(var.pinned_versions), [for f in local.functions : f.name])) == 0
    error_message = "pinned_versions names a function that template.yaml does not have."
  }
}

variable "restarted" {
  description = "Any text, for example \"2026-11-24 new database password\". A change makes all functions start anew, as they must after a secret was changed: they read secrets at their start."
  type        = string
  default     = ""

  validation {
    condition     = length(var.restarted) <= 100
    error_message = "restarted must be 100 characters at most."
  }
}

variable "settings" {
  description = "Parameters of template.yaml whose default is not wanted here, by their name there. Not for secrets: those are put into Secrets Manager by hand."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.settings), keys(local.template.Parameters))) == 0
    error_message = "settings names a parameter that template.yaml does not have: ${join(", ", setsubtract(keys(var.settings), keys(local.template.Parameters)))}."
  }
  validation {
    condition     = length(setintersection(keys(var.settings), local.hidden_parameters)) == 0
    error_message = "settings holds a secret, which would end in the state file: ${join(", ", setintersection(keys(var.settings), local.hidden_parameters))}. Put it into Secrets Manager instead."
  }
  validation {
    condition     = !contains(keys(var.settings), "PublicUrl")
    error_message = "PublicUrl follows from domain (or from the API's own address): set domain."
  }
}

variable "account_concurrency" {
  description = "Lambda's concurrency quota of the AWS account and region: 10 in a new account, usually 1000 after asking (infra/deploy.md). Functions get reserved concurrency only where 100 stay unreserved, as AWS requires."
  type        = number

  validation {
    condition     = var.account_concurrency >= 10 && floor(var.account_concurrency) == var.account_concurrency
    error_message = "account_concurrency must be a whole number of at least 10."
  }
}

variable "api_concurrency" {
  description = "Most sandboxes of the api function at once; each holds its own database connections."
  type        = number
  default     = 10

  validation {
    condition     = var.api_concurrency >= 1 && var.api_concurrency <= 1000 && floor(var.api_concurrency) == var.api_concurrency
    error_message = "api_concurrency must be a whole number from 1 to 1000."
  }
}

variable "throttle" {
  description = "Requests a second, and the burst above it, that the HTTP API lets through before it answers 429."
  type = object({
    rate  = number
    burst = number
  })
  default = { rate = 50, burst = 100 }

  validation {
    condition     = var.throttle.rate >= 1 && var.throttle.burst >= 1
    error_message = "throttle.rate and throttle.burst must be at least 1."
  }
}

variable "domain" {
  description = "Own domain of the API and dashboard, with the Route 53 zone it lies in. Null uses the address that AWS gives."
  type = object({
    name    = string
    zone_id = string
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain.name)) && can(regex("^Z[A-Z0-9]+$", var.domain.zone_id))
    error_message = "domain needs a host name such as rostrum.example.com and the id of its hosted zone, such as Z0123456789ABC."
  }
}

variable "database" {
  description = "Where Postgres is: external (any server that the DatabaseUrl secret names; no VPC, no NAT) or aurora (Serverless v2 in a VPC of its own)."
  type        = string
  default     = "external"

  validation {
    condition     = contains(["external", "aurora"], var.database)
    error_message = "database must be external or aurora."
  }
}

variable "database_max_connections" {
  description = "Connections that the database grants. external: what your plan offers; aurora: set as max_connections. The functions' most connections must stay 10 below it, for migrations and people."
  type        = number
  default     = 100

  validation {
    condition     = var.database_max_connections >= 20 && var.database_max_connections <= 5000
    error_message = "database_max_connections must be 20 to 5000."
  }
}

variable "aurora" {
  description = "Used with database = aurora: engine version (Postgres 15 to 18), capacity in ACU (0 lets it pause), number of instances (two for failover), days of backup, whether deletion is refused, and one NAT gateway for each zone instead of one in all."
  type = object({
    engine_version      = optional(string, "17.5")
    min_capacity        = optional(number, 0.5)
    max_capacity        = optional(number, 4)
    instances           = optional(number, 1)
    backup_days         = optional(number, 7)
    deletion_protection = optional(bool, true)
    nat_per_zone        = optional(bool, false)
    cidr                = optional(string, "10.42.0.0/16")
  })
  default = {}

  validation {
    condition     = can(regex("^1[5-8]\\.[0-9]+$", var.aurora.engine_version))
    error_message = "aurora.engine_version must be of Postgres 15 to 18, for example 17.5."
  }
  validation {
    condition     = var.aurora.min_capacity >= 0 && var.aurora.max_capacity >= 1 && var.aurora.max_capacity <= 256 && var.aurora.min_capacity <= var.aurora.max_capacity
    error_message = "aurora capacity: 0 <= min_capacity <= max_capacity, and max_capacity from 1 to 256."
  }
  validation {
    condition     = var.aurora.instances >= 1 && var.aurora.instances <= 3
    error_message = "aurora.instances must be 1 to 3."
  }
  validation {
    condition     = var.aurora.backup_days >= 1 && var.aurora.backup_days <= 35
    error_message = "aurora.backup_days must be 1 to 35."
  }
  validation {
    condition     = can(cidrsubnet(var.aurora.cidr, 4, 5))
    error_message = "aurora.cidr must be a network of at least 32 addresses, for example 10.42.0.0/16."
  }
}

variable "redis" {
  description = "Redis for request limits and caches: none (conservative limits in each process) or external (the address is put into the RedisUrl secret)."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "external"], var.redis)
    error_message = "redis must be none or external."
  }
  validation {
    condition     = var.redis == "none" || contains(keys(local.template.Parameters), "RedisUrl")
    error_message = "redis = external needs a parameter RedisUrl in template.yaml, which this release does not have."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch Logs knows, for example 7, 30, 90 or 365."
  }
}

variable "alarm_email" {
  description = "Address that alarms and the budget write to; AWS asks it to confirm. Empty sends no mail."
  type        = string
  default     = ""

  validation {
    condition     = var.alarm_email == "" || can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address, or empty."
  }
}

variable "monthly_budget_usd" {
  description = "AWS bill of a month, in US dollars, at 80 % of which (and when 100 % is forecast) the budget alarm writes. It stops nothing; the product's own model budget does."
  type        = number

  validation {
    condition     = var.monthly_budget_usd >= 1
    error_message = "monthly_budget_usd must be at least 1."
  }
}

variable "secret_recovery_days" {
  description = "Days in which a deleted secret or key can be taken back: 7 to 30."
  type        = number
  default     = 30

  validation {
    condition     = var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30
    error_message = "secret_recovery_days must be 7 to 30."
  }
}
