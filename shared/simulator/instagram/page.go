package instagram

import (
	"embed"
	"net/http"
	"net/url"
	"strings"

	"rostrum/shared/simulator/ledger"
	"rostrum/shared/simulator/page"
)

//go:embed page
var pageFiles embed.FS

// cardsPerPage bounds how many posts one page shows.
const cardsPerPage = 120

// pages mounts what people look at.
func (s *Server) pages(mux *http.ServeMux) {
	page.Mount(mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/_sim/ledger", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /p/{code}/{$}", s.postPage)
}

// profilePage answers an address that only people use: /handle/.
func (s *Server) profilePage(w http.ResponseWriter, r *http.Request, handle string) {
	if a, ok := s.accountByHandle(handle); ok {
		s.feedPage(w, r, a.Handle)
		return
	}
	s.render(w, http.StatusNotFound, "message", pageData{Title: "Not here", Message: "There is no such account on the simulated network."})
}

// card is a post as the page shows it.
type card struct {
	ledger.Entry

	Author   Account
	Initials string
	Hue      int
	Images   []shownImage
	Figures  figures
	Ago      string
	Exact    string
	Gone     string
	Withheld string
	URL      string
	Focus    bool
}

// shownImage is one image and where the page finds it.
type shownImage struct{ Address, Alt string }

// chip is an account in a row or a choice.
type chip struct {
	Account

	Initials string
	Hue      int
	Current  bool
}

type pageData struct {
	Title   string
	Handle  string
	Chips   []chip
	Cards   []card
	Total   int
	Live    string
	Single  bool
	Message string
	Request authorization
	Query   map[string][]string
}

// feedPage shows the latest posts, newest first.
func (s *Server) feedPage(w http.ResponseWriter, r *http.Request, handle string) {
	handle = strings.TrimPrefix(handle, "@")
	data := pageData{Title: "What the audience saw", Handle: handle, Total: s.book.Len(), Live: "/_sim/ledger?fragment=1&handle=" + handle}
	for _, e := range s.book.Page(cardsPerPage, func(e ledger.Entry) bool { return handle == "" || strings.EqualFold(handle, e.Handle) }) {
		data.Cards = append(data.Cards, s.card(e))
	}
	data.Chips = s.chips(handle)
	name := "ledger"
	if r.URL.Query().Get("fragment") != "" {
		name = "cards"
	}
	s.render(w, http.StatusOK, name, data)
}

// chips are all accounts, the one that is chosen marked.
func (s *Server) chips(handle string) []chip {
	accounts := s.Accounts()
	out := make([]chip, 0, len(accounts))
	for _, a := range accounts {
		out = append(out, chip{a, page.Initials(a.Name), page.Hue(a.Handle), strings.EqualFold(a.Handle, handle)})
	}
	return out
}

func (s *Server) card(e ledger.Entry) card {
	author, ok := s.accountByID(e.AccountID)
	if !ok {
		author = Account{Handle: e.Handle, Name: e.Handle}
	}
	c := card{
		Entry: e, Author: author, Initials: page.Initials(author.Name), Hue: page.Hue(e.Handle), Figures: s.figures(e, author),
		Ago: page.Ago(s.cfg.Now().Sub(e.AcceptedAt)), Exact: e.AcceptedAt.Format("2 January 2006, 15:04:05.000 MST"),
		URL: "/p/" + shortcode(e) + "/", Withheld: page.Withheld(e.ClientSaw),
	}
	for _, m := range e.Media {
		c.Images = append(c.Images, shownImage{Address: "/_sim/media/" + strings.TrimPrefix(m.Digest, "sha256:"), Alt: m.Alt})
	}
	if e.Deleted() {
		c.Gone = e.DeletedAt.Format("2 January, 15:04:05 MST")
	}
	return c
}

// postPage shows one post at the address that its permalink names.
func (s *Server) postPage(w http.ResponseWriter, r *http.Request) {
	found := s.book.Page(1, func(e ledger.Entry) bool { return shortcode(e) == r.PathValue("code") })
	if len(found) == 0 {
		s.render(w, http.StatusNotFound, "message", pageData{Title: "Not here", Message: "There is no such post on the simulated network."})
		return
	}
	c := s.card(found[0])
	c.Focus = true
	s.render(w, http.StatusOK, "ledger", pageData{Title: "Post by @" + c.Handle, Handle: c.Handle, Cards: []card{c}, Total: s.book.Len(), Single: true})
}

func (s *Server) render(w http.ResponseWriter, status int, name string, data pageData) {
	page.Render(w, status, pageFiles, name, data)
}

// authorizePage is the consent page. For use without a browser, sim_account and
// sim_approve=1 (or 0) answer it at once.
func (s *Server) authorizePage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	request, wrong := s.parseAuthorization(q)
	if wrong != "" {
		s.refusePage(w, wrong)
		return
	}
	if q.Has("sim_approve") {
		s.decide(w, request, q.Get("sim_account"), q.Get("sim_approve") == "1")
		return
	}
	data := pageData{Title: "Connect an account", Request: request, Chips: s.chips(""), Query: map[string][]string{}}
	if len(data.Chips) > 0 {
		data.Chips[0].Current = true
	}
	for _, name := range []string{"response_type", "client_id", "redirect_uri", "scope", "state"} {
		data.Query[name] = q[name]
	}
	s.render(w, http.StatusOK, "authorize", data)
}

// authorizeAnswer takes the form of the consent page.
func (s *Server) authorizeAnswer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		s.refusePage(w, "The form could not be read.")
		return
	}
	request, wrong := s.parseAuthorization(r.PostForm)
	if wrong != "" {
		s.refusePage(w, wrong)
		return
	}
	s.decide(w, request, r.PostForm.Get("account"), r.PostForm.Get("decision") == "allow")
}

// decide sends the browser back to the app's own address, which was checked,
// with a code or a refusal.
func (s *Server) decide(w http.ResponseWriter, request authorization, handle string, allowed bool) {
	address := request.back(url.Values{
		"error": {"access_denied"}, "error_reason": {"user_denied"}, "error_description": {"The user denied your request"}, "state": {request.State},
	})
	if allowed {
		account, ok := s.accountByHandle(handle)
		if !ok {
			s.refusePage(w, "Choose one of the simulated accounts.")
			return
		}
		address = s.consent(request, account.ID)
	}
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) refusePage(w http.ResponseWriter, wrong string) {
	s.render(w, http.StatusBadRequest, "message", pageData{Title: "This app cannot be connected", Message: wrong})
}
