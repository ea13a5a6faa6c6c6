// Package news serves two invented publications as feeds and pages, so that a
// demo workspace has something to read without a network: RSS 2.0 with
// namespaces and CDATA, and Atom. Their dates are relative to the clock, so that
// the news never grows old. Beside them stand feeds that no reader should trust,
// under /hostile/.
package news

import (
	"bytes"
	"embed"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed founders.txt engineering.txt page.html
var files embed.FS

// Config says how the publications are set up.
type Config struct {
	// Now tells the time. It is needed.
	Now func() time.Time
}

// Server is the newsstand. It is safe for concurrent use.
type Server struct {
	now     func() time.Time
	handler http.Handler
	papers  []paper
	page    *template.Template

	closed  chan struct{}
	once    sync.Once
	journal journal
}

// paper is one publication.
type paper struct {
	Key, Name, About string
	Stories          []Story
}

// Story is one article, newest first within its publication.
type Story struct {
	Title, Slug, Author, Topic string
	// Age is how long before now it was published.
	Age        time.Duration
	Paragraphs []string
}

// New reads the stories.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		return nil, errors.New("simulated news: Config.Now is not set")
	}
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("simulated news: %w", err)
	}
	s := &Server{now: cfg.Now, page: page, closed: make(chan struct{}), papers: []paper{
		{Key: "founders", Name: "The Patient Founder", About: "Notes on small companies that grow on purpose"},
		{Key: "engineering", Name: "Night Desk Engineering", About: "How a newsroom's software stays up"},
	}}
	for i, p := range s.papers {
		text, err := files.ReadFile(p.Key + ".txt")
		if err != nil {
			return nil, fmt.Errorf("simulated news: %w", err)
		}
		if s.papers[i].Stories, err = parseStories(string(text)); err != nil {
			return nil, fmt.Errorf("simulated news: %s: %w", p.Key, err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /founders/feed.xml", func(w http.ResponseWriter, r *http.Request) { s.rss(w, r, s.papers[0]) })
	mux.HandleFunc("GET /engineering/atom.xml", func(w http.ResponseWriter, r *http.Request) { s.atom(w, r, s.papers[1]) })
	mux.HandleFunc("GET /{paper}/{slug}", s.article)
	mux.HandleFunc("GET /_sim/requests", s.journal.show)
	s.hostile(mux)
	s.handler = mux
	return s, nil
}

// Close ends the answers that are slow on purpose.
func (s *Server) Close() { s.once.Do(func() { close(s.closed) }) }

// ServeHTTP serves feeds and pages, and what was asked for, under /_sim/requests.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.journal.note(r, s.now())
	s.handler.ServeHTTP(w, r)
}

// parseStories reads a file of stories that are divided by lines of three
// hyphens, each a head of "name: value" lines, a blank line and paragraphs.
func parseStories(text string) ([]Story, error) {
	var out []Story
	for block := range strings.SplitSeq(text, "\n---\n") {
		head, body, ok := strings.Cut(strings.TrimSpace(block), "\n\n")
		if !ok {
			return nil, fmt.Errorf("story %d has no text", len(out)+1)
		}
		story := Story{Paragraphs: strings.Split(body, "\n")}
		for line := range strings.SplitSeq(head, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "title":
				story.Title = value
			case "slug":
				story.Slug = value
			case "author":
				story.Author = value
			case "topic":
				story.Topic = value
			case "age":
				age, err := parseAge(value)
				if err != nil {
					return nil, fmt.Errorf("story %d: %w", len(out)+1, err)
				}
				story.Age = age
			}
		}
		out = append(out, story)
	}
	return out, nil
}

// parseAge reads 5h or 3d.
func parseAge(value string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(value, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(value)
}

// base is the address under which the caller reached the server.
func base(r *http.Request) string { return "http://" + r.Host }

func (s *Server) published(story Story) time.Time {
	// Whole minutes, so that two readings a moment apart agree.
	return s.now().UTC().Add(-story.Age).Truncate(time.Minute)
}

func address(r *http.Request, p paper, story Story) string {
	return base(r) + "/" + p.Key + "/" + story.Slug
}

func summary(story Story) string { return story.Paragraphs[0] }

func bodyHTML(story Story) string {
	var out strings.Builder
	for _, p := range story.Paragraphs {
		out.WriteString("<p>" + template.HTMLEscapeString(p) + "</p>\n")
	}
	return out.String()
}

type rssFeed struct {
	XMLName    xml.Name   `xml:"rss"`
	Version    string     `xml:"version,attr"`
	Content    string     `xml:"xmlns:content,attr"`
	DublinCore string     `xml:"xmlns:dc,attr"`
	Atom       string     `xml:"xmlns:atom,attr"`
	Channel    rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Self        selfLink  `xml:"atom:link"`
	Description string    `xml:"description"`
	Language    string    `xml:"language"`
	Built       string    `xml:"lastBuildDate"`
	Items       []rssItem `xml:"item"`
}

type selfLink struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
}

type cdata struct {
	Text string `xml:",cdata"`
}

type rssItem struct {
	Title       cdata   `xml:"title"`
	Link        string  `xml:"link"`
	GUID        rssGUID `xml:"guid"`
	Date        string  `xml:"pubDate,omitempty"`
	DublinDate  string  `xml:"dc:date,omitempty"`
	Creator     string  `xml:"dc:creator"`
	Category    string  `xml:"category"`
	Description cdata   `xml:"description"`
	Encoded     cdata   `xml:"content:encoded"`
}

