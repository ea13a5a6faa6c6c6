// Package payload says what a function has to answer to a payload of events/:
// a request is answered with a status below 500, a batch with exactly the
// messages that cannot be read, a task with nothing, and what is not for the
// function is refused. So the folder needs no list of expected answers beside it.
package payload

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Answer is what a function gave back for one payload.
type Answer struct {
	// Failed tells whether it came as an error.
	Failed bool
	Body   []byte
}

// Judge holds an answer to what its payload calls for, and puts the answer in a
// few words. http tells whether the function is the one that answers requests.
func Judge(http bool, payload []byte, a Answer) (words string, err error) {
	//nolint:tagliatelle // AWS spells it so.
	var asked struct {
		Records []struct {
			MessageID string `json:"messageId"`
			Body      string `json:"body"`
		}
		Task    string `json:"task"`
		Context *struct {
			HTTP struct {
				Method string `json:"method"`
			} `json:"http"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(payload, &asked); err != nil {
		return "", fmt.Errorf("the payload is not JSON: %w", err)
	}
	isRequest := asked.Context != nil && asked.Context.HTTP.Method != ""
	switch {
	case http && isRequest:
		return request(a)
	case http:
		return refusal(a)
	case asked.Records != nil:
		var malformed []string
		for _, record := range asked.Records {
			if !json.Valid([]byte(record.Body)) {
				malformed = append(malformed, record.MessageID)
			}
		}
		return batch(a, len(asked.Records), malformed)
	case asked.Task != "":
		return task(a)
	}
	return refusal(a)
}

func refusal(a Answer) (string, error) {
	if !a.Failed {
		return "", fmt.Errorf("an event for another function was taken: %s", a.Body)
	}
	message, err := failure(a)
	if err != nil {
		return "", err
	}
	return "refused: " + message, nil
}

func request(a Answer) (string, error) {
	//nolint:tagliatelle // AWS spells it so.
	var response struct {
		Status  int               `json:"statusCode"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	if a.Failed || json.Unmarshal(a.Body, &response) != nil || response.Status < 200 || response.Status >= 500 {
		return "", fmt.Errorf("want a status from 200 to 499, got %s", start(a.Body))
	}
	kind := ""
	for name, value := range response.Headers {
		if strings.EqualFold(name, "content-type") {
			kind, _, _ = strings.Cut(value, ";")
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", response.Status, kind)), nil
}

func batch(a Answer, messages int, malformed []string) (string, error) {
	//nolint:tagliatelle // AWS spells it so.
	var response struct {
		Failures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if a.Failed || json.Unmarshal(a.Body, &response) != nil {
		return "", fmt.Errorf("want the list of failed messages, got %s", start(a.Body))
	}
	var failed []string
	for _, f := range response.Failures {
		failed = append(failed, f.ID)
	}
	slices.Sort(malformed)
	slices.Sort(failed)
	if !slices.Equal(malformed, failed) {
		return "", fmt.Errorf("exactly the malformed messages %v should fail, but those that did are %v", malformed, failed)
	}
	return fmt.Sprintf("%d of %d messages failed", len(failed), messages), nil
}

func task(a Answer) (string, error) {
	if a.Failed || strings.TrimSpace(string(a.Body)) != "null" {
		return "", fmt.Errorf("want null, got %s", start(a.Body))
	}
	return "null", nil
}

// failure is the message in the JSON of an error.
func failure(a Answer) (string, error) {
	//nolint:tagliatelle // Lambda spells it so.
	var said struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if json.Unmarshal(a.Body, &said) != nil || said.Message == "" {
		return "", fmt.Errorf("the error says nothing: %s", start(a.Body))
	}
	if strings.Contains(said.Type, "runtime.") || strings.Contains(strings.ToLower(said.Message), "panic") {
		return "", fmt.Errorf("the function panicked: %s", said.Message)
	}
	return said.Message, nil
}

func start(body []byte) string { return string(body[:min(len(body), 300)]) }
