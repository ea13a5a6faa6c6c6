package x

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/httpclient"
	"rostrum/shared/platform"
)

const canary = "CANARY-token-7f3a"

// stub is a client on a handler, for answers that no simulator would give.
func stub(t *testing.T, handler http.HandlerFunc) (*Client, platform.Target) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := New(Settings{
		BaseURL: server.URL, AuthorizeURL: "https://x.com/i/oauth2/authorize", WebURL: "https://x.com/", ClientID: "public",
	}, clock.NewFake(now()))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client, platform.Target{RemoteID: "77", Handle: "tester", AccessToken: canary}
}

func now() time.Time { return time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC) }

func answering(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	jsonType    = "application/json; charset=utf-8"
	problemType = "application/problem+json"
)

func TestPublishClassifiesAnswers(t *testing.T) {
	t.Parallel()
	problem := func(detail string) string {
		return fmt.Sprintf(`{"title":"Forbidden","status":403,"type":"about:blank","detail":%q}`, detail)
	}
	for _, c := range []struct {
		name        string
		status      int
		contentType string
		body        string
		reply       bool
		class       platform.Class
		code        string
	}{
		{"created", 201, jsonType, `{"data":{"id":"1445880548472328192","text":"hi","edit_history_tweet_ids":["1445880548472328192"]}}`, false, platform.Accepted, "accepted"},
		{"created with the new name", 201, jsonType, `{"data":{"id":"14","text":"hi","edit_history_post_ids":["14"]}}`, false, platform.Accepted, "accepted"},
		{"created with another success", 202, jsonType, `{"data":{"id":"14"}}`, false, platform.Accepted, "accepted"},
		{"created without type", 201, "", `{"data":{"id":"14"}}`, false, platform.Accepted, "accepted"},
		{"no id", 201, jsonType, `{"data":{}}`, false, platform.Unclear, "no_id"},
		{"an id that is none", 201, jsonType, `{"data":{"id":"../../etc"}}`, false, platform.Unclear, "no_id"},
		{"an id too long", 201, jsonType, `{"data":{"id":"12345678901234567890"}}`, false, platform.Unclear, "no_id"},
		{"success with errors only", 200, jsonType, `{"errors":[{"title":"x"}]}`, false, platform.Unclear, "no_id"},
		{"empty success", 201, jsonType, ``, false, platform.Unclear, "unreadable_answer"},
		{"success without body", 204, "", ``, false, platform.Unclear, "unreadable_answer"},
		{"a number for an id", 201, jsonType, `{"data":{"id":14}}`, false, platform.Unclear, "unreadable_answer"},
		{"duplicate", 403, jsonType, problem("You are not allowed to create a Tweet with duplicate content."), false, platform.Duplicate, "duplicate_content"},
		{"duplicate as problem", 403, problemType, problem("You are not allowed to create a Post with duplicate content."), false, platform.Duplicate, "duplicate_content"},
		{"duplicate by number", 403, jsonType, `{"errors":[{"code":187,"message":"Status is a duplicate."}]}`, false, platform.Duplicate, "duplicate_content"},
		{"duplicate of a reply", 403, jsonType, problem("You are not allowed to create a Tweet with duplicate content."), true, platform.Duplicate, "duplicate_content"},
		{"403 as a page", 403, "text/html", "<h1>Forbidden</h1>", false, platform.Unclear, "http_403_unreadable"},
		{"empty 403", 403, jsonType, "", false, platform.Unclear, "http_403_unreadable"},
		{"reply refused", 403, jsonType, problem("Reply to this conversation is not allowed because you have not been mentioned."), true, platform.Refused, "reply_refused"},
		{"reply refused without words", 403, jsonType, problem("You are not permitted to perform this action."), true, platform.Refused, "reply_refused"},
		{"not permitted, no reply", 403, jsonType, problem("You are not permitted to perform this action."), false, platform.Refused, "http_403"},
		{"reply to nothing", 403, jsonType, problem("You attempted to reply to a Tweet that is deleted or not visible to you."), true, platform.Refused, "reply_target_gone"},
		{"missing scope", 403, jsonType, problem("Your account is not permitted to access this feature."), false, platform.Refused, "not_permitted"},
		{"too long", 403, jsonType, problem("Your Tweet text is too long."), false, platform.Refused, "text_too_long"},
		{"too long by number", 403, jsonType, `{"errors":[{"code":186,"message":"x"}]}`, false, platform.Refused, "text_too_long"},
		{"cashtags", 403, jsonType, problem("Posts may not contain more than one cashtag."), false, platform.Refused, "too_many_cashtags"},
		{"suspended", 403, jsonType, `{"type":"https://api.twitter.com/2/problems/user-suspended","title":"Forbidden","detail":"x"}`, false, platform.Refused, "account_suspended"},
		{"locked by number", 403, jsonType, `{"errors":[{"code":326,"message":"x"}]}`, false, platform.Refused, "account_suspended"},
		{"app not enrolled", 403, jsonType, `{"type":"https://api.twitter.com/2/problems/client-forbidden","title":"x","detail":"x"}`, false, platform.Refused, "app_not_allowed"},
		{"app-only token", 403, problemType, `{"type":"https://api.x.com/2/problems/unsupported-authentication","title":"x","detail":"x"}`, false, platform.Refused, "app_not_allowed"},
		{"capped by 403", 403, jsonType, `{"type":"https://api.x.com/2/problems/usage-capped","title":"x","detail":"x"}`, false, platform.Delayed, "usage_capped"},
		{"invalid", 400, jsonType, `{"errors":[{"parameters":{"text":["x"]},"message":"bad text"}],"title":"Invalid Request","detail":"x","type":"https://api.x.com/2/problems/invalid-request"}`, false, platform.Refused, "http_400"},
		{"not found", 404, "", "", false, platform.Refused, "http_404"},
		{"too large", 413, "text/html", "x", false, platform.Refused, "http_413"},
		{"unprocessable", 422, jsonType, "{}", false, platform.Refused, "http_422"},
		{"unauthorized", 401, jsonType, `{"title":"Unauthorized"}`, false, platform.Unauthorized, "http_401"},
		{"unauthorized without a body", 401, "", "", false, platform.Unauthorized, "http_401"},
		{"no credit", 402, problemType, `{"title":"CreditsDepleted"}`, false, platform.OutOfCredit, "out_of_credit"},
		{"request timeout", 408, jsonType, "{}", false, platform.Unclear, "http_408"},
		{"conflict", 409, jsonType, "{}", false, platform.Unclear, "http_409"},
		{"moved", 301, jsonType, "{}", false, platform.Unclear, "unexpected_redirect"},
		{"see other", 303, jsonType, "{}", false, platform.Unclear, "unexpected_redirect"},
		{"temporary", 307, jsonType, "{}", false, platform.Unclear, "unexpected_redirect"},
		{"500", 500, jsonType, "{}", false, platform.Unclear, "http_500"},
		{"500 empty", 500, jsonType, "", false, platform.Unclear, "http_500"},
		{"502 page", 502, "text/html", "<h1>", false, platform.Unclear, "http_502"},
		{"503 page", 503, "text/html", "<h1>", false, platform.Unclear, "http_503"},
		{"504", 504, "", "", false, platform.Unclear, "http_504"},
		{"teapot", 418, jsonType, "{}", false, platform.Unclear, "http_418"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, target := stub(t, answering(c.status, c.contentType, c.body, "X-Transaction-Id", "tx1", "Location", "/elsewhere"))
			request := platform.PublishRequest{Target: target, Text: "hi"}
			if c.reply {
				request.ReplyTo = "12"
			}
			got := client.Publish(t.Context(), request)
			require.Equal(t, c.class, got.Class, "%+v", got)
			require.Equal(t, c.code, got.Code)
			require.NotEmpty(t, got.Detail)
			require.Equal(t, "tx1", got.RequestID)
			if c.class == platform.Accepted {
				require.Equal(t, "https://x.com/tester/status/"+got.RemoteID, got.RemoteURL)
			}
		})
	}
}