type rssGUID struct {
	Permanent string `xml:"isPermaLink,attr"`
	Text      string `xml:",chardata"`
}

// rss writes RSS 2.0 as publishing systems do: CDATA everywhere, and dates in
// whatever form the system happened to have.
func (s *Server) rss(w http.ResponseWriter, r *http.Request, p paper) {
	feed := rssFeed{
		Version: "2.0", Content: "http://purl.org/rss/1.0/modules/content/", DublinCore: "http://purl.org/dc/elements/1.1/",
		Atom: "http://www.w3.org/2005/Atom",
		Channel: rssChannel{
			Title: p.Name, Link: base(r) + "/", Description: p.About, Language: "en",
			Self:  selfLink{Href: base(r) + r.URL.Path, Rel: "self", Type: "application/rss+xml"},
			Built: s.now().UTC().Truncate(time.Minute).Format(time.RFC1123Z),
		},
	}
	for i, story := range p.Stories {
		item := rssItem{
			Title: cdata{story.Title}, Link: address(r, p, story), Creator: story.Author, Category: story.Topic,
			GUID:        rssGUID{"false", "tag:patient-founder," + story.Slug},
			Description: cdata{"<p>" + template.HTMLEscapeString(summary(story)) + "</p>"}, Encoded: cdata{bodyHTML(story)},
		}
		item.Date, item.DublinDate = oddDate(s.published(story), i)
		feed.Channel.Items = append(feed.Channel.Items, item)
	}
	writeXML(w, "application/rss+xml; charset=utf-8", feed)
}

// oddDate writes an instant in one of the forms found in the wild: RFC 1123
// with a number, with a name, with one digit for the day, in a far zone, or only
// as Dublin Core.
func oddDate(at time.Time, i int) (pubDate, dublin string) {
	switch i % 5 {
	case 1:
		return at.Format("Mon, 02 Jan 2006 15:04:05 GMT"), ""
	case 2:
		return at.Format("Mon, 2 Jan 2006 15:04:05 -0700"), ""
	case 3:
		return at.In(time.FixedZone("", -5*3600)).Format("Mon, 02 Jan 2006 15:04 -0700"), ""
	case 4:
		return "", at.Format(time.RFC3339)
	}
	return at.Format(time.RFC1123Z), ""
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Title   string      `xml:"title"`
	ID      string      `xml:"id"`
	Updated string      `xml:"updated"`
	Links   []selfLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomEntry struct {
	Title     atomText   `xml:"title"`
	ID        string     `xml:"id"`
	Links     []selfLink `xml:"link"`
	Published string     `xml:"published"`
	Updated   string     `xml:"updated"`
	Author    string     `xml:"author>name"`
	Category  atomTerm   `xml:"category"`
	Summary   atomText   `xml:"summary"`
	Content   atomText   `xml:"content"`
}

type atomTerm struct {
	Term string `xml:"term,attr"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// atom writes Atom with escaped HTML and fractions of a second.
func (s *Server) atom(w http.ResponseWriter, r *http.Request, p paper) {
	feed := atomFeed{
		Title: p.Name, ID: "tag:night-desk.example,2026:engineering", Updated: s.published(p.Stories[0]).Format(time.RFC3339),
		Links: []selfLink{{Href: base(r) + r.URL.Path, Rel: "self"}, {Href: base(r) + "/", Rel: "alternate", Type: "text/html"}},
	}
	berlin := time.FixedZone("", 3600)
	for _, story := range p.Stories {
		at := s.published(story)
		feed.Entries = append(feed.Entries, atomEntry{
			Title: atomText{"html", template.HTMLEscapeString(story.Title)}, ID: "tag:night-desk.example,2026:" + story.Slug,
			Links:     []selfLink{{Href: address(r, p, story), Rel: "alternate", Type: "text/html"}},
			Published: at.In(berlin).Format("2006-01-02T15:04:05.000Z07:00"), Updated: at.Add(10 * time.Minute).Format(time.RFC3339),
			Author: story.Author, Category: atomTerm{story.Topic}, Summary: atomText{"text", summary(story)},
			Content: atomText{"html", bodyHTML(story)},
		})
	}
	writeXML(w, "application/atom+xml; charset=utf-8", feed)
}

func writeXML(w http.ResponseWriter, kind string, feed any) {
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(feed); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(out.Bytes())
}

type pageData struct {
	Title  string
	Papers []paper
	Paper  paper
	Story  *Story
	Date   string
}

func (s *Server) front(w http.ResponseWriter, _ *http.Request) {
	s.render(w, pageData{Title: "Newsstand", Papers: s.papers})
}

func (s *Server) article(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.papers {
		i := slices.IndexFunc(p.Stories, func(story Story) bool { return story.Slug == r.PathValue("slug") })
		if p.Key != r.PathValue("paper") || i < 0 {
			continue
		}
		story := p.Stories[i]
		s.render(w, pageData{Title: story.Title, Paper: p, Story: &story, Date: s.published(story).Format("2 January 2006")})
		return
	}
	http.NotFound(w, r)
}

func (s *Server) render(w http.ResponseWriter, data pageData) {
	var out bytes.Buffer
	if err := s.page.Execute(&out, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes())
}
