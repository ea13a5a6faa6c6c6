package x

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/michimani/gotwi/tweet/managetweet"
	"github.com/michimani/gotwi/tweet/managetweet/types"

	"rostrum/shared/platform"
	"rostrum/shared/throttle"
)

// Publish makes one POST /2/tweets and says what it came to. It is never
// repeated here, and no answer of gotwi's is used: see classify.
func (c *Client) Publish(ctx context.Context, req platform.PublishRequest) platform.Outcome {
	if req.ReplyTo != "" && !isID(req.ReplyTo) {
		return platform.Outcome{
			Class: platform.Refused, Code: "bad_reply_id", Detail: "The part before this one has no post id of X.",
		}
	}
	client, err := c.gotwi(req.Target.AccessToken)
	if err != nil {
		return platform.Outcome{Class: platform.Unauthorized, Code: "no_token", Detail: "The account has no access token."}
	}
	input := &types.CreateInput{Text: new(req.Text)}
	if len(req.MediaIDs) > 0 {
		input.Media = &types.CreateInputMedia{MediaIDs: req.MediaIDs}
	}
	if req.ReplyTo != "" {
		input.Reply = &types.CreateInputReply{InReplyToTweetID: req.ReplyTo}
	}
	ctx, a := watch(ctx)
	_, _ = managetweet.Create(ctx, client, input)
	outcome := classify(a, req, c.clock.Now())
	c.tell(req.Target, throttle.Posting, a)
	if outcome.Class == platform.Accepted {
		outcome.RemoteURL = c.postURL(req.Target.Handle, outcome.RemoteID)
	}
	return outcome
}

// postURL is where a post is shown.
func (c *Client) postURL(handle, id string) string {
	return c.settings.WebURL + "/" + url.PathEscape(handle) + "/status/" + id
}

// classify turns what is known of a create into an Outcome. Whatever does not
// prove that the audience saw nothing is Unclear.
func classify(a *answer, req platform.PublishRequest, now time.Time) platform.Outcome {
	outcome := classifyStatus(a, req, now)
	if a.Header != nil {
		// Not documented, but sent by X with every answer.
		outcome.RequestID = clip(a.Header.Get("X-Transaction-Id"), 100)
	}
	return outcome
}

func classifyStatus(a *answer, req platform.PublishRequest, now time.Time) platform.Outcome {
	switch {
	case a.Err != nil:
		return withoutAnswer(a)
	case a.Status >= 200 && a.Status <= 299:
		return created(a)
	case a.Status == http.StatusUnauthorized:
		return platform.Outcome{
			Class: platform.Unauthorized, Code: "http_401", Detail: "X did not take the account's access token.",
		}
	case a.Status == http.StatusPaymentRequired:
		return platform.Outcome{
			Class: platform.OutOfCredit, Code: "out_of_credit", Detail: "The developer app has no credit left at X.",
		}
	case a.Status == http.StatusTooManyRequests:
		wait := retryAfter(a, now)
		return platform.Outcome{
			Class: platform.Delayed, Code: limitCode(a), RetryAfter: wait,
			Detail: "X asks to wait " + platform.WaitWords(wait) + ".",
		}
	case a.Status == http.StatusForbidden:
		return forbidden(a, req)
	case a.Status == http.StatusBadRequest && len(req.MediaIDs) > 0 && a.problem().says("media id"):
		return platform.Outcome{Class: platform.MediaGone, Code: "media_gone", Detail: "X had forgotten an image, so it is uploaded again."}
	case refusesForGood(a.Status):
		return refused(a, req)
	case a.Status >= 300 && a.Status <= 399:
		// A redirect is not followed. 303 tells of work that was done, 307 of
		// work that was not, and a gateway in between may send either: unproved.
		return unclear("unexpected_redirect", "X answered with a redirect, so it is not known whether the post is out.")
	default:
		return unclear(fmt.Sprintf("http_%d", a.Status), fmt.Sprintf("X answered %d, so it is not known whether the post is out.", a.Status))
	}
}

// withoutAnswer tells a request that never left from one whose answer is lost.
func withoutAnswer(a *answer) platform.Outcome {
	switch {
	case !a.Sent.Any():
		return platform.Outcome{
			Class: platform.NotSent, Code: "not_sent", Detail: "X could not be reached; nothing was sent.",
		}
	case a.TimedOut():
		return unclear("timeout", "X did not answer in time, so it is not known whether the post is out.")
	default:
		return unclear("connection_lost", "The connection to X broke, so it is not known whether the post is out.")
	}
}

