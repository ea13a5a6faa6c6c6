package sqsqueue

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// whole sends each request from memory, in one piece.
//
// The SDK takes a request's body away as soon as an answer has begun, and a
// reader of it that has not seen its end by then gets an error (smithy-go
// v1.28.8, transport/http/internal/io: WriteTo after Close). net/http then
// closes the connection under the answer. With a busy processor that cost one
// receive in some hundreds, whose messages stayed hidden for their whole
// visibility timeout. SQS takes at most 1 MiB.
type whole struct{ next aws.HTTPClient }

// Do sends a request and returns its answer. Errors are those of the client
// behind it.
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.next.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	sent := r.WithContext(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(body))
	return w.next.Do(sent)
}
