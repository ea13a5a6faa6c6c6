// Package ledger remembers what a simulated network accepted. A [Journal] makes
// every acceptance durable before it is answered, so that a process killed
// between the two still holds the post when it starts again; a [Book] is the
// list of what the audience saw, the oracle that publish tests are judged by.
package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ErrJournalBroken says that an earlier write was cut and could not be taken
// back, so nothing more may be appended until the journal is opened anew.
var ErrJournalBroken = errors.New("journal is broken by an earlier write")

// Journal is an append-only file of JSON lines. Records survive a killed
// process, since each is handed to the operating system before Append returns;
// they are not synced to the disk, so a power cut may lose the last ones. It is
// safe for concurrent use.
type Journal struct {
	mu     sync.Mutex
	file   *os.File
	size   int64
	broken bool
}

// OpenJournal opens or creates the file at path, hands every complete line to
// replay in order, and cuts a torn last line off. An empty path gives a journal
// that keeps nothing. A line in the middle that replay refuses is an error: the
// file is not one of ours.
func OpenJournal(path string, replay func(line []byte) error) (*Journal, error) {
	if path == "" {
		return &Journal{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	file, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	size, err := load(file, replay)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read journal %s: %w", path, err), file.Close())
	}
	return &Journal{file: file, size: size}, nil
}

// load replays the file and returns the length of its whole lines, with the
// file cut to it.
func load(file *os.File, replay func(line []byte) error) (int64, error) {
	data, err := io.ReadAll(file)
	if err != nil {
		return 0, err
	}
	size, number := 0, 0
	for size < len(data) {
		end := bytes.IndexByte(data[size:], '\n')
		if end < 0 {
			break // The process died inside this write; its answer was never sent.
		}
		number++
		if line := data[size : size+end]; len(line) > 0 {
			if err := replay(line); err != nil {
				return 0, fmt.Errorf("line %d: %w", number, err)
			}
		}
		size += end + 1
	}
	if err := file.Truncate(int64(size)); err != nil {
		return 0, err
	}
	return int64(size), nil
}

// Append writes the records, one line each, in a single write. When it returns
// without error they outlive the process. A failed write is taken back, so that
// a full disk leaves the file readable.
func (j *Journal) Append(records ...any) error {
	if j.file == nil {
		return nil
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for _, record := range records {
		if err := encoder.Encode(record); err != nil {
			return fmt.Errorf("encode journal record: %w", err)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken {
		return ErrJournalBroken
	}
	n, err := j.file.WriteAt(lines.Bytes(), j.size)
	if err != nil {
		if cut := j.file.Truncate(j.size); cut != nil {
			j.broken = true
			return fmt.Errorf("append to journal: %w", errors.Join(err, cut))
		}
		return fmt.Errorf("append to journal: %w", err)
	}
	j.size += int64(n)
	return nil
}

// Close closes the file. What was appended stays.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
