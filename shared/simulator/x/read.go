package x

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

// namings: X's OpenAPI file 2.167 says post and repost where its pages and its
// servers still say tweet and retweet.
const (
	namingTweet = "tweet"
	namingPost  = "post"
)

type names struct {
	fields     string
	history    string
	retweets   string
	referenced string
}

func (s *Server) names() names {
	if s.currentSettings().Naming == namingPost {
		return names{"post.fields", "edit_history_post_ids", "repost_count", "referenced_posts"}
	}
	return names{"tweet.fields", "edit_history_tweet_ids", "retweet_count", "referenced_tweets"}
}

// known lists the fields that may be asked for; those that this network has no
// data for are left out of the answer, as X leaves out what a post lacks.
func (n names) known() []string {
	return []string{
		"article", "attachments", "author_id", "card_uri", "community_id", "context_annotations", "conversation_id",
		"created_at", "display_text_range", "edit_controls", n.history, "entities", "geo", "id", "in_reply_to_user_id",
		"lang", "media_metadata", "non_public_metrics", "note_tweet", "organic_metrics", "possibly_sensitive",
		"promoted_metrics", "public_metrics", n.referenced, "reply_settings", "scopes", "source", "suggested_source_links",
		"text", "withheld",
	}
}

// readQuery checks the names in a query against those that an endpoint knows and
// returns the fields asked for.
func (s *Server) readQuery(q url.Values, allowed ...string) (map[string]bool, *problem) {
	n := s.names()
	allowed = append(allowed, "tweet.fields", n.fields)
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(allowed, name) {
			p := invalid(name, q.Get(name), fmt.Sprintf("The query parameter [%s] is not one of [%s]", name, strings.Join(allowed, ",")))
			return nil, &p
		}
	}
	asked := map[string]bool{"id": true, "text": true, n.history: true}
	for _, param := range []string{"tweet.fields", n.fields} {
		for _, field := range splitList(q.Get(param)) {
			if !slices.Contains(n.known(), field) {
				p := invalid(param, field, fmt.Sprintf("The `%s` query parameter value [%s] is not one of [%s]",
					param, field, strings.Join(n.known(), ",")))
				return nil, &p
			}
			asked[field] = true
		}
	}
	return asked, nil
}

func splitList(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}

// lookup is GET /2/tweets/{id}.
func (s *Server) lookup(w http.ResponseWriter, r *http.Request, user Account) {
	asked, bad := s.readQuery(r.URL.Query())
	id := r.PathValue("id")
	if bad == nil && !validID(id) {
		p := invalid("id", id, "The `id` path parameter value ["+id+"] is not valid")
		bad = &p
	}
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	entry, ok := s.visible(r, id)
	if !ok {
		writeJSON(w, http.StatusOK, map[string]any{"errors": []partial{notFound("id", id)}})
		return
	}
	data, errs := s.view(entry, user, asked)
	answer := map[string]any{"data": data}
	if len(errs) > 0 {
		answer["errors"] = errs
	}
	writeJSON(w, http.StatusOK, answer)
}

// lookupMany is GET /2/tweets?ids=.
func (s *Server) lookupMany(w http.ResponseWriter, r *http.Request, user Account) {
	asked, bad := s.readQuery(r.URL.Query(), "ids")
	ids := splitList(r.URL.Query().Get("ids"))
	if bad == nil && (len(ids) == 0 || len(ids) > 100) {
		p := invalid("ids", strconv.Itoa(len(ids)), "The number of values in the `ids` query parameter has to be between 1 and 100")
		bad = &p
	}
	for _, id := range ids {
		if bad == nil && !validID(id) {
			p := invalid("ids", id, "The `ids` query parameter value ["+id+"] is not valid")
			bad = &p
		}
	}
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	var found []map[string]any
	var errs []partial
	for _, id := range ids {
		entry, ok := s.visible(r, id)
		if !ok {
			errs = append(errs, notFound("ids", id))
			continue
		}
		data, refused := s.view(entry, user, asked)
		found, errs = append(found, data), append(errs, refused...)
	}
	answer := map[string]any{}
	if len(found) > 0 {
		answer["data"] = found
	}
	if len(errs) > 0 {
		answer["errors"] = errs
	}
	writeJSON(w, http.StatusOK, answer)
}

// visible returns a post that stands and that a lagging read may show.
func (s *Server) visible(r *http.Request, id string) (ledger.Entry, bool) {
	e, ok := s.book.Get(id)
	return e, ok && !e.Deleted() && s.shown(r, e)
}

func (s *Server) shown(r *http.Request, e ledger.Entry) bool {
	lag := fault.ReadLag(r.Context())
	return lag == 0 || !e.AcceptedAt.After(s.cfg.Now().Add(-lag))
}

// timelineQuery is what GET /2/users/{id}/tweets was asked.
type timelineQuery struct {
	limit          int
	since, until   uint64
	start, end     time.Time
	excludeReplies bool
}

