package soak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/throttle"
)

// network is the audience's ledger, and what is still on its way to it.
type network struct {
	shown map[string][]platform.RemotePost
	ids   int
	// travelling are requests that will be taken late.
	travelling []travelling
	// worstCall makes the next call one that is taken as late as can be, and
	// worstUntil is when reads stop to lag as far as they can.
	worstCall  bool
	worstUntil time.Time
	// downUntil is when it serves anybody again; app is what it lets us post in all.
	downUntil time.Time
	app       quota
}

type travelling struct {
	at      time.Time
	remote  string
	request platform.PublishRequest
}

// arrive takes the requests whose time has come.
func (l *lane) arrive(now time.Time) {
	slices.SortStableFunc(l.network.travelling, func(a, b travelling) int { return a.at.Compare(b.at) })
	for len(l.network.travelling) > 0 && !l.network.travelling[0].at.After(now) {
		t := l.network.travelling[0]
		l.network.travelling = l.network.travelling[1:]
		l.accept(t.remote, t.request, t.at)
	}
}

// accept shows a part to the audience, and holds that against the promises.
func (l *lane) accept(remote string, r platform.PublishRequest, at time.Time) string {
	l.network.ids++
	id := strconv.Itoa(l.network.ids)
	if l.network.shown == nil {
		l.network.shown = map[string][]platform.RemotePost{}
	}
	l.network.shown[remote] = append(l.network.shown[remote], platform.RemotePost{
		ID: id, Text: r.Text, ReplyTo: r.ReplyTo, CreatedAt: at, URL: "https://network.example/" + id,
	})
	it := l.byText[r.Text]
	if it == nil {
		l.breaks(&l.report.Early, nil, "%q was seen long after its end", r.Text)
		return id
	}
	part := slices.Index(it.texts, r.Text)
	l.tell(it, "the audience sees part %d as %s (taken %s)", part, id, at.Format("15:04:05.000"))
	switch {
	case part < 0:
		l.breaks(&l.report.Early, it, "%q was seen, which is not what was approved last", r.Text)
		return id
	case it.shown[part] != "":
		l.breaks(&l.report.Duplicate, it, "part %d was seen twice", part)
	case it.withdrawn:
		l.breaks(&l.report.Early, it, "part %d was seen although the post was canceled", part)
	case at.Before(it.due):
		l.breaks(&l.report.Early, it, "part %d was seen %s before its time", part, it.due.Sub(at))
	case part > 0 && it.shown[part-1] != r.ReplyTo:
		l.breaks(&l.report.Lost, it, "part %d stands under %q, not under %q", part, r.ReplyTo, it.shown[part-1])
	}
	it.shown[part] = id
	return id
}

// Publish is the network's side of a call. It loses answers, takes requests
// late, and lets others work while the caller waits.
func (l *lane) Publish(ctx context.Context, r platform.PublishRequest) platform.Outcome {
	remote := r.Target.RemoteID
	unclear := platform.Outcome{Class: platform.Unclear, Code: "timeout", Detail: "The network did not answer."}
	if l.network.worstCall {
		l.network.worstCall = false
		l.late(remote, r, l.options.LateBy-time.Second)
		l.forward(ctx, 10*time.Second)
		return unclear
	}
	l.meanwhile(ctx, 60)
	l.mayDie(6)
	a := l.accountOf(remote)
	if l.now.Before(l.network.downUntil) || l.now.Before(a.downUntil) {
		return l.outOfOrder(ctx, remote, r)
	}
	switch {
	case l.chance(25): // The request is lost.
		l.forward(ctx, l.between(0, 10*time.Second))
		return unclear
	case l.chance(25): // It is taken when nobody waits for it any more.
		late := l.between(0, l.options.LateBy)
		if l.rng.IntN(2) == 0 {
			late = l.options.LateBy - l.between(0, 2*time.Second)
		}
		l.late(remote, r, late)
		l.forward(ctx, l.between(0, 10*time.Second))
		return unclear
	case l.chance(15):
		return platform.Outcome{Class: platform.Delayed, Code: "rate_limited", Detail: "Too many.", RetryAfter: l.between(time.Second, 90*time.Second)}
	case l.chance(10):
		a.usedUpUntil = time.Time{} // The call is given back to a quota that was used up without it.
		return platform.Outcome{Class: platform.NotSent, Code: "not_sent", Detail: "The network could not be reached."}
	case l.chance(6):
		return platform.Outcome{Class: platform.Unauthorized, Code: "http_401", Detail: "The token was not taken."}
	case l.chance(4):
		return platform.Outcome{Class: platform.Refused, Code: "http_400", Detail: "The network said no."}
	case l.chance(3):
		return platform.Outcome{Class: platform.OutOfCredit, Code: "http_402", Detail: "No credit."}
	}
	return l.answer(ctx, a, r)
}

