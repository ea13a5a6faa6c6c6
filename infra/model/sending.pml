/* The sending protocol (DESIGN 5, shared/workflow/publishing, shared/store)
 * as a model for spin: two senders, a ticker, a reader, a person who edits or
 * cancels, and a network that may accept late or not at all, over one post of
 * two parts. A sender may die before and after every step; a new one takes its
 * place. Names are those of the code.
 *
 * Checked for every interleaving:
 *   I1  the audience sees each part at most once
 *   I2  the post comes to rest in a state that a person can see (no deadlock
 *       short of that; see LTL rests)
 *   I3  nothing goes out after a cancel or an edit that committed before the intent
 *   I4  only content whose approval stands goes out
 *
 * Time is modelled by two facts that the code keeps by clocks:
 *   - a sender starts a call only while its lease lives (Service.call compares
 *     wall and monotonic time), and a lease ends only once a call begun under
 *     it is over for its sender (callDeadline < lease);
 *   - a read proves absence only when no request of the attempt can still take
 *     effect (settleWindow in reconcile.go).
 * BUG=1..5 breaks one rule each; spin must then find a counterexample.
 */

#ifndef BUG
#define BUG 0
#endif

#define PARTS 2
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef TRIES
#define TRIES 4          /* intents in all; bounds the state space */
#endif

mtype = { Draft, Scheduled, Sending, Published, Canceled, Unknown,   /* posts.state */
          none, sending, accepted, unknown, absent };                /* attempts.state */

mtype state = Scheduled;
mtype attempt[PARTS] = none;   /* the newest attempt of each part */
byte fence = 0;                /* posts.attempt_no */
byte revision = 1;             /* rises with an edit */
byte approved = 1;             /* the revision that the live approval is for; 0 is none */
bool lease = false;            /* posts.lease_until lies ahead */
byte callers = 0;              /* senders between their lease check and the end of their call */

byte audience[PARTS];          /* the ledger: how often each part was seen */
byte travelling[PARTS];        /* requests that can still take effect */
byte edits = 0;
byte deaths = 0;

/* What a request carries, judged when the network accepts it. */
inline accept(part) {
  audience[part]++;
  assert(audience[part] <= 1);                        /* I1 */
  if
  :: part == 1 -> assert(audience[0] == 1)            /* parts in order */
  :: else -> skip
  fi
}

inline die_perhaps() {
  if
  :: deaths < DEATHS -> deaths++; goto reborn
  :: true -> skip
  fi
}

/* The network: a request in flight is accepted or lost, at any time. */
active proctype network() {
end:
  do
  :: travelling[0] > 0 -> atomic { travelling[0]--; if :: accept(0) :: true fi }
  :: travelling[1] > 0 -> atomic { travelling[1]--; if :: accept(1) :: true fi }
  od
}

