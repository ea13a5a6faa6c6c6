package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"rostrum/shared/post"
	"rostrum/shared/store/internal/dbsqlc"
)

// Stage is what was staged for one part of a post on a network that publishes
// in two steps: the network has the whole part, and nobody sees it yet. The
// zero Stage is none.
type Stage struct {
	Part int
	// Hash is of the part's content.
	Hash string
	// RemoteID is empty once what was staged proved to be of no use.
	RemoteID string
	// Tries is how often the content was staged.
	Tries int
	// StagedAt and Age are by the database's clock.
	StagedAt time.Time
	Age      time.Duration
	// Ready says that the network said it can be published.
	Ready bool
	// Alive says that the network keeps it for another minute at least.
	Alive bool
	// Attempted says that an attempt was begun that was to show it.
	Attempted bool
}

// Stages returns what was staged for a post, by part. It needs the worker role.
// Errors: Unavailable.
func (tx *Tx) Stages(ctx context.Context, workspace uuid.UUID, id post.ID) (map[int]Stage, error) {
	rows, err := tx.q.StagesOfPost(ctx, dbsqlc.StagesOfPostParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return nil, fmt.Errorf("list stages of post %s: %w", id, classify(err))
	}
	out := make(map[int]Stage, len(rows))
	for _, r := range rows {
		out[int(r.Part)] = Stage{
			Part: int(r.Part), Hash: r.ContentHash, RemoteID: r.RemoteID, Tries: int(r.Tries), StagedAt: r.StagedAt.UTC(),
			Age: time.Duration(r.AgeSeconds * float64(time.Second)), Ready: r.Ready, Alive: r.Alive, Attempted: r.Attempted,
		}
	}
	return out, nil
}

// SaveStage records what was staged, which the network keeps for lives, in the
// place of what the caller read of the part, and reports false when something
// else is there by now, or an attempt was begun with it that the caller does not
// know of. The post's row must be locked. It needs the worker role. Errors:
// Unavailable.
func (tx *Tx) SaveStage(ctx context.Context, r PostRef, was, s Stage, lives time.Duration) (bool, error) {
	n, err := tx.q.SaveStage(ctx, dbsqlc.SaveStageParams{
		WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID), Part: int32(s.Part), ContentHash: s.Hash, RemoteID: s.RemoteID,
		Tries: int32(s.Tries), LivesSeconds: lives.Seconds(), WasRemoteID: was.RemoteID, WasAttempted: was.Attempted,
	})
	if err != nil {
		return false, fmt.Errorf("save stage of part %d of post %s: %w", s.Part, r.PostID, classify(err))
	}
	return n == 1, nil
}

// StageReady records that the network said that it can be published. It needs
// the worker role. Errors: Unavailable.
func (tx *Tx) StageReady(ctx context.Context, r PostRef, part int, remoteID string) error {
	err := tx.q.StageReady(ctx, dbsqlc.StageReadyParams{WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID), Part: int32(part), RemoteID: remoteID})
	if err != nil {
		return fmt.Errorf("mark part %d of post %s ready: %w", part, r.PostID, classify(err))
	}
	return nil
}

// DropStage forgets what the caller read of a part, so that it is staged anew,
// and reports false when SaveStage would. The post's row must be locked. It needs
// the worker role. Errors: Unavailable.
func (tx *Tx) DropStage(ctx context.Context, r PostRef, was Stage) (bool, error) {
	n, err := tx.q.DropStage(ctx, dbsqlc.DropStageParams{
		WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID), Part: int32(was.Part), WasRemoteID: was.RemoteID, WasAttempted: was.Attempted,
	})
	if err != nil {
		return false, fmt.Errorf("drop stage of part %d of post %s: %w", was.Part, r.PostID, classify(err))
	}
	return n == 1, nil
}

// RestartStages counts the tries of a post's parts from the beginning. It needs
// the worker role. Errors: Unavailable.
func (tx *Tx) RestartStages(ctx context.Context, r PostRef) error {
	if err := tx.q.RestartStages(ctx, dbsqlc.RestartStagesParams{WorkspaceID: r.WorkspaceID, PostID: uuid.UUID(r.PostID)}); err != nil {
		return fmt.Errorf("restart stages of post %s: %w", r.PostID, classify(err))
	}
	return nil
}

// AttemptStage is what an attempt was to show.
type AttemptStage struct {
	RemoteID string
	StagedAt time.Time
}

// AttemptStages returns what a post's attempts were to show, by attempt. It
// needs the worker role. Errors: Unavailable.
func (tx *Tx) AttemptStages(ctx context.Context, workspace uuid.UUID, id post.ID) (map[uuid.UUID]AttemptStage, error) {
	rows, err := tx.q.AttemptStages(ctx, dbsqlc.AttemptStagesParams{WorkspaceID: workspace, PostID: uuid.UUID(id)})
	if err != nil {
		return nil, fmt.Errorf("list what attempts of post %s were to show: %w", id, classify(err))
	}
	out := make(map[uuid.UUID]AttemptStage, len(rows))
	for _, r := range rows {
		out[r.AttemptID] = AttemptStage{RemoteID: r.RemoteID, StagedAt: r.StagedAt.UTC()}
	}
	return out, nil
}

// stagedPart names a part that was staged.
type stagedPart struct {
	postID   uuid.UUID
	part     int
	remoteID string
}

// stagesOf reads what is staged for those of the intents that are to show
// something staged. It comes after the locks. For all others it asks nothing.
func (tx *Tx) stagesOf(ctx context.Context, ins []Intent, turn []int) (map[stagedPart]time.Time, error) {
	var arg dbsqlc.StagesOfPostsParams
	for _, i := range turn {
		if ins[i].StagedID != "" {
			arg.WorkspaceIds = append(arg.WorkspaceIds, ins[i].WorkspaceID)
			arg.PostIds = append(arg.PostIds, uuid.UUID(ins[i].PostID))
		}
	}
	if len(arg.PostIds) == 0 {
		return map[stagedPart]time.Time{}, nil
	}
	rows, err := tx.q.StagesOfPosts(ctx, arg)
	if err != nil {
		return nil, fmt.Errorf("list stages of %d posts: %w", len(arg.PostIds), classify(err))
	}
	out := make(map[stagedPart]time.Time, len(rows))
	for _, r := range rows {
		out[stagedPart{r.PostID, int(r.Part), r.RemoteID}] = r.StagedAt
	}
	return out, nil
}

// saveAttemptStages records what attempts are to show.
func (tx *Tx) saveAttemptStages(ctx context.Context, starts []start) error {
	var arg dbsqlc.SaveAttemptStagesParams
	for _, s := range starts {
		if s.in.StagedID == "" {
			continue
		}
		arg.WorkspaceIds = append(arg.WorkspaceIds, s.in.WorkspaceID)
		arg.AttemptIds = append(arg.AttemptIds, s.in.AttemptID)
		arg.PostIds = append(arg.PostIds, uuid.UUID(s.in.PostID))
		arg.RemoteIds = append(arg.RemoteIds, s.in.StagedID)
		arg.StagedAts = append(arg.StagedAts, s.stagedAt)
	}
	if len(arg.AttemptIds) == 0 {
		return nil
	}
	if err := tx.q.SaveAttemptStages(ctx, arg); err != nil {
		return fmt.Errorf("record what %d attempts are to show: %w", len(arg.AttemptIds), classify(err))
	}
	return nil
}
