// Package schedule turns wall clocks into instants. People choose a local time
// in a zone; the network knows only instants. The standard library's time.Date
// promises neither answer for a time that does not exist or exists twice, so
// the rule is ours: a time that does not exist shifts forward by the gap, a
// time that occurs twice is the first.
//
// Start reading at Resolve. Time is always passed in.
package schedule

import (
	"fmt"
	"slices"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
)

// LocalFormat is how a wall clock is written: whole seconds, no zone.
const LocalFormat = "2006-01-02T15:04:05"

// The years a schedule may lie in; beyond them time zone rules are guesses.
const (
	minYear = 2000
	maxYear = 2100
)

// Time is a wall clock in a zone together with the instant it comes to.
type Time struct {
	At    time.Time // UTC, whole second
	Local string    // in LocalFormat, as the clock in Zone shows At
	Zone  string    // IANA
	// Shifted says that the asked wall clock does not exist on that day; Asked
	// holds it, and Local is later by the gap.
	Shifted bool
	Asked   string
}

// Note is one sentence for the person when the time was moved, else empty.
func (t Time) Note() string {
	if !t.Shifted {
		return ""
	}
	asked, errAsked := time.Parse(LocalFormat, t.Asked)
	got, errGot := time.Parse(LocalFormat, t.Local)
	if errAsked != nil || errGot != nil {
		return ""
	}
	if asked.YearDay() != got.YearDay() {
		return fmt.Sprintf("%s %s does not exist in %s; moved to %s %s.",
			asked.Format("2 Jan 2006"), clockOf(asked), t.Zone, got.Format("2 Jan"), clockOf(got))
	}
	return fmt.Sprintf("%s does not exist on that day in %s; moved to %s.", clockOf(asked), t.Zone, clockOf(got))
}

func clockOf(t time.Time) string {
	if t.Second() != 0 {
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// Zone loads an IANA zone. Errors: Invalid, field "zone".
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, badZone(name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, badZone(name)
	}
	return loc, nil
}

func badZone(name string) *apperr.Error {
	return apperr.New(apperr.Invalid, "bad_zone", "%q is not a time zone", name).WithField("zone").
		WithHint("Use an IANA name such as Europe/Berlin or America/New_York.")
}

// Resolve gives the instant at which the clocks in zone show local. Errors:
// Invalid when local is not in LocalFormat, lies outside the years 2000 to
// 2100, or zone is not an IANA name.
func Resolve(local, zone string) (Time, error) {
	loc, err := Zone(zone)
	if err != nil {
		return Time{}, err
	}
	wall, err := parseLocal(local)
	if err != nil {
		return Time{}, err
	}
	return resolve(wall, loc, zone), nil
}

// ParseDate reads a calendar date, "2006-01-02". Errors: Invalid.
func ParseDate(field, date string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, date)
	if err != nil || d.Year() < minYear || d.Year() > maxYear {
		return time.Time{}, apperr.New(apperr.Invalid, "bad_date", "%q is not a date", date).WithField(field).
			WithHint("Write it like 2026-11-25.")
	}
	return d, nil
}

// StartOfDay is the first instant of a calendar date in a zone; the date's own
// clock and zone are ignored.
func StartOfDay(date time.Time, loc *time.Location) time.Time {
	y, m, d := date.Date()
	return resolve(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), loc, loc.String()).At
}

func parseLocal(local string) (time.Time, error) {
	wall, err := time.Parse(LocalFormat, local)
	if err != nil || len(local) != len(LocalFormat) {
		return time.Time{}, apperr.New(apperr.Invalid, "bad_local_time", "%q is not a local time", local).WithField("due_local").
			WithHint("Write it like 2026-11-25T09:30:00, without a zone.")
	}
	if wall.Year() < minYear || wall.Year() > maxYear {
		return time.Time{}, apperr.New(apperr.Invalid, "bad_local_time", "the year %d is out of range", wall.Year()).WithField("due_local")
	}
	return wall, nil
}

