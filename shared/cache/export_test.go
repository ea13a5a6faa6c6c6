package cache

import (
	"log/slog"
	"time"

	"rostrum/shared/clock"
	"rostrum/shared/config"
)

// Patient is [New] with a Redis that may take long: on a busy machine a question
// of a millisecond takes fifty, and what is not kept then is not what a test asks.
func Patient(url config.Secret, now clock.Clock, logger *slog.Logger) (*Cache, error) {
	return waiting(10*time.Second, url, now, logger)
}
