package x

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/michimani/gotwi"
	"github.com/michimani/gotwi/fields"
	"github.com/michimani/gotwi/tweet/managetweet"
	managetypes "github.com/michimani/gotwi/tweet/managetweet/types"
	"github.com/michimani/gotwi/tweet/timeline"
	timelinetypes "github.com/michimani/gotwi/tweet/timeline/types"
	"github.com/michimani/gotwi/tweet/tweetlookup"
	lookuptypes "github.com/michimani/gotwi/tweet/tweetlookup/types"
	"github.com/michimani/gotwi/user/userlookup"
	usertypes "github.com/michimani/gotwi/user/userlookup/types"
	"golang.org/x/text/unicode/norm"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/platform"
	"rostrum/shared/throttle"
)

// maxPages bounds a read-back: X may return pages shorter than asked for.
const maxPages = 10

// RecentPosts reads the account's own posts, newest first, without reposts.
// Errors are those of platform.Publisher.
func (c *Client) RecentPosts(ctx context.Context, target platform.Target, sinceID string) ([]platform.RemotePost, error) {
	if !isID(target.RemoteID) || sinceID != "" && !isID(sinceID) {
		return nil, apperr.New(apperr.Invalid, "bad_remote_id", "That is not an id of X.")
	}
	input := &timelinetypes.ListTweetsInput{
		ID: target.RemoteID, SinceID: sinceID, MaxResults: maxIDs, Exclude: fields.ExcludeList{fields.ExcludeRetweets},
		TweetFields: fields.TweetFieldList{
			fields.TweetFieldCreatedAt, fields.TweetFieldText, fields.TweetFieldEntities,
			fields.TweetFieldReferencedTweets, fields.TweetFieldNoteTweet,
		},
	}
	posts, err := c.pages(ctx, target, input)
	if err != nil {
		return nil, fmt.Errorf("read the timeline of %s: %w", target.RemoteID, err)
	}
	slices.SortFunc(posts, func(a, b platform.RemotePost) int {
		switch {
		case a.ID == b.ID:
			return 0
		case newer(a.ID, b.ID):
			return -1
		default:
			return 1
		}
	})
	posts = slices.CompactFunc(posts, func(a, b platform.RemotePost) bool { return a.ID == b.ID })
	return posts[:min(len(posts), maxIDs)], nil
}

// pages reads a timeline until it ends or a hundred posts are there. What is not
// on it gets sent again, so nothing less may pass for the whole.
func (c *Client) pages(ctx context.Context, target platform.Target, input *timelinetypes.ListTweetsInput) ([]platform.RemotePost, error) {
	var posts []platform.RemotePost
	for range maxPages {
		page, err := c.posts(ctx, target, throttle.Reading, func(ctx context.Context, client *gotwi.Client) {
			_, _ = timeline.ListTweets(ctx, client, input)
		})
		if err != nil {
			return nil, err
		}
		if page.Meta.ResultCount == nil || *page.Meta.ResultCount != len(page.Data) {
			// An answer of 200 may hold errors in place of posts, for example for
			// an account that is suspended or gone.
			return nil, apperr.New(apperr.Forbidden, "timeline_withheld", "X did not show the account's posts.").
				WithHint("Check at X that the account is active, then connect it again.")
		}
		for _, p := range page.Data {
			if isID(p.ID) && (input.SinceID == "" || newer(p.ID, input.SinceID)) {
				posts = append(posts, c.remotePost(p, target.Handle))
			}
		}
		if len(posts) >= maxIDs || page.Meta.NextToken == "" {
			return posts, nil
		}
		input.PaginationToken = page.Meta.NextToken
	}
	return nil, apperr.New(apperr.Unavailable, "timeline_cut", "X did not show the whole of the account's posts.")
}

// posts makes one call that answers with posts.
func (c *Client) posts(ctx context.Context, target platform.Target, use throttle.Use, call func(context.Context, *gotwi.Client)) (wirePosts, error) {
	var page wirePosts
	return page, c.read(ctx, target, use, &page, call)
}

