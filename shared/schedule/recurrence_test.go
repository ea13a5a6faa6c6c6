package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/schedule"
)

func recurrence(t *testing.T, rule, start, zone string) schedule.Recurrence {
	t.Helper()
	r, err := schedule.NewRecurrence(rule, start, zone)
	require.NoError(t, err)
	return r
}

// lines writes occurrences as the wall clock, the offset that held, and the note.
func lines(t *testing.T, list []schedule.Occurrence) []string {
	t.Helper()
	out := make([]string, len(list))
	for i, o := range list {
		loc, err := schedule.Zone(o.Zone)
		require.NoError(t, err)
		out[i] = strings.TrimSpace(o.At.In(loc).Format("Mon 2006-01-02 15:04 -07:00") + " " + o.Note())
		require.Equal(t, o.At.In(loc).Format(schedule.LocalFormat), o.Local)
	}
	return out
}

// longAgo is before every start in these tests.
func longAgo() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func TestOccurrencesFollowTheClocksOfTheirZone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule, start, zone string
		want              []string
	}{
		"WeekdaysInBerlinOverTheOctoberChange": {
			"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "2026-10-22T09:00:00", "Europe/Berlin",
			[]string{"Thu 2026-10-22 09:00 +02:00", "Fri 2026-10-23 09:00 +02:00", "Mon 2026-10-26 09:00 +01:00", "Tue 2026-10-27 09:00 +01:00"},
		},
		"ATimeInBerlinsGap": {
			"FREQ=DAILY", "2027-03-27T02:30:00", "Europe/Berlin",
			[]string{
				"Sat 2027-03-27 02:30 +01:00",
				"Sun 2027-03-28 03:30 +02:00 02:30 does not exist on that day in Europe/Berlin; moved to 03:30.",
				"Mon 2027-03-29 02:30 +02:00",
			},
		},
		"ATimeThatNewYorkHasTwice": {
			"FREQ=DAILY", "2026-10-31T01:30:00", "America/New_York",
			[]string{
				"Sat 2026-10-31 01:30 -04:00",
				"Sun 2026-11-01 01:30 -04:00 01:30 comes twice on that day in America/New_York; this is the first.",
				"Mon 2026-11-02 01:30 -05:00",
			},
		},
		"TheHalfHourOfLordHowe": {
			"FREQ=DAILY", "2026-10-03T02:15:00", "Australia/Lord_Howe",
			[]string{
				"Sat 2026-10-03 02:15 +10:30",
				"Sun 2026-10-04 02:45 +11:00 02:15 does not exist on that day in Australia/Lord_Howe; moved to 02:45.",
				"Mon 2026-10-05 02:15 +11:00",
			},
		},
		"TheHalfHourThatLordHoweHasTwice": {
			"FREQ=DAILY", "2027-04-03T01:45:00", "Australia/Lord_Howe",
			[]string{
				"Sat 2027-04-03 01:45 +11:00",
				"Sun 2027-04-04 01:45 +11:00 01:45 comes twice on that day in Australia/Lord_Howe; this is the first.",
				"Mon 2027-04-05 01:45 +10:30",
			},
		},
		"TheMidnightThatSaoPauloHadNot": {
			"FREQ=DAILY", "2018-11-03T00:00:00", "America/Sao_Paulo",
			[]string{
				"Sat 2018-11-03 00:00 -03:00",
				"Sun 2018-11-04 01:00 -02:00 00:00 does not exist on that day in America/Sao_Paulo; moved to 01:00.",
				"Mon 2018-11-05 00:00 -02:00",
			},
		},
		"RamadanInCasablanca": {
			"FREQ=DAILY", "2026-02-14T02:30:00", "Africa/Casablanca",
			[]string{
				"Sat 2026-02-14 02:30 +01:00",
				"Sun 2026-02-15 02:30 +01:00 02:30 comes twice on that day in Africa/Casablanca; this is the first.",
				"Mon 2026-02-16 02:30 +00:00",
			},
		},
		"TheDayThatApiaLeftOut": {
			"FREQ=DAILY;BYHOUR=9,18", "2011-12-29T09:00:00", "Pacific/Apia",
			[]string{
				"Thu 2011-12-29 09:00 -10:00", "Thu 2011-12-29 18:00 -10:00",
				"Sat 2011-12-31 09:00 +14:00", "Sat 2011-12-31 18:00 +14:00", "Sun 2012-01-01 09:00 +14:00",
			},
		},
		"TheFridayThatApiaLeftOut": {
			"FREQ=WEEKLY;BYDAY=FR", "2011-12-23T09:00:00", "Pacific/Apia",
			[]string{
				"Fri 2011-12-23 09:00 -10:00",
				"Sat 2011-12-31 09:00 +14:00 30 Dec 2011 09:00 does not exist in Pacific/Apia; moved to 31 Dec 09:00.",
				"Fri 2012-01-06 09:00 +14:00",
			},
		},
		"TimesThatTheGapTurnsRound": {
			"FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30", "2027-03-28T00:00:00", "Europe/Berlin",
			[]string{
				"Sun 2027-03-28 03:00 +02:00", "Sun 2027-03-28 03:30 +02:00", "Mon 2027-03-29 02:00 +02:00", "Mon 2027-03-29 02:30 +02:00",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := lines(t, recurrence(t, c.rule, c.start, c.zone).Next(longAgo(), len(c.want)))
			require.Empty(t, cmp.Diff(c.want, got))
		})
	}
}

