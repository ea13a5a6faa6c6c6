package publishing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
	"rostrum/shared/blob"
	"rostrum/shared/killpoint"
	"rostrum/shared/platform"
	"rostrum/shared/post"
	"rostrum/shared/store"
	"rostrum/shared/throttle"
)

const (
	// maxStages bounds how often one content is staged before its post fails.
	maxStages = 5
	// stuckAfter is how long a network may work on a part before it is staged
	// anew, and maxStuck how often that is borne.
	stuckAfter = 10 * time.Minute
	maxStuck   = 2
	// fileLife is how long a network may fetch an image from us.
	fileLife = 2 * time.Hour
	// shownAlready is the code of a call that was not made because the part is
	// public.
	shownAlready = "shown_already"
	stuckCode    = "stage_stuck"
	stuckDetail  = "The network did not finish preparing the images. Nothing was posted. Try again later."
	// mediaProcessing is the code with which a client says that the network is
	// still at work on an image.
	mediaProcessing = "media_processing"
	// mediaUnreachable is the code with which a client says that the network could
	// not fetch an image from us.
	mediaUnreachable = "media_unreachable"
)

// stage makes the parts that are not out yet ready on a network that publishes
// in two steps. It comes before the intent, may be repeated, and nobody sees
// anything of it. There is one rule: while what was staged could be published,
// nothing else is staged for the part. So what an attempt was begun with is
// asked after before it is replaced, and its attempt, proved absent, is repeated
// with the very same: a network shows one stage once. It reports false when the
// post cannot go now; its row then says why.
func (s *Service) stage(ctx context.Context, j *job) (bool, error) {
	stager, ok := j.publisher.(platform.Stager)
	if !ok || j.view.ApprovedHash != j.hash {
		return true, nil
	}
	var stages map[int]store.Stage
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		stages, err = tx.Stages(ctx, j.ref.WorkspaceID, j.ref.PostID)
		return err
	})
	if err != nil {
		return false, err
	}
	for part := range j.parts {
		if j.remote[part] != "" {
			continue
		}
		have := stages[part]
		have.Part = part
		p := staging{s: s, j: j, stager: stager, hash: post.Fingerprint(j.view.Post.AccountID, j.parts[part], ""), have: have}
		if ready, err := p.run(ctx); err != nil || !ready {
			return false, err
		}
	}
	return true, nil
}

// staging is the staging of one part.
type staging struct {
	s      *Service
	j      *job
	stager platform.Stager
	hash   string
	// have is what is staged for the part.
	have store.Stage
}

// run goes on from what is staged; it reports false when the post cannot go now.
func (p *staging) run(ctx context.Context) (bool, error) {
	switch {
	case p.have.RemoteID == "":
		return p.anew(ctx)
	case p.same() && p.have.Ready && p.have.Alive && !p.have.Attempted:
		return p.use(false)
	}
	return p.ask(ctx)
}

func (p *staging) same() bool { return p.have.Hash == p.hash }

func (p *staging) use(shown bool) (bool, error) {
	p.j.staged[p.have.Part], p.j.shown[p.have.Part] = p.have.RemoteID, shown
	return true, nil
}

// ask asks the network after what is staged and goes on from its word.
func (p *staging) ask(ctx context.Context) (bool, error) {
	bounded, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	state, err := p.stager.StageState(bounded, p.j.target, p.have.RemoteID)
	if err != nil {
		return false, p.s.notUploaded(ctx, p.j, p.have.Part, err)
	}
	switch state.Phase {
	case platform.StageReady:
		if !p.same() {
			return p.anew(ctx)
		}
		if !p.have.Ready {
			err = p.s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
				return tx.StageReady(ctx, p.j.ref, p.have.Part, p.have.RemoteID)
			})
		}
		if err != nil {
			return false, err
		}
		return p.use(false)
	case platform.StagePublished:
		if !p.same() {
			return false, p.foundLate(ctx)
		}
		// The attempt that did it was lost or settled otherwise. Another one looks
		// for it, without a call.
		return p.use(true)
	case platform.StageFailed:
		return p.failed(ctx, state)
	case platform.StageGone:
		return p.gone(ctx)
	case platform.StagePending:
	}
	return p.pending(ctx)
}

