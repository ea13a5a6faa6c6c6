package sqs

import (
	"crypto/md5" //nolint:gosec // the protocol's checksum, which SDKs verify; it guards nothing
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
)

// newID returns a random UUID (version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes is the checksum of message attributes: name, type, a byte that
// tells text from binary, and value, each with its length before it, in the
// order of the names. Empty when there are none.
// docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html, read 2026-11.
func md5OfAttributes(attributes map[string]attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	part := func(v []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		part([]byte(name))
		part([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			b = append(b, 2)
			part(a.BinaryValue)
			continue
		}
		b = append(b, 1)
		part([]byte(*a.StringValue))
	}
	return md5Hex(b)
}

// newHandle returns the receipt handle of one receive of a message. It carries
// the message's id and a checksum over the queue, so that a handle of another
// queue, or one that was cut, is told from one that is merely old.
func newHandle(queueName, messageID string, receive uint64) string {
	payload := fmt.Sprintf("%s/%d", messageID, receive)
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s/%08x", payload, handleSum(queueName, payload)))
}

// parseHandle returns the id of the message a handle was given out for.
func parseHandle(queueName, handle string) (messageID string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(handle)
	if err != nil {
		return "", false
	}
	payload, sum, ok := cutLast(string(b), "/")
	if !ok || sum != fmt.Sprintf("%08x", handleSum(queueName, payload)) {
		return "", false
	}
	messageID, _, ok = strings.Cut(payload, "/")
	return messageID, ok
}

func handleSum(queueName, payload string) uint32 {
	return crc32.ChecksumIEEE([]byte(queueName + "\x00" + payload))
}

func cutLast(s, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}