func TestPlainChoicesComeToTheirDates(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"FREQ=DAILY":                                    "01 02 03 04 05",
		"FREQ=DAILY;INTERVAL=3":                         "01 04 07 10 13",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH":            "03 14 17 28 01",
		"FREQ=MONTHLY;BYDAY=2TU":                        "08 13 10 08 12",
		"FREQ=MONTHLY;BYDAY=-1FR":                       "25 30 27 25 29",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1": "30 30 30 31 29",
		"FREQ=MONTHLY;BYMONTHDAY=31":                    "31 31 31 31 31",
		"FREQ=MONTHLY;BYMONTHDAY=-1":                    "30 31 30 31 31",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29":           "29 29 29 29 29",
		"rrule:freq=daily;count=3":                      "01 02 03",
		"FREQ=DAILY;UNTIL=20260902":                     "01 02",
		"FREQ=DAILY;UNTIL=20260903T085900":              "01 02",
		"FREQ=DAILY;BYHOUR=9,9,9":                       "01 02 03 04 05",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			var days []string
			for _, o := range recurrence(t, rule, "2026-09-01T09:00:00", "Europe/Berlin").Next(longAgo(), 5) {
				days = append(days, o.Local[8:10])
			}
			require.Equal(t, want, strings.Join(days, " "))
		})
	}
}

func TestNextGoesOnBehindAnInstant(t *testing.T) {
	t.Parallel()
	r := recurrence(t, "FREQ=DAILY", "2020-01-01T09:00:00", "Europe/Berlin")
	after := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	got := r.Next(after, 2)
	require.Equal(t, []string{"Wed 2026-11-25 09:00 +01:00", "Thu 2026-11-26 09:00 +01:00"}, lines(t, got), "nine o'clock itself has passed")
	require.Len(t, recurrence(t, "FREQ=DAILY;COUNT=3", "2026-11-23T09:00:00", "UTC").Next(after, 10), 2)
	require.Empty(t, recurrence(t, "FREQ=DAILY;COUNT=3", "2020-01-01T09:00:00", "UTC").Next(after, 10))
}

func TestARuleSaysWhichPartIsWrong(t *testing.T) {
	t.Parallel()
	for rule, says := range map[string]string{
		"":                                               "empty",
		"BYDAY=MO":                                       "FREQ is missing",
		"FREQ=HOURLY":                                    "finer than a day",
		"FREQ=SECONDLY":                                  "finer than a day",
		"FREQ=OFTEN":                                     "FREQ=OFTEN",
		"FREQ=DAILY;BYSECOND=30":                         "BYSECOND",
		"FREQ=DAILY;BYEASTER=1":                          "BYEASTER",
		"FREQ=DAILY;DTSTART=20260101T000000Z":            "DTSTART",
		"FREQ=DAILY;INTERVAL=0":                          "INTERVAL=0",
		"FREQ=DAILY;INTERVAL=367":                        "INTERVAL=367",
		"FREQ=DAILY;COUNT=0":                             "COUNT=0",
		"FREQ=DAILY;COUNT=1001":                          "COUNT=1001",
		"FREQ=DAILY;COUNT=2;UNTIL=20270101":              "exclude each other",
		"FREQ=DAILY;UNTIL=20270101T000000Z":              "UNTIL=20270101T000000Z",
		"FREQ=DAILY;UNTIL=tomorrow":                      "UNTIL=TOMORROW",
		"FREQ=WEEKLY;BYDAY=XX":                           `"XX"`,
		"FREQ=WEEKLY;BYDAY=":                             `"BYDAY="`,
		"FREQ=WEEKLY;BYDAY=2MO":                          "may number its days",
		"FREQ=MONTHLY;BYDAY=6MO":                         `"6MO"`,
		"FREQ=MONTHLY;BYDAY=0MO":                         `"0MO"`,
		"FREQ=MONTHLY;BYMONTHDAY=32":                     "BYMONTHDAY=32",
		"FREQ=MONTHLY;BYMONTHDAY=0":                      "BYMONTHDAY may not be 0",
		"FREQ=WEEKLY;BYMONTHDAY=1":                       "BYMONTHDAY does not go",
		"FREQ=MONTHLY;BYSETPOS=1":                        "BYSETPOS",
		"FREQ=DAILY;BYHOUR=24":                           "BYHOUR=24",
		"FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3,4,5": "24 times a day",
		"FREQ=DAILY;FREQ=DAILY":                          "FREQ is there twice",
		"FREQ=DAILY;;":                                   `""`,
		"FREQ=DAILY;WKST=1MO":                            "WKST",
		"FREQ=DAILY;BYHOUR=" + strings.Repeat("1,", 200) + "1": "longer than 300",
	} {
		_, err := schedule.NewRecurrence(rule, "2026-09-01T09:00:00", "UTC")
		require.True(t, apperr.Is(err, apperr.Invalid), rule)
		require.Equal(t, "rule", apperr.As(err).Field, rule)
		require.Contains(t, apperr.As(err).Message, says, rule)
	}
}

