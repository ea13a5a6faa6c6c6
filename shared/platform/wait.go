package platform

import (
	"fmt"
	"time"
)

// WaitWords tells how long a network asks to wait, as people say it: "45 s",
// "15 min", "2 h 30 min". A part of the smallest unit counts as a whole one.
func WaitWords(d time.Duration) string {
	up := func(unit time.Duration) int64 { return int64((d + unit - 1) / unit) }
	switch {
	case d <= 90*time.Second:
		return fmt.Sprintf("%d s", up(time.Second))
	case d <= 90*time.Minute:
		return fmt.Sprintf("%d min", up(time.Minute))
	}
	hours, minutes := up(time.Minute)/60, up(time.Minute)%60
	if minutes == 0 {
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d h %d min", hours, minutes)
}
