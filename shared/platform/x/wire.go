package x

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// X's JSON as read from its OpenAPI file 2.167 and its pages (2026-08). The two
// disagree on names (tweet or post, retweet or repost), so both are decoded.

type wireCreated struct {
	Data struct {
		ID string `json:"id"`
	} `json:"data"`
}

type wireUploaded struct {
	Data struct {
		ID string `json:"id"`
		// ExpiresAfter is in seconds.
		ExpiresAfter int64 `json:"expires_after_secs"`
	} `json:"data"`
}

type wireMetadata struct {
	ID       string `json:"id"`
	Metadata struct {
		AltText struct {
			Text string `json:"text"`
		} `json:"alt_text"`
	} `json:"metadata"`
}

type wireDeleted struct {
	Data struct {
		Deleted bool `json:"deleted"`
	} `json:"data"`
}

type wireUser struct {
	Data struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"data"`
}

type wirePosts struct {
	Data []wirePost `json:"data"`
	Meta struct {
		// ResultCount is in every timeline, 0 included; without it nothing was
		// counted and an empty answer proves nothing.
		ResultCount *int   `json:"result_count"`
		NextToken   string `json:"next_token"`
	} `json:"meta"`
	Errors []wireProblem `json:"errors"`
}

type wirePost struct {
	ID               string       `json:"id"`
	Text             string       `json:"text"`
	CreatedAt        time.Time    `json:"created_at"`
	Entities         wireEntities `json:"entities"`
	ReferencedTweets []wireRef    `json:"referenced_tweets"`
	ReferencedPosts  []wireRef    `json:"referenced_posts"`
	// NoteTweet holds the whole of a post longer than 280, whose text is cut.
	NoteTweet struct {
		Text     string       `json:"text"`
		Entities wireEntities `json:"entities"`
	} `json:"note_tweet"`
	Public    wireMetrics `json:"public_metrics"`
	NonPublic wireMetrics `json:"non_public_metrics"`
}

type wireRef struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type wireEntities struct {
	URLs []wireURL `json:"urls"`
}

type wireURL struct {
	URL         string `json:"url"`
	ExpandedURL string `json:"expanded_url"`
	// MediaKey marks a link that X appended for a picture.
	MediaKey string `json:"media_key"`
}

type wireMetrics struct {
	Impressions   *int64 `json:"impression_count"`
	Likes         *int64 `json:"like_count"`
	Replies       *int64 `json:"reply_count"`
	Retweets      *int64 `json:"retweet_count"`
	Reposts       *int64 `json:"repost_count"`
	Quotes        *int64 `json:"quote_count"`
	Bookmarks     *int64 `json:"bookmark_count"`
	LinkClicks    *int64 `json:"url_link_clicks"`
	ProfileClicks *int64 `json:"user_profile_clicks"`
}

type wireTokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int64  `json:"expires_in"`
	Scope        string `json:"scope"`
}

// wireProblem is X's problem, its list form, its legacy form and the token
// endpoint's error in one: an answer uses some of the fields.
type wireProblem struct {
	Title      string        `json:"title"`
	Detail     string        `json:"detail"`
	Type       string        `json:"type"`
	Code       json.Number   `json:"code"`
	Message    string        `json:"message"`
	ResourceID string        `json:"resource_id"`
	Value      string        `json:"value"`
	Errors     []wireProblem `json:"errors"`
	// Error is the token endpoint's code.
	Error string `json:"error"`
}

// problem decodes a refusal; what cannot be read comes back empty.
func (a *answer) problem() wireProblem {
	var p wireProblem
	if json.Unmarshal(a.Body, &p) != nil {
		return wireProblem{}
	}
	return p
}

// says reports whether the problem or one of its parts holds one of the words,
// in any case.
func (p wireProblem) says(words ...string) bool {
	text := strings.ToLower(p.Title + "\n" + p.Detail + "\n" + p.Message)
	if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) }) {
		return true
	}
	return slices.ContainsFunc(p.Errors, func(e wireProblem) bool { return e.says(words...) })
}

// is reports whether the problem's type ends so. The host of the type has
// changed once already, so only the end counts.
func (p wireProblem) is(suffixes ...string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(p.Type, "/"+s) {
			return true
		}
	}
	return slices.ContainsFunc(p.Errors, func(e wireProblem) bool { return e.is(suffixes...) })
}

// hasCode reports whether the legacy number is in the problem.
func (p wireProblem) hasCode(code string) bool {
	return p.Code.String() == code || slices.ContainsFunc(p.Errors, func(e wireProblem) bool { return e.hasCode(code) })
}

// words is X's own sentence about the refusal; empty when it gave none.
func (p wireProblem) words() string {
	for _, e := range p.Errors {
		if e.Message != "" {
			return e.Message
		}
	}
	for _, text := range []string{p.Detail, p.Message, p.Title} {
		if text != "" {
			return text
		}
	}
	for _, e := range p.Errors {
		if text := e.words(); text != "" {
			return text
		}
	}
	return ""
}

// renameFields asks for the fields of a post by the names of OpenAPI 2.167.
func renameFields(query url.Values) url.Values {
	if wanted := query.Get("tweet.fields"); wanted != "" {
		query.Del("tweet.fields")
		query.Set("post.fields", strings.ReplaceAll(wanted, "referenced_tweets", "referenced_posts"))
	}
	return query
}

// isID reports whether s is an id of X: 1 to 19 digits (OpenAPI 2.167).
func isID(s string) bool {
	return s != "" && len(s) <= 19 && strings.Trim(s, "0123456789") == ""
}

// newer reports whether id a was given after id b: ids rise with time, and are
// compared as numbers without being turned into any.
func newer(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}
