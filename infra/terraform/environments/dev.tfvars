# A copy to try things in, in an account with Lambda's first quota. The database
# is external unless -var database=aurora says otherwise.
environment = "dev"
region      = "eu-central-1"
release     = "v0.1.0"

account_concurrency = 10
api_concurrency     = 3
settings = {
  LogLevel           = "debug"
  PublishConcurrency = "2"
}

log_retention_days   = 14
monthly_budget_usd   = 20
secret_recovery_days = 7

# Used with database=aurora only: pauses when nobody is there.
aurora = {
  min_capacity        = 0
  max_capacity        = 1
  deletion_protection = false
}