// read makes one reading call, at most twice, and decodes its answer.
func (c *Client) read(
	ctx context.Context, target platform.Target, use throttle.Use, into any, call func(context.Context, *gotwi.Client),
) error {
	client, err := c.gotwi(target.AccessToken)
	if err != nil {
		return apperr.New(apperr.Unauthenticated, "no_token", "The account has no access token.")
	}
	a := c.try(ctx, client, c.renamed.Load(), call)
	if a.Err == nil && a.Status == http.StatusBadRequest {
		// Both sets of names are in use (see wire.go), so the other is tried once.
		other := !a.renamed
		if again := c.try(ctx, client, other, call); again.Err == nil && again.Status == http.StatusOK {
			c.renamed.Store(other)
			a = again
		}
	}
	c.tell(target, use, a)
	if err := c.problemOf(a); err != nil {
		return err
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		return apperr.New(apperr.Unavailable, "unreadable_answer", "X's answer could not be read.")
	}
	return nil
}

func (c *Client) try(ctx context.Context, client *gotwi.Client, renamed bool, call func(context.Context, *gotwi.Client)) *answer {
	ctx, a := watch(ctx)
	a.renamed = renamed
	call(ctx, client)
	return a
}

// problemOf turns an answer into an error of the kinds that platform.Publisher
// promises; nil for a whole answer of 200.
func (c *Client) problemOf(a *answer) error {
	switch {
	case a.Err != nil:
		return apperr.New(apperr.Unavailable, "x_unreachable", "X could not be reached.").WithCause(a.Cause())
	case a.Status == http.StatusUnauthorized:
		return apperr.New(apperr.Unauthenticated, "token_refused", "X did not take the account's access token.").
			WithHint("Connect the account again.")
	case a.Status == http.StatusForbidden:
		return apperr.New(apperr.Forbidden, "read_refused", "X does not let the developer app read this.").
			WithHint("Check the access level of the app at X.")
	case a.Status == http.StatusTooManyRequests:
		return apperr.New(apperr.RateLimited, limitCode(a), "X asks to wait.").WithRetryAfter(retryAfter(a, c.clock.Now()))
	case a.Status == http.StatusPaymentRequired:
		return apperr.New(apperr.Unavailable, "out_of_credit", "The developer app has no credit left at X.")
	case a.Status != http.StatusOK:
		return apperr.New(apperr.Unavailable, fmt.Sprintf("http_%d", a.Status), "X answered %d.", a.Status)
	case a.BodyErr != nil:
		return apperr.New(apperr.Unavailable, "unreadable_answer", "X's answer could not be read.").WithCause(a.Cause())
	default:
		return nil
	}
}

// remotePost gives a post back as its author wrote it.
func (c *Client) remotePost(p wirePost, handle string) platform.RemotePost {
	text, entities := p.Text, p.Entities
	if p.NoteTweet.Text != "" {
		text, entities = p.NoteTweet.Text, p.NoteTweet.Entities
	}
	post := platform.RemotePost{ID: p.ID, Text: written(text, entities.URLs), CreatedAt: p.CreatedAt.UTC(), URL: c.postURL(handle, p.ID)}
	for _, ref := range append(p.ReferencedTweets, p.ReferencedPosts...) {
		if ref.Type == "replied_to" {
			post.ReplyTo = ref.ID
		}
	}
	return post
}

// written undoes what X does to a text: it escapes three marks, shortens
// every link and appends one for each picture.
func written(text string, links []wireURL) string {
	text = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
	for _, l := range links {
		switch {
		case l.URL == "":
		case l.MediaKey != "":
			text = strings.TrimSuffix(text, l.URL)
		case l.ExpandedURL != "":
			// One at a time: the same address twice has two entries.
			text = strings.Replace(text, l.URL, l.ExpandedURL, 1)
		}
	}
	return norm.NFC.String(strings.TrimSpace(text))
}

// ReadMetrics reads public and private figures. X gives the private ones for 30
// days; where it withholds a post for asking, the public ones are asked for alone.
// Errors are those of platform.Publisher, and Invalid for ids that are none.
func (c *Client) ReadMetrics(ctx context.Context, target platform.Target, ids []string) (map[string]platform.Metrics, error) {
	if len(ids) > maxIDs || slices.ContainsFunc(ids, func(id string) bool { return !isID(id) }) {
		return nil, apperr.New(apperr.Invalid, "bad_remote_id", "Metrics are read for at most %d ids of X.", maxIDs)
	}
	readings := map[string]platform.Metrics{}
	if len(ids) == 0 {
		return readings, nil
	}
	withheld, err := c.readMetrics(ctx, target, ids, readings, fields.TweetFieldPublicMetrics, fields.TweetFieldNonPublicMetrics)
	if err != nil {
		return nil, err
	}
	if len(withheld) > 0 {
		if _, err := c.readMetrics(ctx, target, withheld, readings, fields.TweetFieldPublicMetrics); err != nil {
			return nil, err
		}
	}
	return readings, nil
}

