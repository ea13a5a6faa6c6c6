package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/schedule"
)

func zones() []string {
	return []string{
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata",
		"Pacific/Apia", "Africa/Casablanca", "America/Asuncion", "UTC",
	}
}

func TestResolveKnowsTheDaysClocksChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, local, zone, at, got string
	}{
		{"OrdinaryWinterDay", "2026-11-25T09:30:00", "Europe/Berlin", "2026-11-25T08:30:00Z", "2026-11-25T09:30:00"},
		{"OrdinarySummerDay", "2026-07-01T09:30:15", "Europe/Berlin", "2026-07-01T07:30:15Z", "2026-07-01T09:30:15"},
		{"BerlinGapShiftsByAnHour", "2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29T03:30:00"},
		{"BerlinStartOfGap", "2026-03-29T02:00:00", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00"},
		{"BerlinLastSecondBeforeGap", "2026-03-29T01:59:59", "Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29T01:59:59"},
		{"BerlinEndOfGapExists", "2026-03-29T03:00:00", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00"},
		{"BerlinOverlapIsTheFirst", "2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00"},
		{"BerlinAfterOverlap", "2026-10-25T03:00:00", "Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00"},
		{"NewYorkGap", "2026-03-08T02:30:00", "America/New_York", "2026-03-08T07:30:00Z", "2026-03-08T03:30:00"},
		{"NewYorkOverlapIsTheFirst", "2026-11-01T01:30:00", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T01:30:00"},
		{"LordHoweGapIsHalfAnHour", "2026-10-04T02:15:00", "Australia/Lord_Howe", "2026-10-03T15:45:00Z", "2026-10-04T02:45:00"},
		{"LordHoweOverlapIsTheFirst", "2026-04-05T01:45:00", "Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-05T01:45:00"},
		{"SaoPauloHadAGapAtMidnight", "2018-11-04T00:30:00", "America/Sao_Paulo", "2018-11-04T03:30:00Z", "2018-11-04T01:30:00"},
		{"SaoPauloHasNoneToday", "2026-11-01T00:30:00", "America/Sao_Paulo", "2026-11-01T03:30:00Z", "2026-11-01T00:30:00"},
		{"ApiaSkippedAWholeDay", "2011-12-30T12:00:00", "Pacific/Apia", "2011-12-30T22:00:00Z", "2011-12-31T12:00:00"},
		{"KolkataHalfHourOffset", "2026-01-01T00:00:00", "Asia/Kolkata", "2025-12-31T18:30:00Z", "2026-01-01T00:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := schedule.Resolve(c.local, c.zone)
			require.NoError(t, err)
			require.Equal(t, c.at, got.At.Format(time.RFC3339))
			require.Equal(t, c.got, got.Local)
			require.Equal(t, c.local != c.got, got.Shifted)
			require.Equal(t, got.Shifted, got.Note() != "")
		})
	}
}

func TestResolveNoteNamesBothClocks(t *testing.T) {
	t.Parallel()
	got, err := schedule.Resolve("2026-03-29T02:30:00", "Europe/Berlin")
	require.NoError(t, err)
	require.Equal(t, "02:30 does not exist on that day in Europe/Berlin; moved to 03:30.", got.Note())
}

func TestResolveRefusesWhatIsNoLocalTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ local, zone, code string }{
		{"2026-11-25T09:30:00Z", "UTC", "bad_local_time"},
		{"2026-11-25T09:30", "UTC", "bad_local_time"},
		{"2026-11-25T09:30:00.5", "UTC", "bad_local_time"},
		{"2026-02-30T09:30:00", "UTC", "bad_local_time"},
		{"1999-12-31T09:30:00", "UTC", "bad_local_time"},
		{"2101-01-01T00:00:00", "UTC", "bad_local_time"},
		{"", "UTC", "bad_local_time"},
		{"2026-11-25T09:30:00", "", "bad_zone"},
		{"2026-11-25T09:30:00", "Local", "bad_zone"},
		{"2026-11-25T09:30:00", "Europe/Atlantis", "bad_zone"},
		{"2026-11-25T09:30:00", "../../etc/passwd", "bad_zone"},
	} {
		t.Run(c.local+" "+c.code, func(t *testing.T) {
			t.Parallel()
			_, err := schedule.Resolve(c.local, c.zone)
			require.Equal(t, apperr.Invalid, apperr.KindOf(err))
			require.Equal(t, c.code, apperr.As(err).Code)
		})
	}
}

// Whatever wall clock is asked for: the answer shows it, or it does not exist
// and the answer is later; and no earlier instant shows it.
func TestResolveIsTheFirstInstantThatShowsTheClock(t *testing.T) {
	t.Parallel()
	for _, zone := range zones() {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			loc, err := time.LoadLocation(zone)
			require.NoError(t, err)
			rapid.Check(t, func(t *rapid.T) {
				wall := time.Unix(rapid.Int64Range(946771200, 4102358400).Draw(t, "wall"), 0).UTC()
				asked := wall.Format(schedule.LocalFormat)
				got, err := schedule.Resolve(asked, zone)
				if err != nil {
					t.Fatalf("resolve %s: %v", asked, err)
				}
				if got.At.In(loc).Format(schedule.LocalFormat) != got.Local {
					t.Fatalf("%s shows %s", got.At, got.Local)
				}
				first := firstShowing(wall, loc)
				if first.IsZero() != got.Shifted || (!got.Shifted && !first.Equal(got.At)) {
					t.Fatalf("asked %s: got %v shifted %v, first instant is %v", asked, got.At, got.Shifted, first)
				}
				if got.Shifted && got.Local <= asked {
					t.Fatalf("asked %s in a gap, got the earlier %s", asked, got.Local)
				}
			})
		})
	}
}

