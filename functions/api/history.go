package api

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/audit"
	domain "rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/workflow/browsing"
)

// Event is one act, with a sentence for people.
type Event struct {
	ID          string         `json:"id"`
	At          time.Time      `json:"at"`
	Actor       EventActor     `json:"actor"`
	Action      string         `json:"action" example:"post.approved"`
	Sentence    string         `json:"sentence" example:"Ada approved version 2."`
	SubjectKind string         `json:"subject_kind"`
	SubjectID   string         `json:"subject_id"`
	AccountID   *string        `json:"account_id" doc:"The account that it is about; null when it is about none."`
	Detail      map[string]any `json:"detail"`
}

// EventActor is who acted.
type EventActor struct {
	Kind string `json:"kind" enum:"person,token,rule,system"`
	Name string `json:"name"`
}

func toEvent(e store.RecordedEvent) Event {
	out := Event{
		ID: e.ID.String(), At: e.At, Actor: EventActor{Kind: string(e.Actor.Kind), Name: e.Actor.Name}, Action: e.Action,
		Sentence: sentenceOf(e), SubjectKind: e.SubjectKind, SubjectID: e.SubjectID.String(), Detail: e.Detail,
	}
	if e.AccountID != uuid.Nil {
		out.AccountID = new(e.AccountID.String())
	}
	if out.Detail == nil {
		out.Detail = map[string]any{}
	}
	return out
}

// sentenceOf tells an event to people. An action without words of its own is
// told by its name.
func sentenceOf(e store.RecordedEvent) string {
	if words := wordsOf(e); words != "" {
		return nameOf(e.Actor) + " " + strings.TrimRight(words, ".") + "."
	}
	return nameOf(e.Actor) + ": " + strings.NewReplacer(".", " ", "_", " ").Replace(e.Action) + "."
}

// nameOf is what people call an actor: a function by what it does.
func nameOf(a audit.Actor) string {
	if a.Kind != audit.System {
		return a.Name
	}
	switch a.Name {
	case "publish":
		return "The sender"
	case "metrics":
		return "The metrics reader"
	case "generate":
		return "The generator"
	}
	return "The " + a.Name
}

func wordsOf(e store.RecordedEvent) string {
	d := details(e.Detail)
	switch e.Action {
	case "post.created":
		return "wrote it"
	case "post.edited":
		return "wrote version " + d.text("version")
	case "post.submitted":
		return "sent version " + d.text("version") + " to review"
	case "post.reviewed":
		return reviewWords(d)
	case "post.approved":
		return "approved version " + d.text("version")
	case "post.changes_requested":
		return "asked for changes" + d.behind("reason")
	case "post.rejected":
		return "rejected it" + d.behind("reason")
	case "post.canceled":
		return "canceled it" + d.behind("reason")
	case "post.scheduled":
		return "gave it the time " + strings.Replace(d.text("local"), "T", " ", 1) + " in " + d.text("zone")
	case "post.unscheduled":
		return "took its time away"
	case "post.publish_now":
		return "had it sent at once"
	case "post.retried":
		return "had it tried again"
	case "post.resolved":
		if d["found"] == true {
			return "found it on the network"
		}
		return "looked and did not find it on the network"
	}
	return sendingWords(e.Action, d)
}

func reviewWords(d details) string {
	if d["verdict"] == "pass" {
		return "found nothing that must change"
	}
	return "reviewed it and asks for changes"
}

func sendingWords(action string, d details) string {
	switch action {
	case "post.zone_changed":
		return "wrote its time on the clocks of " + d.text("zone") + ", the moment is the same"
	case "post.zone_rules_changed":
		return "moved it with its clock: the rules of " + d.text("zone") + " have changed"
	case "post.published":
		return "published it"
	case "post.failed":
		return "could not send it" + inWords(d.behind("code"))
	case "post.held":
		return "keeps it back" + d.heldFor()
	case "post.missed":
		return "came too late for it"
	}
	return attemptWords(action, d)
}

