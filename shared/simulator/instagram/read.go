package instagram

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

// me is GET /me.
func (s *Server) me(w http.ResponseWriter, _ *http.Request, user Account, in params) {
	fields, bad := in.fields("id", "user_id", "username", "name", "account_type", "followers_count", "media_count", "profile_picture_url")
	if bad != nil {
		refuse(w, *bad)
		return
	}
	// The id is the user's within the app; user_id is the professional account's.
	all := map[string]any{
		"id": strconv.FormatUint(ledger.Spread("scoped", user.ID)%1e15+1e15, 10), "user_id": user.ID, "username": user.Handle, "name": user.Name,
		"account_type": "BUSINESS", "followers_count": user.Followers, "media_count": len(s.standing(user, 0)),
	}
	answer := map[string]any{"id": all["id"]}
	for _, name := range fields {
		if value, ok := all[name]; ok {
			answer[name] = value
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

// standing returns an account's posts that were not deleted, newest first, but
// for those of the last lag.
func (s *Server) standing(user Account, lag time.Duration) []ledger.Entry {
	until := s.cfg.Now().Add(-lag)
	return s.book.Latest(user.ID, s.book.Len()+1, func(e ledger.Entry) bool {
		return !e.Deleted() && (lag == 0 || !e.AcceptedAt.After(until))
	}, nil)
}

// mediaFields are the fields of a post that this network has.
func mediaFields() []string {
	return []string{"id", "caption", "media_type", "media_product_type", "permalink", "timestamp", "username", "like_count", "comments_count"}
}

// list is GET /{id}/media, newest first.
func (s *Server) list(w http.ResponseWriter, r *http.Request, user Account, in params) {
	fields, bad := in.fields(mediaFields()...)
	if bad == nil {
		bad = owns(r, user)
	}
	limit := 25
	if bad == nil && in["limit"] != "" {
		n, err := strconv.Atoi(in["limit"])
		if err != nil || n < 1 {
			p := parameter("param limit must be a positive number")
			bad = &p
		}
		limit = min(n, 100)
	}
	if bad != nil {
		refuse(w, *bad)
		return
	}
	posts := s.standing(user, fault.ReadLag(r.Context()))
	if after := in["after"]; after != "" {
		at := slices.IndexFunc(posts, func(e ledger.Entry) bool { return cursor(e) == after })
		if at < 0 {
			refuse(w, parameter("The cursor is not valid"))
			return
		}
		posts = posts[at+1:]
	}
	answer := map[string]any{}
	page := make([]map[string]any, 0, limit)
	for _, e := range posts[:min(limit, len(posts))] {
		page = append(page, s.media(e, user, fields))
	}
	answer["data"] = page
	if n := len(page); n > 0 {
		paging := map[string]any{"cursors": map[string]string{"before": cursor(posts[0]), "after": cursor(posts[n-1])}}
		if n < len(posts) {
			// The real one holds the token in the clear; a client has no need of it.
			paging["next"] = s.cfg.PublicURL + "/" + user.ID + "/media?after=" + cursor(posts[n-1])
		}
		answer["paging"] = paging
	}
	writeJSON(w, http.StatusOK, answer)
}

// cursor stands for a post's place in the list; it is not its id.
func cursor(e ledger.Entry) string { return strconv.FormatUint(ledger.Spread("cursor", e.ID), 36) }

// media is a post with the fields asked for; the id is always there.
func (s *Server) media(e ledger.Entry, author Account, fields []string) map[string]any {
	f := s.figures(e, author)
	kind := "IMAGE"
	if len(e.Media) > 1 {
		kind = "CAROUSEL_ALBUM"
	}
	all := map[string]any{
		"media_type": kind, "media_product_type": "FEED", "permalink": s.permalink(e), "username": author.Handle,
		"timestamp": e.AcceptedAt.UTC().Format("2006-01-02T15:04:05-0700"), "like_count": f.Likes, "comments_count": f.Comments,
	}
	if e.StoredText != "" {
		all["caption"] = e.StoredText
	}
	out := map[string]any{"id": e.ID}
	for _, name := range fields {
		if value, ok := all[name]; ok {
			out[name] = value
		}
	}
	return out
}

// shortcode is the name of a post in its address; the id is not part of it.
func shortcode(e ledger.Entry) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	v := ledger.Spread("shortcode", e.ID)
	name := []byte("D")
	for range 10 {
		name = append(name, letters[v%64])
		v /= 64
	}
	return string(name)
}

func (s *Server) permalink(e ledger.Entry) string {
	return s.cfg.PublicURL + "/p/" + shortcode(e) + "/"
}

// node is GET /{id}: a container or a post, whichever it is.
func (s *Server) node(w http.ResponseWriter, r *http.Request, user Account, in params) {
	id := r.PathValue("id")
	s.mu.RLock()
	c, isContainer := s.containers[id]
	s.mu.RUnlock()
	e, isPost := s.book.Get(id)
	switch {
	case isContainer && c.AccountID == user.ID:
		fields, bad := in.fields("id", "status", "status_code")
		if bad != nil {
			refuse(w, *bad)
			return
		}
		state := c.state(s.cfg.Now())
		answer := map[string]string{"id": c.ID}
		if slices.Contains(fields, "status_code") {
			answer["status_code"] = state
		}
		if slices.Contains(fields, "status") {
			answer["status"] = c.status(state)
		}
		writeJSON(w, http.StatusOK, answer)
	case isPost && e.AccountID == user.ID && !e.Deleted():
		fields, bad := in.fields(mediaFields()...)
		if bad != nil {
			refuse(w, *bad)
			return
		}
		writeJSON(w, http.StatusOK, s.media(e, user, fields))
	default:
		refuse(w, unknownObject(id))
	}
}

// figures are what a post has earned so far.
type figures struct {
	Views    int `json:"views"`
	Reach    int `json:"reach"`
	Likes    int `json:"likes"`
	Comments int `json:"comments"`
	Shares   int `json:"shares"`
	Saved    int `json:"saved"`
}

// figures computes a post's numbers from its id and age alone, so that every
// read agrees with the ones before: they only grow, they saturate within a few
// days, and none exceeds the views. Carousels travel further, so that there is
// something to learn.
func (s *Server) figures(e ledger.Entry, author Account) figures {
	hours := s.agedNow().Sub(e.AcceptedAt).Hours() * s.currentSettings().MetricsSpeed
	if hours <= 0 {
		return figures{}
	}
	draw := func(name string) float64 {
		return float64(ledger.Spread(name, e.ID, strconv.FormatUint(s.cfg.Seed, 10))>>11) / (1 << 53)
	}
	grown := 0.6*(1-math.Exp(-hours/(2+3*draw("pace")))) + 0.4*(1-math.Exp(-hours/36))
	appeal := 1 + 0.3*math.Cos(2*math.Pi*float64(e.AcceptedAt.UTC().Hour()-18)/24)
	if len(e.Media) > 1 {
		appeal *= 1.35
	}
	if strings.Contains(e.Text, "?") {
		appeal *= 1.1
	}
	views := float64(max(author.Followers, 50)) * (0.2 + 0.7*draw("reach")) * appeal * grown
	return figures{
		Views: int(views), Reach: int(views * (0.6 + 0.25*draw("unique"))), Likes: int(views * (0.02 + 0.06*draw("likes"))),
		Comments: int(views * 0.006 * draw("comments")), Shares: int(views * 0.008 * draw("shares")), Saved: int(views * 0.012 * draw("saved")),
	}
}

// insights is GET /{id}/insights of a post.
func (s *Server) insights(w http.ResponseWriter, r *http.Request, user Account, in params) {
	id := r.PathValue("id")
	e, ok := s.book.Get(id)
	if !ok || e.AccountID != user.ID || e.Deleted() {
		refuse(w, unknownObject(id))
		return
	}
	f := s.figures(e, user)
	known := map[string]int{
		"views": f.Views, "reach": f.Reach, "likes": f.Likes, "comments": f.Comments, "shares": f.Shares, "saved": f.Saved,
		"total_interactions": f.Likes + f.Comments + f.Shares + f.Saved,
	}
	data := []map[string]any{}
	for i, name := range strings.Split(in["metric"], ",") {
		value, ok := known[name]
		if !ok {
			// impressions and plays are no longer among them.
			refuse(w, parameter("metric[%d] must be one of the following values: views, reach, saved, likes, comments, shares, total_interactions", i))
			return
		}
		data = append(data, map[string]any{
			"name": name, "period": "lifetime", "values": []map[string]int{{"value": value}}, "title": name, "description": name,
			"id": id + "/insights/" + name + "/lifetime",
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data})
}
