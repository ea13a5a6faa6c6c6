package instagram

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

// meaning is what a refusal comes to, whatever was asked for.
type meaning int

const (
	// unknown is everything that is not listed: it proves nothing.
	unknown meaning = iota
	// serverTrouble is Instagram's own: the work may have been done all the same
	// (code 2 came back for posts that were out: arsduo/koala#699).
	serverTrouble
	// tokenRefused: the account has to be connected again.
	tokenRefused
	// notPermitted: the connection lacks a permission.
	notPermitted
	// limited: too many calls.
	limited
	// dayFull: the account has published as much as a day allows.
	dayFull
	// blocked: the account is suspected of spam. It has been answered for posts
	// that were out (postiz-app#1681), so it proves nothing on publishing.
	blocked
	// restricted: the account has to be put right at Instagram.
	restricted
	// notReady: a container is still worked on.
	notReady
	// containerGone: a container is not known, or not any more.
	containerGone
	// unreachable: the image could not be fetched from us. It happens for no
	// reason too (postiz-app#1900).
	unreachable
	// badImage and badRequest are for good.
	badImage
	badRequest
)

// verdict is a refusal as far as it could be read.
type verdict struct {
	meaning meaning
	// code is short and stable.
	code string
	// words is Instagram's own sentence, with no secret in it; may be empty.
	words string
	// trace is Instagram's id of the request.
	trace string
}

// readVerdict decodes a refusal. The table is that of Instagram's error codes
// page, read 2026-11; who adds what it leaves open stands beside it.
func readVerdict(a answer, token config.Secret) verdict {
	var body wireFault
	if a.Whole() {
		// What cannot be read leaves the code unset, which is unknown.
		_ = json.Unmarshal(a.Body, &body)
	}
	e := body.Error
	if e.Code == nil {
		return verdict{code: fmt.Sprintf("http_%d", a.Status)}
	}
	f := verdict{meaning: meaningOf(*e.Code, e.Subcode), trace: clip(e.TraceID, 100)}
	f.code = fmt.Sprintf("code_%d", *e.Code)
	if e.Subcode != 0 {
		f.code += fmt.Sprintf("_%d", e.Subcode)
	}
	for _, words := range []string{e.UserText, e.UserTitle, e.Message} {
		if words != "" && f.words == "" {
			f.words = words
		}
	}
	if secret := token.Reveal(); secret != "" {
		f.words = strings.ReplaceAll(f.words, secret, "[secret]")
	}
	f.words = clip(f.words, 200)
	if a.Status >= http.StatusInternalServerError {
		f.meaning = serverTrouble
	}
	return f
}

// meaningOf reads the pair of numbers that Instagram names a refusal by. The
// subcode wins where there is one of Instagram's own (2207…).
func meaningOf(code, subcode int) meaning {
	if m, ok := subcodes()[subcode]; ok {
		return m
	}
	switch {
	case code >= 200 && code <= 299:
		return notPermitted
	case code == 100 && subcode == 33:
		// "Does not exist or cannot be loaded". It has been answered for
		// containers that were there (postiz-app#1562).
		return containerGone
	case code == 100 && subcode > 2207000:
		return unknown
	default:
		return codes()[code]
	}
}

// codes are those that mean the same whatever the subcode.
func codes() map[int]meaning {
	return map[int]meaning{
		-1: serverTrouble, 1: serverTrouble, 2: serverTrouble,
		102: tokenRefused, 190: tokenRefused, 3: notPermitted, 10: notPermitted,
		4: limited, 17: limited, 32: limited, 341: limited, 613: limited, 80001: limited, 80002: limited,
		368: blocked, 9004: unreachable, 9007: notReady,
		352: badImage, 36000: badImage, 36001: badImage, 36003: badImage, 36004: badRequest, 100: badRequest,
	}
}

