package payload

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	batchOfTwo = `{"Records":[{"messageId":"a","body":"{}"},{"messageId":"b","body":"{"}]}`
	getRequest = `{"requestContext":{"http":{"method":"GET"}}}`
	refused    = `{"errorMessage":"function publish cannot take this event","errorType":"Error"}`
)

func TestAnswersAreHeldToWhatTheirPayloadCallsFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		http    bool
		payload string
		answer  Answer
		words   string // empty: the answer is wrong
	}{
		"page":                 {true, getRequest, Answer{Body: []byte(`{"statusCode":200,"headers":{"Content-Type":"text/html; charset=utf-8"}}`)}, "200 text/html"},
		"problem":              {true, getRequest, Answer{Body: []byte(`{"statusCode":401}`)}, "401"},
		"server's fault":       {true, getRequest, Answer{Body: []byte(`{"statusCode":500}`)}, ""},
		"no response":          {true, getRequest, Answer{Body: []byte(`null`)}, ""},
		"batch":                {false, batchOfTwo, Answer{Body: []byte(`{"batchItemFailures":[{"itemIdentifier":"b"}]}`)}, "1 of 2 messages failed"},
		"batch, none failed":   {false, batchOfTwo, Answer{Body: []byte(`{"batchItemFailures":[]}`)}, ""},
		"batch, all failed":    {false, batchOfTwo, Answer{Body: []byte(`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}`)}, ""},
		"batch, error":         {false, batchOfTwo, Answer{Failed: true, Body: []byte(refused)}, ""},
		"task":                 {false, `{"task":"tick"}`, Answer{Body: []byte("null\n")}, "null"},
		"task, error":          {false, `{"task":"tick"}`, Answer{Failed: true, Body: []byte(refused)}, ""},
		"batch to the api":     {true, batchOfTwo, Answer{Failed: true, Body: []byte(refused)}, "refused: function publish cannot take this event"},
		"batch taken by it":    {true, batchOfTwo, Answer{Body: []byte(`{"statusCode":404}`)}, ""},
		"wrong kind":           {false, `{"detail":1}`, Answer{Failed: true, Body: []byte(refused)}, "refused: function publish cannot take this event"},
		"wrong kind, taken":    {false, `{"detail":1}`, Answer{Body: []byte(`null`)}, ""},
		"wrong kind, panicked": {false, `{"detail":1}`, Answer{Failed: true, Body: []byte(`{"errorMessage":"nil map","errorType":"runtime.errorString"}`)}, ""},
		"wrong kind, silent":   {false, `{"detail":1}`, Answer{Failed: true}, ""},
		"no payload":           {false, `{`, Answer{}, ""},
	} {
		words, err := Judge(c.http, []byte(c.payload), c.answer)
		require.Equal(t, c.words == "", err != nil, "%s: %q %v", name, words, err)
		require.Equal(t, c.words, words, name)
	}
}
