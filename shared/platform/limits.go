package platform

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"rostrum/shared/account"
	"rostrum/shared/post"
)

// Limits is what a network takes in one post.
type Limits struct {
	// MaxLength is the longest text of a part, in the network's own unit.
	MaxLength int
	// MaxParts is the longest thread; 1 where there are none.
	MaxParts int
	// MaxHashtags, MaxMentions and MaxCashtags are of one part; 0 is no limit.
	MaxHashtags, MaxMentions, MaxCashtags int
	// MinImages and MaxImages are of one part.
	MinImages, MaxImages int
	// ImageTypes are the media types of images, the commonest first.
	ImageTypes []string
	// MaxImageBytes is the largest file of an image.
	MaxImageBytes int64
	// MinAspect and MaxAspect bound an image's width over its height; the zero
	// values do not.
	MinAspect, MaxAspect Aspect
}

// LimitsOf returns a network's limits; one that is not known takes nothing.
func LimitsOf(n account.Network) Limits {
	switch n {
	case account.X:
		return Limits{
			// Weighted characters without Premium (docs.x.com counting-characters, 2026-08).
			MaxLength: 280, MaxParts: post.MaxParts,
			// X refuses more than one cashtag per post (developer changelog, 2026-02-23).
			MaxCashtags: 1,
			// xdevplatform/docs x-api/media/quickstart and best-practices, 2026-11. They do
			// not say whether MB are powers of ten, so the smaller reading holds.
			MaxImages: 4, ImageTypes: []string{jpeg, "image/png", "image/gif", "image/webp"}, MaxImageBytes: 5_000_000,
		}
	case account.Instagram:
		// developers.facebook.com instagram-platform content-publishing and its IG User
		// media reference, 2026-11.
		return Limits{
			MaxLength: 2200, MaxParts: 1, MaxHashtags: 30, MaxMentions: 20,
			MinImages: 1, MaxImages: 10, ImageTypes: []string{jpeg}, MaxImageBytes: 8 << 20,
			MinAspect: Aspect{4, 5}, MaxAspect: Aspect{191, 100},
		}
	}
	return Limits{}
}

// Measure returns how long the network counts the text, and the longest it takes.
// Both are in the network's own unit; for X that is the weighted length.
func Measure(network account.Network, text string) (length, limit int) {
	limit = LimitsOf(network).MaxLength
	if network == account.X {
		return weightedLength(text), limit
	}
	// Instagram does not say what it counts as a character. UTF-16 units are the
	// longest of the likely readings, and what browsers count.
	return len(utf16.Encode([]rune(text))), limit
}

// Violation is one reason why a network would refuse what is to be sent.
type Violation struct {
	// Part counts from 0; -1 means the post as a whole.
	Part int
	// Code is one of part_empty, text_too_long, bad_character, too_many_cashtags,
	// too_many_hashtags, too_many_mentions, too_many_parts and no_parts of texts;
	// too_many_images, image_required, image_type, image_too_large and
	// image_aspect of images.
	Code string
	// Message is one sentence for the user.
	Message string
	// Length and Limit are set with text_too_long and all that are too many.
	Length, Limit int
}

// CheckParts lists everything for which the network would refuse a post of
// these texts; nothing when it would take them.
func CheckParts(network account.Network, parts []string) []Violation {
	var found []Violation
	if len(parts) == 0 {
		found = append(found, Violation{Part: -1, Code: "no_parts", Message: "The post has no text."})
	}
	if limit := LimitsOf(network).MaxParts; len(parts) > limit {
		v := Violation{Part: -1, Code: "too_many_parts", Length: len(parts), Limit: limit}
		v.Message = fmt.Sprintf("The thread has %d parts of %d.", len(parts), limit)
		if limit == 1 {
			v.Message = fmt.Sprintf("%s has no threads; this post has %d parts.", network.Name(), len(parts))
		}
		found = append(found, v)
	}
	for i, text := range parts {
		found = append(found, checkText(network, i, text)...)
	}
	return found
}