func subcodes() map[int]meaning {
	return map[int]meaning{
		2207001: serverTrouble, 2207032: serverTrouble, 2207053: serverTrouble,
		2207003: unreachable, 2207052: unreachable,
		2207006: containerGone, 2207008: containerGone, 2207020: containerGone,
		2207004: badImage, 2207005: badImage, 2207009: badImage, 2207026: badImage,
		2207010: badRequest, 2207023: badRequest, 2207028: badRequest,
		2207027: notReady, 2207042: dayFull, 2207050: restricted, 2207051: blocked,
	}
}

// sentence is what a user reads of a refusal, and the hint what to do.
func (f verdict) sentence() (text, hint string) {
	switch f.meaning {
	case tokenRefused:
		return "Instagram did not take the account's access token.", "Connect the account again."
	case notPermitted:
		return "The connection lacks the right to do this at Instagram.", "Connect the account again and allow everything that is asked for."
	case limited:
		return "Instagram asks to wait.", ""
	case dayFull:
		return "The account has published as many posts as Instagram allows in 24 hours.", ""
	case blocked:
		return "Instagram holds the account's posts back because it takes them for spam.", "Open Instagram and see what it asks of the account."
	case restricted:
		return "Instagram has restricted the account.", "Sign in at Instagram and do what it asks there, then try again."
	case notReady:
		return "Instagram is still working on the image.", ""
	case containerGone:
		return "Instagram does not know what was prepared for this post any more.", ""
	case unreachable:
		return "Instagram could not fetch the image from Rostrum.", "Check that the address of the media can be reached from the internet."
	case badImage:
		return f.quoted("Instagram does not take an image of this post"), "Use a JPEG of at most 8 MiB, between 4:5 and 1.91:1."
	case badRequest:
		return f.quoted("Instagram does not take this post"), "Change the post."
	default:
		return f.quoted("Instagram answered with an error"), ""
	}
}

// quoted passes Instagram's own words on.
func (f verdict) quoted(what string) string {
	if f.words == "" {
		return what + " and gave no reason."
	}
	return fmt.Sprintf("%s: %q", what, f.words)
}

// problemOf turns an answer into an error of the kinds that platform.Stager
// promises; nil for a whole answer of 200.
func (c *Client) problemOf(a answer, token config.Secret) error {
	switch {
	case a.Err != nil:
		return apperr.New(apperr.Unavailable, "instagram_unreachable", "Instagram could not be reached.").WithCause(a.Cause())
	case a.Status == http.StatusOK && a.BodyErr != nil:
		return apperr.New(apperr.Unavailable, "unreadable_answer", "Instagram's answer could not be read.").WithCause(a.Cause())
	case a.Status == http.StatusOK:
		return nil
	}
	f := readVerdict(a, token)
	text, hint := f.sentence()
	kind, code, wait := f.kind(c.wait(a))
	err := apperr.New(kind, code, "%s", text)
	if hint != "" {
		err = err.WithHint("%s", hint)
	}
	if wait > 0 {
		err = err.WithRetryAfter(wait)
	}
	return err
}

// kind names a refusal in the words of apperr, and how long to wait.
func (f verdict) kind(wait time.Duration) (apperr.Kind, string, time.Duration) {
	switch f.meaning {
	case tokenRefused:
		return apperr.Unauthenticated, "token_refused", 0
	case notPermitted:
		return apperr.Forbidden, "not_permitted", 0
	case limited:
		return apperr.RateLimited, "rate_limited", wait
	case dayFull:
		return apperr.RateLimited, "daily_limit", dayFullWait
	case blocked:
		return apperr.Forbidden, "action_blocked", 0
	case restricted:
		return apperr.Forbidden, "account_restricted", 0
	case notReady:
		return apperr.RateLimited, "media_processing", notReadyWait
	case containerGone:
		return apperr.NotFound, "media_gone", 0
	case unreachable:
		return apperr.Unavailable, "media_unreachable", 0
	case badImage:
		return apperr.Invalid, "image_refused", 0
	case badRequest:
		return apperr.Invalid, "post_refused", 0
	default:
		return apperr.Unavailable, f.code, 0
	}
}

// clip cuts a text to at most n runes.
func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n])
	}
	return s
}