func parseTimeline(q url.Values) (timelineQuery, *problem) {
	t := timelineQuery{limit: 10}
	refuse := func(name string) (timelineQuery, *problem) {
		p := invalid(name, q.Get(name), fmt.Sprintf("The `%s` query parameter value [%s] is not valid", name, q.Get(name)))
		return t, &p
	}
	if q.Has("max_results") {
		n, err := strconv.Atoi(q.Get("max_results"))
		if err != nil || n < 5 || n > 100 {
			return refuse("max_results")
		}
		t.limit = n
	}
	for name, into := range map[string]*uint64{"since_id": &t.since, "until_id": &t.until, "pagination_token": &t.until} {
		if !readID(q, name, into) {
			return refuse(name)
		}
	}
	for name, into := range map[string]*time.Time{"start_time": &t.start, "end_time": &t.end} {
		if !q.Has(name) {
			continue
		}
		at, err := time.Parse(time.RFC3339, q.Get(name))
		if err != nil {
			return refuse(name)
		}
		*into = at
	}
	for _, kind := range splitList(q.Get("exclude")) {
		if kind != "replies" && kind != "retweets" {
			return refuse("exclude")
		}
		t.excludeReplies = t.excludeReplies || kind == "replies"
	}
	return t, nil
}

// readID reads a bound of the page; of two upper bounds the lower one holds.
func readID(q url.Values, name string, into *uint64) bool {
	if !q.Has(name) {
		return true
	}
	value := strings.TrimPrefix(q.Get(name), pageMark)
	n, err := strconv.ParseUint(value, 10, 64)
	if !validID(value) || err != nil {
		return false
	}
	if *into == 0 || n < *into {
		*into = n
	}
	return true
}

// pageMark begins the tokens of later pages; to a client they are opaque.
const pageMark = "b26v89c19zqg8o3f"

// has reports whether an entry belongs on the page.
func (t timelineQuery) has(e ledger.Entry) bool {
	id, err := strconv.ParseUint(e.ID, 10, 64)
	return err == nil && (t.until == 0 || id < t.until) && (t.start.IsZero() || !e.AcceptedAt.Before(t.start)) &&
		(t.end.IsZero() || e.AcceptedAt.Before(t.end)) && (!t.excludeReplies || e.ReplyTo == "")
}

// past reports whether an entry, and so every older one, is before the page.
func (t timelineQuery) past(e ledger.Entry) bool {
	id, err := strconv.ParseUint(e.ID, 10, 64)
	return err != nil || id <= t.since
}

// timeline is GET /2/users/{id}/tweets.
func (s *Server) timeline(w http.ResponseWriter, r *http.Request, user Account) {
	q := r.URL.Query()
	asked, bad := s.readQuery(q, "max_results", "since_id", "until_id", "start_time", "end_time", "pagination_token", "exclude")
	var t timelineQuery
	if bad == nil {
		t, bad = parseTimeline(q)
	}
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	owner := r.PathValue("id")
	if _, ok := s.accountByID(owner); !ok {
		missing := notFound("id", owner)
		missing.ResourceType, missing.Detail = "user", "Could not find user with id: ["+owner+"]."
		writeJSON(w, http.StatusOK, map[string]any{"errors": []partial{missing}})
		return
	}
	keep := func(e ledger.Entry) bool { return !e.Deleted() && s.shown(r, e) && t.has(e) }
	entries := s.book.Latest(owner, t.limit+1, keep, t.past)
	more := len(entries) > t.limit
	if more {
		entries = entries[:t.limit]
	}
	writeJSON(w, http.StatusOK, s.page(entries, user, asked, more, q.Has("pagination_token")))
}

// page builds the answer of a timeline.
func (s *Server) page(entries []ledger.Entry, user Account, asked map[string]bool, more, later bool) map[string]any {
	meta := map[string]any{"result_count": len(entries)}
	answer := map[string]any{"meta": meta}
	if len(entries) == 0 {
		return answer
	}
	newest, oldest := entries[0].ID, entries[len(entries)-1].ID
	meta["newest_id"], meta["oldest_id"] = newest, oldest
	if more {
		meta["next_token"] = pageMark + oldest
	}
	if later {
		meta["previous_token"] = pageMark + newest
	}
	var data []map[string]any
	var errs []partial
	for _, e := range entries {
		item, refused := s.view(e, user, asked)
		data, errs = append(data, item), append(errs, refused...)
	}
	answer["data"] = data
	if len(errs) > 0 {
		answer["errors"] = errs
	}
	return answer
}

