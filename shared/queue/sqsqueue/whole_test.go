package sqsqueue

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"
)

// early answers before it has read the request's body, as a transport does
// whose answer overtakes its writing goroutine.
type early struct{ body io.Reader }

func (e *early) Do(r *http.Request) (*http.Response, error) {
	e.body = r.Body
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(`{}`)),
	}, nil
}

func receiveThrough(t *testing.T, client aws.HTTPClient) {
	t.Helper()
	api := sqs.New(sqs.Options{
		BaseEndpoint: aws.String("http://queues.test"), Region: emulatorRegion, HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("emulator", "emulator", ""),
	})
	_, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("http://queues.test/q")})
	require.NoError(t, err)
}

func TestARequestCanBeReadToItsEndAfterItsAnswerHasBegun(t *testing.T) {
	t.Parallel()
	transport := &early{}
	receiveThrough(t, whole{transport})
	sent, err := io.ReadAll(transport.body)
	require.NoError(t, err)
	require.JSONEq(t, `{"QueueUrl":"http://queues.test/q"}`, string(sent))
	_, err = io.Copy(io.Discard, transport.body)
	require.NoError(t, err)
}

func TestARequestWhoseBodyCannotBeReadIsNotSent(t *testing.T) {
	t.Parallel()
	transport := &early{}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://queues.test/", io.MultiReader(strings.NewReader("{"), broken{}))
	require.NoError(t, err)
	response, err := whole{transport}.Do(r) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, errBroken)
	require.Nil(t, response)
	require.Nil(t, transport.body)
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }
