package x

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/platform"
	"rostrum/shared/throttle"
)

func triple(prefix, limit, remaining, reset string) []string {
	return []string{prefix + "-limit", limit, prefix + "-remaining", remaining, prefix + "-reset", reset}
}

func TestEveryAnswerTellsItsQuotas(t *testing.T) {
	t.Parallel()
	short, day := now().Add(10*time.Minute), now().Add(20*time.Hour)
	headers := append(triple("x-rate-limit", "100", "42", strconv.FormatInt(short.Unix(), 10)),
		append(triple("x-user-limit-24hour", "1000", "7", strconv.FormatInt(day.Unix(), 10)),
			triple("x-app-limit-24hour", "10000", "9000", strconv.FormatInt(day.Unix(), 10))...)...)
	of := func(use throttle.Use) []throttle.Quota {
		return []throttle.Quota{
			{Scope: throttle.AccountScope, Use: use, Window: 15 * time.Minute, Limit: 100, Remaining: 42, ResetsAt: short},
			{Scope: throttle.AccountScope, Use: use, Window: 24 * time.Hour, Limit: 1000, Remaining: 7, ResetsAt: day},
			{Scope: throttle.AppScope, Use: use, Window: 24 * time.Hour, Limit: 10000, Remaining: 9000, ResetsAt: day},
		}
	}
	for _, c := range []struct {
		name   string
		status int
		body   string
		use    throttle.Use
		call   func(*Client, platform.Target)
	}{
		{"published", 201, `{"data":{"id":"14"}}`, throttle.Posting, publish},
		{"refused", 403, `{"detail":"You are not permitted to access this feature."}`, throttle.Posting, publish},
		{"asked to wait", 429, `{}`, throttle.Posting, publish},
		{"failed", 503, ``, throttle.Posting, publish},
		{"read back", 200, `{"meta":{"result_count":0}}`, throttle.Reading, func(c *Client, target platform.Target) {
			_, _ = c.RecentPosts(context.Background(), target, "")
		}},
		{"measured", 200, `{"data":[]}`, throttle.Measuring, func(c *Client, target platform.Target) {
			_, _ = c.ReadMetrics(context.Background(), target, []string{"1"})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, target := stub(t, answering(c.status, jsonType, c.body, headers...))
			var heard []throttle.Quota
			target.Heard = func(q []throttle.Quota) { heard = append(heard, q...) }
			c.call(client, target)
			require.Empty(t, cmp.Diff(of(c.use), heard))
		})
	}
}

func publish(c *Client, target platform.Target) {
	_ = c.Publish(context.Background(), platform.PublishRequest{Target: target, Text: "hi"})
}

func TestAbsurdQuotasSayNothing(t *testing.T) {
	t.Parallel()
	soon := strconv.FormatInt(now().Add(time.Minute).Unix(), 10)
	for i, c := range [][3]string{
		{"0", "0", soon},
		{"-1", "5", soon},
		{"100", "-1", soon},
		{"100", "many", soon},
		{"", "", ""},
		{"100", "5", "soon"},
		{"100", "0", "16725225600"}, // The year 2500.
		{"100", "0", "0"},
		{"100", "0", "-5"},
		{"100", "0", strconv.FormatInt(now().Unix(), 10)},
		{"100", "0", "99999999999999999999"},
		{"9223372036854775807", "3", soon},
		{"1e3", "1", soon},
		{"100.5", "1", soon},
		{"100", "0", strconv.FormatInt(now().Add(time.Hour).Unix(), 10)}, // Later than a window of 15 minutes ends.
	} {
		header := http.Header{}
		for j, name := range []string{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"} {
			header.Set(name, c[j])
		}
		require.Empty(t, quotas(header, throttle.Posting, now()), "%d: %v", i, c)
	}
	header := http.Header{}
	for j, name := range []string{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"} {
		header.Set(name, []string{"100", "5000", soon}[j])
	}
	got := quotas(header, throttle.Posting, now())
	require.Len(t, got, 1)
	require.Equal(t, 100, got[0].Remaining, "more cannot be left than there are")
}
