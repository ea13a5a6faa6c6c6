package platform

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// link is a stretch of runes that X takes for an address.
type link struct {
	start, end int // of the whole; end is exclusive
	host       int // where the host begins, after a protocol if any
	hostEnd    int
}

const (
	maxLinkLength = 4096
	maxLabel      = 63
	maxTopLevel   = 24
	maxSlug       = 40
)

// findLinks finds addresses as twitter-text 3 does, with or without a protocol,
// in order and without overlap. A top-level domain is one of the ICANN part of
// the public suffix list that is compiled in, or any in punycode.
func findLinks(runes []rune) []link {
	if !slices.Contains(runes, '.') {
		return nil
	}
	hosts := newHostFinder(runes)
	var links []link
	for i := 0; i < len(runes); {
		found, end := linkFrom(runes, hosts, i)
		links = append(links, found...)
		i = end
	}
	return links
}

// linkFrom tries to match at i and returns what it found and where to go on.
// The match begins with the character before the address, or at the start of
// the text, so a match that is then turned down still uses its runes up.
func linkFrom(runes []rune, hosts *hostFinder, i int) ([]link, int) {
	if mayPrecede(runes[i]) {
		if m, ok := matchLink(runes, hosts, i+1); ok {
			return m.accept(runes, runes[i]), m.end
		}
	}
	if i == 0 {
		if m, ok := matchLink(runes, hosts, 0); ok {
			return m.accept(runes, 0), m.end
		}
	}
	return nil, i + 1
}

// match is what the pattern matched, before the further tests.
type match struct {
	link
	pathStart, pathEnd int // equal when there is no path
}

func matchLink(runes []rune, hosts *hostFinder, start int) (match, bool) {
	host := start + protocolLength(runes[start:])
	hostEnd := hosts.end(host)
	if hostEnd < 0 && host != start {
		host = start
		hostEnd = hosts.end(host)
	}
	if hostEnd < 0 {
		return match{}, false
	}
	m := match{link: link{start: start, host: host, hostEnd: hostEnd, end: hostEnd}}
	m.end = portEnd(runes, m.end)
	m.pathStart = m.end
	m.end = pathEnd(runes, m.end)
	m.pathEnd = m.end
	m.end = queryEnd(runes, m.end)
	return m, true
}

// accept applies the tests that follow the pattern.
func (m match) accept(runes []rune, before rune) []link {
	if !m.isValid(runes) {
		return nil
	}
	if m.host == m.start {
		if strings.ContainsRune("-_./", before) {
			return nil
		}
		return m.bare(runes)
	}
	if slug, end, ok := shortened(runes[m.start:m.end], m.host-m.start); ok {
		if slug > maxSlug {
			return nil
		}
		m.end = m.start + end
	}
	return []link{m.link}
}

// isValid tests the lengths of the whole and of each label of the host. A host
// that begins in punycode must be one that could be written in ASCII.
func (m match) isValid(runes []rune) bool {
	host := string(runes[m.host:m.hostEnd])
	if strings.HasPrefix(host, "xn--") && len(asciiHosts(runes, m.host, m.hostEnd)) == 0 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if n := asciiLength(label); n < 1 || n > maxLabel {
			return false
		}
	}
	length := len(utf16.Encode(runes[m.start:m.end]))
	if m.host == m.start {
		length += len("https://")
	} else {
		length += m.host - m.start
	}
	return length <= maxLinkLength
}

// bare keeps of a host without a protocol what is Latin; the path, with port
// and query, belongs to the last such piece.
func (m match) bare(runes []rune) []link {
	links := asciiHosts(runes, m.host, m.hostEnd)
	if len(links) > 0 && m.pathEnd > m.pathStart {
		// The end is reckoned as twitter-text does: it replaces the host by its
		// Latin piece, so what follows the host moves along.
		last := &links[len(links)-1]
		last.end += m.end - m.hostEnd
	}
	return links
}

// asciiHosts finds the Latin hosts inside the host from start to end.
func asciiHosts(runes []rune, start, end int) []link {
	var links []link
	for i := start; i < end; {
		stop, next := asciiHost(runes[:end], i)
		if stop > 0 {
			links = append(links, link{start: i, end: stop, host: i, hostEnd: stop})
		}
		i = next
	}
	return links
}

// asciiHost matches labels and a top-level domain at i. It returns the end, or
// 0, and where to look next.
func asciiHost(runes []rune, i int) (stop, next int) {
	at := i
	for {
		labelEnd := at
		for labelEnd < len(runes) && isLatinHost(runes[labelEnd]) {
			labelEnd++
		}
		if labelEnd == at || labelEnd >= len(runes) || runes[labelEnd] != '.' {
			if stop > 0 {
				return stop, stop
			}
			return 0, max(labelEnd, i+1)
		}
		at = labelEnd + 1
		if n := topLevelAt(runes, at); n > 0 {
			stop = at + n
		}
	}
}

// hostFinder knows, for each position, where a host that begins there ends.
// It is filled from the right in one pass, so that long runs stay linear.
type hostFinder struct{ ends []int }

// newHostFinder works out every end. A host is labels with dots and a top-level
// domain; the label before the top level holds no underscore.
func newHostFinder(runes []rune) *hostFinder {
	n := len(runes)
	ends := make([]int, n+1)
	ends[n] = -1
	labelEnd, underscore := n, n // nearest to the right: end of the label, an underscore in it
	asked, topLevel := -1, 0     // the dot after which a top level was last looked for
	for i := n - 1; i >= 0; i-- {
		ends[i] = -1
		if !isHostRune(runes[i]) && runes[i] != '-' && runes[i] != '_' {
			labelEnd, underscore = i, n
			continue
		}
		if runes[i] == '_' {
			underscore = i
		}
		dot := labelEnd
		if !isHostRune(runes[i]) || dot >= n || runes[dot] != '.' || !isHostRune(runes[dot-1]) {
			continue
		}
		if ends[dot+1] >= 0 {
			ends[i] = ends[dot+1]
			continue
		}
		if asked != dot {
			asked, topLevel = dot, topLevelAt(runes, dot+1)
		}
		if underscore > dot && topLevel > 0 {
			ends[i] = dot + 1 + topLevel
		}
	}
	return &hostFinder{ends: ends}
}

