package killpoint_test

import (
	"go/build/constraint"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/killpoint"
)

// Every point of the list is passed somewhere, and every passing is on the list.
func TestTheListIsThatOfTheSources(t *testing.T) {
	t.Parallel()
	passing := regexp.MustCompile(`\bHere\("([a-z_.]+)"\)`)
	var found []string
	require.NoError(t, filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range passing.FindAllSubmatch(source, -1) {
			found = append(found, string(match[1]))
		}
		return err
	}))
	var listed []string
	for _, p := range killpoint.Points() {
		require.NotEmpty(t, p.Crash)
		listed = append(listed, p.Name)
	}
	slices.Sort(found)
	found = slices.DeleteFunc(slices.Compact(found), func(name string) bool { return name == "name" })
	slices.Sort(listed)
	require.Equal(t, listed, found)
	require.Len(t, slices.Compact(listed), len(listed))
}

// What ships is the file without the tag; it must hold nothing that could end
// or read anything.
func TestWhatShipsCannotBeToldToDie(t *testing.T) {
	t.Parallel()
	for name, inFault := range map[string]bool{"killpoint.go": false, "killpoint_fault.go": true} {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		source := string(raw)
		line, _, _ := strings.Cut(source, "\n")
		expr, err := constraint.Parse(line)
		require.NoError(t, err)
		require.Equal(t, inFault, expr.Eval(func(tag string) bool { return tag == "fault" }), name)
		require.Equal(t, !inFault, expr.Eval(func(string) bool { return false }), name)
		require.Equal(t, inFault, strings.Contains(source, "os.Getenv"), name)
		require.Equal(t, inFault, strings.Contains(source, "syscall"), name)
	}
	killpoint.Here("call.before")
	require.Equal(t, t.Context(), killpoint.Calling(t.Context()))
}
