package main

import (
	"context"

	"rostrum/scripts/internal/arena"
)

// scenario is one row of the fault table. Those without run are not played,
// and absent says why.
type scenario struct {
	id, name string
	// nightly scenarios are left out of the short set.
	nightly bool
	absent  string
	// needs is a program that is not part of Postgres or of ours.
	needs string
	// timed scenarios compare times: they run one by one, after all others.
	timed bool
	run   func(ctx context.Context, r *trial) error
}

// scenarios are the rows that concern sending, by their numbers.
func scenarios() []scenario {
	return []scenario{
		{id: "1", name: "killed at each point of C1 to C15", run: killedAnywhere},
		{id: "2", name: "each message 2 to 10 times, in two processes", run: duplicateDeliveries},
		{id: "3", name: "old, late and reordered messages after edits", run: outOfOrder},
		{id: "4", name: "ticks ten at once, none for long, a burst, 119 s apart", run: tickBursts},
		{id: "5", name: "poison among good messages", run: poison},
		{id: "6", name: "the function panics, fails, answers nonsense", run: spoiltAnswers},
		{id: "7", name: "stale messages redriven by the hundred", run: redriven},
		{id: "8", name: "the queue is down after the commit", run: queueDown},
		{id: "9", name: "Postgres ends at once, twice, under load", run: databaseCrash},
		{id: "C15", name: "the connection breaks at COMMIT", run: brokenCommits},
		{id: "10", name: "failover to a standby that misses the last commits", run: failover},
		{id: "11", name: "Postgres' disk is full, then free", nightly: true, run: diskFull},
		{id: "12", name: "connection storm: 200 instances, 100 connections", run: connectionStorm},
		{id: "13", name: "Redis 5 s late, dead, back and empty, flushed, split", needs: arena.RedisProgram, run: redisGone},
		{id: "14", name: "accepted, then no readable answer, nine ways", run: lostAnswers},
		{id: "15", name: "accepted 40 s after the timeout; reads lag 30 s", run: lateEffects},
		{id: "16", name: "unknown, and the account cannot be read", run: blindReads},
		{id: "17", name: "duplicate refused: a twin by hand; our own after doubt", run: duplicateRefusals},
		{id: "18", name: "429 with short, absent, past, absurd times; of the whole app", run: rateLimits},
		{id: "19", name: "slow, huge, packed and redirected answers", run: hostileAnswers},
		{id: "20", name: "an expired rotating token: stampede, lost answer, no database", run: tokenTrouble},
		{id: "21", name: "access is revoked in the middle of a thread", run: revokedMidThread},
		{id: "22", name: "a sender frozen for ten minutes in the middle of sending", run: frozen},
		{id: "22c", name: "wall clocks and the database's clock moved by an hour", run: movedClocks},
		{id: "23", name: "clock and rule changes in six zones", run: zoneRules},
		{id: "24", name: "cancel, edit, approve, move, stop: each races the intent", run: races},
		{id: "26", name: "Instagram: stuck, failed, expired, unsaid, images 404", run: stagedFaults},
		{id: "27", name: "one tenant floods, another's posts keep their second", timed: true, run: floods},
		{id: "28", name: "a new version rolls out while the old one sends", run: rollout},
		{id: "31", name: "a day's outage, then all that is overdue", run: longOutage},
	}
}
