package instagram

import (
	"net/http"
	"time"

	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

// day is the rolling window of the publishing limit.
const day = 24 * time.Hour

// publish is POST /{id}/media_publish, the one call that the audience sees.
func (s *Server) publish(w http.ResponseWriter, r *http.Request, user Account, in params) {
	if bad := owns(r, user); bad != nil {
		refuse(w, *bad)
		return
	}
	if in["creation_id"] == "" {
		refuse(w, parameter("The parameter creation_id is required"))
		return
	}
	id, bad := s.accept(user, in["creation_id"], fault.ClientSees(r.Context()))
	if bad != nil {
		refuse(w, *bad)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"id": id})
}

// accept is the moment of truth: the container's state, the limit, the id, the
// journal and the ledger, under one lock, so that two calls with one container
// are one post.
func (s *Server) accept(user Account, creation, clientSees string) (string, *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	c, ok := s.containers[creation]
	var p problem
	switch state := c.state(now); {
	case !ok || c.AccountID != user.ID:
		p = noContainer()
	case state == published && !s.settings.RefuseRepublish:
		return c.PostID, nil
	case state == published:
		// That nothing is shown twice is what containers are for; the code is
		// unverified.
		p = noMedia()
	case c.Item:
		p = parameter("A carousel item cannot be published")
	case state == expired:
		p = containerExpired()
	case state == failedState:
		// Unverified.
		p = graph(-1, 2207032, "The media could not be created.")
	case state == inProgress:
		p = notReady()
	case s.usedToday(user, now) >= s.settings.QuotaTotal:
		p = dayFull()
	default:
		return s.show(user, c, now, clientSees)
	}
	return "", &p
}

// show makes a container a post. The caller holds the lock.
func (s *Server) show(user Account, c container, now time.Time, clientSees string) (string, *problem) {
	id := s.nextID("media")
	entry := ledger.Entry{
		ID: id, AccountID: user.ID, Handle: user.Handle, Text: c.Caption, StoredText: c.Caption, Media: c.Media,
		ConversationID: id, AcceptedAt: now, ClientSaw: clientSees,
	}
	c.PostID = id
	if err := s.commit(record{Kind: recordPost, Post: &entry, Container: &c}); err != nil {
		p := serverError()
		return "", &p
	}
	return id, nil
}

// usedToday counts what the account published in the last 24 hours. The caller
// holds the lock.
func (s *Server) usedToday(user Account, now time.Time) int {
	since := now.Add(-day)
	return len(s.book.Latest(user.ID, s.settings.QuotaTotal+1,
		func(ledger.Entry) bool { return true }, func(e ledger.Entry) bool { return !e.AcceptedAt.After(since) }))
}

// limit is GET /{id}/content_publishing_limit.
func (s *Server) limit(w http.ResponseWriter, r *http.Request, user Account, in params) {
	fields, bad := in.fields("quota_usage", "config")
	if bad == nil {
		bad = owns(r, user)
	}
	if bad != nil {
		refuse(w, *bad)
		return
	}
	s.mu.RLock()
	used, total := s.usedToday(user, s.cfg.Now()), s.settings.QuotaTotal
	s.mu.RUnlock()
	answer := map[string]any{}
	for _, name := range fields {
		switch name {
		case "quota_usage":
			answer[name] = used
		case "config":
			answer[name] = map[string]int{"quota_total": total, "quota_duration": int(day / time.Second)}
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": []any{answer}})
}