// The JSON is whole here, but the answer is not: there was more to come.
func TestACutAnswerProvesNothing(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{
		201: `{"data":{"id":"14"}}`,
		403: `{"title":"Forbidden","detail":"Posts may not contain more than one cashtag."}`,
	} {
		client, target := stub(t, answering(status, jsonType, body, "Content-Length", "500"))
		got := client.Publish(t.Context(), platform.PublishRequest{Target: target, Text: "x"})
		require.Equal(t, platform.Unclear, got.Class, "%+v", got)
	}
}

func TestPublishSendsTheTextAndTheReplyOnly(t *testing.T) {
	t.Parallel()
	var method, path, auth, body string
	client, target := stub(t, func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		method, path, auth, body = r.Method, r.URL.String(), r.Header.Get("Authorization"), string(raw)
		answering(201, jsonType, `{"data":{"id":"14"}}`)(w, r)
	})
	got := client.Publish(t.Context(), platform.PublishRequest{Target: target, Text: "a <b> & c", ReplyTo: "12"})
	require.Equal(t, platform.Accepted, got.Class)
	require.Equal(t, "POST /2/tweets", method+" "+path)
	require.Equal(t, "Bearer "+canary, auth)
	require.JSONEq(t, `{"text":"a <b> & c","reply":{"in_reply_to_tweet_id":"12"}}`, body)
}

