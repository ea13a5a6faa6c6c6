/* Sending to a network that publishes in two steps (decision 0016,
 * shared/workflow/publishing/stage.go, shared/store/stages.go) as a model for
 * spin, beside sending.pml: one post of one part, two senders, each of which may
 * also come early and only make it ready, a ticker, a reader, a person who edits
 * or cancels, and a network that keeps what was staged, shows each once, and may
 * take a request late, lose it, or forget or spoil what was staged. A sender may
 * stop before and after every step, for ever or for any time. Names are those of
 * the code.
 *
 * Checked for every interleaving:
 *   I1  the audience sees the part at most once
 *   I3  nothing is called for after a cancel or an edit that committed before the intent
 *   I4  only content whose approval stands is called for
 *   the rule of 0016: while what was staged could be published, or is public,
 *   nothing else is staged for the part
 * Two kinds of network, drawn at the start:
 *   in time  a request takes effect within settleWindow or never; people edit,
 *            and the network forgets what it published and publishes what it
 *            said that it had forgotten or could not make ready.
 *   late     a request may take effect after every window of ours; nobody
 *            edits, and what the network says of a stage is true.
 *
 * posts.not_before is not here: a post that waits may be put back to an earlier
 * time than another visit has read, so nothing may rest on it.
 *
 * LEFT_OUT is a sum of what is broken; infra/model/check demands that each but
 * the first two is found, and of these that either may be missing and not both:
 *     1  unmoved does not compare attempt_no
 *     2  SaveStage and DropStage do not ask whether an attempt was begun
 *     4  the intent does not compare with what is staged now
 *     8  what an attempt was begun with is replaced without being asked after
 *    16  absence is judged by the stage's state alone, without settleWindow
 *    32  settleWindow is judged after the read
 *    64  what was staged of another content is used
 *   128  the intent does not compare the revision
 *   256  people may edit and cancel what is being sent
 */

#ifndef LEFT_OUT
#define LEFT_OUT 0
#endif
#define OFF(rule) (LEFT_OUT & rule)
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef TRIES
#define TRIES 2          /* intents in all */
#endif
#ifndef STAGES
#define STAGES 2         /* stages ever kept, 3 at the most */
#endif

mtype = { Draft, Scheduled, Sending, Published, Canceled, Unknown, Held,   /* posts.state; Held is for a person */
          none, sending, accepted, unknown, absent,                        /* attempts.state */
          pending, ready, published, gone };                               /* platform.Phase; failed is gone here */

mtype state = Scheduled;
mtype attempt = none;          /* the newest attempt */
byte fence = 0;                /* posts.attempt_no */
byte shows = 0;                /* attempt_stages of the newest attempt */
byte revision = 1;
byte approved = 1;             /* the revision that the live approval is for; 0 is none */
bool lease = false;            /* posts.lease_until lies ahead */
bool calling = false;          /* between the lease check and the end of the call */

byte have = 0;                 /* network_stages.remote_id; 0 is none */
bool attempted[STAGES + 1];    /* an attempt was begun that was to show it */

bool late = false;
byte stages = 0;
mtype phase[STAGES + 1] = none;
byte content[STAGES + 1];      /* the revision that was staged */
byte travelling[STAGES + 1];   /* requests that can still take effect */
bool shown[STAGES + 1];
byte audience = 0;

#define SAME (content[now] == rev)
/* Service.unmoved: what it does is done under the post's lock. */
#define UNMOVED (state == Scheduled && revision == rev && (OFF(1) || fence == seen))
/* SaveStage, DropStage: the row is still what was read. */
#define AS_READ (have == now && (OFF(2) || saw || !attempted[now]))

/* The rule of 0016. With a seeded bug, only what people see counts. */
inline replaced(s) {
#if LEFT_OUT < 3
  assert(s == 0 || (!shown[s] && (travelling[s] == 0 || (late && phase[s] == gone))))
#else
  skip
#endif
}

inline works(s) {
  if
  :: phase[s] == pending -> if :: phase[s] = ready :: phase[s] = gone fi
  :: phase[s] == ready || (phase[s] == published && !late) -> phase[s] = gone
  :: travelling[s] > 0 ->
       travelling[s]--;
       if
       :: phase[s] == ready || (phase[s] == gone && !shown[s] && !late) ->
            phase[s] = published; shown[s] = true; audience++;
            assert(audience <= 1)                               /* I1 */
       :: true -> skip
       fi
  fi
}

proctype network() {
end:
  do
  :: atomic { works(1) }
#if STAGES > 1
  :: atomic { works(2) }
#endif
#if STAGES > 2
  :: atomic { works(3) }
#endif
  od
}

/* Service.load, Service.stage: ends in use, with now to be shown, or begins
 * again. Between any two steps any time may pass. */
