package feed

import (
	"bytes"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// plain turns HTML into text of at most limit runes: tags fall away, blocks
// become lines, and scripts, styles and the like leave nothing behind.
func plain(markup string, limit int) string {
	tokenizer := html.NewTokenizer(strings.NewReader(markup))
	var b strings.Builder
	hidden := 0
	for {
		kind := tokenizer.Next()
		if kind == html.ErrorToken {
			return tidy(b.String(), limit)
		}
		name, _ := tokenizer.TagName()
		tag := atom.Lookup(name)
		switch {
		case kind == html.TextToken && hidden == 0:
			b.Write(tokenizer.Text())
		case kind == html.StartTagToken && hides(tag):
			hidden++
		case kind == html.EndTagToken && hides(tag):
			hidden = max(hidden-1, 0)
		}
		if kind != html.TextToken && breaks(tag) {
			b.WriteByte('\n')
		}
		// Markup can be nested for megabytes; what is cut off anyway is not built.
		if b.Len() > 16*limit {
			return tidy(b.String(), limit)
		}
	}
}

// line is plain on one line.
func line(markup string, limit int) string {
	return clip(strings.Join(strings.Fields(plain(markup, limit)), " "), limit)
}

// tidy drops control characters, joins white space within a line and
// keeps at most one empty line.
func tidy(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	var lines []string
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.Join(strings.Fields(strings.Map(withoutControl, l)), " ")
		if l == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, l)
	}
	return clip(strings.TrimSpace(strings.Join(lines, "\n")), limit)
}

// withoutControl drops what does not show: control characters, and the invisible
// ones in which a text can carry words for a model that no reader sees.
func withoutControl(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), r == '\ufeff', r == '\u200b', r >= '\u202a' && r <= '\u202e', r >= '\u2060' && r <= '\u2069',
		r >= 0xe0000 && r <= 0xe007f:
		return -1
	default:
		return r
	}
}

func clip(text string, limit int) string {
	n := 0
	for i := range text {
		if n == limit {
			return strings.TrimSpace(text[:i])
		}
		n++
	}
	return text
}

func hides(tag atom.Atom) bool {
	switch tag {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Iframe, atom.Object, atom.Svg, atom.Head, atom.Textarea, atom.Select:
		return true
	default:
		return false
	}
}

func breaks(tag atom.Atom) bool {
	switch tag {
	case atom.P, atom.Br, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Blockquote, atom.Pre, atom.Hr, atom.Section, atom.Article, atom.Figure, atom.Figcaption, atom.Dt, atom.Dd, atom.Table:
		return true
	default:
		return false
	}
}

func looksLikeHTML(text []byte) bool {
	start := bytes.ToLower(bytes.TrimLeft(text[:min(len(text), 1024)], "\ufeff \t\r\n"))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// feedHint looks for the feed that a page names, so that a person who gave the
// address of the page is told the one to give instead.
func feedHint(page []byte, source *url.URL) string {
	tokenizer := html.NewTokenizer(bytes.NewReader(page))
	for {
		kind := tokenizer.Next()
		if kind == html.ErrorToken {
			return ""
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := tokenizer.Token()
		if token.DataAtom != atom.Link {
			continue
		}
		attrs := map[string]string{}
		for _, a := range token.Attr {
			attrs[strings.ToLower(a.Key)] = a.Val
		}
		kindOf := strings.ToLower(attrs["type"])
		names := strings.Contains(kindOf, "rss+xml") || strings.Contains(kindOf, "atom+xml") || strings.Contains(kindOf, "feed+json")
		if address := absolute(source, attrs["href"]); names && address != "" {
			return "That is a web page. Its feed is " + clip(address, 300)
		}
	}
}
