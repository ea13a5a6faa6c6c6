package agent

// shingleSize is how many characters a shingle has. Characters rather than
// words, so that it works for scripts without spaces and for short posts.
const shingleSize = 5

// shingles returns the set of runs of letters, digits and single spaces in a
// text, links left out: a new tracking code must not make an old post new.
func shingles(text string) map[string]struct{} {
	for _, l := range findLinks(text) {
		text = text[:l.start] + blanks(l.end-l.start) + text[l.end:]
	}
	var runes []rune
	for _, r := range folded(text).runes {
		switch {
		case isWord(r):
			runes = append(runes, r)
		case len(runes) > 0 && runes[len(runes)-1] != ' ':
			runes = append(runes, ' ')
		}
	}
	for len(runes) > 0 && runes[len(runes)-1] == ' ' {
		runes = runes[:len(runes)-1]
	}
	set := map[string]struct{}{}
	if len(runes) > 0 && len(runes) < shingleSize {
		set[string(runes)] = struct{}{}
	}
	for i := 0; i+shingleSize <= len(runes); i++ {
		set[string(runes[i:i+shingleSize])] = struct{}{}
	}
	return set
}

func blanks(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	return string(b)
}

// similarity is the share of shingles two texts have in common: 0 to 1, and 0
// when either says nothing.
func similarity(a, b map[string]struct{}) float64 {
	common := 0
	for s := range a {
		if _, ok := b[s]; ok {
			common++
		}
	}
	all := len(a) + len(b) - common
	if all == 0 {
		return 0
	}
	return float64(common) / float64(all)
}
