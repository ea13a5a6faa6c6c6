package fault_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/simulator/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a counter behind a script: every request that it sees adds one.
type service struct {
	t      *testing.T
	script *fault.Script
	url    string
	client *http.Client
	seen   atomic.Int64
	told   atomic.Value
}

func start(t *testing.T) *service {
	t.Helper()
	at := func() time.Time { return time.Unix(1000, 0) }
	s := &service{t: t, script: fault.NewScript(at, map[string]fault.Action{
		"busy": {Kind: fault.Answer, Status: 503, Headers: map[string]string{"Retry-After": "{now+30}"}, Body: `{"busy":true}`},
	})}
	work := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.seen.Add(1)
		s.told.Store(fault.ClientSees(r.Context()))
		w.Header().Set("X-Worked", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, "echo %s lag %s", body, fault.ReadLag(r.Context()))
	})
	mux := http.NewServeMux()
	mux.Handle("/_sim/faults", s.script)
	mux.Handle("/", s.script.Wrap(work, func(r *http.Request) string { return r.Header.Get("Account") }))
	listener := httptest.NewServer(mux)
	transport := &http.Transport{DisableKeepAlives: true}
	s.url, s.client = listener.URL, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	t.Cleanup(func() { s.script.Close(); listener.Close() })
	return s
}

func (s *service) add(r fault.Rule) {
	s.t.Helper()
	_, err := s.script.Add(r)
	require.NoError(s.t, err)
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (s *service) call(ctx context.Context, method, path, account, body string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Account", account)
	res, err := s.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(raw)}, errors.Join(err, res.Body.Close())
}

func (s *service) get(path string) answer {
	s.t.Helper()
	a, err := s.call(s.t.Context(), http.MethodGet, path, "", "")
	require.NoError(s.t, err)
	return a
}

func TestWithoutRulesEverythingPasses(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := s.get("/a")
	require.Equal(t, http.StatusCreated, a.status)
	require.Equal(t, "answered", s.told.Load())
}

func TestAnAnswerKeepsTheRequestFromTheService(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Preset: "busy", Times: 1, Action: fault.Action{Status: 429}})
	a := s.get("/a")
	require.Equal(t, http.StatusTooManyRequests, a.status, "what the rule sets wins over the preset")
	require.Equal(t, "1030", a.header.Get("Retry-After"))
	require.JSONEq(t, `{"busy":true}`, a.body)
	require.Zero(t, s.seen.Load())
	require.Equal(t, http.StatusCreated, s.get("/a").status, "it is spent")
}

func TestResetComesBeforeTheServiceSeesAnything(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.Reset}})
	_, err := s.call(t.Context(), http.MethodPost, "/a", "", strings.Repeat("x", 1<<20))
	require.Error(t, err)
	require.Zero(t, s.seen.Load())
}

func TestAcceptThenResetDoesTheWork(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.AcceptThenReset}})
	_, err := s.call(t.Context(), http.MethodPost, "/a", "", "body")
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), "%v", err)
	require.EqualValues(t, 1, s.seen.Load())
	require.Equal(t, "accept_then_reset", s.told.Load())
}

func TestTruncatedBodyEndsHalfWay(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.AcceptThenTruncate}})
	a, err := s.call(t.Context(), http.MethodPost, "/a", "", "0123456789")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, http.StatusCreated, a.status)
	require.True(t, strings.HasPrefix("echo 0123456789 lag 0s", a.body))
	require.Less(t, len(a.body), len("echo 0123456789 lag 0s"))
	require.NotEmpty(t, a.body)
}

func TestHangEndsAfterItsTime(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.Hang, DelayMS: 10}})
	_, err := s.call(t.Context(), http.MethodPost, "/a", "", "x")
	require.Error(t, err)
	require.NoError(t, t.Context().Err())
	require.Zero(t, s.seen.Load())
}

func TestCloseEndsAHangAndALateEffectNeverComes(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.LateEffect, DelayMS: 3_600_000}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.call(ctx, http.MethodPost, "/a", "", "x")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	s.script.Close()
	require.Zero(t, s.seen.Load())
}

func TestSlowBodyArrivesWhole(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.SlowBody, DelayMS: 1}})
	require.Equal(t, "echo  lag 0s", s.get("/a").body)
}

func TestRedirectKeepsTheMethod(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.Redirect, Location: "http://169.254.169.254/latest"}})
	a := s.get("/a")
	require.Equal(t, http.StatusTemporaryRedirect, a.status)
	require.Equal(t, "http://169.254.169.254/latest", a.header.Get("Location"))
}

func TestGzipBombIsSmallOnTheWire(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.GzipBomb, SizeMB: 8}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/a", nil)
	require.NoError(t, err)
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := s.client.Do(r)
	require.NoError(t, err)
	packed, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Less(t, len(packed), 64<<10)
	unpacked, err := gzip.NewReader(strings.NewReader(string(packed)))
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, io.LimitReader(unpacked, 64<<20))
	require.NoError(t, err)
	require.EqualValues(t, 8<<20, n)
}

func TestDelayLagAndOneEndCombine(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{Action: fault.Action{Kind: fault.Delay, DelayMS: 15}})
	s.add(fault.Rule{Action: fault.Action{Kind: fault.DelayAnswer, DelayMS: 15}})
	s.add(fault.Rule{Action: fault.Action{Kind: fault.Lag, DelayMS: 2000}})
	began := time.Now()
	require.Equal(t, "echo  lag 2s", s.get("/a").body)
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
	require.Equal(t, "delay_answer", s.told.Load())
	s.add(fault.Rule{Preset: "busy"})
	require.Equal(t, http.StatusServiceUnavailable, s.get("/a").status)
}

