//go:build fault

// Package killpoint names the instants at which a process may die. This is the
// build of the fault suite; it is not in what ships.
package killpoint

import (
	"context"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The settings: a name, or name:n for the n-th passing, counted from 1.
const (
	killSetting   = "ROSTRUM_KILL_AT"
	freezeSetting = "ROSTRUM_FREEZE_AT"
)

var (
	mu     sync.Mutex
	passed = map[string]int{}
)

// Here ends this process if it was told to die at name, and stops it until
// SIGCONT if it was told to freeze there.
func Here(name string) {
	if struck(killSetting, name) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // The signal is on its way; not one more step.
	}
	if struck(freezeSetting, name) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
}

// Calling returns a context whose HTTP request passes call.bytes_written when
// it is on the wire and call.answer_begins at the first byte of the answer.
func Calling(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { Here("call.bytes_written") },
		GotFirstResponseByte: func() { Here("call.answer_begins") },
	})
}

func struck(setting, name string) bool {
	want, nth, counted := strings.Cut(os.Getenv(setting), ":")
	if want != name {
		return false
	}
	n := 1
	if counted {
		if parsed, err := strconv.Atoi(nth); err == nil {
			n = parsed
		}
	}
	mu.Lock()
	defer mu.Unlock()
	passed[setting]++
	return passed[setting] == n
}
