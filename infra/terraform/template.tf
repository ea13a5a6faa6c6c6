# The list of functions, queues, schedules and settings is template.yaml; this
# file turns it into values. Nothing below names a function or a queue.

locals {
  template  = yamldecode(file("${path.module}/../../template.yaml"))
  globals   = local.template.Globals.Function
  resources = local.template.Resources

  functions = {
    for id, r in local.resources : id => {
      name        = lower(trimsuffix(id, "Function"))
      description = r.Properties.Description
      memory      = try(r.Properties.MemorySize, local.globals.MemorySize)
      timeout     = r.Properties.Timeout
      events      = try(r.Properties.Events, {})
      # A value is a plain one or {Ref: parameter or queue}.
      environment = merge(try(local.globals.Environment.Variables, {}), try(r.Properties.Environment.Variables, {}))
      async       = try(r.Properties.EventInvokeConfig, null)
      # [{actions, queues}], as the template's policies say.
      queue_rights = [
        for s in flatten([for p in try(r.Properties.Policies, []) : p.Statement]) : {
          actions = flatten([s.Action])
          queues  = [for target in flatten([s.Resource]) : target["Fn::GetAtt"][0]]
        }
      ]
    } if r.Type == "AWS::Serverless::Function"
  }

  # "PublishDeadLetterQueue" is called publish-dead-letter.
  queues = {
    for id, r in local.resources : id => merge(r.Properties, {
      name = trimprefix(lower(replace(trimsuffix(id, "Queue"), "/([A-Z])/", "-$1")), "-")
    }) if r.Type == "AWS::SQS::Queue"
  }
  source_queues = { for id, q in local.queues : id => q if can(q.RedrivePolicy) }
  dead_letters  = { for id, q in local.queues : id => q if !can(q.RedrivePolicy) }

  # "PublishFunction/Tick" and the like, by what the event is.
  events = merge([
    for id, f in local.functions : {
      for event, e in f.events : "${id}/${event}" => {
        function   = id
        name       = "${f.name}-${lower(event)}"
        type       = e.Type
        properties = e.Properties
      }
    }
  ]...)
  mappings  = { for id, e in local.events : id => e if e.type == "SQS" }
  schedules = { for id, e in local.events : id => e if e.type == "Schedule" }
  routes = {
    for id, e in local.events : id => merge(e, {
      key = can(e.properties.Path) ? "${upper(try(e.properties.Method, "ANY"))} ${e.properties.Path}" : "$default"
    }) if e.type == "HttpApi"
  }

  # Parameters that the template keeps out of sight are secrets, each under its
  # own name: DatabaseUrl is rostrum-dev/database-url.
  hidden_parameters = [for name, p in local.template.Parameters : name if try(p.NoEcho, false)]
  secret_parameters = [for name in local.hidden_parameters : name if !(name == "RedisUrl" && var.redis == "none")]
  secret_names = {
    for name in local.secret_parameters :
    name => "${local.name}/${trimprefix(lower(replace(name, "/([A-Z])/", "-$1")), "-")}"
  }

  parameters = merge(
    { for name, p in local.template.Parameters : name => tostring(try(p.Default, "")) },
    # The program fetches the value at its start (shared/config).
    { for name, secret in local.secret_names : name => "secret://${secret}" },
    { PublicUrl = local.public_url, BlobUrl = "s3://${local.name}-media-${local.account_id}", MetricsNamespace = local.signal_namespace },
    var.settings,
  )
  architecture = local.parameters[local.globals.Architectures[0].Ref]

  # Which parameters a function is given: its secrets follow from that.
  function_parameters = {
    for id, f in local.functions : id => toset([for v in values(f.environment) : v.Ref if can(local.template.Parameters[v.Ref])])
  }
  function_secrets = {
    for id, names in local.function_parameters : id => setintersection(names, local.secret_parameters)
  }
  vault_users = [for f in values(local.functions) : f.name if can(f.environment["VAULT_KEYSET"])]

  # MaximumConcurrency is a number or {Ref: parameter}.
  mapping_concurrency = {
    for id, m in local.mappings : id => tonumber(try(
      local.parameters[m.properties.ScalingConfig.MaximumConcurrency.Ref],
      m.properties.ScalingConfig.MaximumConcurrency,
    ))
  }

  # What each function may run at once: its queues' batches and one of each
  # schedule; for the one behind HTTP, what we allow it.
  concurrency = {
    for id, f in local.functions : id => sum(concat(
      [0],
      [for key, m in local.mappings : local.mapping_concurrency[key] if m.function == id],
      [for s in local.schedules : 1 if s.function == id],
      [for key in distinct([for r in local.routes : r.function if r.function == id]) : var.api_concurrency],
    ))
  }
  # AWS refuses reservations that leave less than 100 unreserved.
  reserve_concurrency = var.account_concurrency - sum(values(local.concurrency)) >= 100

  # Without reservations the account's quota is the only bound.
  sandboxes_at_most   = local.reserve_concurrency ? sum(values(local.concurrency)) : var.account_concurrency
  connections_at_most = local.sandboxes_at_most * tonumber(local.parameters["DatabaseMaxConns"])
}