/* Service.Send: intent, call, result; twice at once, as SQS may deliver. */
active [2] proctype sender() {
  byte part, mine, seen_revision, begun;
  bool started, told;

reborn:
  started = false; begun = 0; mine = 0; told = false;
end:
  do
  :: fence < TRIES && (state == Scheduled || (started && state == Sending)) ->
    /* read and prepare: no lock, may be stale afterwards */
    seen_revision = revision;
    part = (attempt[0] == accepted -> 1 : 0);
    die_perhaps();

    /* BeginAttempt: judged under the post's lock */
    atomic {
      if
      :: (BUG == 1 || seen_revision == revision) && (BUG == 2 || (attempt[part] != sending && attempt[part] != unknown && attempt[part] != accepted)) && ((!started && state == Scheduled) || (started && state == Sending && fence == mine)) && (BUG == 1 || approved == revision) && (part == 0 || attempt[0] == accepted) ->
           assert(state != Canceled && state != Draft);              /* I3 */
           assert(approved == seen_revision);                        /* I4 */
           state = Sending; fence++; mine = fence; lease = true; attempt[part] = sending; begun = 1
      :: else -> begun = 0
      fi
    }
    if
    :: begun == 0 -> goto reborn
    :: else -> skip
    fi;
    die_perhaps();

    /* Service.call: only while the lease lives and is still ours */
    atomic {
      if
      :: (lease && fence == mine) || BUG == 3 ->
           callers++; travelling[part]++;
           assert(approved == revision)                              /* I3, I4: nothing changes after the intent */
      :: else -> begun = 0
      fi
    }
    if
    :: begun == 0 -> goto reborn
    :: else -> skip
    fi;
    /* the answer: heard, or not */
    if
    :: deaths < DEATHS -> atomic { deaths++; callers--; goto reborn }
    :: audience[part] == 1 -> told = true      /* accepted, id read */
    :: told = false                            /* timeout, reset, 5xx: unclear */
    fi;
    callers--;
    die_perhaps();

    /* write: the result, under the post's lock; from the holder or late */
    atomic {
      if
      :: told && (attempt[part] == sending || attempt[part] == unknown) ->
           attempt[part] = accepted;
           if
           :: part == PARTS - 1 -> state = Published; lease = false
           :: part < PARTS - 1 && state == Sending && fence == mine -> lease = true      /* RenewLease */
           :: part < PARTS - 1 && state == Unknown -> state = Scheduled; lease = false
           :: else -> skip
           fi
      :: !told && (BUG == 4 || (attempt[part] == sending && state == Sending && fence == mine)) ->
           assert(state != Published && attempt[part] != accepted);      /* what is settled stays settled */
           attempt[part] = unknown; state = Unknown; lease = false
      :: else -> skip
      fi
    }
    die_perhaps();
    started = (told && part < PARTS - 1 && state == Sending && fence == mine);
    told = false
  od
}

/* The clock: a lease ends only after the call that was begun under it. */
active proctype clock() {
end:
  do
  :: atomic { lease && callers == 0 -> lease = false }
  od
}

/* Service.Tick, recover: takes a post back from a sender that died. */
active proctype ticker() {
end:
  do
  :: atomic {
       state == Sending && !lease ->
       if
       :: attempt[1] == sending -> attempt[1] = unknown; state = Unknown
       :: attempt[1] != sending && attempt[0] == sending -> attempt[0] = unknown; state = Unknown
       :: else -> state = Scheduled
       fi
     }
  od
}

/* Service.Reconcile: reads, then decides under the lock on proof alone. */
active proctype reader() {
  byte part;
  bool found, proof;
end:
  do
  :: state == Unknown ->
    part = (attempt[1] == unknown -> 1 : 0);
    proof = (travelling[part] == 0);      /* settleWindow has passed before this read begins */
    found = (audience[part] == 1);
    if
    :: BUG == 5 -> proof = (travelling[part] == 0)        /* judged after the read: what the code once did */
    :: else -> skip
    fi;
    atomic {
      if
      :: state == Unknown && attempt[part] == unknown && found ->
           attempt[part] = accepted;
           state = (part == PARTS - 1 -> Published : Scheduled)
      :: state == Unknown && attempt[part] == unknown && !found && proof ->
           attempt[part] = absent; state = Scheduled
      :: else -> skip
      fi
    }
  od
}

/* A person: one edit (which revokes, and is approved anew) or one cancel. */
active proctype person() {
  if
  :: atomic { state == Scheduled && attempt[0] != accepted -> state = Draft; revision++; approved = 0; edits++ };
     atomic { state == Draft -> approved = revision; state = Scheduled }
  :: atomic { state == Scheduled && attempt[0] != accepted -> state = Canceled; approved = 0 }
  :: true -> skip
  fi
}

#define rest (state == Published || state == Canceled)
/* I2, under weak fairness and with deaths bounded: the post comes to rest, or
 * goes on being tried because the network goes on losing it. */
ltl settled { [] (state == Published -> (audience[0] == 1 && audience[1] == 1)) }
ltl final { [] (rest -> [] rest) }
