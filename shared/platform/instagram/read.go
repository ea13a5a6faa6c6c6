package instagram

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/unicode/norm"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
)

// maxPages bounds a read-back: Instagram may return pages shorter than asked for.
const maxPages = 10

// RecentPosts reads the account's own posts, newest first. Ids of Instagram do
// not rise with time, so sinceID cuts the list where it stands in it by date: a
// page that begins with a pinned post, or in another order, hides nothing. Where
// it is not in the list, or is none, nothing is cut. Errors are those of platform.Publisher.
func (c *Client) RecentPosts(ctx context.Context, target platform.Target, sinceID string) ([]platform.RemotePost, error) {
	if err := checkAccount(target); err != nil {
		return nil, err
	}
	posts, err := c.pages(ctx, target, sinceID)
	if err != nil {
		return nil, fmt.Errorf("read the posts of %s: %w", target.RemoteID, err)
	}
	return posts[:min(len(posts), maxIDs)], nil
}

// pages reads the account's media until it ends, sinceID or a hundred posts are
// there. What is not among them gets sent again, so nothing less may pass for
// the whole.
func (c *Client) pages(ctx context.Context, target platform.Target, sinceID string) ([]platform.RemotePost, error) {
	posts, seen := []platform.RemotePost{}, map[string]bool{}
	var since time.Time
	query := url.Values{"fields": {"id,caption,media_type,permalink,timestamp"}, "limit": {strconv.Itoa(maxIDs)}}
	for range maxPages {
		a := c.get(ctx, target, "/"+target.RemoteID+"/media", query)
		if err := c.problemOf(a, target.AccessToken); err != nil {
			return nil, readProblem(err)
		}
		var page wirePage
		if json.Unmarshal(a.Body, &page) != nil || page.Data == nil {
			return nil, unreadable()
		}
		for _, m := range *page.Data {
			id := string(m.ID)
			if !isID(id) || m.Timestamp.IsZero() {
				return nil, unreadable()
			}
			if id == sinceID {
				since = m.Timestamp.Time
			}
			if !seen[id] {
				seen[id] = true
				posts = append(posts, c.remotePost(m, target.Handle))
			}
		}
		reached := !since.IsZero() && !posts[len(posts)-1].CreatedAt.After(since)
		if reached || len(posts) >= maxIDs || page.Paging.Next == "" {
			return newerThan(posts, sinceID), nil
		}
		if page.Paging.Cursors.After == "" {
			return nil, unreadable()
		}
		query.Set("after", page.Paging.Cursors.After)
	}
	return nil, apperr.New(apperr.Unavailable, "timeline_cut", "Instagram did not show the whole of the account's posts.")
}

// newerThan orders posts newest first, those of one second as they are listed,
// and leaves out sinceID and what comes after it.
func newerThan(posts []platform.RemotePost, sinceID string) []platform.RemotePost {
	slices.SortStableFunc(posts, func(a, b platform.RemotePost) int { return b.CreatedAt.Compare(a.CreatedAt) })
	if i := slices.IndexFunc(posts, func(p platform.RemotePost) bool { return p.ID == sinceID }); i >= 0 {
		return posts[:i]
	}
	return posts
}

// readProblem keeps to the kinds that reading may end in: an account that
// Instagram does not show is one that it does not let us read.
func readProblem(err error) error {
	if apperr.Is(err, apperr.NotFound) || apperr.Is(err, apperr.Invalid) {
		return apperr.New(apperr.Forbidden, "read_refused", "Instagram did not show the account's posts.").
			WithHint("Check at Instagram that the account is active and professional, then connect it again.").WithCause(err)
	}
	return err
}

func (c *Client) remotePost(m wireMedia, handle string) platform.RemotePost {
	address := m.Permalink
	if !isWeb(address) {
		address = c.settings.WebURL + "/" + url.PathEscape(handle) + "/"
	}
	return platform.RemotePost{ID: string(m.ID), Text: norm.NFC.String(m.Caption), CreatedAt: m.Timestamp.Time, URL: address}
}

