package x

import (
	"embed"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rostrum/shared/simulator/ledger"
	"rostrum/shared/simulator/page"
)

//go:embed page
var pageFiles embed.FS

// cardsPerPage bounds how many posts one page shows.
const cardsPerPage = 150

// pages mounts what people look at.
func (s *Server) pages(mux *http.ServeMux) {
	page.Mount(mux)
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
	// Joined is set for a part that another one of its thread follows.
	Joined bool
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
		data.Chips = append(data.Chips, chip{a, page.Initials(a.Name), page.Hue(a.Handle), strings.EqualFold(a.Handle, handle)})
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
		join(thread)
	}
	return out
}

// join ties the parts of a thread together.
func join(thread []card) {
	for i := range len(thread) - 1 {
		thread[i].Joined = true
	}
}

func (s *Server) card(e ledger.Entry) card {
	author, ok := s.accountByID(e.AccountID)
	if !ok {
		author = Account{Handle: e.Handle, Name: e.Handle}
	}
	c := card{
		Entry: e, Author: author, Initials: page.Initials(author.Name), Hue: page.Hue(e.Handle), Figures: s.figures(e, author),
		Ago: page.Ago(s.cfg.Now().Sub(e.AcceptedAt)), Exact: e.AcceptedAt.Format("2 January 2006, 15:04:05.000 MST"),
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
	c.Withheld = page.Withheld(e.ClientSaw)
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
	join(thread)
	s.render(w, http.StatusOK, "ledger", pageData{
		Title: "Post by @" + e.Handle, Handle: e.Handle, Threads: [][]card{thread}, Total: s.book.Len(), Single: true,
	})
}

func (s *Server) missingPage(w http.ResponseWriter, message string) {
	s.render(w, http.StatusNotFound, "message", pageData{Title: "Not here", Message: message})
}

// render fills one of the templates with what this page shows.
func (s *Server) render(w http.ResponseWriter, status int, name string, data pageData) {
	page.Render(w, status, pageFiles, name, data)
}
