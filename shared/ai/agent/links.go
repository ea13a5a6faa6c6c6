package agent

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"rostrum/shared/account"
)

// link is an address in a text, with the bytes it takes.
type link struct {
	raw        string
	start, end int
}

// findLinks returns the addresses that a network would make clickable: those
// with a scheme, and bare names under a public suffix. X links bare names too
// (docs.x.com, counting characters, read 2026-11-24).
func findLinks(text string) []link {
	pattern := regexp.MustCompile(`(?i)https?://[^\s<>"“”]+|(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}{2,}(?::\d{1,5})?(?:[/?#][^\s<>"“”]*)?`)
	var out []link
	for _, at := range pattern.FindAllStringIndex(text, -1) {
		raw := strings.TrimRight(text[at[0]:at[1]], `.,;:!?'’)]}»…`)
		if !hasScheme(raw) && !isBareLink(text, at[0], raw) {
			continue
		}
		out = append(out, link{raw: raw, start: at[0], end: at[0] + len(raw)})
	}
	return out
}

func hasScheme(s string) bool {
	lower := strings.ToLower(s[:min(len(s), len("https://"))])
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

func isBareLink(text string, start int, raw string) bool {
	if start > 0 && strings.ContainsAny(text[start-1:start], "@_-./") {
		return false // a mail address, or the middle of something else
	}
	host, _, _ := strings.Cut(raw, "/")
	host = strings.FieldsFunc(host, func(r rune) bool { return r == ':' || r == '?' || r == '#' })[0]
	suffix, known := publicsuffix.PublicSuffix(strings.ToLower(host))
	return known && suffix != strings.ToLower(host)
}

// sameLink is the form in which two addresses are compared: what leads to the
// same page for every reader.
func sameLink(raw string) string {
	if !hasScheme(raw) {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return strings.ToLower(raw)
	}
	query := u.Query()
	for key := range query {
		if strings.HasPrefix(key, "utm_") {
			query.Del(key)
		}
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		host += ":" + port
	}
	form := host + strings.TrimSuffix(u.EscapedPath(), "/")
	if encoded := query.Encode(); encoded != "" {
		form += "?" + encoded
	}
	if u.User != nil {
		form = "@" + form // never the same as an address without a name in it
	}
	return form
}

// allowedLinks are those a draft may hold: the source's own address, and what
// people wrote into the account's profile. Links inside the source's text are
// not among them, since whoever wrote that text would choose where we link to.
func allowedLinks(a account.Account, s Source) []string {
	var out []string
	if s.URL != "" {
		out = append(out, sameLink(s.URL))
	}
	own := []string{a.Profile.Guidelines, a.Profile.Voice, a.Profile.Audience}
	own = append(own, a.Profile.Goals...)
	own = append(own, a.Profile.Interests...)
	for _, p := range a.Profile.Projects {
		own = append(own, p.Name, p.About)
	}
	for _, text := range own {
		for _, l := range findLinks(text) {
			out = append(out, sameLink(l.raw))
		}
	}
	return out
}

// foreignLinks returns the links of a text that are not among the allowed.
func foreignLinks(text string, allowed []string) []link {
	var out []link
	for _, l := range findLinks(text) {
		if !slices.Contains(allowed, sameLink(l.raw)) {
			out = append(out, l)
		}
	}
	return out
}
