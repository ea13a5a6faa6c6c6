package publishing

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"rostrum/shared/account"
	"rostrum/shared/platform"
)

// stagedText is what lies on a network that publishes in two steps.
type stagedText struct {
	text  string
	phase platform.Phase
}

// twoStep is the machine's network as one that publishes in two steps.
type twoStep struct{ *machine }

func (m *machine) inTwoSteps() *machine {
	m.service.Publishers = map[account.Network]platform.Publisher{account.X: twoStep{m}}
	return m
}

// Stage takes a part; now and then the network takes its time over it.
func (n twoStep) Stage(_ context.Context, r platform.StageRequest) (platform.Staged, error) {
	id := "stage " + strconv.Itoa(len(n.staged)+1)
	phase := rapid.SampledFrom([]platform.Phase{platform.StageReady, platform.StageReady, platform.StagePending}).Draw(n.rt, "staged")
	n.staged[id] = &stagedText{text: r.Text, phase: phase}
	return platform.Staged{RemoteID: id, Lives: 23 * time.Hour}, nil
}

// StageState tells the truth. Between two askings what is not public may become
// ready, fail or be forgotten.
func (n twoStep) StageState(_ context.Context, _ platform.Target, id string) (platform.StageState, error) {
	staged := n.staged[id]
	if staged.phase == platform.StagePending || staged.phase == platform.StageReady && rapid.IntRange(0, 5).Draw(n.rt, "spoils") == 5 {
		staged.phase = rapid.SampledFrom([]platform.Phase{
			platform.StageReady, platform.StageReady, platform.StagePending, platform.StageFailed, platform.StageGone,
		}).Draw(n.rt, "phase")
	}
	return platform.StageState{Phase: staged.phase, Code: "spoilt", Detail: "The network could not read the image."}, nil
}

// A network that shows a stage once keeps a doubt from doing harm even when it
// takes a request long after every window of ours.
func TestHoweverLateANetworkOfTwoStepsIsItShowsAPartOnce(t *testing.T) {
	t.Parallel()
	m := newMachine(t).inTwoSteps()
	m.impatient, m.alone = true, true
	require.NoError(t, m.finds(t, 60))
}
