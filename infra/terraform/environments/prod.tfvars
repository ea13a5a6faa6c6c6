# Account quota raised first: infra/deploy.md, step 1.
environment = "prod"
region      = "eu-central-1"
release     = "v0.1.0"

account_concurrency = 1000
api_concurrency     = 20
settings = {
  PublishConcurrency = "10"
}

# The output connections_at_most says what of these the functions can take.
database_max_connections = 120

throttle = {
  rate  = 100
  burst = 200
}

log_retention_days = 90
monthly_budget_usd = 400

# Used with database=aurora only.
aurora = {
  min_capacity = 0.5
  max_capacity = 8
  instances    = 2
  backup_days  = 14
  nat_per_zone = true
}
