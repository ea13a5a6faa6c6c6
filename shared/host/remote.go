package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"rostrum/shared/apperr"
)

// Remote is a function that runs elsewhere, invoked over the wire by the Invoke
// operation of Lambda's API, as `sam local start-lambda` serves it:
// docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, read 2026-11. Its
// requests are not signed, so the real service does not take them.
//
// It fits where a lambda.Handler does; what is lost is the watch over a function
// that overran: its place is free as soon as its caller has given it up.
type Remote struct {
	// Client needs no timeout of its own: each invocation has a deadline.
	Client *http.Client
	// Endpoint is the address of the API, for example http://127.0.0.1:3001.
	Endpoint string
	// Function is the function's name there; under SAM its logical id.
	Function string
}

// functionErrorHeader marks the answer to an invocation that failed.
const functionErrorHeader = "X-Amz-Function-Error"

// failedInvocation is what the function or its runtime answers then.
//
//nolint:tagliatelle // Lambda spells it so.
type failedInvocation struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Invoke runs the function once and returns its answer. It never retries: who
// called decides that. Errors: Unavailable when the API is away or refuses the
// call; any other error is the function's own.
func (r *Remote) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	address := strings.TrimSuffix(r.Endpoint, "/") + "/2015-03-31/functions/" + url.PathEscape(r.Function) + "/invocations"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(payload)) //nolint:gosec // the endpoint is a setting
	if err != nil {
		return nil, r.unavailable(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
	response, err := r.Client.Do(req) //nolint:gosec // as above
	if err != nil {
		return nil, r.unavailable(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxResponsePayload+1))
	switch {
	case err != nil:
		return nil, r.unavailable(err)
	case response.StatusCode != http.StatusOK:
		return nil, r.unavailable(fmt.Errorf("%s: %s", response.Status, answer[:min(len(answer), 300)]))
	case response.Header.Get(functionErrorHeader) != "":
		return nil, functionError(answer)
	case len(answer) == 0:
		// A function that returns nothing answers null. Nothing at all is what
		// SAM leaves of a sandbox that was killed, at its timeout or by a crash;
		// read as a success it would lose the batch.
		return nil, errors.New("the function ended without an answer: it ran into its timeout or crashed")
	}
	return answer, nil
}

func (r *Remote) unavailable(err error) error {
	return apperr.New(apperr.Unavailable, "function_unavailable", "invoke function %s", r.Function).WithCause(err)
}

// functionError is the error in the answer to a failed invocation.
func functionError(answer []byte) error {
	var failed failedInvocation
	if json.Unmarshal(answer, &failed) != nil || failed.Message == "" {
		return errors.New("the function failed without saying why")
	}
	if failed.Type == "Sandbox.Timedout" {
		return errTimeout
	}
	return fmt.Errorf("%s: %s", failed.Type, failed.Message)
}