// answer is what the network says to a call that reached it in good order.
func (l *lane) answer(ctx context.Context, a *accountState, r platform.PublishRequest) platform.Outcome {
	served := l.network.app.take(l.now) && a.quota.take(l.now)
	l.usedUp(r, a)
	r.Target.Heard([]throttle.Quota{l.network.app.said(throttle.AppScope), a.quota.said(throttle.AccountScope)})
	if !served {
		return platform.Outcome{Class: platform.Delayed, Code: "rate_limited", Detail: "Used up.", RetryAfter: l.between(time.Second, 90*time.Second)}
	}
	if l.showsTwin(a.remote, r) && l.chance(500) {
		return platform.Outcome{Class: platform.Duplicate, Code: "duplicate_content", Detail: "It is there already."}
	}
	id := l.accept(a.remote, r, l.now)
	l.forward(ctx, l.between(20*time.Millisecond, 400*time.Millisecond))
	l.meanwhile(ctx, 30)
	l.mayDie(8)
	if l.chance(30) { // The answer is lost.
		l.forward(ctx, l.between(0, 10*time.Second))
		return platform.Outcome{Class: platform.Unclear, Code: "timeout", Detail: "The network did not answer."}
	}
	return platform.Outcome{Class: platform.Accepted, Code: "accepted", RemoteID: id, RemoteURL: "https://network.example/" + id}
}

// late takes a request when nobody waits for it any more.
func (l *lane) late(remote string, r platform.PublishRequest, by time.Duration) {
	l.network.travelling = append(l.network.travelling, travelling{at: l.now.Add(by), remote: remote, request: r})
}

func (l *lane) showsTwin(remote string, r platform.PublishRequest) bool {
	return slices.ContainsFunc(l.network.shown[remote], func(p platform.RemotePost) bool { return p.Text == r.Text })
}

// UploadMedia is not asked for: the lane's posts have no images.
func (l *lane) UploadMedia(context.Context, platform.MediaUpload) (platform.UploadedMedia, error) {
	return platform.UploadedMedia{}, apperr.New(apperr.Unavailable, "no_media", "this network takes no images")
}

// RecentPosts reads the account back. Reads may lag, fail, and last while
// others work.
func (l *lane) RecentPosts(ctx context.Context, target platform.Target, since string) ([]platform.RemotePost, error) {
	switch {
	case l.now.Before(l.network.downUntil) || l.now.Before(l.accountOf(target.RemoteID).downUntil):
		return nil, apperr.New(apperr.Unavailable, "network_away", "the network does not answer")
	case l.chance(30):
		return nil, apperr.New(apperr.Unavailable, "network_away", "the network does not answer")
	case l.chance(10):
		return nil, apperr.New(apperr.RateLimited, "rate_limited", "too many reads").WithRetryAfter(l.between(time.Second, time.Minute))
	case l.chance(5):
		return nil, apperr.New(apperr.Forbidden, "not_readable", "the account cannot be read")
	}
	until := l.now
	if until.Before(l.network.worstUntil) {
		until = until.Add(-readLag)
	} else if l.chance(200) {
		until = until.Add(-l.between(readLag/2, readLag))
	}
	after, err := strconv.Atoi(since)
	if err != nil {
		after = 0
	}
	var posts []platform.RemotePost
	for _, p := range slices.Backward(l.network.shown[target.RemoteID]) {
		id, err := strconv.Atoi(p.ID)
		if err != nil || id <= after || len(posts) == 100 {
			break
		}
		if !p.CreatedAt.After(until) {
			posts = append(posts, p)
		}
	}
	l.meanwhile(ctx, 150)
	return posts, nil
}

// ReadMetrics is not part of sending.
func (l *lane) ReadMetrics(context.Context, platform.Target, []string) (map[string]platform.Metrics, error) {
	return nil, errors.New("not part of sending")
}

// Delete is not part of sending.
func (l *lane) Delete(context.Context, platform.Target, string) error {
	return errors.New("not part of sending")
}

// AccessToken has a token unless the account's is being renewed or was revoked.
// It stands between what a sender read and its intent.
func (l *lane) AccessToken(ctx context.Context, _ uuid.UUID, id account.ID) (config.Secret, error) {
	l.meanwhile(ctx, 40)
	l.mayDie(3)
	for _, a := range l.accounts {
		if a.id != id {
			continue
		}
		switch {
		case a.revoked:
			// Whoever finds that out says so on the account.
			if _, err := l.sql.Exec(ctx, "UPDATE accounts SET status = 'reauth_needed' WHERE id = $1", uuid.UUID(id)); err != nil {
				return "", fmt.Errorf("mark account: %w", err)
			}
			return "", apperr.New(apperr.Unauthenticated, "reconnect", "the account must be connected again")
		case a.noTokenUntil.After(l.now):
			return "", apperr.New(apperr.Unavailable, "token_away", "the token is being renewed")
		}
	}
	return "token", nil
}

// Reject is told that the network refused a token: the next is good.
func (l *lane) Reject(context.Context, uuid.UUID, account.ID) error { return nil }
