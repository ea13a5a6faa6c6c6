package post

import "slices"

// State is where a post stands. There are no others: dispatch, retry, hold and
// "a person is needed" are columns beside it.
type State string

// The states.
const (
	Draft            State = "draft"
	InReview         State = "in_review"
	AwaitingApproval State = "awaiting_approval"
	ChangesRequested State = "changes_requested"
	Rejected         State = "rejected"
	Approved         State = "approved"
	Scheduled        State = "scheduled"
	Sending          State = "sending"
	Published        State = "published"
	Canceled         State = "canceled"
	Failed           State = "failed"
	Unknown          State = "unknown"
	Missed           State = "missed"
)

// Transition is one allowed move.
type Transition struct {
	From, To State
	// Why is what makes it happen, in a few words; it labels the picture.
	Why string
}

// Transitions returns the whole state machine. The database's trigger holds
// the same pairs; a test compares the two.
func Transitions() []Transition {
	return []Transition{
		{Draft, InReview, "submitted"},
		{Draft, Canceled, "canceled"},
		{InReview, AwaitingApproval, "reviewed"},
		{InReview, ChangesRequested, "review asks for changes"},
		{InReview, Draft, "edited"},
		{InReview, Canceled, "canceled"},
		{ChangesRequested, Draft, "edited"},
		{ChangesRequested, InReview, "submitted again"},
		{ChangesRequested, Canceled, "canceled"},
		{AwaitingApproval, Approved, "approved without a time"},
		{AwaitingApproval, Scheduled, "approved with a time"},
		{AwaitingApproval, ChangesRequested, "approver asks for changes"},
		{AwaitingApproval, Rejected, "rejected"},
		{AwaitingApproval, Draft, "edited"},
		{AwaitingApproval, Canceled, "canceled"},
		{Rejected, Draft, "reopened"},
		{Approved, Scheduled, "given a time"},
		{Approved, Draft, "edited"},
		{Approved, Canceled, "canceled"},
		{Scheduled, Approved, "time taken away"},
		{Scheduled, Draft, "edited"},
		{Scheduled, Canceled, "canceled"},
		{Scheduled, Sending, "intent written"},
		{Scheduled, Missed, "too late for the catch-up rule"},
		{Scheduled, Failed, "cannot be sent"},
		{Sending, Published, "all parts accepted"},
		{Sending, Scheduled, "nothing went out, try again"},
		{Sending, Failed, "refused by the network"},
		{Sending, Unknown, "answer unclear"},
		{Unknown, Published, "found on the network"},
		{Unknown, Scheduled, "proved absent"},
		{Unknown, Sending, "found, next part"},
		{Unknown, Failed, "a person says it is not there"},
		{Failed, Scheduled, "retried by a person"},
		{Failed, Draft, "edited"},
		{Failed, Canceled, "canceled"},
		{Missed, Scheduled, "given a new time"},
		{Missed, Draft, "edited"},
		{Missed, Canceled, "canceled"},
	}
}

// CanMove reports whether a post may go from one state to the other.
func CanMove(from, to State) bool {
	return slices.ContainsFunc(Transitions(), func(t Transition) bool { return t.From == from && t.To == to })
}

// States returns every state, in the order of a post's life.
func States() []State {
	return []State{
		Draft, InReview, AwaitingApproval, ChangesRequested, Rejected, Approved, Scheduled,
		Sending, Published, Canceled, Failed, Unknown, Missed,
	}
}

// Editable reports whether the content may change in this state. An edit voids
// any approval and brings the post back to Draft.
func (s State) Editable() bool { return s == Draft || CanMove(s, Draft) }

// Final reports whether nothing can happen any more.
func (s State) Final() bool { return s == Published || s == Canceled }