func TestABadReplyIDIsNotSent(t *testing.T) {
	t.Parallel()
	client, target := stub(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	got := client.Publish(t.Context(), platform.PublishRequest{Target: target, Text: "x", ReplyTo: "../1"})
	require.Equal(t, platform.Refused, got.Class)
}

func TestAnEchoedTokenIsRemoved(t *testing.T) {
	t.Parallel()
	client, target := stub(t, answering(400, jsonType, `{"detail":"bad header Bearer `+canary+`"}`))
	got := client.Publish(t.Context(), platform.PublishRequest{Target: target, Text: "x"})
	require.Equal(t, platform.Refused, got.Class)
	require.NotContains(t, fmt.Sprintf("%+v", got), canary)
	require.Contains(t, got.Detail, "bad header")
}

func TestALongReasonIsClipped(t *testing.T) {
	t.Parallel()
	client, target := stub(t, answering(400, jsonType, `{"detail":"`+strings.Repeat("long ", 200)+`"}`))
	got := client.Publish(t.Context(), platform.PublishRequest{Target: target, Text: "x"})
	require.Less(t, len(got.Detail), 300)
}

func TestRetryAfterReadsEveryForm(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) string { return strconv.FormatInt(now().Add(d).Unix(), 10) }
	for _, c := range []struct {
		name    string
		headers []string
		want    time.Duration
		code    string
	}{
		{"nothing", nil, time.Minute, "rate_limited"},
		{"15 minutes used up", []string{"x-rate-limit-remaining", "0", "x-rate-limit-reset", at(90 * time.Second)}, 90 * time.Second, "rate_limited"},
		{
			"24 hours used up", []string{
				"x-rate-limit-remaining", "73", "x-rate-limit-reset", at(time.Minute),
				"x-user-limit-24hour-remaining", "0", "x-user-limit-24hour-reset", at(5 * time.Hour),
			}, 5 * time.Hour, "user_limit_24h",
		},
		{
			"both used up", []string{
				"x-rate-limit-remaining", "0", "x-rate-limit-reset", at(time.Minute),
				"x-app-limit-24hour-remaining", "0", "x-app-limit-24hour-reset", at(2 * time.Hour),
			}, 2 * time.Hour, "app_limit_24h",
		},
		{"none used up", []string{"x-rate-limit-remaining", "5", "x-rate-limit-reset", at(30 * time.Second)}, 30 * time.Second, "rate_limited"},
		{"retry after in seconds", []string{"Retry-After", "7"}, 7 * time.Second, "rate_limited"},
		{"retry after as a date", []string{"Retry-After", now().Add(time.Hour).Format(http.TimeFormat)}, time.Hour, "rate_limited"},
		{"retry after zero", []string{"Retry-After", "0"}, time.Second, "rate_limited"},
		{"retry after negative", []string{"Retry-After", "-5"}, time.Second, "rate_limited"},
		{"retry after absurd", []string{"Retry-After", "1000000000"}, 24 * time.Hour, "rate_limited"},
		{"retry after overflowing", []string{"Retry-After", "99999999999999999999"}, time.Minute, "rate_limited"},
		{"reset in the past", []string{"x-rate-limit-remaining", "0", "x-rate-limit-reset", at(-24 * time.Hour)}, time.Second, "rate_limited"},
		{"reset absurd", []string{"x-rate-limit-remaining", "0", "x-rate-limit-reset", "9223372036854775807"}, time.Minute, "rate_limited"},
		{"reset in milliseconds", []string{"x-rate-limit-remaining", "0", "x-rate-limit-reset", at(5*time.Second) + "000"}, time.Minute, "rate_limited"},
		{"reset of the longest window", []string{"x-user-limit-24hour-remaining", "0", "x-user-limit-24hour-reset", at(24 * time.Hour)}, 24 * time.Hour, "user_limit_24h"},
		{"reset no number", []string{"x-rate-limit-remaining", "0", "x-rate-limit-reset", "soon"}, time.Minute, "rate_limited"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client, target := stub(t, answering(429, jsonType, `{"title":"Too Many Requests"}`, c.headers...))
			got := client.Publish(t.Context(), platform.PublishRequest{Target: target, Text: "x"})
			require.Equal(t, platform.Delayed, got.Class)
			require.Equal(t, c.want, got.RetryAfter)
			require.Equal(t, c.code, got.Code)
			_, err := client.RecentPosts(t.Context(), target, "")
			require.True(t, apperr.Is(err, apperr.RateLimited))
			require.Equal(t, c.want, apperr.As(err).RetryAfter)
		})
	}
}