// end returns where the host that begins at i ends, or -1.
func (h *hostFinder) end(i int) int { return h.ends[i] }

// topLevelAt returns the length of the top-level domain at i, 0 when none is.
func topLevelAt(runes []rune, i int) int {
	if i >= len(runes) {
		return 0
	}
	run := i
	for run < len(runes) && run-i <= maxTopLevel && isHostRune(runes[run]) {
		run++
	}
	for end := run; end > i; end-- {
		if end < len(runes) && bindsToTopLevel(runes[end]) {
			continue
		}
		if isTopLevel(string(runes[i:end])) {
			return end - i
		}
	}
	return punycodeAt(runes[i:])
}

func bindsToTopLevel(r rune) bool {
	return isASCIILetter(r) || isDigit(r) || r == '@' || r == '+' || r == '-'
}

func isTopLevel(label string) bool {
	ascii := toASCII(strings.Map(lowerSameScript, label))
	if ascii == "" || strings.Contains(ascii, ".") {
		return false
	}
	_, icann := publicsuffix.PublicSuffix("rostrum-probe." + ascii)
	return icann
}

// lowerSameScript lowers a letter, but makes no ASCII of what is none: the
// Turkish capital I with a dot would become a plain i.
func lowerSameScript(r rune) rune {
	if lower := unicode.ToLower(r); r < utf8.RuneSelf || lower >= utf8.RuneSelf {
		return lower
	}
	return r
}

func punycodeAt(rest []rune) int {
	if len(rest) < 5 || !strings.EqualFold(string(rest[:4]), "xn--") {
		return 0
	}
	n := 4
	for n < len(rest) && (isASCIILetter(rest[n]) || isDigit(rest[n]) || rest[n] == '-') {
		n++
	}
	if n == 4 {
		return 0
	}
	return n
}

// asciiLength is how long the label is in punycode. A label that mixes punycode
// with other scripts has none; twitter-text encodes it again, which comes to
// about its length in bytes.
func asciiLength(label string) int {
	if ascii := toASCII(label); ascii != "" {
		return len(ascii)
	}
	return len(label) + len("xn---")
}

// toASCII returns the label in punycode, empty when it has none.
func toASCII(label string) string {
	ascii, err := idna.Punycode.ToASCII(label)
	if err != nil {
		return ""
	}
	return ascii
}

func protocolLength(rest []rune) int {
	for _, protocol := range []string{"https://", "http://"} {
		if len(rest) >= len(protocol) && strings.EqualFold(string(rest[:len(protocol)]), protocol) {
			return len(protocol)
		}
	}
	return 0
}

func portEnd(runes []rune, i int) int {
	if i >= len(runes) || runes[i] != ':' {
		return i
	}
	end := i + 1
	for end < len(runes) && isDigit(runes[end]) {
		end++
	}
	if end == i+1 {
		return i
	}
	return end
}

// pathEnd takes path characters and balanced parentheses and then gives back
// what a path cannot end with, such as the full stop of a sentence. A path ends
// with parentheses only where they follow something it could have ended with.
func pathEnd(runes []rune, i int) int {
	if i >= len(runes) || runes[i] != '/' {
		return i
	}
	last := i + 1
	for at := i + 1; at < len(runes); {
		if n := balancedAt(runes[at:]); n > 0 {
			if at == last {
				last = at + n
			}
			at += n
			continue
		}
		if !isPathRune(runes[at]) {
			break
		}
		at++
		if endsPath(runes[at-1]) {
			last = at
		}
	}
	return last
}

// balancedAt matches parentheses around path characters, one level nested.
func balancedAt(rest []rune) int {
	if rest[0] != '(' {
		return 0
	}
	n := 1 + pathRun(rest[1:])
	if n < len(rest) && rest[n] == '(' {
		inner := pathRun(rest[n+1:])
		n += 1 + inner
		if inner == 0 || n >= len(rest) || rest[n] != ')' {
			return 0
		}
		n++
		n += pathRun(rest[n:])
	}
	if n == 1 || n >= len(rest) || rest[n] != ')' {
		return 0
	}
	return n + 1
}

func pathRun(rest []rune) int {
	n := 0
	for n < len(rest) && isPathRune(rest[n]) {
		n++
	}
	return n
}

func queryEnd(runes []rune, i int) int {
	if i >= len(runes) || runes[i] != '?' {
		return i
	}
	last := i
	for at := i + 1; at < len(runes) && isQueryRune(runes[at]); at++ {
		if endsQuery(runes[at]) {
			last = at + 1
		}
	}
	return last
}

// shortened recognises a t.co address and returns the length of its slug and
// where it ends: nothing after the slug but a query belongs to it.
func shortened(runes []rune, host int) (slug, end int, ok bool) {
	const name = "t.co/"
	if len(runes) < host+len(name) || !strings.EqualFold(string(runes[host:host+len(name)]), name) {
		return 0, 0, false
	}
	end = host + len(name)
	for end < len(runes) && (isASCIILetter(runes[end]) || isDigit(runes[end])) {
		end++
		slug++
	}
	if slug == 0 {
		return 0, 0, false
	}
	return slug, queryEnd(runes, end), true
}