// pending waits for the network, which may be at work on a part for minutes and
// not for ever.
func (p *staging) pending(ctx context.Context) (bool, error) {
	stuck := p.have.Age > stuckAfter
	switch {
	case stuck && p.have.Attempted:
		return false, p.giveUp(ctx, "stage_unclear", "The network does not say what became of the post. Look at the account before you try again.")
	case stuck && p.have.Tries >= maxStuck:
		return false, p.giveUp(ctx, stuckCode, stuckDetail)
	case stuck, !p.same() && !p.have.Attempted:
		return p.drop(ctx, store.Requeue{Hold: post.HeldRetry, Code: stuckCode, Detail: "The network does not finish preparing the images; it is given them again."})
	}
	return false, p.s.later(ctx, p.j, processing(p.have.Age))
}

// processing says that the network is at work, and for how long to leave it alone.
func processing(age time.Duration) store.Requeue {
	return store.Requeue{
		Wait: min(max(age/4, 2*time.Second), 30*time.Second).Truncate(time.Second), Hold: post.HeldRetry, Code: mediaProcessing,
		Detail: "The network is preparing the images; the post goes out as soon as it is done.",
	}
}

// failed goes on from the network's word that it could not make the part ready.
func (p *staging) failed(ctx context.Context, state platform.StageState) (bool, error) {
	switch {
	case !p.same():
	case state.Final:
		return false, p.giveUp(ctx, state.Code, state.Detail+" Nothing was posted. Change the post, or try again.")
	case p.have.Tries >= maxStages:
		return false, p.giveUp(ctx, state.Code, fmt.Sprintf("%s Rostrum tried %d times. Nothing was posted.", state.Detail, p.have.Tries))
	}
	return p.drop(ctx, store.Requeue{
		Wait: stageWait(p.have.Tries), Hold: post.HeldRetry, Code: state.Code,
		Detail: state.Detail + " Nothing was posted.",
	})
}

// gone stages anew what the network keeps no more, as often as it takes when its
// time was up.
func (p *staging) gone(ctx context.Context) (bool, error) {
	if p.same() && p.have.Alive && p.have.Tries >= maxStages {
		return false, p.giveUp(ctx, "stage_gone", "The network forgot the post each time it was given it. Nothing was posted. Try again later.")
	}
	return p.drop(ctx, store.Requeue{
		Wait: time.Second, Hold: post.HeldRetry, Code: "stage_gone", Detail: "The network forgot the post before it was due; it is given it again.",
	})
}

// stageWait is how long after a try that failed the next one begins.
func stageWait(tries int) time.Duration { return 5 * time.Second << min(max(tries, 1), maxStages) }

// refused counts a try that came to nothing because the network could not fetch
// an image, or has forgotten one: it may be a moment's trouble, and goes on only
// so long.
func (s *Service) refused(ctx context.Context, j *job, part int, cause *apperr.Error) error {
	return s.unmoved(ctx, j, func(ctx context.Context, tx *store.Tx, p post.Post) error {
		stages, err := tx.Stages(ctx, j.ref.WorkspaceID, j.ref.PostID)
		if err != nil {
			return err
		}
		have, hash := stages[part], post.Fingerprint(j.view.Post.AccountID, j.parts[part], "")
		tries := 1
		if have.Hash == hash {
			tries = have.Tries + 1
		}
		if tries >= maxStages {
			if err := tx.RestartStages(ctx, j.ref); err != nil {
				return err
			}
			return s.fail(ctx, tx, j.ref, cause.Code, fmt.Sprintf("%s Rostrum tried %d times. Nothing was posted. %s", cause.Message, tries, cause.Hint))
		}
		// What an attempt was to show stays known.
		if !have.Attempted {
			if _, err := tx.SaveStage(ctx, j.ref, have, store.Stage{Part: part, Hash: hash, Tries: tries}, 0); err != nil {
				return err
			}
		}
		if err := tx.ForgetNetworkMedia(ctx, j.ref.WorkspaceID, j.ref.PostID); err != nil {
			return err
		}
		return s.putBack(ctx, tx, j, p, store.Requeue{
			Wait: stageWait(tries), Hold: post.HeldRetry, Code: cause.Code, Detail: cause.Message + " Nothing was posted.",
		})
	})
}

