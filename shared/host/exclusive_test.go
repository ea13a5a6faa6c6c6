package host_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/host"
)

func TestHandlerNeverMixesTheAnswersOfInvocationsAtOnce(t *testing.T) {
	t.Parallel()
	handler := host.NewHandler(func(_ context.Context, letter string) (string, error) {
		return strings.Repeat(letter, 8<<10), nil
	})
	var wg sync.WaitGroup
	for _, letter := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		wg.Go(func() {
			want := strings.Repeat(letter, 8<<10)
			for range 100 {
				answer, err := handler.Invoke(t.Context(), []byte(`"`+letter+`"`))
				if !assertSame(t, answer, err, want) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// assertSame may be called beside the test's own goroutine, where require may not.
func assertSame(t *testing.T, answer []byte, err error, want string) bool {
	t.Helper()
	var got string
	if err == nil {
		err = json.Unmarshal(answer, &got)
	}
	if err != nil || got != want {
		t.Errorf("an answer of %d bytes is not the one asked for (%v)", len(answer), err)
		return false
	}
	return true
}

func TestHandlerGivesTheFunctionsOwnError(t *testing.T) {
	t.Parallel()
	handler := host.NewHandler(func(context.Context) error { return context.Canceled })
	_, err := handler.Invoke(t.Context(), []byte("{}"))
	require.ErrorContains(t, err, context.Canceled.Error())
}
