package instagram

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/platform/platformtest"
	"rostrum/shared/simulator/fault"
	simulator "rostrum/shared/simulator/instagram"
)

// carousel uploads so many images and returns them as Stage wants them.
func (n *network) carousel(t *testing.T, count int) []platform.StagedImage {
	t.Helper()
	images := make([]platform.StagedImage, 0, count)
	for i := range count {
		name := "item" + string(rune('a'+i))
		address, alt := n.media.put(name, picture(t, 40, 50, uint8(i))), "This is "+name+"."
		uploaded, err := n.client.UploadMedia(t.Context(), platform.MediaUpload{
			Target: n.target, Type: "image/jpeg", URL: address, Of: count, Alt: alt,
		})
		require.NoError(t, err)
		require.NotEmpty(t, uploaded.RemoteID)
		require.Equal(t, itemLives, uploaded.Lives)
		images = append(images, platform.StagedImage{RemoteID: uploaded.RemoteID, URL: address, Alt: alt})
	}
	return images
}

func (n *network) stageOne(t *testing.T, caption string) platform.Staged {
	t.Helper()
	staged, err := n.client.Stage(t.Context(), platform.StageRequest{
		Target: n.target, Text: caption, Images: []platform.StagedImage{{URL: n.media.URL + "/image.jpg", Alt: "A square."}},
	})
	require.NoError(t, err)
	return staged
}

func TestTheOnlyImageOfAPartIsNotUploaded(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	uploaded, err := n.client.UploadMedia(t.Context(), platform.MediaUpload{Target: n.target, URL: n.media.URL + "/image.jpg", Of: 1})
	require.NoError(t, err)
	require.Empty(t, uploaded.RemoteID)
	require.Positive(t, uploaded.Lives)
	require.Empty(t, n.sim.Faults().Requests())
}

func TestACarouselShowsItsImagesInOrder(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	images := n.carousel(t, 3)
	staged, err := n.client.Stage(t.Context(), platform.StageRequest{Target: n.target, Text: "three", Images: images})
	require.NoError(t, err)
	require.LessOrEqual(t, itemLives+staged.Lives, 24*time.Hour, "a carousel must not outlive its images")
	require.Empty(t, n.sim.Items("", time.Time{}))
	outcome := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, Text: "three", StagedID: staged.RemoteID})
	require.Equal(t, platform.Accepted, outcome.Class, "%+v", outcome)
	seen := n.sim.Items("", time.Time{})
	require.Len(t, seen, 1)
	var alts, ids []string
	for i, m := range seen[0].Media {
		alts, ids = append(alts, m.Alt), append(ids, m.ID)
		require.Equal(t, images[i].RemoteID, m.ID)
	}
	require.Empty(t, cmp.Diff([]string{"This is itema.", "This is itemb.", "This is itemc."}, alts))
	require.Len(t, ids, 3)
	require.Equal(t, outcome.RemoteURL, seen[0].URL)
}

func TestTheAltTextOfOneImageIsShown(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	staged := n.stageOne(t, "one")
	require.Equal(t, singleLives, staged.Lives)
	require.Equal(t, platform.Accepted, n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, StagedID: staged.RemoteID}).Class)
	require.Equal(t, "A square.", n.sim.Items("", time.Time{})[0].Media[0].Alt)
}

func TestACarouselWaitsForItsImages(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.sim.Change(func(s *simulator.Settings) { s.ProcessingMS = time.Hour.Milliseconds() })
	images := n.carousel(t, 2)
	_, err := n.client.Stage(t.Context(), platform.StageRequest{Target: n.target, Text: "early", Images: images})
	require.True(t, apperr.Is(err, apperr.RateLimited), "%v", err)
	require.Equal(t, "media_processing", apperr.As(err).Code)
	require.Equal(t, notReadyWait, apperr.As(err).RetryAfter)
	require.Len(t, n.sim.Containers(), 2, "no carousel is made of what is not ready")
}

func TestACarouselAsksForImagesAnew(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	images := n.carousel(t, 2)
	require.NoError(t, n.sim.ExpireContainers("tester"))
	_, err := n.client.Stage(t.Context(), platform.StageRequest{Target: n.target, Images: images})
	require.True(t, apperr.Is(err, apperr.NotFound), "%v", err)
	require.Equal(t, "media_gone", apperr.As(err).Code)

	images = n.carousel(t, 2)
	images[1].RemoteID = ""
	_, err = n.client.Stage(t.Context(), platform.StageRequest{Target: n.target, Images: images})
	require.Equal(t, "media_gone", apperr.As(err).Code, "an image without an id is not there")

	require.NoError(t, n.sim.Doom(simulator.Fate{Kind: simulator.FateError, Code: 2207009, Times: 1}))
	images = n.carousel(t, 2)
	_, err = n.client.Stage(t.Context(), platform.StageRequest{Target: n.target, Images: images})
	require.True(t, apperr.Is(err, apperr.Invalid), "an image that is refused for good: %v", err)
	require.Contains(t, apperr.As(err).Message, "Image 1: ")
}