// drop forgets what is staged, and the images with it, and comes back to stage
// the part anew.
func (p *staging) drop(ctx context.Context, q store.Requeue) (bool, error) {
	return false, p.s.unmoved(ctx, p.j, func(ctx context.Context, tx *store.Tx, locked post.Post) error {
		dropped, err := tx.DropStage(ctx, p.j.ref, p.have)
		if err != nil {
			return err
		}
		if dropped {
			if err := tx.ForgetNetworkMedia(ctx, p.j.ref.WorkspaceID, p.j.ref.PostID); err != nil {
				return err
			}
		}
		return p.s.putBack(ctx, tx, p.j, locked, q)
	})
}

// giveUp fails the post; a person who has it tried again starts over.
func (p *staging) giveUp(ctx context.Context, code, detail string) error {
	return p.s.unmoved(ctx, p.j, func(ctx context.Context, tx *store.Tx, _ post.Post) error {
		if err := tx.RestartStages(ctx, p.j.ref); err != nil {
			return err
		}
		return p.s.fail(ctx, tx, p.j.ref, code, detail)
	})
}

// foundLate keeps the post back: an earlier form of it is public although it was
// proved absent, and what is to be done about that is a person's matter.
func (p *staging) foundLate(ctx context.Context) error {
	return p.s.unmoved(ctx, p.j, func(ctx context.Context, tx *store.Tx, _ post.Post) error {
		return tx.HoldPost(ctx, p.j.ref, actor(p.j.ref.WorkspaceID), post.HeldFoundLate)
	})
}

// anew stages the part and asks after it at once: many networks are quick.
func (p *staging) anew(ctx context.Context) (bool, error) {
	req := platform.StageRequest{Target: p.j.target, Text: p.j.texts[p.have.Part]}
	for i, m := range p.j.parts[p.have.Part].Media {
		url, err := p.s.fileURL(ctx, p.j, m)
		if err != nil {
			return false, p.s.notUploaded(ctx, p.j, p.have.Part, err)
		}
		req.Images = append(req.Images, platform.StagedImage{RemoteID: p.j.media[p.have.Part][i], URL: url, Alt: m.Alt})
	}
	bounded, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	heard := store.Heard{WorkspaceID: p.j.ref.WorkspaceID, AccountID: p.j.view.Post.AccountID, Network: p.j.view.Network}
	req.Target.Heard = func(quotas []throttle.Quota) { heard.Quotas = append(heard.Quotas, quotas...) }
	staged, err := p.stager.Stage(bounded, req)
	if e := apperr.As(err); e != nil && e.Code == mediaProcessing {
		return false, p.awaitImages(ctx, e)
	}
	if err != nil {
		return false, p.s.notUploaded(ctx, p.j, p.have.Part, err)
	}
	killpoint.Here("stage.created")
	tries := 1
	if p.same() {
		tries = p.have.Tries + 1
	}
	now := store.Stage{Part: p.have.Part, Hash: p.hash, RemoteID: staged.RemoteID, Tries: tries, Alive: true}
	kept := false
	err = p.s.unmoved(ctx, p.j, func(ctx context.Context, tx *store.Tx, locked post.Post) error {
		var err error
		if kept, err = tx.SaveStage(ctx, p.j.ref, p.have, now, staged.Lives); err != nil {
			return err
		}
		if kept {
			_, err = tx.Hear(ctx, []store.Heard{heard})
			return err
		}
		// Somebody else staged it meanwhile; theirs counts.
		return p.s.putBack(ctx, tx, p.j, locked, store.Requeue{Wait: time.Second})
	})
	if err != nil || !kept {
		return false, err
	}
	killpoint.Here("stage.saved")
	p.s.Logger.LogAttrs(ctx, slog.LevelInfo, "part staged", slog.String("post_id", p.j.ref.PostID.String()), slog.Int("part", now.Part),
		slog.String("staged_id", now.RemoteID), slog.Int("tries", tries), slog.String("correlation_id", p.j.ref.CorrelationID.String()))
	p.have = now
	return p.ask(ctx)
}

