package x

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

//go:embed page
var pageFiles embed.FS

// cardsPerPage bounds how many posts one page shows.
const cardsPerPage = 150

// pages mounts what people look at.
func (s *Server) pages(mux *http.ServeMux) {
	mux.Handle("GET /_sim/page/", http.StripPrefix("/_sim/", http.FileServerFS(pageFiles)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		segments := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == "/":
			http.Redirect(w, r, "/_sim/ledger", http.StatusSeeOther)
		case len(segments) == 1:
			s.profilePage(w, r, segments[0])
		case len(segments) == 3 && segments[1] == "status":
			s.statusPage(w, segments[0], segments[2])
		default:
			s.missingPage(w, "There is no such page on the simulated network.")
		}
	})
}

// piece is a stretch of a post's text, a link when it has an address.
type piece struct {
	Text    string
	Address string
}

// card is a post as the page shows it.
type card struct {
	ledger.Entry
	Author   Account
	Initials string
	Hue      int
	Pieces   []piece
	Figures  figures
	Ago      string
	Exact    string
	Gone     string
	Withheld string
	URL      string
	Focus    bool
}

// chip is an account in the row of filters.
type chip struct {
	Account
	Initials string
	Hue      int
	Current  bool
}

type pageData struct {
	Title   string
	Handle  string
	Author  *card
	Chips   []chip
	Threads [][]card
	Total   int
	Older   string
	Live    string
	Single  bool
	Message string
	Request authorization
	Query   map[string][]string
}

func (s *Server) profilePage(w http.ResponseWriter, r *http.Request, handle string) {
	a, ok := s.accountByHandle(handle)
	if !ok {
		s.missingPage(w, "There is no account @"+handle+" on the simulated network.")
		return
	}
	s.timelinePage(w, r, a.Handle)
}

// timelinePage shows the latest posts, threads joined, newest thread first.
func (s *Server) timelinePage(w http.ResponseWriter, r *http.Request, handle string) {
	handle = strings.TrimPrefix(handle, "@")
	before, _ := strconv.ParseUint(r.URL.Query().Get("before"), 10, 64)
	entries := s.book.Page(cardsPerPage+1, func(e ledger.Entry) bool {
		id, err := strconv.ParseUint(e.ID, 10, 64)
		return err == nil && (handle == "" || strings.EqualFold(handle, e.Handle)) && (before == 0 || id < before)
	})
	data := pageData{Title: "What the audience saw", Handle: handle, Total: s.book.Len()}
	if len(entries) > cardsPerPage {
		entries = entries[:cardsPerPage]
		data.Older = entries[len(entries)-1].ID
	}
	data.Threads = s.threads(entries)
	for _, a := range s.Accounts() {
		data.Chips = append(data.Chips, chip{a, initials(a.Name), hue(a.Handle), strings.EqualFold(a.Handle, handle)})
	}
	if before == 0 {
		data.Live = "/_sim/ledger?fragment=1&handle=" + handle
	}
	if r.URL.Query().Get("fragment") != "" {
		s.render(w, http.StatusOK, "threads", data)
		return
	}
	s.render(w, http.StatusOK, "ledger", data)
}

// threads groups entries, given newest first, by conversation, each group from
// its first part on.
func (s *Server) threads(entries []ledger.Entry) [][]card {
	at := map[string]int{}
	var out [][]card
	for _, e := range entries {
		i, ok := at[e.ConversationID]
		if !ok {
			i = len(out)
			at[e.ConversationID] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], s.card(e))
	}
	for _, thread := range out {
		slices.Reverse(thread)
	}
	return out
}

