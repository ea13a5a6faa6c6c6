package x

import (
	"math"
	"strconv"
	"strings"
	"time"

	"rostrum/shared/simulator/ledger"
)

// figures are what a post has earned so far.
type figures struct {
	Impressions   int `json:"impressions"`
	Likes         int `json:"likes"`
	Reposts       int `json:"reposts"`
	Replies       int `json:"replies"`
	Quotes        int `json:"quotes"`
	Bookmarks     int `json:"bookmarks"`
	LinkClicks    int `json:"link_clicks"`
	ProfileClicks int `json:"profile_clicks"`
}

// figures computes a post's numbers from its id and age alone, so that every
// read agrees with the ones before: they only grow, they saturate within a few
// days, and none exceeds the impressions. Text and hour of the day matter a
// little, so that there is something to learn from them.
func (s *Server) figures(e ledger.Entry, author Account) figures {
	age := time.Duration(float64(s.agedNow().Sub(e.AcceptedAt)) * s.currentSettings().MetricsSpeed)
	if age <= 0 {
		return figures{}
	}
	draw := s.draws(e.ID)
	// Most are seen in the first hours; a third comes over the next days.
	hours := age.Hours()
	grown := 0.67*(1-math.Exp(-hours/(1.5+3*draw("pace")))) + 0.33*(1-math.Exp(-hours/30))
	reach := float64(max(author.Followers, 50)) * (0.12 + 0.5*draw("reach")) * appeal(e)
	seen := reach * grown
	f := figures{
		Impressions:   int(seen),
		Likes:         int(seen * (0.008 + 0.03*draw("likes"))),
		Reposts:       int(seen * (0.001 + 0.006*draw("reposts"))),
		Replies:       int(seen * replyRate(e) * (0.4 + draw("replies"))),
		Quotes:        int(seen * 0.0012 * draw("quotes")),
		Bookmarks:     int(seen * (0.001 + 0.008*draw("bookmarks"))),
		ProfileClicks: int(seen * (0.002 + 0.008*draw("profile"))),
	}
	if len(e.Links) > 0 {
		f.LinkClicks = int(seen * (0.004 + 0.02*draw("clicks")))
	}
	for _, other := range s.book.Thread(e.ConversationID) {
		if other.ReplyTo == e.ID && !other.Deleted() {
			f.Replies++
		}
	}
	f.Impressions = max(f.Impressions, f.Likes+f.Reposts+f.Replies+f.Quotes+f.Bookmarks)
	return f
}

// draws returns the post's own dice: a value in [0,1) per name, the same at
// every call.
func (s *Server) draws(id string) func(name string) float64 {
	return func(name string) float64 {
		return float64(ledger.Spread(name, id, strconv.FormatUint(s.cfg.Seed, 10))>>11) / (1 << 53)
	}
}

// appeal is how far a post travels for what it is: later parts of a thread,
// posts with links and posts in the night reach fewer.
func appeal(e ledger.Entry) float64 {
	factor := 1.0
	if e.ReplyTo != "" {
		factor *= 0.55
	}
	if len(e.Links) > 0 {
		factor *= 0.75
	}
	if strings.ContainsAny(e.Text, "0123456789") {
		factor *= 1.2
	}
	// The best hour is 15:00 UTC, when both sides of the Atlantic are awake.
	factor *= 1 + 0.35*math.Cos(2*math.Pi*float64(e.AcceptedAt.UTC().Hour()-15)/24)
	return factor
}

func replyRate(e ledger.Entry) float64 {
	if strings.Contains(e.Text, "?") {
		return 0.009
	}
	return 0.003
}

// public are the figures that anybody may read.
func (f figures) public(n names) map[string]int {
	return map[string]int{
		n.retweets: f.Reposts, "reply_count": f.Replies, "like_count": f.Likes, "quote_count": f.Quotes,
		"bookmark_count": f.Bookmarks, "impression_count": f.Impressions,
	}
}

// private are the figures of non_public_metrics or organic_metrics.
func (f figures) private(field string, n names) map[string]int {
	if field == "organic_metrics" {
		return map[string]int{
			"impression_count": f.Impressions, "like_count": f.Likes, "reply_count": f.Replies, n.retweets: f.Reposts,
			"url_link_clicks": f.LinkClicks, "user_profile_clicks": f.ProfileClicks,
		}
	}
	return map[string]int{
		"impression_count": f.Impressions, "url_link_clicks": f.LinkClicks, "user_profile_clicks": f.ProfileClicks,
		"engagements": f.Likes + f.Reposts + f.Replies + f.Quotes + f.Bookmarks + f.LinkClicks + f.ProfileClicks,
	}
}
