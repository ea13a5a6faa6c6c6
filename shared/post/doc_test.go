package post_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/post"
)

// picture draws the state machine as Mermaid.
func picture() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, t := range post.Transitions() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", t.From, t.To, t.Why)
	}
	return b.String()
}

func TestThePackageDocShowsTheStateMachine(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var want strings.Builder
	for line := range strings.Lines(picture()) {
		want.WriteString("//\t" + line)
	}
	require.Contains(t, string(doc), want.String(), "redraw the picture in doc.go:\n%s", want.String())
}
