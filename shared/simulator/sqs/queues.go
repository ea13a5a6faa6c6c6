package sqs

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The actions on queues. Each takes the lock once and holds it for its whole
// length: none of them waits.

func (s *Server) createQueue(_ context.Context, host string, in createQueueIn) (answer, error) {
	if err := checkName(in.QueueName); err != nil {
		return answer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[in.QueueName]; q != nil {
		wanted, err := q.settings.with(in.Attributes, s.known)
		if err != nil {
			return answer{}, err
		}
		if !q.settings.sameFor(&wanted, in.Attributes) {
			return answer{}, sender("QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name and a different value for an attribute.")
		}
		return answer{body: queueURLOut{q.url(host)}}, nil
	}
	defaults := defaultSettings()
	set, err := defaults.with(in.Attributes, s.known)
	if err != nil {
		return answer{}, err
	}
	q := newQueue(s, in.QueueName, set, s.now())
	maps.Copy(q.tags, in.Tags)
	s.queues[q.name] = q
	return answer{body: queueURLOut{q.url(host)}}, nil
}

func checkName(name string) error {
	if strings.HasSuffix(name, ".fifo") {
		return notSupported("This endpoint has standard queues only.")
	}
	valid := func(r rune) bool {
		return r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if name == "" || len(name) > 80 || strings.ContainsFunc(name, func(r rune) bool { return !valid(r) }) {
		return invalidValue("A queue's name has 1 to 80 letters, digits, hyphens and underscores.")
	}
	return nil
}

func (s *Server) deleteQueue(_ context.Context, _ string, in queueOnly) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	delete(s.queues, q.name)
	q.stopTimer()
	for q.waiters.Len() > 0 {
		q.wake(q.waiters.Front())
	}
	return answer{body: empty{}}, nil
}

func (s *Server) getQueueURL(_ context.Context, host string, in getQueueURLIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[in.QueueName]
	if q == nil {
		return answer{}, noQueue()
	}
	return answer{body: queueURLOut{q.url(host)}}, nil
}

func (s *Server) listQueues(_ context.Context, host string, in listQueuesIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.queues {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			names = append(names, name)
		}
	}
	urls, next, err := s.page(host, names, in.MaxResults, in.NextToken)
	return answer{body: listQueuesOut{QueueUrls: urls, NextToken: next}}, err
}

// page returns the URLs of one page of names. Without MaxResults everything up
// to 1,000 is one page and no token is given, as the real service does it.
func (s *Server) page(host string, names []string, limit *int, token string) (urls []string, next string, err error) {
	size := 1000
	if limit != nil {
		size = *limit
	}
	if size < 1 || size > 1000 {
		return nil, "", invalidValue("MaxResults is from 1 to 1000.")
	}
	after, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, "", invalidValue("The NextToken is not valid.")
	}
	slices.Sort(names)
	start, found := slices.BinarySearch(names, string(after))
	if found {
		start++
	}
	end := min(start+size, len(names))
	for _, name := range names[start:end] {
		urls = append(urls, s.queues[name].url(host))
	}
	if limit != nil && end < len(names) {
		next = base64.StdEncoding.EncodeToString([]byte(names[end-1]))
	}
	return urls, next, nil
}

func (s *Server) getQueueAttributes(_ context.Context, _ string, in getAttributesIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	q.settle(s.now())
	all := q.attributes()
	if slices.Contains(in.AttributeNames, "All") {
		return answer{body: attributesOut{all}}, nil
	}
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		if value, ok := all[name]; ok {
			out[name] = value
		} else if !settable(name) {
			return answer{}, sender("InvalidAttributeName", "", "Unknown Attribute %s.", name)
		}
	}
	return answer{body: attributesOut{out}}, nil
}

func (q *queue) attributes() map[string]string {
	all := q.settings.render()
	all["QueueArn"] = q.arn()
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(q.ready.count)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(q.inFlight)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(q.delayed)
	return all
}

func (s *Server) setQueueAttributes(_ context.Context, _ string, in setAttributesIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	if len(in.Attributes) == 0 {
		return answer{}, missing("Attributes")
	}
	set, err := q.settings.with(in.Attributes, s.known)
	if err != nil {
		return answer{}, err
	}
	q.settings, q.modified = set, s.now()
	q.settle(q.modified)
	return answer{body: empty{}}, nil
}

func (s *Server) purgeQueue(_ context.Context, _ string, in queueOnly) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	now := s.now()
	if !q.purgedAt.IsZero() && now.Sub(q.purgedAt) < time.Minute {
		e := sender("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one purge of a queue is allowed in 60 seconds.")
		e.status = 403
		return answer{}, e
	}
	q.purgedAt = now
	for _, m := range q.messages {
		q.remove(m)
	}
	return answer{body: empty{}}, nil
}

func (s *Server) tagQueue(_ context.Context, _ string, in tagQueueIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	maps.Copy(q.tags, in.Tags)
	return answer{body: empty{}}, nil
}

func (s *Server) untagQueue(_ context.Context, _ string, in untagQueueIn) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	for _, key := range in.TagKeys {
		delete(q.tags, key)
	}
	return answer{body: empty{}}, nil
}

func (s *Server) listQueueTags(_ context.Context, _ string, in queueOnly) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return answer{}, err
	}
	return answer{body: tagsOut{maps.Clone(q.tags)}}, nil
}

// find returns the queue a URL names. Only the last part of the path counts: the
// same queue has a different host in its URL for a container than for the host.
func (s *Server) find(url string) (*queue, error) {
	if url == "" {
		return nil, missing("QueueUrl")
	}
	_, name, _ := cutLast(url, "/")
	if q := s.queues[name]; q != nil {
		return q, nil
	}
	return nil, noQueue()
}

func (s *Server) byARN(arn string) *queue {
	_, name, _ := cutLast(arn, ":")
	if q := s.queues[name]; q != nil && q.arn() == arn {
		return q
	}
	return nil
}

func (s *Server) known(arn string) bool { return s.byARN(arn) != nil }
