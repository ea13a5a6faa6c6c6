package apperr_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
)

func TestTheKindSurvivesWrapping(t *testing.T) {
	t.Parallel()
	cause := errors.New("socket closed")
	err := fmt.Errorf("claim post: %w", apperr.New(apperr.RateLimited, "limited", "wait %d s", 5).
		WithRetryAfter(5*time.Second).WithHint("wait").WithField("text").WithCause(cause))
	require.Equal(t, apperr.RateLimited, apperr.KindOf(err))
	require.True(t, apperr.Is(err, apperr.RateLimited))
	require.ErrorIs(t, err, cause)
	e := apperr.As(err)
	require.Equal(t, 5*time.Second, e.RetryAfter)
	require.Equal(t, "wait 5 s: socket closed", e.Error())
	require.Equal(t, "rate limited", e.Kind.String())
}

func TestAnErrorWithoutAKindIsInternal(t *testing.T) {
	t.Parallel()
	require.Equal(t, apperr.Internal, apperr.KindOf(errors.New("?")))
	require.Nil(t, apperr.As(errors.New("?")))
	require.False(t, apperr.Is(nil, apperr.Internal))
}
