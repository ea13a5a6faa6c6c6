package agent

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// foldRune takes away what hides a word from a plain search: case, accents,
// full-width and other presentation forms, characters without width.
func foldRune(r rune) string {
	if unicode.Is(unicode.Cf, r) {
		return ""
	}
	if r == 'ß' || r == 'ẞ' {
		return "ss"
	}
	var out []rune
	for _, d := range norm.NFKD.String(string(r)) {
		if unicode.Is(unicode.Mn, d) {
			continue
		}
		out = append(out, unicode.ToLower(d))
	}
	return string(out)
}

func folded(text string) spread { return spreadOf(text, foldRune) }

// span is a stretch of bytes.
type span struct{ start, end int }

// occurrences returns where a phrase stands in a text as words of its own.
func occurrences(text spread, phrase string) []span {
	needle := folded(phrase).runes
	for len(needle) > 0 && needle[0] == ' ' {
		needle = needle[1:]
	}
	for len(needle) > 0 && needle[len(needle)-1] == ' ' {
		needle = needle[:len(needle)-1]
	}
	var out []span
	for i := text.find(needle, 0); i >= 0; i = text.find(needle, i+1) {
		last := i + len(needle) - 1
		if (i > 0 && joined(text.runes[i-1], text.runes[i])) ||
			(last+1 < len(text.runes) && joined(text.runes[last], text.runes[last+1])) {
			continue
		}
		out = append(out, span{text.start[i], text.end[last]})
	}
	return out
}

// joined reports whether two neighbours belong to one word. Scripts that write
// without spaces have no such borders, so there everything stands alone.
func joined(a, b rune) bool {
	return isWord(a) && isWord(b) && !unspaced(a) && !unspaced(b)
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_'
}

func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Khmer, unicode.Lao, unicode.Myanmar)
}