func attemptWords(action string, d details) string {
	switch action {
	case "attempt.started":
		return "began to send part " + d.part()
	case "attempt.accepted":
		return "had part " + d.part() + " accepted by the network"
	case "attempt.found":
		return "found part " + d.part() + " on the account"
	case "attempt.absent":
		return "proved that part " + d.part() + " is not on the account"
	case "attempt.accepted_late":
		return "learned late that part " + d.part() + " was accepted"
	case "attempt.refused":
		return d.refusal()
	case "attempt.not_sent":
		return "could not send part " + d.part() + ", nothing left Rostrum"
	case "attempt.unclear":
		return "got no clear answer about part " + d.part()
	}
	return otherWords(action, d)
}

func otherWords(action string, d details) string {
	switch action {
	case "post.measured":
		return "read its numbers"
	case "post.needs_person":
		return "cannot tell and asks a person"
	case "post.recovered":
		return "took up what an earlier sender left"
	case "post.handed_back":
		return "left the rest of the thread to the next sender"
	case "generation.requested":
		return "asked the agents for " + d.text("wanted") + " drafts"
	case "generation.finished":
		return "finished a run of the agents"
	case "generation.failed":
		return "could not finish a run of the agents"
	case "idea.dismissed":
		return "dismissed an idea"
	case "source.added":
		return "added a source"
	case "source.removed":
		return "removed a source"
	}
	return accountWords(action, d)
}

func accountWords(action string, d details) string {
	switch action {
	case "account.token_refreshed":
		return "renewed the account's sign-in"
	case "session.opened":
		return "signed in"
	case "session.closed":
		return "signed out"
	case "account.connected":
		return "connected @" + d.text("handle")
	case "account.zone_changed":
		return "moved the account from " + d.text("from") + " to " + d.text("zone")
	case "account.edited":
		return "edited the account"
	case "account.paused", "workspace.paused":
		return "paused sending" + d.behind("reason")
	case "account.resumed", "workspace.resumed":
		return "let sending go on"
	case "media.added":
		return "added the image " + d.text("name")
	case "media.removed":
		return "removed an image"
	case "network.paused", "agent.paused":
		return "paused " + d.paused() + d.behind("reason")
	case "network.resumed", "agent.resumed":
		return "let " + d.paused() + " go on"
	case "breaker.tried":
		return "asked for another try at the network"
	case "account.needs_reconnect":
		return "was no longer accepted by the network"
	}
	return recurrenceWords(action)
}

func recurrenceWords(action string) string {
	switch action {
	case "recurrence.created":
		return "had a post repeat"
	case "recurrence.edited":
		return "edited a recurrence"
	case "recurrence.paused":
		return "paused a recurrence"
	case "recurrence.resumed":
		return "let a recurrence go on"
	case "recurrence.ended":
		return "ended a recurrence"
	case "recurrence.removed":
		return "removed a recurrence"
	}
	return ""
}

// details reads an event's small facts for a sentence.
type details map[string]any

func (d details) text(key string) string {
	if v, ok := d[key]; ok {
		return fmt.Sprint(v)
	}
	return "?"
}

// paused names what a switch of a network or an agent stops.
func (d details) paused() string {
	switch d.text("subject") {
	case "generate":
		return "drafting"
	case "review":
		return "the reviewer"
	}
	return "sending to " + account.Network(d.text("subject")).Name()
}

// behind is the fact behind a colon, nothing when there is none.
func (d details) behind(key string) string {
	if v, ok := d[key].(string); ok && v != "" {
		return ": " + v
	}
	return ""
}

// heldFor names the reason of a hold behind a colon.
func (d details) heldFor() string {
	if reason, ok := d["reason"].(string); ok && reason != "" {
		return ": " + strings.ToLower(browsing.HoldLabel(domain.HoldReason(reason)))
	}
	return ""
}

// refusal tells what the network said to a part that it did not take.
func (d details) refusal() string {
	switch d.text("code") {
	case "rate_limited", "usage_capped", "user_limit_24h", "app_limit_24h", "daily_limit":
		return "was asked by the network to wait with part " + d.part()
	case "http_401":
		return "had part " + d.part() + " refused: the network did not take the account's sign-in"
	}
	return "had part " + d.part() + " refused by the network" + inWords(d.behind("code"))
}

