// Package engagement holds what an audience did with a post.
package engagement

import "time"

// Reading is a post's numbers at one age, summed over its parts. A nil number
// was not given by the network.
type Reading struct {
	// Age is the age of the post at which the reading was wanted: whole seconds.
	Age     time.Duration
	DueAt   time.Time
	TakenAt *time.Time
	// Problem says why there is no reading, for people; empty when all is well.
	Problem string
	Numbers Numbers
}

// Numbers are the counts of one reading.
type Numbers struct {
	Impressions, Likes, Replies, Reposts, Quotes, Bookmarks *int64
	LinkClicks, ProfileClicks                               *int64
}

// Add sums two sets of numbers, part by part of a thread. A number that one
// side lacks is the other's.
func (n Numbers) Add(m Numbers) Numbers {
	return Numbers{
		Impressions: sum(n.Impressions, m.Impressions), Likes: sum(n.Likes, m.Likes), Replies: sum(n.Replies, m.Replies),
		Reposts: sum(n.Reposts, m.Reposts), Quotes: sum(n.Quotes, m.Quotes), Bookmarks: sum(n.Bookmarks, m.Bookmarks),
		LinkClicks: sum(n.LinkClicks, m.LinkClicks), ProfileClicks: sum(n.ProfileClicks, m.ProfileClicks),
	}
}

func sum(a, b *int64) *int64 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return new(*a + *b)
}