// resolve takes the wall clock as if it were UTC. Offsets reach from -12 to +14
// hours, so every zone rule that could apply holds somewhere within a day and a
// half of it.
func resolve(wall time.Time, loc *time.Location, zone string) Time {
	const reach = 36 * time.Hour
	before := time.Duration(0)
	for t := wall.Add(-reach); ; {
		in := t.In(loc)
		_, seconds := in.Zone()
		offset := time.Duration(seconds) * time.Second
		at := wall.Add(-offset)
		start, end := in.ZoneBounds()
		if !start.IsZero() && at.Before(start) {
			// Past the end of the rule before and not yet in this one: the gap.
			return timeAt(wall.Add(-before), wall, loc, zone)
		}
		if end.IsZero() || at.Before(end) {
			return timeAt(at, wall, loc, zone)
		}
		before, t = offset, end
	}
}

func timeAt(at, wall time.Time, loc *time.Location, zone string) Time {
	asked := wall.Format(LocalFormat)
	local := at.In(loc).Format(LocalFormat)
	return Time{At: at.UTC(), Local: local, Zone: zone, Shifted: local != asked, Asked: asked}
}

// horizonDays bounds how far ahead NextSlots looks.
const horizonDays = 400

// NextSlots returns the next n weekly slots after from, earliest first, that
// are free: no instant of taken lies closer to one than minGap (or on it, when
// minGap is 0), and the slots returned keep minGap among themselves. It returns
// fewer when there are no more within 400 days. Errors: Invalid for a bad zone.
func NextSlots(slots []account.Slot, zone string, taken []time.Time, minGap time.Duration, from time.Time, n int) ([]Time, error) {
	if len(slots) == 0 || n <= 0 {
		return nil, nil
	}
	var free []Time
	busy := slices.Clone(taken)
	err := eachSlot(slots, zone, from.Add(1), from.AddDate(0, 0, horizonDays), func(s Time) bool {
		if !near(s.At, busy, minGap) {
			free = append(free, s)
			busy = append(busy, s.At)
		}
		return len(free) < n
	})
	return free, err
}

// SlotsBetween returns the weekly slots in [from, to), earliest first. Errors:
// Invalid for a bad zone.
func SlotsBetween(slots []account.Slot, zone string, from, to time.Time) ([]Time, error) {
	var out []Time
	err := eachSlot(slots, zone, from, to, func(s Time) bool {
		out = append(out, s)
		return true
	})
	return out, err
}

func eachSlot(slots []account.Slot, zone string, from, to time.Time, yield func(Time) bool) error {
	loc, err := Zone(zone)
	if err != nil {
		return err
	}
	ordered := slices.SortedFunc(slices.Values(slots), func(a, b account.Slot) int {
		return (a.Hour*60 + a.Minute) - (b.Hour*60 + b.Minute)
	})
	// A day early: a slot in a gap moves forward, by a whole day at the worst.
	y, m, d := from.In(loc).Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -1)
	var last time.Time
	for ; ; day = day.AddDate(0, 0, 1) {
		if StartOfDay(day, loc).After(to) {
			return nil
		}
		for _, s := range ordered {
			if s.Weekday != day.Weekday() {
				continue
			}
			wall := day.Add(time.Duration(s.Hour)*time.Hour + time.Duration(s.Minute)*time.Minute)
			t := resolve(wall, loc, zone)
			// Two slots can come to one instant when one lies in a gap.
			if t.At.Before(from) || !t.At.Before(to) || !t.At.After(last) {
				continue
			}
			last = t.At
			if !yield(t) {
				return nil
			}
		}
	}
}

func near(at time.Time, others []time.Time, gap time.Duration) bool {
	return slices.ContainsFunc(others, func(o time.Time) bool {
		d := at.Sub(o).Abs()
		return d == 0 || d < gap
	})
}

// CeilSecond rounds up to the next whole second; a whole second stays.
func CeilSecond(t time.Time) time.Time {
	whole := t.Truncate(time.Second)
	if whole.Equal(t) {
		return whole
	}
	return whole.Add(time.Second)
}

// At writes an instant as a wall clock in zone. The instant is cut to the whole
// second. Errors: Invalid for a bad zone.
func At(at time.Time, zone string) (Time, error) {
	loc, err := Zone(zone)
	if err != nil {
		return Time{}, err
	}
	at = at.UTC().Truncate(time.Second)
	local := at.In(loc).Format(LocalFormat)
	return Time{At: at, Local: local, Zone: zone, Asked: local}, nil
}
