package host

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cadence is when a schedule fires. Its grammar is EventBridge's:
// docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html, read 2026-11.
type cadence struct {
	// every is the period of a rate(); 0 for a cron().
	every time.Duration
	// The sets of a cron(), each a list of flags by value. A nil set is "?".
	minutes, hours, days, months, weekdays, years []bool
}

const (
	firstYear = 1970
	lastYear  = 2199
)

func parseCadence(expression string) (cadence, error) {
	kind, rest, _ := strings.Cut(expression, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return cadence{}, fmt.Errorf("schedule %q is neither rate(...) nor cron(...)", expression)
	}
	var c cadence
	var err error
	switch kind {
	case "rate":
		c, err = parseRate(inner)
	case "cron":
		c, err = parseCron(inner)
	default:
		err = errors.New("neither rate(...) nor cron(...)")
	}
	if err != nil {
		return cadence{}, fmt.Errorf("schedule %q: %w", expression, err)
	}
	return c, nil
}

func parseRate(inner string) (cadence, error) {
	number, unit, ok := strings.Cut(inner, " ")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > 1_000_000 {
		return cadence{}, errors.New("a rate is a number from 1 and a unit")
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	period, ok := units[strings.TrimSuffix(unit, "s")]
	// EventBridge refuses "1 minutes" and "5 minute" alike.
	if !ok || (n == 1) == strings.HasSuffix(unit, "s") {
		return cadence{}, errors.New("the unit is minute, hour or day for 1, and minutes, hours or days for more")
	}
	return cadence{every: time.Duration(n) * period}, nil
}

func parseCron(inner string) (cadence, error) {
	fields := strings.Fields(inner)
	if len(fields) != 6 {
		return cadence{}, errors.New("a cron has six fields: minute, hour, day of month, month, day of week, year")
	}
	var c cadence
	months := []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdays := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	for i, f := range []struct {
		name      string
		set       *[]bool
		low, high int
		words     []string
	}{
		{"minute", &c.minutes, 0, 59, nil},
		{"hour", &c.hours, 0, 23, nil},
		{"day of month", &c.days, 1, 31, nil},
		{"month", &c.months, 1, 12, months},
		{"day of week", &c.weekdays, 1, 7, weekdays},
		{"year", &c.years, firstYear, lastYear, nil},
	} {
		optional := f.set == &c.days || f.set == &c.weekdays
		if fields[i] == "?" && optional {
			continue
		}
		set, err := parseField(fields[i], f.low, f.high, f.words)
		if err != nil {
			return cadence{}, fmt.Errorf("%s: %w", f.name, err)
		}
		*f.set = set
	}
	if (c.days == nil) == (c.weekdays == nil) {
		return cadence{}, errors.New("exactly one of day of month and day of week is ?")
	}
	return c, nil
}

// parseField reads lists of values, ranges and steps. L, W and #, which
// EventBridge knows too, are refused: no rule of ours needs them.
func parseField(field string, low, high int, words []string) ([]bool, error) {
	set := make([]bool, high+1)
	for part := range strings.SplitSeq(field, ",") {
		span, step, stepped := strings.Cut(part, "/")
		from, to := low, high
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			var err error
			if from, err = parseValue(first, low, high, words); err != nil {
				return nil, err
			}
			if !ranged && !stepped {
				to = from
			}
			if ranged {
				if to, err = parseValue(last, low, high, words); err != nil {
					return nil, err
				}
			}
		}
		by := 1
		if stepped {
			var err error
			if by, err = strconv.Atoi(step); err != nil || by < 1 || by > high {
				return nil, fmt.Errorf("%q is not a step", step)
			}
		}
		if from > to {
			return nil, fmt.Errorf("the range %q runs backwards", span)
		}
		for v := from; v <= to; v += by {
			set[v] = true
		}
	}
	return set, nil
}

func parseValue(text string, low, high int, words []string) (int, error) {
	for i, word := range words {
		if strings.EqualFold(text, word) {
			return low + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not from %d to %d", text, low, high)
	}
	return n, nil
}

// next is the first time after t at which the schedule fires, in UTC; ok is
// false when there is none any more. started anchors a rate: it fires at started
// and then at every whole period after it.
func (c cadence) next(started, t time.Time) (at time.Time, ok bool) {
	if c.every > 0 {
		if t.Before(started) {
			return started, true
		}
		periods := int64(t.Sub(started)/c.every) + 1
		return started.Add(time.Duration(periods * int64(c.every))), true
	}
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	for ; day.Year() <= lastYear; day = day.AddDate(0, 0, 1) {
		if !c.onDay(day) {
			continue
		}
		for at := max(0, int(t.Sub(day)/time.Minute)); at < 24*60; at++ {
			if c.hours[at/60] && c.minutes[at%60] {
				return day.Add(time.Duration(at) * time.Minute), true
			}
		}
	}
	return time.Time{}, false
}

func (c cadence) onDay(day time.Time) bool {
	if !c.years[day.Year()] || !c.months[day.Month()] {
		return false
	}
	if c.days != nil {
		return c.days[day.Day()]
	}
	return c.weekdays[int(day.Weekday())+1]
}