// inWords is a code as people may read it.
func inWords(code string) string { return strings.ReplaceAll(code, "_", " ") }

// part counts from one, as people do.
func (d details) part() string {
	if n, ok := d["part"].(float64); ok {
		return strconv.Itoa(int(n) + 1)
	}
	return "?"
}

func (s *Server) listHistory(ctx context.Context, in *ByID) (*List[Event], error) {
	id, err := postID(in.ID)
	if err != nil {
		return nil, err
	}
	events, err := s.Browsing.History(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	return list(toEvents(events)), nil
}

func toEvents(events []store.RecordedEvent) []Event {
	out := make([]Event, len(events))
	for i, e := range events {
		out[i] = toEvent(e)
	}
	return out
}

func (s *Server) listAudit(ctx context.Context, in *Paging) (*Page[Event], error) {
	var before int64
	if in.Cursor != "" {
		if err := decodeCursor(in.Cursor, &before); err != nil {
			return nil, err
		}
	}
	events, err := s.Browsing.Audit(ctx, actor(ctx), before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	events, next := cut(events, in.Limit, func(e store.RecordedEvent) any { return e.Sequence })
	return page(toEvents(events), next), nil
}

// Attempt is one try to send one part.
type Attempt struct {
	ID         string     `json:"id"`
	Part       int        `json:"part" doc:"From 0."`
	Number     int        `json:"number"`
	State      string     `json:"state" enum:"sending,accepted,refused,not_sent,unknown,absent"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	RemoteID   string     `json:"remote_id"`
	RemoteURL  string     `json:"remote_url"`
	Code       string     `json:"code"`
	Detail     string     `json:"detail"`
	SettledBy  string     `json:"settled_by" doc:"Empty for the network's own answer, else read_back or person."`
}

func (s *Server) listAttempts(ctx context.Context, in *ByID) (*List[Attempt], error) {
	id, err := postID(in.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.Browsing.Attempts(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	items := make([]Attempt, len(attempts))
	for i, a := range attempts {
		items[i] = toAttempt(a)
	}
	return list(items), nil
}

func toAttempt(a domain.Attempt) Attempt {
	return Attempt{
		ID: a.ID.String(), Part: a.Part, Number: a.Number, State: string(a.State), StartedAt: a.StartedAt, FinishedAt: a.FinishedAt,
		RemoteID: a.RemoteID, RemoteURL: a.RemoteURL, Code: a.Code, Detail: a.Detail, SettledBy: a.SettledBy,
	}
}

// Reading is a post's numbers at one age; null was not given by the network.
type Reading struct {
	AgeSeconds    int64      `json:"age_seconds"`
	DueAt         time.Time  `json:"due_at"`
	TakenAt       *time.Time `json:"taken_at"`
	Problem       string     `json:"problem"`
	Impressions   *int64     `json:"impressions"`
	Likes         *int64     `json:"likes"`
	Replies       *int64     `json:"replies"`
	Reposts       *int64     `json:"reposts"`
	Quotes        *int64     `json:"quotes"`
	Bookmarks     *int64     `json:"bookmarks"`
	LinkClicks    *int64     `json:"link_clicks"`
	ProfileClicks *int64     `json:"profile_clicks"`
}

func (s *Server) listMetrics(ctx context.Context, in *ByID) (*List[Reading], error) {
	id, err := postID(in.ID)
	if err != nil {
		return nil, err
	}
	readings, err := s.Browsing.Readings(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	items := make([]Reading, len(readings))
	for i, r := range readings {
		n := r.Numbers
		items[i] = Reading{
			AgeSeconds: int64(r.Age / time.Second), DueAt: r.DueAt, TakenAt: r.TakenAt, Problem: r.Problem,
			Impressions: n.Impressions, Likes: n.Likes, Replies: n.Replies, Reposts: n.Reposts, Quotes: n.Quotes,
			Bookmarks: n.Bookmarks, LinkClicks: n.LinkClicks, ProfileClicks: n.ProfileClicks,
		}
	}
	return list(items), nil
}