func TestARuleThatMatchesNoDayEndsInsteadOfSearching(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300",
		"FREQ=YEARLY;BYDAY=MO;BYSETPOS=366", "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=DAILY;UNTIL=20260831",
	} {
		// The first of September 2026 is a Tuesday.
		_, err := schedule.NewRecurrence(rule, "2026-09-01T09:00:00", "UTC")
		require.True(t, apperr.Is(err, apperr.Invalid), rule)
		require.Equal(t, "rule_never_matches", apperr.As(err).Code, rule)
	}
}

func TestARecurrenceNeedsAStartAndAZone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ start, zone, field string }{
		{"2026-09-01 09:00", "UTC", "start_local"},
		{"1999-01-01T09:00:00", "UTC", "start_local"},
		{"2026-09-01T09:00:30", "UTC", "start_local"},
		{"2026-09-01T09:00:00", "Mars/Olympus", "zone"},
		{"2026-09-01T09:00:00", "", "zone"},
	} {
		_, err := schedule.NewRecurrence("FREQ=DAILY", c.start, c.zone)
		require.True(t, apperr.Is(err, apperr.Invalid))
		require.Equal(t, c.field, apperr.As(err).Field)
	}
}

func TestOccurrencesOfAnyRuleRiseAndNoneIsLostBetweenTwoReads(t *testing.T) {
	t.Parallel()
	parts := []string{
		"FREQ=DAILY;BYHOUR=0,1,2,3,23;BYMINUTE=0,15,30", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=2", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
		"FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=1,2", "FREQ=MONTHLY;BYMONTHDAY=1,-1;BYHOUR=0", "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU;BYHOUR=2",
	}
	random := rand.New(rand.NewPCG(6, 4))
	for range 150 {
		rule, zone := parts[random.IntN(len(parts))], zones()[random.IntN(len(zones()))]
		start := time.Date(2005+random.IntN(20), time.Month(1+random.IntN(12)), 1+random.IntN(28), random.IntN(24), random.IntN(60), 0, 0, time.UTC)
		r := recurrence(t, rule, start.Format(schedule.LocalFormat), zone)
		list := r.Next(longAgo(), 120)
		name := fmt.Sprintf("%s from %s in %s", rule, r.Start(), zone)
		require.Len(t, list, 120, name)
		asked := map[string]bool{}
		for i, o := range list {
			require.GreaterOrEqual(t, o.Asked, r.Start(), name)
			require.False(t, asked[o.Asked], name)
			asked[o.Asked] = true
			resolved, err := schedule.Resolve(o.Asked, zone)
			require.NoError(t, err)
			require.Equal(t, resolved, o.Time, name)
			if i > 0 {
				require.True(t, o.At.After(list[i-1].At), "%s: %s is not after %s", name, o.Local, list[i-1].Local)
			}
		}
		// However the reads are cut, together they are the whole.
		var again []schedule.Occurrence
		for after := longAgo(); len(again) < len(list); after = again[len(again)-1].At {
			again = append(again, r.Next(after, min(1+random.IntN(20), len(list)-len(again)))...)
		}
		require.Empty(t, cmp.Diff(list, again), name)
	}
}

func FuzzRecurrence(f *testing.F) {
	for _, rule := range []string{
		"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR;INTERVAL=2", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=5MO;BYSETPOS=-1",
		"FREQ=YEARLY;BYMONTH=12;BYDAY=5SU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "RRULE:FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20261231",
		"FREQ=WEEKLY;WKST=SU;BYDAY=SU;BYSETPOS=366", "FREQ=YEARLY;BYDAY=-5MO,5TU;BYHOUR=0,23;BYMINUTE=59",
	} {
		f.Add(rule, uint16(0))
	}
	f.Fuzz(func(t *testing.T, rule string, day uint16) {
		zone := zones()[int(day)%len(zones())]
		start := time.Date(2001, 1, 1, 2, 30, 0, 0, time.UTC).AddDate(0, 0, int(day)).Format(schedule.LocalFormat)
		r, err := schedule.NewRecurrence(rule, start, zone)
		if err != nil {
			if !apperr.Is(err, apperr.Invalid) {
				t.Fatalf("%q: %v", rule, err)
			}
			return
		}
		again, err := schedule.NewRecurrence(r.Rule(), r.Start(), r.Zone())
		if err != nil {
			t.Fatalf("%q reads as %q, which does not: %v", rule, r.Rule(), err)
		}
		list := r.Next(longAgo(), 10)
		if diff := cmp.Diff(list, again.Next(longAgo(), 10)); diff != "" {
			t.Fatalf("%q and %q differ: %s", rule, r.Rule(), diff)
		}
		for i, o := range list {
			if o.Asked < start || (i > 0 && !o.At.After(list[i-1].At)) {
				t.Fatalf("%q: %s comes out of order", rule, o.Local)
			}
		}
	})
}