// awaitImages waits for images that go to the network before their part, as long
// as pending waits for a part.
func (p *staging) awaitImages(ctx context.Context, cause *apperr.Error) error {
	waiting := p.same() && p.have.RemoteID == ""
	if waiting && p.have.Age > stuckAfter {
		if p.have.Tries+1 >= maxStuck {
			return p.giveUp(ctx, stuckCode, stuckDetail)
		}
		return p.s.refused(ctx, p.j, p.have.Part, apperr.New(apperr.Unavailable, stuckCode, "The network does not finish preparing the images."))
	}
	if waiting {
		return p.s.later(ctx, p.j, processing(max(4*cause.RetryAfter, p.have.Age)))
	}
	return p.s.unmoved(ctx, p.j, func(ctx context.Context, tx *store.Tx, locked post.Post) error {
		if !p.have.Attempted {
			// From now on its age counts.
			if _, err := tx.SaveStage(ctx, p.j.ref, p.have, store.Stage{Part: p.have.Part, Hash: p.hash}, 0); err != nil {
				return err
			}
		}
		return p.s.putBack(ctx, tx, p.j, locked, processing(4*cause.RetryAfter))
	})
}

// fileURL is where a network that fetches images finds one; empty for those that
// are given them.
func (s *Service) fileURL(ctx context.Context, j *job, m post.Media) (string, error) {
	if _, ok := j.publisher.(platform.Stager); !ok {
		return "", nil
	}
	if s.Files == nil {
		return "", apperr.New(apperr.Unavailable, "no_media", "Rostrum is not set up to keep images")
	}
	return s.Files.DownloadURL(ctx, blob.MediaKey(j.ref.WorkspaceID, m.ID, m.Digest), fileLife)
}

// askStage reads how far that has come which an unknown attempt was to show.
// Earlier attempts may have been to show the same, and any of them may have done
// it: the look reaches back to the first.
func (s *Service) askStage(ctx context.Context, l *look, publisher platform.Publisher, target platform.Target) error {
	stager, ok := publisher.(platform.Stager)
	if !ok {
		return nil
	}
	var stages map[uuid.UUID]store.AttemptStage
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		stages, err = tx.AttemptStages(ctx, l.ref.WorkspaceID, l.ref.PostID)
		return err
	})
	if err != nil {
		return err
	}
	mine := stages[l.attempt.ID]
	if mine.RemoteID == "" {
		return nil
	}
	for _, a := range l.view.Attempts {
		if stages[a.ID].RemoteID == mine.RemoteID && a.StartedAt.Before(l.since) {
			l.since, l.sinceID = a.StartedAt, a.SinceID
		}
	}
	state, err := stager.StageState(ctx, target, mine.RemoteID)
	if err != nil {
		return err
	}
	l.phase = state.Phase
	if l.attempt.Code == shownAlready && l.phase == platform.StagePublished && mine.StagedAt.Before(l.since) {
		// Whose attempt it was is not recorded; it cannot be older than its staging.
		l.since, l.sinceID = mine.StagedAt, ""
	}
	return nil
}
