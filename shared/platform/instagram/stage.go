package instagram

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"rostrum/shared/apperr"
	"rostrum/shared/platform"
	"rostrum/shared/throttle"
)

const (
	// Instagram keeps a container for 24 hours (container reference, 2026-11).
	// An hour of them is left for what happens between staging and publishing.
	singleLives = 23 * time.Hour
	// A carousel needs its images as long as itself, so both halves of the day
	// have to hold: it is made of images of at most 12 hours and lives 11.
	itemLives     = 12 * time.Hour
	carouselLives = 11 * time.Hour
	maxImages     = 10
)

// UploadMedia makes the container of one image of a carousel. The only image of
// a part goes with the part itself, so for one nothing is asked and the answer
// has no id. Errors are those of platform.Publisher.
func (c *Client) UploadMedia(ctx context.Context, req platform.MediaUpload) (platform.UploadedMedia, error) {
	if req.Of <= 1 {
		return platform.UploadedMedia{Lives: singleLives}, nil
	}
	fields := map[string]any{"image_url": req.URL, "is_carousel_item": true}
	if req.Alt != "" {
		fields["alt_text"] = req.Alt
	}
	id, err := c.container(ctx, req.Target, fields)
	if err != nil {
		return platform.UploadedMedia{}, fmt.Errorf("make the container of an image: %w", err)
	}
	return platform.UploadedMedia{RemoteID: id, Lives: itemLives}, nil
}

// Stage makes the container of a part: of its image, or of the images that
// UploadMedia brought. Errors are those of platform.Stager.
func (c *Client) Stage(ctx context.Context, req platform.StageRequest) (platform.Staged, error) {
	fields, lives := map[string]any{"caption": req.Text}, singleLives
	switch n := len(req.Images); {
	case n == 0:
		return platform.Staged{}, apperr.New(apperr.Invalid, "image_required", "Instagram takes no post without an image.").
			WithHint("Add an image.")
	case n > maxImages:
		return platform.Staged{}, apperr.New(apperr.Invalid, "too_many_images", "Instagram takes at most %d images.", maxImages).
			WithHint("Remove some of the images.")
	case n == 1:
		fields["image_url"] = req.Images[0].URL
		if alt := req.Images[0].Alt; alt != "" {
			fields["alt_text"] = alt
		}
	default:
		children, err := c.children(ctx, req)
		if err != nil {
			return platform.Staged{}, err
		}
		fields["media_type"], fields["children"], lives = "CAROUSEL", strings.Join(children, ","), carouselLives
	}
	id, err := c.container(ctx, req.Target, fields)
	if err != nil {
		return platform.Staged{}, fmt.Errorf("make the container of a part: %w", err)
	}
	c.readLimit(ctx, req.Target)
	return platform.Staged{RemoteID: id, Lives: lives}, nil
}

// children are the containers of a carousel's images, once all are ready.
func (c *Client) children(ctx context.Context, req platform.StageRequest) ([]string, error) {
	ids := make([]string, 0, len(req.Images))
	for i, image := range req.Images {
		if image.RemoteID == "" {
			return nil, apperr.New(apperr.NotFound, "media_gone", "Image %d of the post is not at Instagram.", i+1)
		}
		state, err := c.StageState(ctx, req.Target, image.RemoteID)
		if err != nil {
			return nil, fmt.Errorf("see whether image %d is ready: %w", i+1, err)
		}
		switch {
		case state.Phase == platform.StagePending:
			return nil, apperr.New(apperr.RateLimited, "media_processing", "Instagram is still working on image %d.", i+1).
				WithRetryAfter(notReadyWait)
		case state.Phase == platform.StageFailed && state.Final:
			return nil, apperr.New(apperr.Invalid, "image_refused", "Image %d: %s", i+1, state.Detail).
				WithHint("Change or remove the image.")
		case state.Phase != platform.StageReady:
			return nil, apperr.New(apperr.NotFound, "media_gone", "Instagram has no use of image %d any more, so it is brought there again.", i+1)
		}
		ids = append(ids, image.RemoteID)
	}
	return ids, nil
}

// container makes one container, which the audience does not see.
func (c *Client) container(ctx context.Context, target platform.Target, fields map[string]any) (string, error) {
	if err := checkAccount(target); err != nil {
		return "", err
	}
	a := c.post(ctx, target, "/"+target.RemoteID+"/media", fields)
	if err := c.problemOf(a, target.AccessToken); err != nil {
		return "", err
	}
	var created wireCreated
	if json.Unmarshal(a.Body, &created) != nil || !isID(string(created.ID)) {
		return "", apperr.New(apperr.Unavailable, "unreadable_answer", "Instagram gave no id for what was prepared.")
	}
	return string(created.ID), nil
}

