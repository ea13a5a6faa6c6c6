package platform

import (
	"golang.org/x/text/unicode/norm"
)

// The weights of twitter-text 3 (config/v3.json, read 2026-11), in halves of a
// character: most scripts of the Latin, Greek, Cyrillic, Hebrew and Arabic kind
// and general punctuation count one, everything else two.
const (
	lightWeight = 1
	heavyWeight = 2
	linkWeight  = 23
	emojiWeight = 2
)

// weightedLength counts a text as X does: NFC first, every link 23 whatever
// its length, every emoji sequence 2, then the weights.
//
// Where it goes beyond the public library twitter-text 3.1.0: emoji made after
// 2018 and unqualified ZWJ sequences count 2 as the documents say, where the
// library, whose list is from 2018, adds up their pieces; and domains are judged
// by the public suffix list of today, not by the list of 2020.
func weightedLength(text string) int {
	runes := []rune(norm.NFC.String(text))
	total := 0
	links := findLinks(runes)
	for i := 0; i < len(runes); {
		for len(links) > 0 && links[0].start < i {
			links = links[1:]
		}
		if len(links) > 0 && links[0].start == i {
			total += linkWeight
			i = links[0].end
			links = links[1:]
			continue
		}
		if n := emojiAt(runes, i); n > 0 {
			total += emojiWeight
			i += n
			continue
		}
		total += weightOf(runes[i])
		i++
	}
	return total
}

func weightOf(r rune) int {
	switch {
	case r <= 4351, r >= 8192 && r <= 8205, r >= 8208 && r <= 8223, r >= 8242 && r <= 8247:
		return lightWeight
	default:
		return heavyWeight
	}
}
