package platform

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// maxPasses bounds Normalize: taking a protocol away can lay a new address
// bare, once for each "https://" written in front of another.
const maxPasses = 32

// Normalize returns the form in which a text that was sent and the text that a
// network shows are compared: NFC, runs of white space as one space, none at the
// ends, and addresses without protocol, trailing slash, default port or capitals
// in the host, since a network rewrites all of these. It is for comparing only;
// applied twice it changes nothing more.
func Normalize(text string) string {
	for range maxPasses {
		next := normalizeOnce(text)
		if next == text {
			break
		}
		text = next
	}
	return text
}

func normalizeOnce(text string) string {
	runes := []rune(strings.Join(strings.FieldsFunc(norm.NFC.String(text), isSpace), " "))
	var b strings.Builder
	at := 0
	for _, l := range findLinks(runes) {
		if l.start < at || l.end > len(runes) {
			continue
		}
		b.WriteString(string(runes[at:l.start]))
		b.WriteString(normalizeLink(runes, l))
		at = l.end
	}
	b.WriteString(string(runes[at:]))
	return b.String()
}

func normalizeLink(runes []rune, l link) string {
	host := strings.Map(lowerSameScript, string(runes[l.host:l.hostEnd]))
	rest := string(runes[l.hostEnd:l.end])
	for _, port := range []string{":80", ":443"} {
		if after, ok := strings.CutPrefix(rest, port); ok && (after == "" || after[0] == '/' || after[0] == '?') {
			rest = after
		}
	}
	path, query, asks := strings.Cut(rest, "?")
	path = strings.TrimRight(path, "/")
	if asks {
		return host + path + "?" + query
	}
	return host + path
}