func TestTheMonthlyCapWaitsLong(t *testing.T) {
	t.Parallel()
	client, target := stub(t, answering(429, jsonType, `{"type":"https://api.x.com/2/problems/usage-capped"}`))
	got := client.Publish(t.Context(), platform.PublishRequest{Target: target, Text: "x"})
	require.Equal(t, platform.Delayed, got.Class)
	require.Equal(t, "usage_capped", got.Code)
	require.Equal(t, 24*time.Hour, got.RetryAfter)
}

// FuzzClassify throws answers at the classifier. It must not panic, and it must
// not take anything for a post that has no id.
func FuzzClassify(f *testing.F) {
	f.Add(201, []byte(`{"data":{"id":"14"}}`), "0", "1764014400", false)
	f.Add(403, []byte(`{"errors":[{"errors":[{"code":187}]}]}`), "", "", true)
	f.Add(429, []byte(`{"type":"/usage-capped"}`), "0", "-1", false)
	f.Fuzz(func(t *testing.T, status int, body []byte, remaining, reset string, cut bool) {
		header := http.Header{}
		header.Set("X-Rate-Limit-Remaining", remaining)
		header.Set("X-Rate-Limit-Reset", reset)
		header.Set("Retry-After", reset)
		a := &answer{Answer: &httpclient.Answer{Sent: &httpclient.Sent{}, Status: status, Header: header, Body: body}}
		if cut {
			a.BodyErr = errors.New("cut")
		}
		got := classify(a, platform.PublishRequest{Target: platform.Target{AccessToken: canary}, Text: "x", ReplyTo: "1"}, now())
		require.NotEmpty(t, got.Class)
		require.NotEmpty(t, got.Code)
		require.NotEmpty(t, got.Detail)
		require.Equal(t, got.Class == platform.Accepted, isID(got.RemoteID))
		if got.Class == platform.Accepted {
			require.True(t, status >= 200 && status <= 299 && !cut)
		}
		if got.Class == platform.Refused {
			require.True(t, status >= 400 && status <= 499)
		}
		if got.Class == platform.Delayed {
			require.True(t, got.RetryAfter >= time.Second && got.RetryAfter <= 24*time.Hour)
		}
		require.NotContains(t, fmt.Sprintf("%+v", got), canary)
	})
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	good := Settings{BaseURL: "https://api.x.com", AuthorizeURL: "https://x.com/a", WebURL: "https://x.com"}
	_, err := New(good, clock.System{})
	require.NoError(t, err)
	for _, bad := range []func(*Settings){
		func(s *Settings) { s.BaseURL = "" },
		func(s *Settings) { s.BaseURL = "api.x.com" },
		func(s *Settings) { s.AuthorizeURL = "ftp://x.com" },
		func(s *Settings) { s.WebURL = "https://" },
	} {
		s := good
		bad(&s)
		_, err := New(s, clock.System{})
		require.True(t, apperr.Is(err, apperr.Invalid))
	}
}

func TestSettingsHaveWorkingDefaults(t *testing.T) {
	t.Parallel()
	var s Settings
	require.NoError(t, config.LoadFrom(&s, map[string]string{}))
	require.Equal(t, "https://api.x.com", s.BaseURL)
	_, err := New(s, clock.System{})
	require.NoError(t, err)
}