func TestWhatInstagramDoesNotTakeIsToldApart(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...)
	huge := append(picture(t, 40, 40, 1), make([]byte, 8<<20)...)
	for name, c := range map[string]struct {
		url, caption string
		kind         apperr.Kind
		code         string
	}{
		"lost file":    {n.media.URL + "/lost.jpg", "", apperr.Unavailable, "media_unreachable"},
		"dead host":    {platformtest.DeadAddress(t) + "/image.jpg", "", apperr.Unavailable, "media_unreachable"},
		"no address":   {"ftp://example.com/image.jpg", "", apperr.Unavailable, "media_unreachable"},
		"a png":        {n.media.put("a.png", png), "", apperr.Invalid, "image_refused"},
		"half a jpeg":  {n.media.put("half.jpg", picture(t, 40, 40, 1)[:20]), "", apperr.Invalid, "image_refused"},
		"too large":    {n.media.put("huge.jpg", huge), "", apperr.Invalid, "image_refused"},
		"too tall":     {n.media.put("tall.jpg", picture(t, 39, 50, 1)), "", apperr.Invalid, "image_refused"},
		"too wide":     {n.media.put("wide.jpg", picture(t, 192, 100, 1)), "", apperr.Invalid, "image_refused"},
		"long caption": {n.media.URL + "/image.jpg", strings.Repeat("a", 2201), apperr.Invalid, "post_refused"},
		"hashtags":     {n.media.URL + "/image.jpg", strings.Repeat("#tag ", 31), apperr.Invalid, "post_refused"},
		"mentions":     {n.media.URL + "/image.jpg", strings.Repeat("@ada ", 21), apperr.Invalid, "post_refused"},
	} {
		_, err := n.client.Stage(t.Context(), platform.StageRequest{
			Target: n.target, Text: c.caption, Images: []platform.StagedImage{{URL: c.url}},
		})
		require.True(t, apperr.Is(err, c.kind), "%s: %v", name, err)
		require.Equal(t, c.code, apperr.As(err).Code, name)
		require.NotEmpty(t, apperr.As(err).Hint, name)
	}
	require.Empty(t, n.sim.Containers())
	for name, url := range map[string]string{
		"widest": n.media.put("widest.jpg", picture(t, 191, 100, 1)), "tallest": n.media.put("tallest.jpg", picture(t, 40, 50, 1)),
	} {
		_, err := n.client.Stage(t.Context(), platform.StageRequest{Target: n.target, Images: []platform.StagedImage{{URL: url}}})
		require.NoError(t, err, name)
	}
}

func TestAPartNeedsOneToTenImages(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, images := range [][]platform.StagedImage{nil, make([]platform.StagedImage, 11)} {
		_, err := n.client.Stage(t.Context(), platform.StageRequest{Target: n.target, Text: "x", Images: images})
		require.True(t, apperr.Is(err, apperr.Invalid), "%v", err)
	}
	require.Empty(t, n.sim.Faults().Requests())
}

func TestStagingTroubleHasItsKind(t *testing.T) {
	t.Parallel()
	for preset, want := range map[string]apperr.Kind{
		"rate_limited": apperr.RateLimited, "app_limited": apperr.RateLimited, "daily_limit": apperr.RateLimited,
		"unauthorized": apperr.Unauthenticated, "not_permitted": apperr.Forbidden, "restricted": apperr.Forbidden,
		"blocked": apperr.Forbidden, "server_error": apperr.Unavailable, "server_error_empty": apperr.Unavailable,
		"transient_error": apperr.Unavailable, "bad_gateway": apperr.Unavailable, "accepted_no_id": apperr.Unavailable,
		"accepted_not_json": apperr.Unavailable, "accepted_truncated": apperr.Unavailable, "reset": apperr.Unavailable,
		"media_unreachable": apperr.Unavailable, "not_ready": apperr.RateLimited, "container_unknown": apperr.NotFound,
	} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			_, err := n.sim.Faults().Add(fault.Rule{Preset: preset, Match: fault.Match{Method: http.MethodPost, Path: "/*/media"}})
			require.NoError(t, err)
			_, err = n.client.Stage(t.Context(), platform.StageRequest{
				Target: n.target, Images: []platform.StagedImage{{URL: n.media.URL + "/image.jpg"}},
			})
			require.True(t, apperr.Is(err, want), "%v", err)
			if want == apperr.RateLimited {
				require.Positive(t, apperr.As(err).RetryAfter)
			}
		})
	}
}