// me is GET /2/users/me.
func (s *Server) me(w http.ResponseWriter, r *http.Request, user Account) {
	known := []string{"created_at", "description", "id", "name", "public_metrics", "username", "verified", "verified_type", "protected"}
	q := r.URL.Query()
	for name := range q {
		if name != "user.fields" {
			s.refuse(w, invalid(name, q.Get(name), "The query parameter ["+name+"] is not one of [user.fields]"))
			return
		}
	}
	data := map[string]any{"id": user.ID, "name": user.Name, "username": user.Handle}
	for _, field := range splitList(q.Get("user.fields")) {
		if !slices.Contains(known, field) {
			s.refuse(w, invalid("user.fields", field, "The `user.fields` query parameter value ["+field+"] is not one of ["+
				strings.Join(known, ",")+"]"))
			return
		}
		switch field {
		case "created_at":
			data[field] = stamp(user.CreatedAt)
		case "description":
			data[field] = user.Bio
		case "verified":
			data[field] = user.LongPosts
		case "verified_type":
			data[field] = map[bool]string{true: "blue", false: "none"}[user.LongPosts]
		case "protected":
			data[field] = false
		case "public_metrics":
			data[field] = s.userFigures(user)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data})
}

func (s *Server) userFigures(user Account) map[string]int {
	stands := func(e ledger.Entry) bool { return e.AccountID == user.ID && !e.Deleted() }
	return map[string]int{
		"followers_count": user.Followers, "following_count": 40 + int(ledger.Spread("following", user.ID)%400),
		"tweet_count": len(s.book.Find(stands)), "listed_count": user.Followers / 60, "like_count": int(ledger.Spread("liked", user.ID) % 3000),
	}
}

// stamp writes a time as X does: whole seconds with a fraction of zero.
func stamp(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05.000Z")
}

// view is a post as the API answers it: the fields asked for and no others.
// Private figures are told to the author alone and for thirty days (metrics
// page, read 2026-11); otherwise an error stands beside the data.
func (s *Server) view(e ledger.Entry, viewer Account, asked map[string]bool) (map[string]any, []partial) {
	n := s.names()
	author, _ := s.accountByID(e.AccountID)
	age := s.agedNow().Sub(e.AcceptedAt)
	figures := s.figures(e, author)
	private := viewer.ID == e.AccountID && age <= 30*24*time.Hour
	data := map[string]any{}
	var errs []partial
	for field := range asked {
		switch field {
		case "id":
			data[field] = e.ID
		case "text":
			data[field] = e.StoredText
		case n.history:
			data[field] = []string{e.ID}
		case "author_id":
			data[field] = e.AccountID
		case "conversation_id":
			data[field] = e.ConversationID
		case "created_at":
			data[field] = stamp(e.AcceptedAt)
		case "lang":
			data[field] = "en"
		case "reply_settings":
			data[field] = "everyone"
		case "public_metrics":
			data[field] = figures.public(n)
		case "non_public_metrics", "organic_metrics":
			if !private {
				errs = append(errs, fieldRefused(e.ID, field))
				continue
			}
			data[field] = figures.private(field, n)
		case "attachments", "entities", n.referenced, "in_reply_to_user_id":
			s.relate(data, e, field, n)
		}
	}
	return data, errs
}

// relate adds the fields that only some posts have.
func (s *Server) relate(data map[string]any, e ledger.Entry, field string, n names) {
	switch field {
	case "entities":
		if len(e.Links)+len(e.Media) > 0 {
			data[field] = map[string]any{"urls": linkEntities(e)}
		}
	case "attachments":
		if len(e.Media) > 0 {
			keys := make([]string, len(e.Media))
			for i, m := range e.Media {
				keys[i] = mediaKey(m.ID)
			}
			data[field] = map[string]any{"media_keys": keys}
		}
	case n.referenced:
		if e.ReplyTo != "" {
			data[field] = []map[string]string{{"type": "replied_to", "id": e.ReplyTo}}
		}
	case "in_reply_to_user_id":
		if parent, ok := s.book.Get(e.ReplyTo); ok {
			data[field] = parent.AccountID
		}
	}
}

// linkEntities places each link in the stored text, in code points.
func linkEntities(e ledger.Entry) []map[string]any {
	var out []map[string]any
	from := 0
	for _, l := range e.Links {
		at := strings.Index(e.StoredText[from:], l.Short)
		if at < 0 {
			continue
		}
		start := utf8.RuneCountInString(e.StoredText[:from+at])
		out = append(out, map[string]any{
			"start": start, "end": start + utf8.RuneCountInString(l.Short),
			"url": l.Short, "expanded_url": l.Expanded, "display_url": l.Display,
		})
		from += at + len(l.Short)
	}
	return append(out, mediaEntities(e)...)
}

// mediaEntities are the appended link, once for each image.
func mediaEntities(e ledger.Entry) []map[string]any {
	var out []map[string]any
	link := mediaLink(e.ID)
	end := utf8.RuneCountInString(e.StoredText)
	for i, m := range e.Media {
		out = append(out, map[string]any{
			"start": end - utf8.RuneCountInString(link), "end": end, "url": link, "media_key": mediaKey(m.ID),
			"expanded_url": fmt.Sprintf("https://x.com/%s/status/%s/photo/%d", e.Handle, e.ID, i+1),
			"display_url":  "pic.x.com/" + strings.TrimPrefix(link, "https://t.co/"),
		})
	}
	return out
}