// ReadMetrics reads the insights of each post: Instagram has no call for
// several. A post that has none yet has a reading without figures, and what is
// no id, such as the address that a person found a post at, has no reading.
// Errors are those of platform.Publisher, and Invalid for more than 100 ids.
func (c *Client) ReadMetrics(ctx context.Context, target platform.Target, ids []string) (map[string]platform.Metrics, error) {
	if len(ids) > maxIDs {
		return nil, apperr.New(apperr.Invalid, "bad_remote_id", "Metrics are read for at most %d ids of Instagram.", maxIDs)
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !isID(id) })
	readings := map[string]platform.Metrics{}
	if len(ids) > 0 && target.AccessToken == "" {
		return nil, apperr.New(apperr.Unauthenticated, "no_token", "The account has no access token.")
	}
	for _, id := range ids {
		m, known, err := c.insights(ctx, target, id)
		if err != nil {
			return nil, fmt.Errorf("read metrics of %d posts: %w", len(ids), err)
		}
		if known {
			readings[id] = m
		}
	}
	return readings, nil
}

// insights reads one post; false when Instagram does not know it.
func (c *Client) insights(ctx context.Context, target platform.Target, id string) (platform.Metrics, bool, error) {
	a := c.get(ctx, target, "/"+id+"/insights", url.Values{"metric": {"views,likes,comments,shares,saved"}})
	if err := c.problemOf(a, target.AccessToken); err != nil {
		switch apperr.KindOf(err) {
		case apperr.NotFound:
			return platform.Metrics{}, false, nil
		case apperr.Invalid:
			// A metric that is no longer: not a fact about the post, so not told as one.
			return platform.Metrics{}, false, apperr.New(apperr.Unavailable, "metrics_refused", "Instagram did not give the figures.").WithCause(err)
		default:
			return platform.Metrics{}, false, err
		}
	}
	var body wireInsights
	if json.Unmarshal(a.Body, &body) != nil || body.Data == nil {
		return platform.Metrics{}, false, unreadable()
	}
	var m platform.Metrics
	// A share is a private message or a story: it is passed on, which is what a
	// repost is counted for. Instagram counts no quotes and no clicks.
	into := map[string]**int64{
		"views": &m.Impressions, "likes": &m.Likes, "comments": &m.Replies, "shares": &m.Reposts, "saved": &m.Bookmarks,
	}
	for _, d := range *body.Data {
		value := d.TotalValue.Value
		if len(d.Values) > 0 {
			value = d.Values[0].Value
		}
		if figure, ok := into[d.Name]; ok {
			*figure = count(value)
		}
	}
	return m, true, nil
}

// count reads a figure; nil for what is none.
func count(n json.Number) *int64 {
	if v, err := strconv.ParseInt(n.String(), 10, 64); err == nil && v >= 0 && v < math.MaxInt64 {
		return &v
	}
	return nil
}

// Delete says that Instagram Login has no deletion (PLATFORMS: two integrations
// delete, both with Facebook Login). Errors: Forbidden, Unauthenticated.
func (c *Client) Delete(_ context.Context, target platform.Target, remoteID string) error {
	if err := checkAccount(target); err != nil {
		return err
	}
	if !isID(remoteID) {
		return apperr.New(apperr.Invalid, "bad_remote_id", "That is not an id of Instagram.")
	}
	return apperr.New(apperr.Forbidden, "delete_unsupported", "Instagram lets no app delete a post.").
		WithHint("Delete it in the Instagram app.")
}

// WhoAmI names the owner of an access token. The id is that of the professional
// account, not the one that the token endpoint names. Errors are those of
// platform.Publisher.
func (c *Client) WhoAmI(ctx context.Context, access config.Secret) (platform.Profile, error) {
	if access == "" {
		return platform.Profile{}, apperr.New(apperr.Unauthenticated, "no_token", "The account has no access token.")
	}
	a := c.get(ctx, platform.Target{AccessToken: access}, "/me", url.Values{"fields": {"user_id,username,name"}})
	if err := c.problemOf(a, access); err != nil {
		return platform.Profile{}, fmt.Errorf("read the token's owner: %w", readProblem(err))
	}
	user, err := one[wireUser](a.Body)
	if err != nil || !isID(string(user.UserID)) || user.Username == "" {
		return platform.Profile{}, unreadable()
	}
	name := user.Name
	if name == "" {
		name = user.Username
	}
	return platform.Profile{RemoteID: string(user.UserID), Handle: user.Username, Name: name}, nil
}
