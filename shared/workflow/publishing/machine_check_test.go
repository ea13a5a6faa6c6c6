package publishing

import (
	"time"

	"github.com/google/uuid"

	"rostrum/shared/post"
	"rostrum/shared/store"
)

// check holds what is seen and recorded against the promises.
func (m *machine) check() {
	if m.broken != nil {
		return
	}
	seen := map[int][]shown{}
	for _, s := range m.audience {
		seen[s.part] = append(seen[s.part], s)
		if len(seen[s.part]) > 1 {
			m.breaks("I1: part %d was seen %d times", s.part, len(seen[s.part]))
		}
	}
	view := m.view()
	state := view.Post.State
	if m.was.Final() && state != m.was {
		m.breaks("a %s post became %s", m.was, state)
	}
	m.was = state
	accepted := 0
	for _, a := range view.Attempts {
		if a.State != post.AttemptAccepted {
			continue
		}
		accepted++
		if len(seen[a.Part]) != 1 || seen[a.Part][0].ID != a.RemoteID {
			m.breaks("part %d is recorded as %s and was not seen as that", a.Part, a.RemoteID)
		}
	}
	if state == post.Published {
		m.checkPublished(view, seen)
	}
	m.checkAudit(view, accepted)
}

func (m *machine) checkPublished(view store.Sending, seen map[int][]shown) {
	parent := ""
	for part, text := range view.Post.Version.Content.Texts() {
		if len(seen[part]) != 1 || seen[part][0].Text != text || seen[part][0].ReplyTo != parent {
			m.breaks("I4: the post is published and part %d is not what was approved: %v", part, seen[part])
			return
		}
		parent = seen[part][0].ID
	}
}

func (m *machine) checkAudit(view store.Sending, accepted int) {
	var begun, taken, published int
	err := m.conn.QueryRow(m.ctx, `SELECT count(*) FILTER (WHERE action = 'attempt.started'),
		count(*) FILTER (WHERE action IN ('attempt.accepted', 'attempt.found')), count(*) FILTER (WHERE action = 'post.published')
		FROM audit_events WHERE subject_id = $1`, uuid.UUID(m.id)).Scan(&begun, &taken, &published)
	m.must(err)
	isPublished := view.Post.State == post.Published
	if begun != len(view.Attempts) || taken != accepted || published > 1 || isPublished != (published == 1) {
		m.breaks("I5: %d attempts, %d accepted, %s; the audit log says %d, %d, %d published",
			len(view.Attempts), accepted, view.Post.State, begun, taken, published)
	}
}

// comeToRest lets the senders die and everything work: the post must come to an
// end that a person can see (I2).
func (m *machine) comeToRest() {
	m.pause(false)
	for round := range 60 {
		state := m.view().Post.State
		if m.broken != nil || state != post.Scheduled && state != post.Sending && state != post.Unknown {
			return
		}
		if round%4 == 0 {
			m.senders = [2]*stepper{{}, {}}
			m.pass(settleWindow + time.Second)
			m.must(m.service.Tick(m.ctx))
			m.look()
			m.load(0)
		}
		m.intend(0)
		m.call(0)
		m.result(0)
		m.check()
	}
	view := m.view()
	if view.Post.NeedsPersonAt == nil && view.Post.Hold == "" {
		m.breaks("I2: the post stays %s without a word", view.Post.State)
	}
}
