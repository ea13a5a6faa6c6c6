package post

import (
	"time"

	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/audit"
)

// ID identifies a post.
type ID uuid.UUID

// String returns the id in its usual form.
func (id ID) String() string { return uuid.UUID(id).String() }

// HoldReason says why a scheduled post is not going out. Empty is not held.
type HoldReason string

// The reasons, each with a sentence that the dashboard shows.
const (
	HeldPausedWorkspace HoldReason = "workspace_paused"
	HeldPausedAccount   HoldReason = "account_paused"
	HeldReauth          HoldReason = "account_needs_reconnect"
	HeldRateLimit       HoldReason = "rate_limited"
	HeldOutOfCredit     HoldReason = "out_of_credit"
	HeldLate            HoldReason = "late_needs_decision"
	HeldRetry           HoldReason = "retrying"
	HeldContentChanged  HoldReason = "content_not_as_approved"
	// HeldFoundLate: a part turned up on the network after it was proved absent.
	HeldFoundLate HoldReason = "found_late"
	// HeldPausedNetwork: a person paused the whole network for the workspace.
	HeldPausedNetwork HoldReason = "network_paused"
	// HeldQuota: the network takes no more posts until its window is over.
	HeldQuota HoldReason = "quota_used_up"
	// HeldNetworkTrouble and HeldAccountTrouble: a breaker is open.
	HeldNetworkTrouble HoldReason = "network_trouble"
	HeldAccountTrouble HoldReason = "account_trouble"
	// HeldCatchingUp: it is of a backlog that goes out one post after the other.
	HeldCatchingUp HoldReason = "catching_up"
)

// HoldReasons returns every reason that a post can be held for.
func HoldReasons() []HoldReason {
	return []HoldReason{
		HeldPausedWorkspace, HeldPausedNetwork, HeldPausedAccount, HeldReauth, HeldRateLimit, HeldQuota, HeldOutOfCredit,
		HeldNetworkTrouble, HeldAccountTrouble, HeldCatchingUp, HeldLate, HeldRetry, HeldContentChanged, HeldFoundLate,
	}
}

// HoldFacts is what stands behind a hold; zero fields are not known or do not apply.
type HoldFacts struct {
	// Since is when a switch was thrown, or since when the other side fails.
	Since time.Time
	// Until is when the post is tried next by itself.
	Until time.Time
	// By and Reason are who threw the switch, and what that person said.
	By, Reason string
}

// Version is one immutable content of a post.
type Version struct {
	ID        uuid.UUID
	PostID    ID
	Number    int
	Content   Content
	Hash      string
	CreatedBy audit.Actor
	CreatedAt time.Time
	// Note says why this version was made, for people; may be empty.
	Note string
}

// Schedule is when a post is due: the wall clock that the person chose, the
// zone it was chosen in, and the instant that both came to.
type Schedule struct {
	DueAt time.Time // UTC, whole second
	Local string    // "2006-01-02T15:04:05", wall clock in Zone
	Zone  string    // IANA
}

// Post is one content for one account with one fate.
type Post struct {
	ID          ID
	WorkspaceID uuid.UUID
	AccountID   account.ID
	GroupID     uuid.UUID
	IdeaID      *uuid.UUID
	State       State
	// Revision rises when content, schedule, account or approval changes,
	// never because of sending. Messages carry it; an old one is dropped.
	Revision int64
	// ETag rises with every change a reader can see.
	ETag     int64
	Version  Version
	Schedule *Schedule
	// CorrelationID follows the post through logs, messages and audit events.
	CorrelationID uuid.UUID
	Hold          HoldReason
	// NotBefore is when the next try may start; nil when there is nothing to wait for.
	NotBefore     *time.Time
	NeedsPersonAt *time.Time
	AttemptNo     int
	PublishedAt   *time.Time
	// Lateness is the network's acceptance minus the due time.
	Lateness      *time.Duration
	RemoteURL     string
	FailureCode   string
	FailureDetail string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Approval is a person's (or a rule's) word for one content.
type Approval struct {
	ID            uuid.UUID
	PostID        ID
	VersionID     uuid.UUID
	ContentHash   string
	Actor         audit.Actor
	DecidedAt     time.Time
	RevokedAt     *time.Time
	RevokedReason string
}

// AttemptState is where one try to send one part stands.
type AttemptState string

// The attempt states. At most one attempt of a part can be sending, unknown or
// accepted: a unique index holds that.
const (
	AttemptSending  AttemptState = "sending"
	AttemptAccepted AttemptState = "accepted"
	AttemptRefused  AttemptState = "refused"
	AttemptNotSent  AttemptState = "not_sent"
	AttemptUnknown  AttemptState = "unknown"
	AttemptAbsent   AttemptState = "absent"
)

// Attempt is one try to send one part.
type Attempt struct {
	ID          uuid.UUID
	PostID      ID
	Part        int
	Number      int
	State       AttemptState
	Fingerprint string
	// SinceID is the newest post the account had before the call; reading back starts there.
	SinceID    string
	ReplyTo    string
	StartedAt  time.Time
	FinishedAt *time.Time
	RemoteID   string
	RemoteURL  string
	Code       string
	Detail     string
	// SettledBy is empty for the network's own answer, else "read_back" or "person".
	SettledBy string
}

// Severity says how much a finding matters.
type Severity string

// The severities. A Block finding keeps a post from being approved.
const (
	Note  Severity = "note"
	Warn  Severity = "warn"
	Block Severity = "block"
)

// Finding is one thing a review saw, located in the text.
type Finding struct {
	ID       uuid.UUID
	Rule     string
	Severity Severity
	Part     int // from 0
	// Start and End are byte offsets into the part's text, End exclusive; both
	// 0 when the finding is about the whole part.
	Start, End int
	Quote      string
	Message    string
	Suggestion string
	// SourceQuote and SourceURL are the evidence, when there is any.
	SourceQuote string
	SourceURL   string
}
