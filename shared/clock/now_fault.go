//go:build fault

package clock

import (
	"os"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// shiftSetting moves this process's wall clock by whole seconds, from the first
// reading on or, after an @, so much later: "1h", "-1h@2s".
const shiftSetting = "ROSTRUM_CLOCK_SHIFT"

var move = sync.OnceValue(func() (m struct {
	by   time.Duration
	from time.Time
},
) {
	by, after, _ := strings.Cut(os.Getenv(shiftSetting), "@")
	m.by, _ = time.ParseDuration(by)
	wait, _ := time.ParseDuration(after)
	m.from = time.Now().Add(wait)
	return m
})

// now is the machine's clock with its wall moved. The monotonic reading stays,
// as it does when somebody sets a clock: package time offers no way to say
// that, so the seconds of the wall are written into the value. In a time with a
// monotonic reading they are the 33 bits above the 30 of the nanoseconds
// (package time, type Time).
func now() time.Time {
	t := time.Now()
	if m := move(); m.by != 0 && !t.Before(m.from) {
		*(*uint64)(unsafe.Pointer(&t)) += uint64(m.by/time.Second) << 30
	}
	return t
}