func (s *Server) card(e ledger.Entry) card {
	author, ok := s.accountByID(e.AccountID)
	if !ok {
		author = Account{Handle: e.Handle, Name: e.Handle}
	}
	c := card{
		Entry: e, Author: author, Initials: initials(author.Name), Hue: hue(e.Handle), Figures: s.figures(e, author),
		Ago: ago(s.cfg.Now().Sub(e.AcceptedAt)), Exact: e.AcceptedAt.Format("2 January 2006, 15:04:05.000 MST"),
		URL: "/" + e.Handle + "/status/" + e.ID,
	}
	from := 0
	for i, found := range findLinks(e.Text) {
		c.addText(e.Text[from:found.start])
		if i < len(e.Links) {
			c.Pieces = append(c.Pieces, piece{Text: e.Links[i].Display, Address: e.Links[i].Expanded})
		}
		from = found.end
	}
	c.addText(e.Text[from:])
	if e.Deleted() {
		c.Gone = e.DeletedAt.Format("2 January, 15:04:05 MST")
	}
	c.Withheld = withheld(e.ClientSaw)
	return c
}

// loopback is an address on this computer. X would not link it, but a visitor
// of the simulated network may want to follow it.
var loopback = regexp.MustCompile(`https?://(?:localhost|127\.0\.0\.1)(?::\d+)?(?:/[A-Za-z0-9_./-]*[A-Za-z0-9_/-])?`)

func (c *card) addText(text string) {
	from := 0
	for _, at := range loopback.FindAllStringIndex(text, -1) {
		c.Pieces = append(c.Pieces, piece{Text: text[from:at[0]]}, piece{Text: text[at[0]:at[1]], Address: text[at[0]:at[1]]})
		from = at[1]
	}
	c.Pieces = append(c.Pieces, piece{Text: text[from:]})
}

// withheld says in words what became of an answer that the client did not get.
func withheld(clientSaw string) string {
	switch fault.Kind(clientSaw) {
	case "answered", "":
		return ""
	case fault.AcceptThenReset:
		return "the connection was cut before the answer."
	case fault.AcceptThenHang:
		return "the answer never came."
	case fault.AcceptThenAnswer:
		return "the client was told something else."
	case fault.AcceptThenTruncate:
		return "the answer was cut in half."
	case fault.LateEffect:
		return "only after the client had given up."
	default:
		return "the answer came slowly."
	}
}

// statusPage shows one post within its thread.
func (s *Server) statusPage(w http.ResponseWriter, handle, id string) {
	e, ok := s.book.Get(id)
	if !ok || !strings.EqualFold(e.Handle, handle) {
		s.missingPage(w, "There is no such post on the simulated network.")
		return
	}
	var thread []card
	for _, part := range s.book.Thread(e.ConversationID) {
		c := s.card(part)
		c.Focus = part.ID == id
		thread = append(thread, c)
	}
	s.render(w, http.StatusOK, "ledger", pageData{
		Title: "Post by @" + e.Handle, Handle: e.Handle, Threads: [][]card{thread}, Total: s.book.Len(), Single: true,
	})
}

func (s *Server) missingPage(w http.ResponseWriter, message string) {
	s.render(w, http.StatusNotFound, "message", pageData{Title: "Not here", Message: message})
}

// render executes a template as a whole before it sends anything.
func (s *Server) render(w http.ResponseWriter, status int, name string, data pageData) {
	parsed, err := template.New("").Funcs(template.FuncMap{"figure": figure, "last": last}).ParseFS(pageFiles, "page/*.html")
	var out bytes.Buffer
	if err == nil {
		err = parsed.ExecuteTemplate(&out, name, data)
	}
	if err != nil {
		complain(w, http.StatusInternalServerError, err.Error())
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src data:")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// last reports whether i is the last index of a thread.
func last(i int, thread []card) bool { return i == len(thread)-1 }

// count is one figure with its name.
type count struct{ Name, Count string }

func figure(n int, one, many string) count {
	if n == 1 {
		return count{one, "1"}
	}
	return count{many, compact(n)}
}

// compact writes a count as timelines do.
func compact(n int) string {
	switch {
	case n >= 10_000:
		return strconv.Itoa(n/1000) + "K"
	case n >= 1000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1000), ".0") + "K"
	}
	return strconv.Itoa(n)
}

func ago(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "now"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + "d"
}

func initials(name string) string {
	var out []rune
	for word := range strings.FieldsSeq(name) {
		if r := []rune(word)[0]; unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToUpper(r))
		}
		if len(out) == 2 {
			break
		}
	}
	return string(out)
}

func hue(handle string) int { return int(hash("hue", handle) % 360) }