func TestAContainerTellsHowFarItHasCome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fate simulator.Fate
		want platform.StageState
	}{
		"stuck":   {simulator.Fate{Kind: simulator.FateStuck}, platform.StageState{Phase: platform.StagePending}},
		"expired": {simulator.Fate{Kind: simulator.FateExpired}, platform.StageState{Phase: platform.StageGone}},
		"failed": {simulator.Fate{Kind: simulator.FateError}, platform.StageState{
			Phase: platform.StageFailed, Code: "container_failed_2207053", Detail: "Instagram could not prepare the post (its error 2207053).",
		}},
		"refused": {simulator.Fate{Kind: simulator.FateError, Code: 2207005}, platform.StageState{
			Phase: platform.StageFailed, Code: "container_failed_2207005", Final: true,
			Detail: "Instagram does not take an image of this post. Use a JPEG of at most 8 MiB, between 4:5 and 1.91:1.",
		}},
	} {
		n := newNetwork(t)
		require.NoError(t, n.sim.Doom(c.fate))
		staged := n.stageOne(t, "doomed")
		got, err := n.client.StageState(t.Context(), n.target, staged.RemoteID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(c.want, got), name)
		outcome := n.client.Publish(t.Context(), platform.PublishRequest{Target: n.target, StagedID: staged.RemoteID})
		require.NotEqual(t, platform.Accepted, outcome.Class, name)
		require.Empty(t, n.sim.Items("", time.Time{}), name)
	}
}

func TestWhyAContainerFailedIsRead(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]platform.StageState{
		"Error: Media upload has failed with error code 2207052": {Code: "container_failed_2207052"},
		"Error: Media upload has failed with error code 2207051": {Code: "container_failed_2207051", Final: true},
		"Error: Media upload has failed with error code 2207999": {Code: "container_failed_2207999"},
		"Error 2207010: The caption was too long":                {Code: "container_failed_2207010", Final: true},
		"Error: 22070101234": {Code: "container_failed"},
		"":                   {Code: "container_failed"},
	} {
		got := failed(status)
		require.Equal(t, platform.StageFailed, got.Phase, status)
		require.Equal(t, want.Code, got.Code, status)
		require.Equal(t, want.Final, got.Final, status)
		require.NotEmpty(t, got.Detail, status)
	}
}

func TestAStateThatCannotBeReadIsNoState(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	staged := n.stageOne(t, "odd")
	for _, body := range []string{
		`{}`, `[]`, `{"id":"1","status_code":"FINISHED"}`, `{"id":"` + staged.RemoteID + `","status_code":"SOMETHING"}`,
		`{"id":"` + staged.RemoteID + `"}`,
	} {
		n.sim.Faults().Clear()
		_, err := n.sim.Faults().Add(fault.Rule{Action: fault.Action{Kind: fault.Answer, Status: 200, Body: body}})
		require.NoError(t, err)
		_, err = n.client.StageState(t.Context(), n.target, staged.RemoteID)
		require.True(t, apperr.Is(err, apperr.Unavailable), "%s: %v", body, err)
	}
	for _, id := range []string{"", "me", "1/../2", "17841400000000000?fields=id"} {
		_, err := n.client.StageState(t.Context(), n.target, id)
		require.True(t, apperr.Is(err, apperr.Invalid), "%s: %v", id, err)
	}
}

func TestACallWithoutTokenIsNotMade(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	target := n.target
	target.AccessToken = config.Secret("")
	_, stageErr := n.client.Stage(t.Context(), platform.StageRequest{Target: target, Images: []platform.StagedImage{{URL: n.media.URL}}})
	_, stateErr := n.client.StageState(t.Context(), target, "1")
	_, whoErr := n.client.WhoAmI(t.Context(), "")
	for _, err := range []error{stageErr, stateErr, whoErr, n.client.Delete(t.Context(), target, "1")} {
		require.True(t, apperr.Is(err, apperr.Unauthenticated), "%v", err)
	}
	require.Empty(t, n.sim.Faults().Requests())
}
