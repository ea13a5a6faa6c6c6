package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are the attributes of a queue that a caller can set.
type settings struct {
	delay      time.Duration
	wait       time.Duration
	visibility time.Duration
	retention  time.Duration
	maxBytes   int
	// deadLetterARN is empty and maxReceives 0 without a redrive policy.
	deadLetterARN string
	maxReceives   int
	// stored holds the attributes that are kept and returned, not acted upon.
	stored map[string]string
}

// The attributes' defaults and ranges are those of the API reference of
// SetQueueAttributes, read 2026-11.
func defaultSettings() settings {
	return settings{
		visibility: 30 * time.Second, retention: 4 * 24 * time.Hour, maxBytes: maxMessageBytes,
		stored: map[string]string{"SqsManagedSseEnabled": "true"},
	}
}

// with returns the settings changed by the attributes given. known tells which
// ARNs name a queue.
func (set *settings) with(attributes map[string]string, known func(arn string) bool) (settings, error) {
	next := *set
	next.stored = maps.Clone(set.stored)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := next.apply(name, attributes[name], known); err != nil {
			return settings{}, err
		}
	}
	return next, nil
}

func (set *settings) apply(name, value string, known func(arn string) bool) error {
	var err error
	switch name {
	case "DelaySeconds":
		set.delay, err = secondsIn(name, value, 0, int(maxDelay/time.Second))
	case "ReceiveMessageWaitTimeSeconds":
		set.wait, err = secondsIn(name, value, 0, int(maxWait/time.Second))
	case "VisibilityTimeout":
		set.visibility, err = secondsIn(name, value, 0, int(maxVisibility/time.Second))
	case "MessageRetentionPeriod":
		set.retention, err = secondsIn(name, value, 60, 1_209_600)
	case "MaximumMessageSize":
		set.maxBytes, err = numberIn(name, value, 1024, maxMessageBytes)
	case "RedrivePolicy":
		err = set.applyRedrive(value, known)
	case "RedriveAllowPolicy", "Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled":
		if value == "" {
			delete(set.stored, name)
		} else {
			set.stored[name] = value
		}
	default:
		err = sender("InvalidAttributeName", "", "Unknown Attribute %s.", name)
	}
	return err
}

func (set *settings) applyRedrive(value string, known func(arn string) bool) error {
	if value == "" {
		set.deadLetterARN, set.maxReceives = "", 0
		return nil
	}
	var policy redrivePolicy
	if err := json.Unmarshal([]byte(value), &policy); err != nil {
		return invalidAttribute("RedrivePolicy", "is not valid JSON")
	}
	receives, err := strconv.Atoi(policy.MaxReceiveCount.String())
	if err != nil || receives < 1 || receives > 1000 {
		return invalidAttribute("RedrivePolicy", "has a maxReceiveCount that is not from 1 to 1000")
	}
	if !known(policy.DeadLetterTargetArn) {
		return invalidAttribute("RedrivePolicy", "names a dead letter target that does not exist")
	}
	set.deadLetterARN, set.maxReceives = policy.DeadLetterTargetArn, receives
	return nil
}

// render returns the settings as attributes.
func (set *settings) render() map[string]string {
	out := maps.Clone(set.stored)
	out["DelaySeconds"] = wholeSeconds(set.delay)
	out["ReceiveMessageWaitTimeSeconds"] = wholeSeconds(set.wait)
	out["VisibilityTimeout"] = wholeSeconds(set.visibility)
	out["MessageRetentionPeriod"] = wholeSeconds(set.retention)
	out["MaximumMessageSize"] = strconv.Itoa(set.maxBytes)
	if set.deadLetterARN != "" {
		out["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, set.deadLetterARN, set.maxReceives)
	}
	return out
}

// sameFor reports whether two settings agree on the attributes named.
func (set *settings) sameFor(other *settings, names map[string]string) bool {
	a, b := set.render(), other.render()
	for name := range names {
		if a[name] != b[name] {
			return false
		}
	}
	return true
}

// settable are the names that GetQueueAttributes knows beside the computed ones.
func settable(name string) bool {
	switch name {
	case "DelaySeconds", "ReceiveMessageWaitTimeSeconds", "VisibilityTimeout", "MessageRetentionPeriod",
		"MaximumMessageSize", "RedrivePolicy", "RedriveAllowPolicy", "Policy", "KmsMasterKeyId",
		"KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled":
		return true
	}
	return false
}

func secondsIn(name, value string, low, high int) (time.Duration, error) {
	n, err := numberIn(name, value, low, high)
	return time.Duration(n) * time.Second, err
}

func numberIn(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < low || n > high {
		return 0, invalidAttribute(name, "must be from "+strconv.Itoa(low)+" to "+strconv.Itoa(high))
	}
	return n, nil
}

func invalidAttribute(name, reason string) error {
	return sender("InvalidAttributeValue", "", "The attribute %s %s.", name, reason)
}

func wholeSeconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
