package agent

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// spread is a text rewritten rune by rune, each with the bytes of the original
// it came from, so that what is found in it can be shown in the original.
type spread struct {
	runes      []rune
	start, end []int
}

// spreadOf rewrites text by rewrite, which returns what stands for a rune,
// nothing at all included. Runs of white space become one space.
func spreadOf(text string, rewrite func(rune) string) spread {
	var s spread
	for i, r := range text {
		size := len(string(r))
		if r == unicode.ReplacementChar {
			size = 1
		}
		out := rewrite(r)
		if unicode.IsSpace(r) {
			if len(s.runes) > 0 && s.runes[len(s.runes)-1] == ' ' {
				continue
			}
			out = " "
		}
		for _, o := range out {
			s.runes = append(s.runes, o)
			s.start = append(s.start, i)
			s.end = append(s.end, min(i+size, len(text)))
		}
	}
	return s
}

// find returns where needle begins in s at or after from, or -1.
func (s spread) find(needle []rune, from int) int {
	if len(needle) == 0 {
		return -1
	}
	for i := from; i+len(needle) <= len(s.runes); i++ {
		if slices.Equal(s.runes[i:i+len(needle)], needle) {
			return i
		}
	}
	return -1
}

// plainRune makes quotation marks, dashes and accents comparable: a model that
// copies a quote often straightens them.
func plainRune(r rune) string {
	switch r {
	case '\u2018', '\u2019', '\u201a', '\u2032':
		return "'"
	case '\u201c', '\u201d', '\u201e', '\u00ab', '\u00bb', '\u2033':
		return `"`
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212':
		return "-"
	case '\u2026':
		return "..."
	}
	if unicode.Is(unicode.Cf, r) {
		return ""
	}
	return norm.NFD.String(string(r))
}

// locate finds a quote in a text, white space and the form of marks aside, and
// returns the bytes of the text that it is.
func locate(text, quote string) (start, end int, ok bool) {
	quote = strings.TrimSpace(quote)
	if quote == "" {
		return 0, 0, false
	}
	if i := strings.Index(text, quote); i >= 0 {
		return i, i + len(quote), true
	}
	needle := spreadOf(strings.Trim(quote, ` "'“”„‘’«»`), plainRune).runes
	hay := spreadOf(text, plainRune)
	i := hay.find(needle, 0)
	if i < 0 {
		return 0, 0, false
	}
	return hay.start[i], hay.end[i+len(needle)-1], true
}