inline prepare() {
  now = 0; saw = false; seen = 0; rev = 0;
end:
  atomic { state == Scheduled -> rev = revision; seen = fence }            /* LoadSendings */
  atomic { now = have; saw = attempted[have] }                             /* Stages */
  atomic {
    if
    :: now == 0 || (OFF(8) && saw) -> goto anew
    :: now != 0 && (SAME || OFF(64)) && !saw && phase[now] != pending -> goto use   /* ready by the row, and alive */
    :: now != 0 -> skip
    fi
  }
ask:
  atomic {                                                                 /* StageState */
    if
    :: phase[now] == ready && (SAME || OFF(64)) -> goto use
    :: phase[now] == ready && !SAME && !OFF(64) -> goto anew
    :: phase[now] == published && SAME -> public = true; goto use
    :: phase[now] == published && !SAME -> goto found_late
    :: phase[now] == gone || (phase[now] == pending && !saw) -> goto drop  /* failed, forgotten, or stuck */
    :: phase[now] == pending -> goto again
    fi
  }
found_late:
  atomic { if :: UNMOVED -> state = Held :: else -> skip fi; goto again }
drop:
  atomic {
    if
    :: UNMOVED && AS_READ -> replaced(have); have = 0
    :: else -> skip
    fi;
    goto again
  }
anew:
  /* Stager.Stage, SaveStage: what is staged and not kept is nowhere to be found. */
  atomic {
    if
    :: UNMOVED && AS_READ && stages < STAGES ->
         replaced(have);
         stages++; have = stages; phase[have] = pending; content[have] = rev;
         now = have; saw = false;
         goto ask
    :: else -> goto again
    fi
  }
}

/* Service.Send. One that came early, or dies, stops before the intent. */
proctype sender() {
  byte now, seen, rev;
  bool saw, public;
again:
  prepare();
use:
  atomic {                                                                 /* BeginAttempt */
    seen = 0; saw = false;
    if
    :: fence < TRIES && state == Scheduled && (OFF(128) || revision == rev && approved == rev) && (OFF(4) || have == now) ->
         assert(content[now] == approved);                                 /* I4 */
         state = Sending; fence++; seen = fence; lease = true; attempt = sending; shows = now; attempted[now] = true; rev = 0
    :: true -> public = false; goto again                                  /* lost, dies, or came early */
    fi
  }
  atomic {                                                                 /* Service.call */
    if
    :: lease && fence == seen && !public ->
         calling = true; travelling[now]++;
         assert(content[now] == approved && approved == revision)          /* I3, I4: nothing changes after the intent */
    :: lease && fence == seen && public -> public = false; goto unclear    /* shown_already: no call */
    :: true -> public = false; goto not_sent                               /* held up, not reached, refused clearly */
    :: true -> public = false; goto again                                  /* dies */
    fi
  }
  atomic {                                                                 /* the answer: heard, or not */
    calling = false;
    if
    :: shown[now] -> skip
    :: true -> goto unclear
    :: true -> goto again
    fi
  }
  atomic {                                                                 /* writeAccepted, writeLate */
    if
    :: fence == seen && (attempt == sending || attempt == unknown) ->
         attempt = accepted; state = Published; lease = false
    :: (fence != seen || attempt == absent) && state == Scheduled -> state = Held
    :: else -> skip
    fi;
    goto again
  }
unclear:
  atomic {                                                                 /* writeUnclear */
    if
    :: state == Sending && fence == seen -> attempt = unknown; state = Unknown; lease = false
    :: else -> skip
    fi;
    goto again
  }
not_sent:
  atomic {                                                                 /* writeRetry */
    if
    :: state == Sending && fence == seen -> attempt = absent; state = Scheduled; lease = false
    :: else -> skip
    fi;
    goto again
  }
}

/* The clock, Service.Tick: a lease ends only after the call that was begun under
 * it; then the post is taken back. */
proctype ticker() {
end:
  do
  :: atomic { lease && !calling -> lease = false }
  :: atomic { state == Sending && !lease -> attempt = unknown; state = Unknown }
  od
}

/* Service.Reconcile: asks after the stage, reads, then decides under the lock. */
proctype reader() {
  byte no;
  bool proof, found;
end:
  do
  :: atomic {
       state == Unknown ->
       no = fence;
       /* settleWindow has passed before this begins; it is neither public nor at work */
       proof = (late || OFF(16) || OFF(32) || travelling[shows] == 0) && phase[shows] != published && phase[shows] != pending
     }
     found = (shows != 0 && shown[shows] && fence == no);                  /* RecentPosts */
     atomic {
       if
       :: state == Unknown && fence == no && found -> attempt = accepted; state = Published
       :: state == Unknown && fence == no && !found && proof && (!OFF(32) || late || travelling[shows] == 0) ->
            attempt = absent; state = Scheduled
       :: true -> skip
       fi;
       no = 0; proof = false; found = false
     }
  od
}

#define FREE (state == Scheduled || (OFF(256) && (state == Sending || state == Unknown)))

/* A person: one edit (which revokes, and is approved anew) or one cancel. */
proctype person() {
  if
  :: atomic { FREE && !late -> state = Draft; revision++; approved = 0 };
     atomic { state == Draft -> approved = revision; state = Scheduled }
  :: atomic { FREE -> state = Canceled; approved = 0 }
  :: true -> skip
  fi
}

init {
  byte n;
  atomic {
    if :: late = true :: true -> skip fi;
    run network(); run ticker(); run reader(); run person();
    n = 0;
    do :: n < SENDERS -> run sender(); n++ :: else -> break od;
    n = 0
  }
}