func checkText(network account.Network, part int, text string) []Violation {
	var found []Violation
	add := func(code, format string, args ...any) {
		found = append(found, Violation{Part: part, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if strings.TrimSpace(text) == "" {
		add("part_empty", "Part %d is empty.", part+1)
		return found
	}
	if !utf8.ValidString(text) {
		add("bad_character", "Part %d is not valid text.", part+1)
		return found
	}
	if r, ok := firstBadCharacter(text); ok {
		add("bad_character", "Part %d holds the character U+%04X, which cannot be posted.", part+1, r)
	}
	tooMany := func(code string, n, limit int, format string, args ...any) {
		if n > limit {
			add(code, format, args...)
			last := &found[len(found)-1]
			last.Length, last.Limit = n, limit
		}
	}
	l := LimitsOf(network)
	length, _ := Measure(network, text)
	tooMany("text_too_long", length, l.MaxLength, "Part %d is %d of %d.", part+1, length, l.MaxLength)
	for _, kind := range []struct {
		code, noun string
		count      func(string) int
		limit      int
	}{
		{"too_many_cashtags", "cashtags", cashtags, l.MaxCashtags},
		{"too_many_hashtags", "hashtags", hashtags, l.MaxHashtags},
		{"too_many_mentions", "mentions", mentions, l.MaxMentions},
	} {
		if kind.limit > 0 {
			n := kind.count(text)
			tooMany(kind.code, n, kind.limit, "Part %d has %d %s; %s takes %d.", part+1, n, kind.noun, network.Name(), kind.limit)
		}
	}
	return found
}

// hashtags counts marks like #go. Where it is not sure that the network takes
// one for a hashtag, it counts it.
func hashtags(text string) int {
	return marks(text, "#\uff03", func(before, after rune) bool { return before != '&' && isWord(after) })
}

// mentions counts marks like @handle, but not the middle of an e-mail address.
func mentions(text string) int {
	return marks(text, "@\uff20", func(before, after rune) bool { return !isWord(before) && isWord(after) })
}

// marks counts the signs in text whose neighbours make them one; a neighbour at
// an end of the text is 0.
func marks(text, signs string, is func(before, after rune) bool) int {
	n := 0
	runes := append([]rune(text), 0)
	var before rune
	for i, r := range runes[:len(runes)-1] {
		if strings.ContainsRune(signs, r) && is(before, runes[i+1]) {
			n++
		}
		before = r
	}
	return n
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// firstBadCharacter finds control characters other than tab and line breaks,
// and the three code points that twitter-text calls invalid.
func firstBadCharacter(text string) (rune, bool) {
	for _, r := range text {
		control := r < ' ' && r != '\n' && r != '\t' && r != '\r' || r >= 0x7f && r <= 0x9f && r != 0x85
		if control || isInvalid(r) {
			return r, true
		}
	}
	return 0, false
}

// cashtags counts marks like $ABC or $ABC.D: a dollar at the start or after a
// space, one to six letters, an optional suffix of one or two letters, and
// then no letter or digit.
func cashtags(text string) int {
	runes := []rune(text)
	n := 0
	for i, r := range runes {
		if r == '$' && (i == 0 || isSpace(runes[i-1])) && cashtagFollows(runes[i+1:]) {
			n++
		}
	}
	return n
}

func cashtagFollows(rest []rune) bool {
	letters := countLetters(rest, 7)
	if letters == 0 || letters > 6 {
		return false
	}
	rest = rest[letters:]
	if endsCashtag(rest) {
		return true
	}
	if rest[0] != '.' && rest[0] != '_' {
		return false
	}
	suffix := countLetters(rest[1:], 3)
	return (suffix == 1 || suffix == 2) && endsCashtag(rest[1+suffix:])
}

func countLetters(rest []rune, most int) int {
	n := 0
	for n < len(rest) && n < most && isASCIILetter(rest[n]) {
		n++
	}
	return n
}

func endsCashtag(rest []rune) bool {
	return len(rest) == 0 || isSpace(rest[0]) || isPunctuation(rest[0])
}
