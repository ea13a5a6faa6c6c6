package instagram

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/clock"
	"rostrum/shared/httpclient"
	"rostrum/shared/platform"
	simulator "rostrum/shared/simulator/instagram"
	"rostrum/shared/throttle"
)

func TestUsageIsHeardForEveryKindOfCall(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	got := quotas(http.Header{
		"X-App-Usage": {`{"call_count":28,"total_time":25,"total_cputime":90}`},
		"X-Business-Use-Case-Usage": {`{"178":[{"type":"instagram","call_count":5,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0},
			{"type":"pages","call_count":120,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":7}]}`},
	}, now)
	var want []throttle.Quota
	for _, use := range []throttle.Use{throttle.Posting, throttle.Reading, throttle.Measuring} {
		want = append(want, throttle.Quota{Scope: throttle.AppScope, Use: use, Window: time.Hour, Limit: 100, Remaining: 10, ResetsAt: now.Add(time.Hour)})
	}
	for _, use := range []throttle.Use{throttle.Posting, throttle.Reading, throttle.Measuring} {
		want = append(want, throttle.Quota{Scope: throttle.AccountScope, Use: use, Window: time.Hour, Limit: 100, ResetsAt: now.Add(7 * time.Minute)})
	}
	require.Empty(t, cmp.Diff(want, got))
	for _, header := range []string{"", "{}", "[]", "null", `{"1":[]}`, `{"1":{}}`, `{"call_count":"a"}`} {
		require.NotPanics(t, func() { quotas(http.Header{"X-Business-Use-Case-Usage": {header}}, now) })
	}
	require.Empty(t, quotas(http.Header{}, now), "nothing is heard of what was not said")
}

func TestWaitsAreBounded(t *testing.T) {
	t.Parallel()
	c := newClient(t, "https://a.example")
	c.clock = clock.NewFake(time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC))
	regain := func(minutes string) http.Header {
		return http.Header{"X-Business-Use-Case-Usage": {`{"1":[{"call_count":100,"estimated_time_to_regain_access":` + minutes + `}]}`}}
	}
	for name, tc := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"three minutes": {regain("3"), 3 * time.Minute}, "for ever": {regain("9223372036854775807"), maxWait},
		"the past": {regain("-5"), minWait}, "no time": {regain("0"), silentWait}, "nothing": {nil, silentWait},
		"retry after": {http.Header{"Retry-After": {"30"}}, 30 * time.Second},
		"a date":      {http.Header{"Retry-After": {"Wed, 25 Nov 2026 03:02:00 GMT"}}, 2 * time.Minute},
		"absurd":      {http.Header{"Retry-After": {"9223372036854775807"}}, maxWait},
	} {
		require.Equal(t, tc.want, c.wait(answer{&httpclient.Answer{Header: tc.header}}), name)
	}
}

func TestStagingHearsWhatIsLeftOfTheDay(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sim.Change(func(s *simulator.Settings) { s.QuotaTotal, s.AppUsage, s.AccountUsage = 3, 40, 60 })
	n.post(t, "one")
	var heard []throttle.Quota
	target := n.target
	target.Heard = func(q []throttle.Quota) { heard = append(heard, q...) }
	_, err := n.client.Stage(t.Context(), platform.StageRequest{
		Target: target, Text: "two", Images: []platform.StagedImage{{URL: n.media.URL + "/image.jpg"}},
	})
	require.NoError(t, err)
	left := map[throttle.Scope]map[time.Duration]int{throttle.AppScope: {}, throttle.AccountScope: {}}
	for _, q := range heard {
		if q.Use == throttle.Posting {
			left[q.Scope][q.Window] = q.Remaining
		}
	}
	require.Equal(t, map[throttle.Scope]map[time.Duration]int{
		throttle.AppScope: {time.Hour: 60}, throttle.AccountScope: {time.Hour: 40, 24 * time.Hour: 2},
	}, left)
}

func FuzzQuotas(f *testing.F) {
	f.Add(`{"call_count":28}`, `{"1":[{"call_count":5,"estimated_time_to_regain_access":3}]}`)
	f.Add(`{`, `{"1":[{"call_count":-9223372036854775808,"estimated_time_to_regain_access":9223372036854775807}]}`)
	f.Fuzz(func(t *testing.T, app, account string) {
		now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
		for _, q := range quotas(http.Header{"X-App-Usage": {app}, "X-Business-Use-Case-Usage": {account}}, now) {
			_, ok := q.Sane(now)
			require.True(t, ok)
			require.LessOrEqual(t, q.Remaining, 100)
		}
	})
}

func FuzzFailed(f *testing.F) {
	f.Add("Error: Media upload has failed with error code 2207026")
	f.Fuzz(func(t *testing.T, status string) {
		state := failed(status)
		require.Equal(t, platform.StageFailed, state.Phase)
		require.NotEmpty(t, state.Code)
		require.NotEmpty(t, state.Detail)
	})
}