// created reads the id out of a success. Without one there is a post that we
// cannot name.
func created(a *answer) platform.Outcome {
	var body wireCreated
	if a.BodyErr != nil || json.Unmarshal(a.Body, &body) != nil {
		return unclear("unreadable_answer", "X's answer could not be read, so it is not known whether the post is out.")
	}
	if !isID(body.Data.ID) {
		return unclear("no_id", "X gave no id for the post, so it is not known whether the post is out.")
	}
	return platform.Outcome{Class: platform.Accepted, Code: "accepted", Detail: "X accepted the post.", RemoteID: body.Data.ID}
}

// forbidden tells apart what X answers with 403. A 403 that cannot be read may
// be the duplicate refusal, which is evidence of an earlier success.
func forbidden(a *answer, req platform.PublishRequest) platform.Outcome {
	p := a.problem()
	switch {
	case !a.Whole() || p.words() == "":
		return unclear("http_403_unreadable", "X refused, but its reason could not be read.")
	case p.says("duplicate content", "duplicate status") || p.hasCode("187"):
		return platform.Outcome{
			Class: platform.Duplicate, Code: "duplicate_content", Detail: "X says that the account has posted this text already.",
		}
	case p.is("usage-capped"):
		return platform.Outcome{
			Class: platform.Delayed, Code: "usage_capped", RetryAfter: maxWait,
			Detail: "The developer app has used up its posts at X for now.",
		}
	default:
		return refused(a, req)
	}
}

// refused names the reason of a final refusal.
func refused(a *answer, req platform.PublishRequest) platform.Outcome {
	p := a.problem()
	outcome := platform.Outcome{Class: platform.Refused}
	switch {
	case p.says("too long") || p.hasCode("186"):
		outcome.Code, outcome.Detail = "text_too_long", "X says that the text is too long."
	case p.says("cashtag"):
		outcome.Code, outcome.Detail = "too_many_cashtags", "X takes at most one cashtag in a post."
	case p.is("user-suspended", "client-suspended") || p.says("suspended", "temporarily locked") || p.hasCode("64") || p.hasCode("326"):
		outcome.Code, outcome.Detail = "account_suspended", "X has suspended or locked the account; sign in at X to see why."
	case p.is("client-forbidden", "client-not-enrolled", "unsupported-authentication"):
		outcome.Code, outcome.Detail = "app_not_allowed", "X does not let the developer app post; check its access level and permissions."
	case p.says("permitted to access this feature"):
		outcome.Code, outcome.Detail = "not_permitted", "The connection lacks the right to post; connect the account again."
	case req.ReplyTo != "" && p.says("deleted or not visible"):
		outcome.Code, outcome.Detail = "reply_target_gone", "The part before this one is no longer at X."
	case req.ReplyTo != "" && refusesReply(p):
		outcome.Code = "reply_refused"
		outcome.Detail = "X refuses replies here, so this part of the thread cannot be posted; put its text into a post of its own."
	default:
		outcome.Code = fmt.Sprintf("http_%d", a.Status)
		outcome.Detail = quoted(p, req.Target)
	}
	return outcome
}

// refusesReply tells a refusal of the reply from other refusals. X words it in
// several ways, none of them documented (2026-11).
func refusesReply(p wireProblem) bool {
	return p.says("reply", "replies", "conversation", "not permitted to perform this action", "summoned", "mentioned")
}

// quoted passes X's own words on, shortened and without the token.
func quoted(p wireProblem, target platform.Target) string {
	words := p.words()
	if words == "" {
		return "X refused the post and gave no reason."
	}
	if token := target.AccessToken.Reveal(); token != "" {
		words = strings.ReplaceAll(words, token, "[secret]")
	}
	return fmt.Sprintf("X refused the post: %q", clip(words, 200))
}

// refusesForGood lists the client errors that come before any work is done.
func refusesForGood(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusGone,
		http.StatusLengthRequired, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusUnavailableForLegalReasons:
		return true
	default:
		return false
	}
}

func unclear(code, detail string) platform.Outcome {
	return platform.Outcome{Class: platform.Unclear, Code: code, Detail: detail}
}

// clip cuts a text to at most n runes.
func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n])
	}
	return s
}
