package account_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
)

func goodProfile() account.Profile {
	return account.Profile{
		DisplayName: "Ada", TimeZone: "Europe/Berlin", Goals: []string{"Find design partners"}, Interests: []string{"Go"},
		Projects: []account.Project{{Name: "Rostrum", About: "Posts that go out once."}}, BannedWords: []string{"synergy"},
		Slots:        []account.Slot{{Weekday: time.Monday, Hour: 9, Minute: 30}, {Weekday: time.Monday, Hour: 17}},
		PostsPerWeek: 5, MinGap: 30 * time.Minute, CatchUp: account.SendWithin, CatchUpWithin: 2 * time.Hour,
	}
}

func TestAGoodProfileIsTaken(t *testing.T) {
	t.Parallel()
	require.NoError(t, goodProfile().Validate())
}

func TestAProfileIsRefusedByTheFieldAtFault(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 4001)
	for name, c := range map[string]struct {
		field string
		spoil func(*account.Profile)
	}{
		"NoZone":          {"time_zone", func(p *account.Profile) { p.TimeZone = "" }},
		"UnknownZone":     {"time_zone", func(p *account.Profile) { p.TimeZone = "Mars/Olympus" }},
		"MachinesZone":    {"time_zone", func(p *account.Profile) { p.TimeZone = "Local" }},
		"EmptyGoal":       {"goals", func(p *account.Profile) { p.Goals = []string{" "} }},
		"LongInterest":    {"interests", func(p *account.Profile) { p.Interests = []string{long} }},
		"ManyBannedWords": {"banned_words", func(p *account.Profile) { p.BannedWords = slices.Repeat([]string{"x"}, 51) }},
		"LongVoice":       {"voice", func(p *account.Profile) { p.Voice = long }},
		"NamelessProject": {"projects", func(p *account.Profile) { p.Projects = []account.Project{{About: "?"}} }},
		"SlotTwice":       {"slots", func(p *account.Profile) { p.Slots = append(p.Slots, p.Slots[0]) }},
		"SlotAt24":        {"slots", func(p *account.Profile) { p.Slots = []account.Slot{{Hour: 24}} }},
		"EighthDay":       {"slots", func(p *account.Profile) { p.Slots = []account.Slot{{Weekday: 7}} }},
		"TooOften":        {"posts_per_week", func(p *account.Profile) { p.PostsPerWeek = 101 }},
		"GapOfSeconds":    {"min_gap_minutes", func(p *account.Profile) { p.MinGap = 90 * time.Second }},
		"UnknownCatchUp":  {"catch_up", func(p *account.Profile) { p.CatchUp = "maybe" }},
		"CatchUpTooWide":  {"catch_up_within_minutes", func(p *account.Profile) { p.CatchUpWithin = 8 * 24 * time.Hour }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := goodProfile()
			c.spoil(&p)
			err := p.Validate()
			require.Equal(t, apperr.Invalid, apperr.KindOf(err))
			require.Equal(t, c.field, apperr.As(err).Field)
		})
	}
}