// firstShowing looks for the earliest instant that shows the wall clock by
// trying every quarter hour of offset, independently of the code under test.
func firstShowing(wall time.Time, loc *time.Location) time.Time {
	for minutes := 15 * 60; minutes >= -13*60; minutes -= 15 {
		at := wall.Add(-time.Duration(minutes) * time.Minute)
		if at.In(loc).Format(schedule.LocalFormat) == wall.Format(schedule.LocalFormat) {
			return at
		}
	}
	return time.Time{}
}

func TestNextSlots(t *testing.T) {
	t.Parallel()
	daily := func(hour, minute int) []account.Slot {
		var out []account.Slot
		for d := time.Sunday; d <= time.Saturday; d++ {
			out = append(out, account.Slot{Weekday: d, Hour: hour, Minute: minute})
		}
		return out
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return v
	}
	for _, c := range []struct {
		name  string
		slots []account.Slot
		zone  string
		taken []time.Time
		gap   time.Duration
		from  time.Time
		want  []string
	}{
		{
			"SkipsThisMomentAndThePast", daily(9, 30), "Europe/Berlin", nil, 0, at("2026-11-25T08:30:00Z"),
			[]string{"2026-11-26T09:30:00", "2026-11-27T09:30:00", "2026-11-28T09:30:00"},
		},
		{
			"SkipsTaken", daily(9, 30), "Europe/Berlin",
			[]time.Time{at("2026-11-26T08:30:00Z")},
			0, at("2026-11-25T08:30:00Z"),
			[]string{"2026-11-27T09:30:00", "2026-11-28T09:30:00", "2026-11-29T09:30:00"},
		},
		{
			"KeepsTheGapToOthers", daily(9, 30), "Europe/Berlin",
			[]time.Time{at("2026-11-26T09:00:00Z")},
			time.Hour, at("2026-11-25T08:30:00Z"),
			[]string{"2026-11-27T09:30:00", "2026-11-28T09:30:00", "2026-11-29T09:30:00"},
		},
		{
			"KeepsTheGapAmongThemselves", append(daily(9, 0), daily(9, 30)...), "UTC", nil, time.Hour, at("2026-11-25T00:00:00Z"),
			[]string{"2026-11-25T09:00:00", "2026-11-26T09:00:00", "2026-11-27T09:00:00"},
		},
		{
			"TwoSlotsInOneInstantAreOne", append(daily(2, 30), daily(3, 30)...), "Europe/Berlin", nil, 0, at("2026-03-28T23:30:00Z"),
			[]string{"2026-03-29T03:30:00", "2026-03-30T02:30:00", "2026-03-30T03:30:00"},
		},
		{
			"FarEastStillToday",
			[]account.Slot{{Weekday: time.Thursday, Hour: 0, Minute: 5}},
			"Pacific/Kiritimati", nil, 0, at("2026-11-25T10:00:00Z"),
			[]string{"2026-11-26T00:05:00", "2026-12-03T00:05:00", "2026-12-10T00:05:00"},
		},
		{"None", nil, "UTC", nil, 0, at("2026-11-25T00:00:00Z"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := schedule.NextSlots(c.slots, c.zone, c.taken, c.gap, c.from, 3)
			require.NoError(t, err)
			var locals []string
			for _, s := range got {
				require.True(t, s.At.After(c.from))
				locals = append(locals, s.Local)
			}
			require.Empty(t, cmp.Diff(c.want, locals))
		})
	}
}

func TestSlotsBetweenHoldsItsBounds(t *testing.T) {
	t.Parallel()
	slots := []account.Slot{{Weekday: time.Monday, Hour: 9}, {Weekday: time.Monday, Hour: 8}, {Weekday: time.Tuesday, Hour: 9}}
	from := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) // a Monday
	got, err := schedule.SlotsBetween(slots, "UTC", from, from.AddDate(0, 0, 7))
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, from, got[0].At)
	require.Equal(t, "2026-11-24T09:00:00", got[1].Local)
	require.Equal(t, "2026-11-30T08:00:00", got[2].Local)
}

func TestCeilSecond(t *testing.T) {
	t.Parallel()
	whole := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	require.Equal(t, whole, schedule.CeilSecond(whole))
	require.Equal(t, whole.Add(time.Second), schedule.CeilSecond(whole.Add(1)))
}

func TestStartOfDayWhereMidnightDoesNotExist(t *testing.T) {
	t.Parallel()
	loc, err := schedule.Zone("America/Sao_Paulo")
	require.NoError(t, err)
	day, err := schedule.ParseDate("from", "2018-11-04")
	require.NoError(t, err)
	require.Equal(t, "2018-11-04T01:00:00", schedule.StartOfDay(day, loc).In(loc).Format(schedule.LocalFormat))
}
