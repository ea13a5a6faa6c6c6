package platform

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"rostrum/shared/account"
)

// MaxParts is the longest thread that is sent: 1 to 25 parts.
const MaxParts = 25

// maxLengthX is X's limit for accounts without Premium, in weighted
// characters (docs.x.com counting-characters, 2026-08).
const maxLengthX = 280

// Measure returns how long the network counts the text, and the longest it takes.
// Both are in the network's own unit; for X that is the weighted length.
func Measure(network account.Network, text string) (length, limit int) {
	switch network {
	case account.X:
		return weightedLength(text), maxLengthX
	default:
		return utf8.RuneCountInString(text), 0
	}
}

// Violation is one reason why a network would refuse what is to be sent.
type Violation struct {
	// Part counts from 0; -1 means the post as a whole.
	Part int
	// Code is one of part_empty, text_too_long, bad_character,
	// too_many_cashtags, too_many_images, too_many_parts and no_parts.
	Code string
	// Message is one sentence for the user.
	Message string
	// Length and Limit are set with text_too_long, too_many_images and too_many_parts.
	Length, Limit int
}

// CheckParts lists everything for which the network would refuse a post of
// these parts; nothing when it would take it.
func CheckParts(network account.Network, parts []string) []Violation {
	var found []Violation
	if len(parts) == 0 {
		found = append(found, Violation{Part: -1, Code: "no_parts", Message: "The post has no text."})
	}
	if len(parts) > MaxParts {
		found = append(found, Violation{
			Part: -1, Code: "too_many_parts", Length: len(parts), Limit: MaxParts,
			Message: fmt.Sprintf("The thread has %d parts of %d.", len(parts), MaxParts),
		})
	}
	for i, text := range parts {
		found = append(found, checkPart(network, i, text)...)
	}
	return found
}

func checkPart(network account.Network, part int, text string) []Violation {
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
	if length, limit := Measure(network, text); length > limit {
		add("text_too_long", "Part %d is %d of %d.", part+1, length, limit)
		last := &found[len(found)-1]
		last.Length, last.Limit = length, limit
	}
	// X refuses more than one cashtag per post (developer changelog, 2026-02-23).
	if n := cashtags(text); n > 1 {
		add("too_many_cashtags", "Part %d has %d cashtags; X takes one.", part+1, n)
	}
	return found
}

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
