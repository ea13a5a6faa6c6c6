package api

import (
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/audit"
	"rostrum/shared/store"
)

func TestAFunctionIsToldByWhatItDoes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"publish": "The sender published it.", "metrics": "The metrics reader published it.", "writer": "The writer published it.",
	} {
		e := store.RecordedEvent{Event: audit.Event{Actor: audit.Actor{Kind: audit.System, Name: name}, Action: "post.published"}}
		require.Equal(t, want, sentenceOf(e))
	}
	pass := audit.Event{Actor: audit.Actor{Kind: audit.System, Name: "reviewer"}, Action: "post.reviewed", Detail: map[string]any{"verdict": "pass"}}
	require.Equal(t, "The reviewer found nothing that must change.", sentenceOf(store.RecordedEvent{Event: pass}))
}

func TestEventsAreToldInSentences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		action string
		detail map[string]any
		want   string
	}{
		{"post.approved", map[string]any{"version": 2.0}, "Ada approved version 2."},
		{"post.changes_requested", map[string]any{"reason": "too loud"}, "Ada asked for changes: too loud."},
		{"post.canceled", nil, "Ada canceled it."},
		{"post.scheduled", map[string]any{"local": "2026-11-25T09:30:00", "zone": "Europe/Berlin"}, "Ada gave it the time 2026-11-25 09:30:00 in Europe/Berlin."},
		{"post.resolved", map[string]any{"found": true}, "Ada found it on the network."},
		{"post.resolved", map[string]any{"found": false}, "Ada looked and did not find it on the network."},
		{"post.held", map[string]any{"reason": "network_trouble"}, "Ada keeps it back: network does not answer."},
		{"post.failed", map[string]any{"code": "duplicate_content"}, "Ada could not send it: duplicate content."},
		{"attempt.refused", map[string]any{"part": 0.0, "code": "rate_limited"}, "Ada was asked by the network to wait with part 1."},
		{"attempt.refused", map[string]any{"part": 1.0, "code": "http_401"}, "Ada had part 2 refused: the network did not take the account's sign-in."},
		{"attempt.refused", map[string]any{"part": 0.0, "code": "duplicate_content"}, "Ada had part 1 refused by the network: duplicate content."},
		{"attempt.not_sent", map[string]any{"part": 0.0}, "Ada could not send part 1, nothing left Rostrum."},
		{"network.paused", map[string]any{"subject": "instagram"}, "Ada paused sending to Instagram."},
		{"post.handed_back", nil, "Ada left the rest of the thread to the next sender."},
		{"attempt.started", map[string]any{"part": 0.0}, "Ada began to send part 1."},
		{"account.connected", map[string]any{"handle": "acme"}, "Ada connected @acme."},
		{"account.paused", map[string]any{"reason": "Launch is off."}, "Ada paused sending: Launch is off."},
		{"post.zone_rules_changed", map[string]any{"zone": "Africa/Cairo"}, "Ada moved it with its clock: the rules of Africa/Cairo have changed."},
		{"some.new_thing", nil, "Ada: some new thing."},
		{"post.edited", nil, "Ada wrote version ?."},
	} {
		t.Run(c.action+c.want, func(t *testing.T) {
			t.Parallel()
			e := store.RecordedEvent{Event: audit.Event{Actor: audit.Actor{Name: "Ada"}, Action: c.action, Detail: c.detail}}
			require.Equal(t, c.want, sentenceOf(e))
		})
	}
}

func TestOffsetsAreCountedAsBrowsersDo(t *testing.T) {
	t.Parallel()
	text := "né 👋 z"
	for bytes, want := range map[int]int{0: 0, 1: 1, 3: 2, 4: 3, 8: 5, 9: 6, 10: 7, 99: 7} {
		require.Equal(t, want, utf16Offset(text, bytes), "byte %d", bytes)
	}
}

func TestMessagesBecomeSentences(t *testing.T) {
	t.Parallel()
	require.Equal(t, "There is no such post here.", sentence("there is no such post here"))
	require.Equal(t, "Part 2 is 301 of 280.", sentence("Part 2 is 301 of 280."))
	require.Equal(t, "@acme has no free slot.", sentence("@acme has no free slot"))
	require.Empty(t, sentence(""))
}
