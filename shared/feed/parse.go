package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"mime"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html/charset"
)

const (
	maxItems = 200
	maxTitle = 300
	maxText  = 8000
	maxKey   = 500
	maxURL   = 2000
	// maxDepth is far above any feed, XHTML content included. The parser
	// underneath descends once per level, and the stack is not without end.
	maxDepth = 200
)

// parse reads a body into a result without validators.
func parse(body []byte, contentType string, source *url.URL, now time.Time) (Result, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return Result{}, empty("The source answered with nothing.")
	}
	text := decode(body, contentType)
	if looksLikeHTML(text) {
		return Result{}, notAFeed(feedHint(text, source))
	}
	if tooDeep(text) {
		return Result{}, notAFeed("")
	}
	parsed, err := parseUniversal(text)
	if err != nil {
		return Result{}, notAFeed("").WithCause(err)
	}
	return translate(parsed, source, now)
}

// parseUniversal turns a panic of the parser on hostile input into an error.
func parseUniversal(text []byte) (parsed *gofeed.Feed, err error) {
	defer func() {
		if recover() != nil {
			parsed, err = nil, gofeed.ErrFeedTypeNotDetected
		}
	}()
	return gofeed.NewParser().Parse(bytes.NewReader(text))
}

func translate(parsed *gofeed.Feed, source *url.URL, now time.Time) (Result, error) {
	result := Result{Title: line(parsed.Title, maxTitle), Link: absolute(source, strings.TrimSpace(parsed.Link))}
	base := source
	if site, err := url.Parse(result.Link); err == nil && result.Link != "" {
		base = site // an entry's relative address is one of the site
	}
	seen := map[string]bool{}
	for _, entry := range parsed.Items {
		if entry == nil || len(result.Items) == maxItems {
			continue
		}
		item := toItem(entry, base, now)
		if seen[item.Key] && item.URL != "" {
			item.Key = key(item.URL) // feeds exist that give every entry one id
		}
		if item.Title == "" && item.Text == "" || seen[item.Key] {
			continue
		}
		seen[item.Key] = true
		result.Items = append(result.Items, item)
	}
	if len(result.Items) == 0 {
		return Result{}, empty("The feed has no entries.")
	}
	return result, nil
}

func toItem(entry *gofeed.Item, base *url.URL, now time.Time) Item {
	item := Item{Title: line(entry.Title, maxTitle), URL: absolute(base, strings.TrimSpace(entry.Link))}
	if len(item.URL) > maxURL {
		item.URL = ""
	}
	item.Text = longer(plain(entry.Content, maxText), plain(entry.Description, maxText))
	id := strings.TrimSpace(entry.GUID)
	switch {
	case id != "":
		item.Key = key(id)
	case item.URL != "":
		item.Key = key(item.URL)
	default:
		item.Key = hashed(item.Title + "\x00" + item.Text)
	}
	for _, date := range []*time.Time{americanDate(entry.Published), entry.PublishedParsed, entry.UpdatedParsed} {
		if date != nil && believable(*date, now) {
			utc := date.UTC()
			item.PublishedAt = &utc
			break
		}
	}
	return item
}

// americanDate reads a date that ends in one of the zone names of RFC 822, which
// Go takes for UTC unless the machine happens to be there; nil for any other.
func americanDate(date string) *time.Time {
	space := strings.LastIndexByte(date, ' ')
	if space < 0 {
		return nil
	}
	offset := map[string]string{
		"EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500",
		"MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
	}[date[space+1:]]
	if offset == "" {
		return nil
	}
	if _, rest, ok := strings.Cut(date[:space], ","); ok {
		date = strings.TrimSpace(rest) + " " + offset
	} else {
		date = date[:space] + " " + offset
	}
	for _, layout := range []string{"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04 -0700", "2 Jan 06 15:04:05 -0700", "2 Jan 06 15:04 -0700"} {
		if parsed, err := time.Parse(layout, date); err == nil {
			return &parsed
		}
	}
	return nil
}

// believable keeps a wrong year from putting an entry first for ever.
func believable(date, now time.Time) bool {
	return date.Year() >= 1990 && date.Before(now.Add(48*time.Hour))
}

func key(id string) string {
	id = strings.ToValidUTF8(strings.Map(withoutControl, id), "\ufffd")
	if id == "" || len(id) > maxKey {
		return hashed(id)
	}
	return id
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func longer(a, b string) string {
	if utf8.RuneCountInString(b) > utf8.RuneCountInString(a) {
		return b
	}
	return a
}

// decode returns the body in UTF-8. What XML declares is left to its parser,
// except for UTF-16, in which the declaration itself cannot be read, and for
// what declares nothing and is not UTF-8.
func decode(body []byte, contentType string) []byte {
	var label string
	switch {
	case bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		label = "utf-16be"
	case bytes.HasPrefix(body, []byte{0xff, 0xfe}):
		label = "utf-16le"
	case !utf8.Valid(body) && !bytes.Contains(body[:min(len(body), 200)], []byte("encoding=")):
		_, params, err := mime.ParseMediaType(contentType)
		if label = params["charset"]; err != nil || label == "" || strings.EqualFold(label, "utf-8") {
			label = "windows-1252"
		}
	default:
		return body
	}
	reader, err := charset.NewReaderLabel(label, bytes.NewReader(body))
	if err != nil {
		return body
	}
	decoded, err := io.ReadAll(reader)
	if err != nil {
		return body
	}
	decoded = bytes.TrimPrefix(decoded, []byte("\ufeff"))
	if bytes.HasPrefix(decoded, []byte("<?xml")) {
		if _, rest, ok := bytes.Cut(decoded, []byte("?>")); ok {
			return rest // it names an encoding that is no longer true
		}
	}
	return decoded
}

// tooDeep walks the tokens of an XML document without building anything.
func tooDeep(text []byte) bool {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.Strict = false
	decoder.CharsetReader = charset.NewReaderLabel
	for depth := 0; ; {
		token, err := decoder.RawToken()
		if err != nil {
			return false // the parser says what is wrong with it
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth {
			return true
		}
	}
}
