package ratelimit

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// prefix keeps our keys apart from others'. Its braces put all of them on one
// node of a cluster, as a script over several keys needs.
const prefix = "{rostrum}:rate:"

// gcra is GCRA over all buckets at once, by Redis's own clock, in
// microseconds: so that sandboxes whose clocks differ agree, and two of them
// that ask at once do not both get the last one.
const gcra = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local wait = 0
local ends = {}
for i, key in ipairs(KEYS) do
  local spacing, tolerance = tonumber(ARGV[2*i-1]), tonumber(ARGV[2*i])
  local start = tonumber(redis.call('GET', key) or '0')
  if start < now then start = now end
  ends[i] = start + spacing
  local over = ends[i] - now - tolerance
  if over > wait then wait = over end
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', ends[i]), 'PX', math.ceil((ends[i] - now) / 1000) + 1)
end
return 0`

// shared keeps buckets in Redis.
type shared struct{ script *redis.Script }

func newShared() *shared { return &shared{script: redis.NewScript(gcra)} }

// take spends one of each bucket if all of them allow it, and none otherwise;
// it returns the time to wait, 0 when it was spent.
func (s *shared) take(ctx context.Context, client *redis.Client, buckets []Bucket) (time.Duration, error) {
	keys := make([]string, len(buckets))
	limits := make([]any, 0, 2*len(buckets))
	for i, b := range buckets {
		keys[i] = prefix + b.Key
		limits = append(limits, b.Limit.spacing().Microseconds(), b.Limit.tolerance().Microseconds())
	}
	micros, err := s.script.Run(ctx, client, keys, limits...).Int64()
	if err != nil {
		return 0, fmt.Errorf("ask Redis: %w", err)
	}
	return time.Duration(micros) * time.Microsecond, nil
}
