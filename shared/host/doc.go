// Package host runs the functions outside Lambda, with the very JSON that Lambda
// would give them and from the same template: an HTTP listener that speaks API
// Gateway v2 events, a poller that speaks SQS batches with partial failures, and
// a scheduler for rate() and cron(). Adding a function's queue or schedule to
// template.yaml is enough for it to run here too.
//
// A function is a lambda.Handler, payload in, payload out. In process that is
// lambda.NewHandler of its handler; over the wire it is a [Remote], which calls
// Lambda's Invoke API.
//
// What it keeps of Lambda: one deadline per invocation, after which the caller is
// told so; a panic or an overrun fails that invocation only; the limits of
// payloads; at most MaximumConcurrency batches of a queue at once. What it does
// not: sandboxes. All invocations share one process, a function that overruns
// cannot be killed, only canceled, and its place stays taken until it returns.
//
// Start reading at [Host.Run]; template.go and yaml.go read the template.
package host
