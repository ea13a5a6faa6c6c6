// Package sqs is an in-process endpoint that speaks the JSON protocol of Amazon
// SQS (AWS JSON 1.0, the one the current SDKs use) for standard queues. It
// imports nothing but the standard library, so that it cannot share a wrong
// belief with the client it is tested with; queuetest holds it, and any other
// SQS server, to the public contract.
//
// What is real: delays and visibility end at their millisecond (never early),
// receive counts count, a message goes to its dead-letter queue when it would be
// received once too often, long polls are woken by the message itself, checksums
// are those the SDK verifies, a client that goes away while it waits takes no
// message with it, and a queue is fair to tenants by their share of what is in
// flight (fair.go).
//
// What is not: FIFO queues, IAM, encryption and queue policies (stored, not
// enforced), the 60 s before the name of a deleted queue may be used again, and
// the second measure of a fair queue, a tenant's share of the consumers' time
// (its window is not documented). Everything is held in memory.
//
// Contract read from docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference
// and from the models inside the Go SDK (service/sqs v1.52.11), 2026-11.
//
// Start reading at [Server]; queue.go is the state, receive.go the long poll, fair.go
// whose turn it is.
package sqs