// readMetrics fills readings and returns the ids that X withheld because of a field.
func (c *Client) readMetrics(
	ctx context.Context, target platform.Target, ids []string, readings map[string]platform.Metrics, wanted ...fields.TweetField,
) ([]string, error) {
	page, err := c.posts(ctx, target, throttle.Measuring, func(ctx context.Context, client *gotwi.Client) {
		_, _ = tweetlookup.List(ctx, client, &lookuptypes.ListInput{IDs: ids, TweetFields: wanted})
	})
	if err != nil {
		return nil, fmt.Errorf("read metrics of %d posts: %w", len(ids), err)
	}
	for _, p := range page.Data {
		readings[p.ID] = metricsOf(p)
	}
	var withheld []string
	for _, e := range page.Errors {
		for _, id := range []string{e.ResourceID, e.Value} {
			_, read := readings[id]
			if e.is("not-authorized-for-field", "field-unauthorized") && slices.Contains(ids, id) && !read && !slices.Contains(withheld, id) {
				withheld = append(withheld, id)
			}
		}
	}
	return withheld, nil
}

func metricsOf(p wirePost) platform.Metrics {
	return platform.Metrics{
		Impressions: first(p.Public.Impressions, p.NonPublic.Impressions),
		Likes:       p.Public.Likes, Replies: p.Public.Replies,
		Reposts: first(p.Public.Retweets, p.Public.Reposts),
		Quotes:  p.Public.Quotes, Bookmarks: p.Public.Bookmarks,
		LinkClicks: p.NonPublic.LinkClicks, ProfileClicks: p.NonPublic.ProfileClicks,
	}
}

func first(values ...*int64) *int64 {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// Delete removes a post; one that is gone already is no error. It may be
// repeated. Errors are those of platform.Publisher.
func (c *Client) Delete(ctx context.Context, target platform.Target, remoteID string) error {
	if !isID(remoteID) {
		return apperr.New(apperr.Invalid, "bad_remote_id", "That is not an id of X.")
	}
	client, err := c.gotwi(target.AccessToken)
	if err != nil {
		return apperr.New(apperr.Unauthenticated, "no_token", "The account has no access token.")
	}
	ctx, a := watch(ctx)
	_, _ = managetweet.Delete(ctx, client, &managetypes.DeleteInput{ID: remoteID})
	// A path that X does not know is a bare 404 too, so the reason has to be there.
	if gone := a.problem().is("resource-not-found"); gone && a.Err == nil && (a.Status == http.StatusNotFound || a.Status == http.StatusOK) {
		return nil
	}
	if err := c.problemOf(a); err != nil {
		return fmt.Errorf("delete %s: %w", remoteID, err)
	}
	var body wireDeleted
	if json.Unmarshal(a.Body, &body) != nil || !body.Data.Deleted {
		return apperr.New(apperr.Unavailable, "not_deleted", "X did not say that the post is gone.")
	}
	return nil
}

// WhoAmI names the owner of an access token. Errors are those of platform.Publisher.
func (c *Client) WhoAmI(ctx context.Context, access config.Secret) (platform.Profile, error) {
	var body wireUser
	err := c.read(ctx, platform.Target{AccessToken: access}, throttle.Reading, &body, func(ctx context.Context, client *gotwi.Client) {
		_, _ = userlookup.GetMe(ctx, client, &usertypes.GetMeInput{})
	})
	if err != nil {
		return platform.Profile{}, fmt.Errorf("read the token's owner: %w", err)
	}
	if !isID(body.Data.ID) || body.Data.Username == "" {
		return platform.Profile{}, apperr.New(apperr.Unavailable, "unreadable_answer", "X's answer could not be read.")
	}
	return platform.Profile{RemoteID: body.Data.ID, Handle: body.Data.Username, Name: body.Data.Name}, nil
}
