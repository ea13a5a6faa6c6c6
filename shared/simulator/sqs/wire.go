//nolint:tagliatelle // the names are the protocol's, not ours
package sqs

import "encoding/json"

// The wire types. Field names are the protocol's own, which is why they carry no
// name tags; a pointer tells an absent number from 0.

// errorBody is the JSON of an error.
type errorBody struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

type queueOnly struct{ QueueUrl string }

type empty struct{}

type createQueueIn struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

type queueURLOut struct{ QueueUrl string }

type getQueueURLIn struct{ QueueName string }

type listQueuesIn struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listQueuesOut struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

type listSourcesIn struct {
	QueueUrl   string
	MaxResults *int
	NextToken  string
}

type listSourcesOut struct {
	QueueURLs []string `json:"queueUrls"`
	NextToken string   `json:",omitempty"`
}

type getAttributesIn struct {
	QueueUrl       string
	AttributeNames []string
}

type attributesOut struct {
	Attributes map[string]string `json:",omitempty"`
}

type setAttributesIn struct {
	QueueUrl   string
	Attributes map[string]string
}

type tagQueueIn struct {
	QueueUrl string
	Tags     map[string]string
}

type untagQueueIn struct {
	QueueUrl string
	TagKeys  []string
}

type tagsOut struct {
	Tags map[string]string `json:",omitempty"`
}

// attribute is a message attribute's value.
type attribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// outgoing is a message as its sender gives it.
type outgoing struct {
	MessageBody             *string
	DelaySeconds            *int
	MessageAttributes       map[string]attribute
	MessageSystemAttributes map[string]attribute
	MessageDeduplicationId  *string
	MessageGroupId          *string
}

type sendIn struct {
	QueueUrl string
	outgoing
}

type sendOut struct {
	MessageId                    string
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
}

type sendEntry struct {
	Id string
	outgoing
}

type sendBatchIn struct {
	QueueUrl string
	Entries  []sendEntry
}

type sendResult struct {
	Id string
	sendOut
}

type failedEntry struct {
	Id          string
	SenderFault bool
	Code        string
	Message     string
}

type batchOut[T any] struct {
	Successful []T
	Failed     []failedEntry `json:",omitempty"`
}

type receiveIn struct {
	QueueUrl                    string
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

type receivedMessage struct {
	MessageId              string
	ReceiptHandle          string
	Body                   string
	MD5OfBody              string
	MD5OfMessageAttributes string               `json:",omitempty"`
	Attributes             map[string]string    `json:",omitempty"`
	MessageAttributes      map[string]attribute `json:",omitempty"`
}

type receiveOut struct {
	Messages []receivedMessage `json:",omitempty"`
}

type deleteIn struct {
	QueueUrl      string
	ReceiptHandle string
}

type handleEntry struct {
	Id                string
	ReceiptHandle     string
	VisibilityTimeout *int
}

type handleBatchIn struct {
	QueueUrl string
	Entries  []handleEntry
}

type entryResult struct{ Id string }

type changeVisibilityIn struct {
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout *int
}

type startMoveIn struct {
	SourceArn                    string
	DestinationArn               string
	MaxNumberOfMessagesPerSecond *int
}

type taskHandle struct{ TaskHandle string }

type listMovesIn struct {
	SourceArn  string
	MaxResults *int
}

type moveResult struct {
	TaskHandle                        string `json:",omitempty"`
	Status                            string
	SourceArn                         string
	DestinationArn                    string `json:",omitempty"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string `json:",omitempty"`
	StartedTimestamp                  int64
}

type listMovesOut struct{ Results []moveResult }

type cancelMoveOut struct{ ApproximateNumberOfMessagesMoved int }

// redrivePolicy is the JSON inside the attribute of that name. Templates write
// the number both as a number and as a string.
type redrivePolicy struct {
	DeadLetterTargetArn string      `json:"deadLetterTargetArn"`
	MaxReceiveCount     json.Number `json:"maxReceiveCount"`
}
