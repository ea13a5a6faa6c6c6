// Package account holds what an account is: one handle on one network, with
// the goals, voice and rhythm that its agents write from.
package account

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Where the functions run there may be no zone files.
	"unicode/utf8"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
)

// ID identifies an account.
type ID uuid.UUID

// String returns the id in its usual form.
func (id ID) String() string { return uuid.UUID(id).String() }

// Status says whether posts can be sent from the account.
type Status string

// The statuses. Posts of an account that needs re-authorisation are held, not failed.
const (
	Connected    Status = "connected"
	ReauthNeeded Status = "reauth_needed"
	Disconnected Status = "disconnected"
)

// CatchUp says what happens to a post whose time has passed unsent, or that is
// approved after its time.
type CatchUp string

// The catch-up rules.
const (
	// SendWithin sends it if it is at most Profile.CatchUpWithin late, else holds it.
	SendWithin CatchUp = "send_within"
	// Hold keeps it until a person decides.
	Hold CatchUp = "hold"
	// Drop marks it missed.
	Drop CatchUp = "drop"
)

// Project is something the account talks about for a while.
type Project struct {
	Name  string
	About string
}

// Slot is a weekly wall-clock time at which the account likes to post, in the
// account's zone. Weekday counts from Sunday = 0.
type Slot struct {
	Weekday time.Weekday
	Hour    int
	Minute  int
}

// Profile is what people edit: everything that shapes what is written and when
// it goes out.
type Profile struct {
	DisplayName string
	TimeZone    string // IANA
	Goals       []string
	Interests   []string
	Projects    []Project
	Audience    string
	Voice       string
	Guidelines  string
	BannedWords []string
	Slots       []Slot
	// PostsPerWeek is how full the agents keep the calendar: 0 to 100; 0 is never.
	PostsPerWeek int
	// MinGap is the least time between two posts of the account: 0 to 24 h, whole minutes.
	MinGap        time.Duration
	CatchUp       CatchUp
	CatchUpWithin time.Duration
}

// Account is one handle on one network.
type Account struct {
	ID          ID
	WorkspaceID uuid.UUID
	Network     Network
	Handle      string // without @
	RemoteID    string
	Status      Status
	Profile     Profile
	// PausedAt is when a person paused the account; nil when it runs.
	PausedAt *time.Time
	// PauseReason is what that person said; empty when it runs.
	PauseReason string
	// LimitedUntil is when the network's rate limit lets it go on; nil when it runs.
	LimitedUntil *time.Time
	// ETag rises with every edit of the profile.
	ETag      int64
	CreatedAt time.Time
}

const (
	maxList = 50
	maxLine = 500
	maxText = 4000
)

// Validate checks a profile and returns the first fault as an Invalid error
// that names the field.
func (p Profile) Validate() error {
	if _, err := time.LoadLocation(p.TimeZone); err != nil || p.TimeZone == "" || p.TimeZone == "Local" {
		return invalid("time_zone", "%q is not a time zone", p.TimeZone).
			WithHint("Use an IANA name such as Europe/Berlin or America/New_York.")
	}
	for field, list := range map[string][]string{"goals": p.Goals, "interests": p.Interests, "banned_words": p.BannedWords} {
		if err := checkList(field, list); err != nil {
			return err
		}
	}
	for field, text := range map[string]string{"voice": p.Voice, "guidelines": p.Guidelines, "audience": p.Audience} {
		if utf8.RuneCountInString(text) > maxText {
			return invalid(field, "%s is longer than %d characters", field, maxText)
		}
	}
	if len(p.Projects) > maxList {
		return invalid("projects", "there are more than %d projects", maxList)
	}
	for _, project := range p.Projects {
		if strings.TrimSpace(project.Name) == "" || utf8.RuneCountInString(project.Name) > maxLine ||
			utf8.RuneCountInString(project.About) > maxText {
			return invalid("projects", "each project needs a name of at most %d characters", maxLine)
		}
	}
	return p.validateRhythm()
}

func (p Profile) validateRhythm() error {
	if err := checkSlots(p.Slots); err != nil {
		return err
	}
	if p.PostsPerWeek < 0 || p.PostsPerWeek > 100 {
		return invalid("posts_per_week", "posts per week must be 0 to 100")
	}
	if p.MinGap < 0 || p.MinGap > 24*time.Hour || p.MinGap%time.Minute != 0 {
		return invalid("min_gap_minutes", "the minimum gap must be 0 to 1440 whole minutes")
	}
	if !slices.Contains([]CatchUp{SendWithin, Hold, Drop}, p.CatchUp) {
		return invalid("catch_up", "%q is not a catch-up rule", p.CatchUp).WithHint("Use send_within, hold or drop.")
	}
	if p.CatchUpWithin < 0 || p.CatchUpWithin > 7*24*time.Hour {
		return invalid("catch_up_within_minutes", "the catch-up window must be 0 to 10080 minutes")
	}
	return nil
}

func checkSlots(slots []Slot) error {
	if len(slots) > 7*48 {
		return invalid("slots", "there are more than %d slots", 7*48)
	}
	seen := map[Slot]bool{}
	for _, s := range slots {
		if s.Weekday < time.Sunday || s.Weekday > time.Saturday || s.Hour < 0 || s.Hour > 23 || s.Minute < 0 || s.Minute > 59 {
			return invalid("slots", "%d %02d:%02d is not a weekday and a time", s.Weekday, s.Hour, s.Minute)
		}
		if seen[s] {
			return invalid("slots", "%s %02d:%02d is there twice", s.Weekday, s.Hour, s.Minute)
		}
		seen[s] = true
	}
	return nil
}

func checkList(field string, list []string) error {
	if len(list) > maxList {
		return invalid(field, "there are more than %d %s", maxList, strings.ReplaceAll(field, "_", " "))
	}
	for _, line := range list {
		if strings.TrimSpace(line) == "" {
			return invalid(field, "an entry of %s is empty", strings.ReplaceAll(field, "_", " "))
		}
		if utf8.RuneCountInString(line) > maxLine {
			return invalid(field, "an entry of %s is longer than %d characters", strings.ReplaceAll(field, "_", " "), maxLine)
		}
	}
	return nil
}

func invalid(field, format string, args ...any) *apperr.Error {
	return apperr.New(apperr.Invalid, "bad_"+field, "%s", fmt.Sprintf(format, args...)).WithField(field)
}
