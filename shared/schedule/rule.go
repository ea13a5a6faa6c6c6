package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"rostrum/shared/apperr"
)

// The bounds of a rule. They are wide for social posts and narrow for those who
// would have us count to the end of time.
const (
	maxRule     = 300
	maxInterval = 366
	maxCount    = 1000
	// maxTimesADay bounds BYHOUR times BYMINUTE.
	maxTimesADay = 24
	maxOrdinal   = 5
	maxSetPos    = 366
)

// parseRule reads an RRULE (RFC 5545, section 3.3.10, read 2026-11-24) as far as
// it makes sense for posts: daily or coarser, whole minutes, floating times.
// Errors: Invalid (code bad_rule), naming the part that is at fault.
func parseRule(text string) (rrule.ROption, string, error) {
	text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
	if text == "" {
		return rrule.ROption{}, "", badRule("the rule is empty").WithHint("Write it like FREQ=WEEKLY;BYDAY=MO,TH.")
	}
	if len(text) > maxRule {
		return rrule.ROption{}, "", badRule("the rule is longer than %d characters", maxRule)
	}
	var o rrule.ROption
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return o, "", badRule("%q is not a part of a rule", part).WithHint("Each part is a name, = and a value, as in BYDAY=MO.")
		}
		if seen[name] {
			return o, "", badRule("%s is there twice", name)
		}
		seen[name] = true
		if err := readPart(&o, name, value); err != nil {
			return o, "", err
		}
	}
	if !seen["FREQ"] {
		return o, "", badRule("FREQ is missing").WithHint("Use FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")
	}
	return o, text, checkTogether(o)
}

func readPart(o *rrule.ROption, name, value string) error {
	var err error
	switch name {
	case "FREQ":
		o.Freq, err = readFreq(value)
	case "INTERVAL":
		o.Interval, err = readInt(name, value, 1, maxInterval)
	case "COUNT":
		o.Count, err = readInt(name, value, 1, maxCount)
	case "UNTIL":
		o.Until, err = readUntil(value)
	case "WKST":
		o.Wkst, err = readDay(name, value)
	case "BYDAY":
		o.Byweekday, err = readDays(value)
	case "BYMONTH":
		o.Bymonth, err = readInts(name, value, 1, 12)
	case "BYMONTHDAY":
		o.Bymonthday, err = readInts(name, value, -31, 31)
	case "BYSETPOS":
		o.Bysetpos, err = readInts(name, value, -maxSetPos, maxSetPos)
	case "BYHOUR":
		o.Byhour, err = readInts(name, value, 0, 23)
	case "BYMINUTE":
		o.Byminute, err = readInts(name, value, 0, 59)
	case "BYSECOND":
		err = badRule("BYSECOND is not allowed: posts repeat on whole minutes")
	default:
		err = badRule("%q is not a part that is understood here", name).
			WithHint("Use FREQ, INTERVAL, COUNT, UNTIL, WKST, BYDAY, BYMONTH, BYMONTHDAY, BYSETPOS, BYHOUR and BYMINUTE.")
	}
	return err
}

// checkTogether refuses parts that are each good and do not go together.
func checkTogether(o rrule.ROption) error {
	if o.Count > 0 && !o.Until.IsZero() {
		return badRule("COUNT and UNTIL exclude each other")
	}
	if max(len(o.Byhour), 1)*max(len(o.Byminute), 1) > maxTimesADay {
		return badRule("BYHOUR and BYMINUTE make more than %d times a day", maxTimesADay)
	}
	numbered := slices.ContainsFunc(o.Byweekday, func(d rrule.Weekday) bool { return d.N() != 0 })
	if numbered && o.Freq != rrule.MONTHLY && o.Freq != rrule.YEARLY {
		return badRule("BYDAY may number its days only when FREQ is MONTHLY or YEARLY")
	}
	if len(o.Bymonthday) > 0 && o.Freq == rrule.WEEKLY {
		return badRule("BYMONTHDAY does not go with FREQ=WEEKLY")
	}
	by := len(o.Byweekday) + len(o.Bymonth) + len(o.Bymonthday) + len(o.Byhour) + len(o.Byminute)
	if len(o.Bysetpos) > 0 && by == 0 {
		return badRule("BYSETPOS chooses among other parts, and there are none")
	}
	return nil
}

func readFreq(value string) (rrule.Frequency, error) {
	f, err := rrule.StrToFreq(value)
	if err != nil {
		return 0, badRule("FREQ=%s is not a frequency", value).WithHint("Use DAILY, WEEKLY, MONTHLY or YEARLY.")
	}
	if f > rrule.DAILY {
		return 0, badRule("FREQ=%s is finer than a day", value).WithHint("Use DAILY with several hours in BYHOUR.")
	}
	return f, nil
}

// readUntil reads the last moment, on the clocks of the recurrence's zone; a
// date alone means all of that day.
func readUntil(value string) (time.Time, error) {
	if d, err := time.Parse("20060102", value); err == nil {
		return d.Add(24*time.Hour - time.Second), nil
	}
	t, err := time.Parse("20060102T150405", value)
	if err != nil {
		return time.Time{}, badRule("UNTIL=%s is not a local time", value).
			WithHint("Write it like 20261231 or 20261231T180000, without a zone and without Z.")
	}
	return t, nil
}

func readDays(value string) ([]rrule.Weekday, error) {
	var days []rrule.Weekday
	for one := range strings.SplitSeq(value, ",") {
		d, err := readDay("BYDAY", one)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	return days, nil
}

func readDay(part, value string) (rrule.Weekday, error) {
	names := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	days := []rrule.Weekday{rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU}
	name := value[max(len(value)-2, 0):]
	i := slices.Index(names, name)
	if i < 0 || (part == "WKST" && value != name) {
		return rrule.Weekday{}, badRule("%s: %q is not a weekday", part, value).WithHint("Use MO, TU, WE, TH, FR, SA and SU.")
	}
	number := strings.TrimSuffix(value, name)
	if number == "" {
		return days[i], nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n == 0 || n < -maxOrdinal || n > maxOrdinal {
		return rrule.Weekday{}, badRule("%s: %q does not number a weekday", part, value).
			WithHint("Use 1 to %d, or -1 for the last, as in 1MO or -1FR.", maxOrdinal)
	}
	return days[i].Nth(n), nil
}

// readInts reads a list without repeats; 0 is in range only when low is 0.
func readInts(part, value string, low, high int) ([]int, error) {
	var out []int
	for one := range strings.SplitSeq(value, ",") {
		n, err := readInt(part, one, low, high)
		if err != nil {
			return nil, err
		}
		if n == 0 && low < 0 {
			return nil, badRule("%s may not be 0", part)
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

func readInt(part, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, badRule("%s=%s is not a number from %d to %d", part, value, low, high)
	}
	return n, nil
}

func badRule(format string, args ...any) *apperr.Error {
	return apperr.New(apperr.Invalid, "bad_rule", "%s", fmt.Sprintf(format, args...)).WithField("rule")
}
