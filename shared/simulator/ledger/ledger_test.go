package ledger_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/ledger"
)

func collect(lines *[]string) func([]byte) error {
	return func(line []byte) error {
		*lines = append(*lines, string(line))
		return nil
	}
}

func read(t *testing.T, path string) []string {
	t.Helper()
	lines := []string{}
	j, err := ledger.OpenJournal(path, collect(&lines))
	require.NoError(t, err)
	require.NoError(t, j.Close())
	return lines
}

func TestAppendedRecordsAreThereWithoutClose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "j.jsonl")
	j, err := ledger.OpenJournal(path, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close() })
	require.NoError(t, j.Append(map[string]int{"a": 1}, map[string]string{"b": "x\n<y>"}))
	require.Equal(t, []string{`{"a":1}`, `{"b":"x\n<y>"}`}, read(t, path))
}

func TestATornLineIsCutAndWritingGoesOn(t *testing.T) {
	t.Parallel()
	for _, torn := range []string{`{"b":`, `{`, `{"b":2}`} {
		path := filepath.Join(t.TempDir(), "j.jsonl")
		require.NoError(t, os.WriteFile(path, []byte("{\"a\":1}\n"+torn), 0o600))
		j, err := ledger.OpenJournal(path, func([]byte) error { return nil })
		require.NoError(t, err)
		require.NoError(t, j.Append(map[string]int{"c": 3}))
		require.NoError(t, j.Close())
		require.Equal(t, []string{`{"a":1}`, `{"c":3}`}, read(t, path))
	}
}

func TestALineThatReplayRefusesStopsTheOpening(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{\"a\":1}\nrubbish\n{\"a\":2}\n"), 0o600))
	_, err := ledger.OpenJournal(path, func(line []byte) error {
		if !json.Valid(line) {
			return errors.New("not JSON")
		}
		return nil
	})
	require.ErrorContains(t, err, "line 2: not JSON")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), "rubbish", "a file that is not understood is left alone")
}

func TestWithoutAPathNothingIsKept(t *testing.T) {
	t.Parallel()
	j, err := ledger.OpenJournal("", nil)
	require.NoError(t, err)
	require.NoError(t, j.Append(1))
	require.NoError(t, j.Close())
}

func TestAppendAfterCloseIsAnError(t *testing.T) {
	t.Parallel()
	j, err := ledger.OpenJournal(filepath.Join(t.TempDir(), "j.jsonl"), nil)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	require.Error(t, j.Append(1))
	require.ErrorIs(t, j.Append(1), ledger.ErrJournalBroken)
}

func TestConcurrentAppendsStayWholeLines(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j.jsonl")
	j, err := ledger.OpenJournal(path, nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { _ = j.Append(map[string]int{"i": i}) })
	}
	wg.Wait()
	require.NoError(t, j.Close())
	lines := read(t, path)
	require.Len(t, lines, 50)
	for _, line := range lines {
		require.True(t, json.Valid([]byte(line)), line)
	}
}

func entry(id, account, conversation string, at int) ledger.Entry {
	return ledger.Entry{ID: id, AccountID: account, Handle: account, ConversationID: conversation, AcceptedAt: time.Unix(int64(at), 0)}
}

func TestBookFindsByAccountThreadAndTime(t *testing.T) {
	t.Parallel()
	b := ledger.NewBook()
	for i := range 6 {
		account, conversation := "ada", "1"
		if i%2 == 1 {
			account, conversation = "grace", "2"
		}
		require.NoError(t, b.Add(entry(strconv.Itoa(i+1), account, conversation, i)))
	}
	require.ErrorIs(t, b.Add(entry("3", "ada", "1", 9)), ledger.ErrKnown)
	names := func(list []ledger.Entry) (out []string) {
		for _, e := range list {
			out = append(out, e.ID)
		}
		return out
	}
	all := func(ledger.Entry) bool { return true }
	require.Equal(t, []string{"5", "3"}, names(b.Latest("ada", 2, all, nil)))
	require.Equal(t, []string{"5", "3"}, names(b.Latest("ada", 9, all, func(e ledger.Entry) bool { return e.ID <= "1" })))
	require.Equal(t, []string{"6", "5", "4"}, names(b.Page(3, all)))
	require.Equal(t, []string{"2", "4", "6"}, names(b.Thread("2")))
	require.Equal(t, []string{"1", "2"}, names(b.Find(func(e ledger.Entry) bool { return e.AcceptedAt.Unix() < 2 })))

	require.True(t, b.Delete("2", time.Unix(7, 0)))
	require.False(t, b.Delete("2", time.Unix(8, 0)), "it is down already")
	require.False(t, b.Delete("99", time.Unix(8, 0)))
	gone, ok := b.Get("2")
	require.True(t, ok)
	require.Equal(t, time.Unix(7, 0), gone.DeletedAt)
	b.Clear()
	require.Zero(t, b.Len())
	require.NoError(t, b.Add(entry("1", "ada", "1", 0)))
}
