package sqs

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"
)

func (s *Server) sendMessage(_ context.Context, _ string, in sendIn) (answer, error) {
	d, err := s.draft(in.outgoing)
	if err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	out, err := q.send(d)
	return answer{body: out}, err
}

func (s *Server) sendMessageBatch(_ context.Context, _ string, in sendBatchIn) (answer, error) {
	ids := make([]string, 0, len(in.Entries))
	total := 0
	for _, e := range in.Entries {
		ids = append(ids, e.Id)
		total += e.size()
	}
	if err := checkBatch(ids); err != nil {
		return answer{}, err
	}
	if total > maxMessageBytes {
		return answer{}, sender("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "A batch is no longer than %d bytes; this one has %d.", maxMessageBytes, total)
	}
	drafts := make([]draft, len(in.Entries))
	faults := make([]error, len(in.Entries))
	for i, e := range in.Entries {
		drafts[i], faults[i] = s.draft(e.outgoing)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	var out batchOut[sendResult]
	for i, e := range in.Entries {
		err := faults[i]
		var sent sendOut
		if err == nil {
			sent, err = q.send(drafts[i])
		}
		out.add(e.Id, sendResult{e.Id, sent}, err)
	}
	return answer{body: out}, nil
}

// add records the result of one entry of a batch.
func (out *batchOut[T]) add(id string, result T, err error) {
	if err == nil {
		out.Successful = append(out.Successful, result)
		return
	}
	e := asAPIError(err)
	out.Failed = append(out.Failed, failedEntry{Id: id, SenderFault: e.status < 500, Code: e.queryCode(), Message: e.message})
}

// checkBatch refuses a batch whose entries cannot be told apart or are too many.
func checkBatch(ids []string) error {
	if len(ids) == 0 {
		return sender("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one entry in the batch.")
	}
	if len(ids) > maxBatch {
		return sender("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "A batch has at most %d entries; this one has %d.", maxBatch, len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if checkName(id) != nil {
			return sender("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", "An entry's id has 1 to 80 letters, digits, hyphens and underscores.")
		}
		if seen[id] {
			return sender("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "The id %s is repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

// draft is a checked message that has no queue yet.
type draft struct {
	message   message
	size      int
	delay     *time.Duration
	attrMD5   string
	systemMD5 string
}

// draft checks what can be checked without a queue; the checksums are taken
// here, outside the lock.
func (s *Server) draft(in outgoing) (draft, error) {
	if err := in.check(); err != nil {
		return draft{}, err
	}
	d := draft{
		message: message{
			id: newID(), body: *in.MessageBody, bodyMD5: md5Hex([]byte(*in.MessageBody)), attributes: in.MessageAttributes,
		},
		size: in.size(), attrMD5: md5OfAttributes(in.MessageAttributes), systemMD5: md5OfAttributes(in.MessageSystemAttributes),
	}
	if in.MessageGroupId != nil {
		d.message.group = *in.MessageGroupId
	}
	if a, ok := in.MessageSystemAttributes["AWSTraceHeader"]; ok {
		d.message.trace = *a.StringValue
	}
	if in.DelaySeconds != nil {
		delay := time.Duration(*in.DelaySeconds) * time.Second
		d.delay = &delay
	}
	return d, nil
}

func (q *queue) send(d draft) (sendOut, error) {
	if d.size > q.settings.maxBytes {
		return sendOut{}, invalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.maxBytes)
	}
	delay := q.settings.delay
	if d.delay != nil {
		delay = *d.delay
	}
	m := d.message
	now := q.server.now()
	m.sentAt = now
	q.add(&m, now, delay)
	return sendOut{MessageId: m.id, MD5OfMessageBody: m.bodyMD5, MD5OfMessageAttributes: d.attrMD5, MD5OfMessageSystemAttributes: d.systemMD5}, nil
}

// size is what counts towards the limits: the body and the attributes' names,
// types and values.
func (in outgoing) size() int {
	n := 0
	if in.MessageBody != nil {
		n = len(*in.MessageBody)
	}
	for name, a := range in.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

func (in outgoing) check() error {
	switch {
	case in.MessageBody == nil || *in.MessageBody == "":
		return missing("MessageBody")
	case !validText(*in.MessageBody):
		return sender("InvalidMessageContents", "", "The message contains characters outside the allowed set.")
	case in.DelaySeconds != nil && (*in.DelaySeconds < 0 || *in.DelaySeconds > int(maxDelay/time.Second)):
		return invalidValue("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", *in.DelaySeconds)
	case in.MessageDeduplicationId != nil:
		return invalidValue("The request includes the parameter MessageDeduplicationId, which is not valid for this queue type.")
	case in.MessageGroupId != nil && !validGroup(*in.MessageGroupId):
		return invalidValue("MessageGroupId has 1 to 128 letters, digits and punctuation characters.")
	case len(in.MessageAttributes) > 10:
		return invalidValue("A message has at most 10 attributes.")
	}
	return in.checkAttributes()
}

func (in outgoing) checkAttributes() error {
	for name, a := range in.MessageAttributes {
		if !validAttributeName(name) {
			return invalidValue("The message attribute name %q is not valid.", name)
		}
		if err := a.check(name); err != nil {
			return err
		}
	}
	for name, a := range in.MessageSystemAttributes {
		if name != "AWSTraceHeader" || a.DataType != "String" || a.StringValue == nil {
			return invalidValue("The message system attribute %s is not AWSTraceHeader of type String.", name)
		}
	}
	return nil
}

// validText tells whether every character may stand in a message: those of XML
// 1.0 (#x9 | #xA | #xD | #x20-#xD7FF | #xE000-#xFFFD | #x10000-#x10FFFF).
func validText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}

func validGroup(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func validAttributeName(name string) bool {
	if name == "" || len(name) > 256 || strings.Trim(name, ".") != name || strings.Contains(name, "..") {
		return false
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return false
	}
	return !strings.ContainsFunc(lower, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-.", r)
	})
}

func (a attribute) check(name string) error {
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch kind {
	case "String", "Number":
		if a.StringValue == nil || *a.StringValue == "" || !validText(*a.StringValue) {
			return invalidValue("The message attribute %s must contain a non-empty text value.", name)
		}
	case "Binary":
		if len(a.BinaryValue) == 0 {
			return invalidValue("The message attribute %s must contain a non-empty binary value.", name)
		}
	default:
		return invalidValue("The type of message attribute %s is not String, Number or Binary.", name)
	}
	return nil
}
