package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACampaignThatPlaysNothingIsRefused(t *testing.T) {
	t.Parallel()
	good := suite{seeds: 1, parallel: 1, flood: 1}
	require.NoError(t, good.check())
	for name, change := range map[string]func(*suite){
		"no seed":     func(s *suite) { s.seeds = 0 },
		"no slot":     func(s *suite) { s.parallel = 0 },
		"no flood":    func(s *suite) { s.flood = -1 },
		"no such one": func(s *suite) { s.only = []string{"1", "99"} },
	} {
		s := good
		change(&s)
		require.Error(t, s.check(), name)
	}
}

func TestTheCommandToReplayNamesWhatChangesTheStory(t *testing.T) {
	t.Parallel()
	list := scenarios()
	races := list[slices.IndexFunc(list, func(c scenario) bool { return c.id == "24" })]
	flood := list[slices.IndexFunc(list, func(c scenario) bool { return c.id == "27" })]
	whole, short := suite{flood: 500}, suite{flood: 500, short: true}
	require.Equal(t, "make fault SCENARIO=24 SEED=7 SEEDS=1", whole.replay(races, 7))
	require.Equal(t, "make fault/short SCENARIO=24 SEED=7", short.replay(races, 7), "the short set plays fewer posts")
	require.Equal(t, "make fault SCENARIO=27 SEED=7 SEEDS=1 FLOOD=500", whole.replay(flood, 7))
}