func TestRulesAreAimed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		match   fault.Match
		method  string
		path    string
		account string
		body    string
		struck  bool
	}{
		"everything":           {fault.Match{}, "GET", "/x", "", "", true},
		"method":               {fault.Match{Method: "post"}, "POST", "/x", "", "", true},
		"other method":         {fault.Match{Method: "post"}, "GET", "/x", "", "", false},
		"path":                 {fault.Match{Path: "/2/users/*/tweets"}, "GET", "/2/users/77/tweets", "", "", true},
		"path is whole":        {fault.Match{Path: "/2/users/*"}, "GET", "/2/users/77/tweets", "", "", false},
		"path below":           {fault.Match{Path: "/2/**"}, "GET", "/2/users/77/tweets", "", "", true},
		"path beside":          {fault.Match{Path: "/2/**"}, "GET", "/21/users", "", "", false},
		"account":              {fault.Match{Account: "@Ada"}, "GET", "/x", "ada", "", true},
		"other account":        {fault.Match{Account: "ada"}, "GET", "/x", "grace", "", false},
		"text in the body":     {fault.Match{Contains: "needle"}, "POST", "/x", "", "a needle in hay", true},
		"text not in the body": {fault.Match{Contains: "needle"}, "POST", "/x", "", "hay", false},
		"not the first":        {fault.Match{Nth: 2}, "GET", "/x", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.add(fault.Rule{Match: c.match, Preset: "busy"})
			a, err := s.call(t.Context(), c.method, c.path, c.account, c.body)
			require.NoError(t, err)
			require.Equal(t, c.struck, a.status == http.StatusServiceUnavailable)
			if !c.struck {
				require.Equal(t, "echo "+c.body+" lag 0s", a.body, "a body that was looked at is still whole")
			}
		})
	}
}

func TestNthAndTimesCutAWindow(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.add(fault.Rule{ID: "window", Match: fault.Match{Nth: 2}, Times: 2, Preset: "busy"})
	var got []int
	for range 5 {
		got = append(got, s.get("/a").status)
	}
	require.Equal(t, []int{201, 503, 503, 201, 201}, got)
	status := s.script.Rules()[0]
	require.Equal(t, 5, status.Seen)
	require.Equal(t, 2, status.Struck)
	require.True(t, status.Spent)
	require.Len(t, s.script.Strikes(), 2)
	require.Equal(t, map[string]int{"GET /a": 5}, s.script.Requests())
}

func TestDiceFallAlikeForOneSeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (out []int) {
		s := start(t)
		s.add(fault.Rule{ID: "dice", Probability: 0.5, Seed: seed, Preset: "busy"})
		for range 24 {
			out = append(out, s.get("/a").status)
		}
		return out
	}
	first := run(7)
	require.Equal(t, first, run(7))
	require.NotEqual(t, first, run(8))
	require.Contains(t, first, http.StatusServiceUnavailable)
	require.Contains(t, first, http.StatusCreated)
}

func TestRulesThatCannotBePlayedAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, r := range map[string]fault.Rule{
		"no kind": {}, "unknown kind": {Action: fault.Action{Kind: "sing"}}, "unknown preset": {Preset: "sing"},
		"no status": {Action: fault.Action{Kind: fault.Answer}}, "no location": {Action: fault.Action{Kind: fault.Redirect}},
		"no delay": {Action: fault.Action{Kind: fault.Lag}}, "no size": {Action: fault.Action{Kind: fault.BigBody}},
		"chance": {Preset: "busy", Probability: 2}, "times": {Preset: "busy", Times: -1},
		"pattern": {Preset: "busy", Match: fault.Match{Path: "/[a"}},
	} {
		_, err := s.script.Add(r)
		require.ErrorIs(t, err, fault.ErrBadRule, name)
	}
	s.add(fault.Rule{ID: "one", Preset: "busy"})
	_, err := s.script.Add(fault.Rule{ID: "one", Preset: "busy"})
	require.ErrorIs(t, err, fault.ErrBadRule)
}

func TestControlSurface(t *testing.T) {
	t.Parallel()
	s := start(t)
	call := func(method, path, body string) answer {
		a, err := s.call(t.Context(), method, path, "", body)
		require.NoError(t, err)
		return a
	}
	require.Equal(t, http.StatusCreated, call("POST", "/_sim/faults", `{"id":"a","preset":"busy","action":{}}`).status)
	require.Equal(t, http.StatusCreated, call("POST", "/_sim/faults", `[{"id":"b","action":{"kind":"delay","delay_ms":1}},{"preset":"busy","action":{}}]`).status)
	require.Equal(t, http.StatusBadRequest, call("POST", "/_sim/faults", `{"preset":"busy","tims":1}`).status, "a misspelt limit")
	require.Equal(t, http.StatusBadRequest, call("POST", "/_sim/faults", "").status)
	require.Equal(t, http.StatusConflict, call("POST", "/_sim/faults", `{"id":"a","preset":"busy","action":{}}`).status)

	var listed struct {
		Rules   []fault.Status `json:"rules"`
		Presets []string       `json:"presets"`
	}
	require.NoError(t, json.Unmarshal([]byte(call("GET", "/_sim/faults", "").body), &listed))
	require.Len(t, listed.Rules, 3)
	require.Equal(t, 503, listed.Rules[0].Action.Status, "the preset is spelt out")
	require.Equal(t, []string{"busy"}, listed.Presets)

	require.Equal(t, http.StatusOK, call("DELETE", "/_sim/faults?id=a", "").status)
	require.Equal(t, http.StatusNotFound, call("DELETE", "/_sim/faults?id=a", "").status)
	require.Len(t, s.script.Rules(), 2)
	call("DELETE", "/_sim/faults", "")
	require.Empty(t, s.script.Rules())
	require.Equal(t, http.StatusCreated, s.get("/a").status)
}
