package instagram

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rostrum/shared/platform"
)

// permalinkPatience bounds the one read after a success: the post is out, and
// its exact address is worth no more than this.
const permalinkPatience = 3 * time.Second

// Publish makes one POST media_publish and says what it came to; see classify.
// After a success it reads the post's address, which the audience cannot see.
func (c *Client) Publish(ctx context.Context, req platform.PublishRequest) platform.Outcome {
	switch {
	case req.ReplyTo != "":
		return platform.Outcome{
			Class: platform.Refused, Code: "no_threads", Detail: "Instagram has no threads, so a part cannot follow another one.",
		}
	case req.Target.AccessToken == "":
		return platform.Outcome{Class: platform.Unauthorized, Code: "no_token", Detail: "The account has no access token."}
	case !isID(req.Target.RemoteID):
		return platform.Outcome{Class: platform.Refused, Code: "bad_remote_id", Detail: "The account has no id of Instagram; connect it again."}
	case !isID(req.StagedID):
		return platform.Outcome{Class: platform.MediaGone, Code: "not_staged", Detail: "The post was not prepared at Instagram yet, so it is prepared."}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	a := c.post(ctx, req.Target, "/"+req.Target.RemoteID+"/media_publish", map[string]any{"creation_id": req.StagedID})
	outcome := c.classify(a, req)
	if outcome.Class == platform.Accepted {
		outcome.RemoteURL = c.permalink(ctx, req.Target, outcome.RemoteID)
	}
	return outcome
}

// permalink reads where a post is shown; where that cannot be read, the profile
// is named, since the id is not part of the address.
func (c *Client) permalink(ctx context.Context, target platform.Target, id string) string {
	ctx, cancel := context.WithTimeout(ctx, permalinkPatience)
	defer cancel()
	a := c.get(ctx, target, "/"+id, url.Values{"fields": {"permalink"}})
	var media wireMedia
	if a.Whole() && a.Status == http.StatusOK && json.Unmarshal(a.Body, &media) == nil && isWeb(media.Permalink) {
		return media.Permalink
	}
	return c.settings.WebURL + "/" + url.PathEscape(target.Handle) + "/"
}

// isWeb reports whether an address may be shown as a link.
func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// classify turns what is known of a media_publish into an Outcome. Whatever
// does not prove that this call showed nothing to the audience, and that no
// earlier call with the same container did, is Unclear: a container that was
// published, one that ran out and one that never was may be told apart by
// StageState alone.
func (c *Client) classify(a answer, req platform.PublishRequest) platform.Outcome {
	switch {
	case a.Err != nil:
		return withoutAnswer(a)
	case a.Status >= 200 && a.Status <= 299:
		return published(a)
	case a.Status >= 300 && a.Status <= 399:
		// A redirect is not followed, and a gateway may send one after the work.
		return unclear("unexpected_redirect", "Instagram answered with a redirect, so it is not known whether the post is out.")
	}
	f := readVerdict(a, req.Target.AccessToken)
	outcome := c.refusal(a, f)
	outcome.RequestID = f.trace
	return outcome
}

// refusal says what a refusal of media_publish proves.
func (c *Client) refusal(a answer, f verdict) platform.Outcome {
	text, hint := f.sentence()
	outcome := platform.Outcome{Code: f.code, Detail: text}
	switch f.meaning {
	case tokenRefused:
		outcome.Class = platform.Unauthorized
	case limited:
		outcome.Class, outcome.RetryAfter = platform.Delayed, c.wait(a)
		outcome.Code, outcome.Detail = "rate_limited", "Instagram asks to wait "+platform.WaitWords(outcome.RetryAfter)+"."
	case dayFull:
		outcome.Class, outcome.Code, outcome.RetryAfter = platform.Delayed, "daily_limit", dayFullWait
	case notReady:
		outcome.Class, outcome.Code, outcome.RetryAfter = platform.Delayed, "media_not_ready", notReadyWait
	case notPermitted, restricted, badImage, badRequest:
		outcome.Class, outcome.Detail = platform.Refused, text+" "+hint
	case containerGone:
		// One that was published before may answer so too, and another container
		// would then show the post twice.
		outcome.Class = platform.Unclear
		outcome.Detail = "Instagram does not know what was prepared for this post, so it is not known whether the post is out."
	case blocked:
		outcome.Class = platform.Unclear
		outcome.Detail = "Instagram says that it held the post back for spam, which it has said of posts that were out."
	default:
		outcome.Class = platform.Unclear
		outcome.Detail = fmt.Sprintf("Instagram answered with an error (%s), so it is not known whether the post is out.", strings.ReplaceAll(f.code, "_", " "))
	}
	return outcome
}

// withoutAnswer tells a request that never left from one whose answer is lost.
func withoutAnswer(a answer) platform.Outcome {
	switch {
	case !a.Sent.Any():
		return platform.Outcome{
			Class: platform.NotSent, Code: "not_sent", Detail: "Instagram could not be reached; nothing was sent.",
		}
	case a.TimedOut():
		return unclear("timeout", "Instagram did not answer in time, so it is not known whether the post is out.")
	default:
		return unclear("connection_lost", "The connection to Instagram broke, so it is not known whether the post is out.")
	}
}

// published reads the id out of a success. Without one there is a post that we
// cannot name.
func published(a answer) platform.Outcome {
	var body wireCreated
	if a.BodyErr != nil || json.Unmarshal(a.Body, &body) != nil {
		return unclear("unreadable_answer", "Instagram's answer could not be read, so it is not known whether the post is out.")
	}
	if !isID(string(body.ID)) {
		return unclear("no_id", "Instagram gave no id for the post, so it is not known whether the post is out.")
	}
	return platform.Outcome{
		Class: platform.Accepted, Code: "accepted", Detail: "Instagram published the post.", RemoteID: string(body.ID),
	}
}

func unclear(code, detail string) platform.Outcome {
	return platform.Outcome{Class: platform.Unclear, Code: code, Detail: detail}
}
