package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/teambition/rrule-go"

	"rostrum/shared/apperr"
)

// Recurrence is a rule with the wall clock it starts from and the zone whose
// clocks it follows. It counts on wall clocks, as people do, and each of them is
// resolved by itself: nine in the morning stays nine in the morning on both
// sides of a change of the clocks.
type Recurrence struct {
	text   string
	option rrule.ROption
	start  time.Time
	zone   string
	loc    *time.Location
}

// Occurrence is one time of a recurrence. Its Asked, the wall clock by the rule,
// is what tells it from the others, whatever its zone makes of it.
type Occurrence struct {
	Time
	// Twice says that the clocks show this time twice on that day; At is the first.
	Twice bool
}

// Note is one sentence for the person about a time that the clocks' change
// touched, else empty.
func (o Occurrence) Note() string {
	if !o.Twice {
		return o.Time.Note()
	}
	wall, err := time.Parse(LocalFormat, o.Local)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s comes twice on that day in %s; this is the first.", clockOf(wall), o.Zone)
}

// NewRecurrence reads a recurrence: an RRULE without DTSTART, the first wall
// clock it may come to, in LocalFormat and on a whole minute, and an IANA zone.
// A start that the rule does not match is not an occurrence. Errors: Invalid,
// with the field rule (bad_rule, rule_never_matches), start_local or zone.
func NewRecurrence(rule, start, zone string) (Recurrence, error) {
	option, text, err := parseRule(rule)
	if err != nil {
		return Recurrence{}, err
	}
	loc, err := Zone(zone)
	if err != nil {
		return Recurrence{}, err
	}
	wall, err := parseLocal(start)
	if err != nil {
		return Recurrence{}, apperr.New(apperr.Invalid, "bad_local_time", "%q is not a local time", start).WithField("start_local").
			WithHint("Write it like 2026-11-25T09:30:00, without a zone.").WithCause(err)
	}
	if wall.Second() != 0 {
		return Recurrence{}, apperr.New(apperr.Invalid, "bad_local_time", "a recurrence starts on a whole minute").WithField("start_local")
	}
	option.Dtstart = wall
	r := Recurrence{text: text, option: option, start: wall, zone: zone, loc: loc}
	if _, ok := r.walls()(); !ok {
		return Recurrence{}, apperr.New(apperr.Invalid, "rule_never_matches", "the rule comes to no date after %s", start).WithField("rule").
			WithHint("Look for a day that does not exist, such as 30 February, or an end before the start.")
	}
	return r, nil
}

// Rule returns the rule as it was read: upper case, without the name RRULE.
func (r Recurrence) Rule() string { return r.text }

// Start returns the wall clock the rule counts from, in LocalFormat.
func (r Recurrence) Start() string { return r.start.Format(LocalFormat) }

// Zone returns the IANA name of the zone.
func (r Recurrence) Zone() string { return r.zone }

// walls returns what gives the wall clocks of the rule, one a call, as if they
// were UTC, until there are no more or they lie beyond the years of schedules.
func (r Recurrence) walls() func() (time.Time, bool) {
	none := func() (time.Time, bool) { return time.Time{}, false }
	rule, err := rrule.NewRRule(r.option)
	if err != nil {
		// parseRule is stricter than the library.
		return none
	}
	next := rule.Iterator()
	return func() (time.Time, bool) {
		wall, ok := next()
		return wall, ok && wall.Year() <= maxYear
	}
}

// longestShift is how much later than its wall clock a time can come: a zone
// that moved over the date line left out a whole day.
const longestShift = 24 * time.Hour

// furthestZone is how far a zone's clocks are from UTC at most.
const furthestZone = 15 * time.Hour

// Next returns the next n occurrences after an instant, earliest first; fewer
// when the rule ends. Of two that come to one instant, since one of them does
// not exist, only the one that does exist is there.
func (r Recurrence) Next(after time.Time, n int) []Occurrence {
	var out, ahead []Occurrence
	next := r.walls()
	wall, more := next()
	for len(out) < n && (more || len(ahead) > 0) {
		// One that was shifted may come after its successors, so those that could
		// overtake it are looked at with it.
		for more && (len(ahead) == 0 || !wall.After(ahead[0].asked().Add(longestShift))) {
			if wall.After(after.Add(-longestShift - furthestZone)) {
				ahead = append(ahead, r.occurrence(wall))
			}
			wall, more = next()
		}
		slices.SortStableFunc(ahead, func(a, b Occurrence) int {
			return cmp.Or(a.At.Compare(b.At), compareBool(a.Shifted, b.Shifted))
		})
		if len(ahead) == 0 {
			continue
		}
		first := ahead[0]
		ahead = slices.Delete(ahead, 0, 1)
		if first.At.After(after) && (len(out) == 0 || first.At.After(out[len(out)-1].At)) {
			out = append(out, first)
		}
	}
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// asked is the wall clock by the rule, as if it were UTC.
func (o Occurrence) asked() time.Time {
	wall, err := time.Parse(LocalFormat, o.Asked)
	if err != nil {
		return o.At
	}
	return wall
}

func (r Recurrence) occurrence(wall time.Time) Occurrence {
	t := resolve(wall, r.loc, r.zone)
	return Occurrence{Time: t, Twice: !t.Shifted && comesAgain(t.At, r.loc)}
}

// comesAgain reports whether the clocks, set back after at, show the same once more.
func comesAgain(at time.Time, loc *time.Location) bool {
	_, before := at.In(loc).Zone()
	_, end := at.In(loc).ZoneBounds()
	if end.IsZero() {
		return false
	}
	_, then := end.In(loc).Zone()
	back := time.Duration(before-then) * time.Second
	return back > 0 && !at.Add(back).Before(end)
}