// checkAccount keeps a call from going out that cannot be about this account.
func checkAccount(target platform.Target) error {
	switch {
	case target.AccessToken == "":
		return apperr.New(apperr.Unauthenticated, "no_token", "The account has no access token.").WithHint("Connect the account again.")
	case !isID(target.RemoteID):
		return apperr.New(apperr.Invalid, "bad_remote_id", "That is not an id of Instagram.")
	default:
		return nil
	}
}

// readLimit asks how much of the day's posts is left and tells it. Nothing
// depends on it: whoever publishes over the limit is told so then.
func (c *Client) readLimit(ctx context.Context, target platform.Target) {
	if target.Heard == nil {
		return
	}
	a := c.get(ctx, target, "/"+target.RemoteID+"/content_publishing_limit", url.Values{"fields": {"quota_usage,config"}})
	var limit wireLimit
	if !a.Whole() || a.Status != http.StatusOK || json.Unmarshal(a.Body, &limit) != nil || len(limit.Data) == 0 || limit.Data[0].Usage == nil {
		return
	}
	d, now := limit.Data[0], c.clock.Now()
	hear(target, throttle.Quota{
		Scope: throttle.AccountScope, Use: throttle.Posting, Window: 24 * time.Hour,
		Limit: d.Config.Total, Remaining: max(d.Config.Total-*d.Usage, 0), ResetsAt: now.Add(told),
	}, now)
}

// StageState reads how far a container has come. A container that Instagram
// does not know is gone; nothing is said by that of whether it was published.
// Errors are those of platform.Publisher.
func (c *Client) StageState(ctx context.Context, target platform.Target, stagedID string) (platform.StageState, error) {
	if target.AccessToken == "" {
		return platform.StageState{}, apperr.New(apperr.Unauthenticated, "no_token", "The account has no access token.")
	}
	if !isID(stagedID) {
		return platform.StageState{}, apperr.New(apperr.Invalid, "bad_remote_id", "That is not an id of Instagram.")
	}
	a := c.get(ctx, target, "/"+stagedID, url.Values{"fields": {"id,status_code,status"}})
	if err := c.problemOf(a, target.AccessToken); err != nil {
		if apperr.Is(err, apperr.NotFound) {
			return platform.StageState{Phase: platform.StageGone}, nil
		}
		return platform.StageState{}, fmt.Errorf("read the container %s: %w", stagedID, err)
	}
	var body wireContainer
	if json.Unmarshal(a.Body, &body) != nil || string(body.ID) != stagedID {
		return platform.StageState{}, unreadable()
	}
	switch body.StatusCode {
	case "IN_PROGRESS":
		return platform.StageState{Phase: platform.StagePending}, nil
	case "FINISHED":
		return platform.StageState{Phase: platform.StageReady}, nil
	case "PUBLISHED":
		return platform.StageState{Phase: platform.StagePublished}, nil
	case "EXPIRED":
		return platform.StageState{Phase: platform.StageGone}, nil
	case "ERROR":
		return failed(body.Status), nil
	default:
		return platform.StageState{}, unreadable()
	}
}

func unreadable() error {
	return apperr.New(apperr.Unavailable, "unreadable_answer", "Instagram's answer could not be read.")
}

// failed reads why a container failed out of a status such as "Error: Media
// upload has failed with error code 2207026". Whatever is not known to be the
// content's fault may go better next time.
func failed(status string) platform.StageState {
	state := platform.StageState{Phase: platform.StageFailed, Code: "container_failed"}
	number, err := strconv.Atoi(regexp.MustCompile(`\b2207\d{3}\b`).FindString(status))
	if err != nil {
		state.Detail = "Instagram could not prepare the post and gave no reason."
		return state
	}
	f := verdict{meaning: subcodes()[number]}
	state.Code = fmt.Sprintf("container_failed_%d", number)
	state.Final = f.meaning == badImage || f.meaning == badRequest || f.meaning == restricted || f.meaning == blocked
	if f.meaning == unknown || f.meaning == serverTrouble || f.meaning == containerGone || f.meaning == notReady {
		state.Detail = fmt.Sprintf("Instagram could not prepare the post (its error %d).", number)
		return state
	}
	text, hint := f.sentence()
	state.Detail = strings.TrimSpace(strings.Replace(text, " and gave no reason", "", 1) + " " + hint)
	return state
}
