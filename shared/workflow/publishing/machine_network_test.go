package publishing

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"rostrum/shared/apperr"
	"rostrum/shared/platform"
	"rostrum/shared/post"
)

// Publish is the network: what it does with a request is drawn.
func (m *machine) Publish(_ context.Context, r platform.PublishRequest) platform.Outcome {
	view := m.view()
	switch {
	case view.Post.State != post.Sending && view.Post.State != post.Unknown:
		m.breaks("a call was made for a post that is %s", view.Post.State)
	case view.ApprovedHash == "" || view.ApprovedHash != view.Post.Version.Content.Hash(view.Post.AccountID):
		m.breaks("a call was made without an approval")
	case !slices.Contains(view.Post.Version.Content.Texts(), r.Text):
		m.breaks("a call was made with a text that is not the approved one")
	}
	what := request{text: r.Text, replyTo: r.ReplyTo, stagedID: r.StagedID}
	if staged := m.staged[r.StagedID]; staged != nil && (staged.text != r.Text || staged.phase == platform.StagePending) {
		m.breaks("a call was made with what was staged as %q and is %s", staged.text, staged.phase)
	}
	switch rapid.SampledFrom([]string{"ok", "ok", "ok", "answer lost", "answer lost", "request lost", "late", "not sent", "rate limit"}).Draw(m.rt, "network") {
	case "ok":
		if id := m.accept(what); id != "" {
			return platform.Outcome{Class: platform.Accepted, Code: "accepted", RemoteID: id}
		}
	case "answer lost":
		m.accept(what)
	case "late":
		m.travelling = append(m.travelling, what)
	case "not sent":
		return platform.Outcome{Class: platform.NotSent, Code: "not_sent"}
	case "rate limit":
		return platform.Outcome{Class: platform.Delayed, Code: "rate_limited", RetryAfter: time.Second}
	}
	return platform.Outcome{Class: platform.Unclear, Code: "timeout"}
}

// accept shows a part, unless it was staged and is public or gone: that the
// network does once.
func (m *machine) accept(r request) string {
	if staged := m.staged[r.stagedID]; staged != nil {
		if staged.phase != platform.StageReady {
			return ""
		}
		staged.phase = platform.StagePublished
	}
	m.remoteIDs++
	id := strconv.Itoa(m.remoteIDs)
	m.audience = append(m.audience, shown{
		RemotePost: platform.RemotePost{ID: id, Text: r.text, ReplyTo: r.replyTo, CreatedAt: time.Now(), URL: "https://x.example/" + id}, part: m.partOf[r.text],
	})
	return id
}

func (m *machine) acceptLate() {
	if len(m.travelling) > 0 {
		m.accept(m.travelling[0])
		m.travelling = m.travelling[1:]
	}
}

func (m *machine) loseLate() {
	if len(m.travelling) > 0 {
		m.travelling = m.travelling[1:]
	}
}

// UploadMedia is not asked for: the machine's posts have no images.
func (m *machine) UploadMedia(context.Context, platform.MediaUpload) (platform.UploadedMedia, error) {
	return platform.UploadedMedia{}, apperr.New(apperr.Unavailable, "no_media", "this network takes no images")
}

// RecentPosts reads, and lets another actor do something before the reader
// hears the answer. Reads may lag.
func (m *machine) RecentPosts(context.Context, platform.Target, string) ([]platform.RemotePost, error) {
	lag := rapid.SampledFrom([]time.Duration{0, 0, readLag}).Draw(m.rt, "lag")
	var posts []platform.RemotePost
	for _, s := range slices.Backward(m.audience) {
		if s.age >= lag {
			posts = append(posts, s.RemotePost)
		}
	}
	if !m.inRead {
		m.inRead = true
		defer func() { m.inRead = false }()
		name := rapid.SampledFrom([]string{"", "", "late accept", "result0", "result1", "tick", "settle", "look", "load0", "intent0", "call0"}).Draw(m.rt, "meanwhile")
		if name != "" {
			m.trace = append(m.trace, "("+name+")")
			m.actions()[name]()
		}
	}
	return posts, nil
}

// ReadMetrics and Delete are not part of sending.
func (m *machine) ReadMetrics(context.Context, platform.Target, []string) (map[string]platform.Metrics, error) {
	return nil, errors.New("not part of sending")
}

// Delete is not part of sending.
func (m *machine) Delete(context.Context, platform.Target, string) error {
	return errors.New("not part of sending")
}
