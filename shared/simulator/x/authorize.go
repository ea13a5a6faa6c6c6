package x

import (
	"net/http"
	"net/url"

	"rostrum/shared/simulator/page"
)

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
	data := pageData{Title: "Connect an account", Request: request, Query: map[string][]string{}}
	for _, name := range []string{
		"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method",
	} {
		data.Query[name] = q[name]
	}
	for i, a := range s.Accounts() {
		data.Chips = append(data.Chips, chip{a, page.Initials(a.Name), page.Hue(a.Handle), i == 0})
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

// decide sends the browser back to the app with a code or a refusal.
func (s *Server) decide(w http.ResponseWriter, request authorization, handle string, allowed bool) {
	if !allowed {
		sendBack(w, request.back(url.Values{"error": {"access_denied"}, "state": {request.State}}))
		return
	}
	account, ok := s.accountByHandle(handle)
	if !ok {
		s.refusePage(w, "Choose one of the simulated accounts.")
		return
	}
	sendBack(w, s.consent(request, account.ID))
}

// sendBack redirects to the app's own address, which parseAuthorization checked.
func sendBack(w http.ResponseWriter, address string) {
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) refusePage(w http.ResponseWriter, wrong string) {
	s.render(w, http.StatusBadRequest, "message", pageData{
		Title: "This app cannot be connected", Message: wrong,
	})
}
