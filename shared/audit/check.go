package audit

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Fault is one thing that is wrong with the log.
type Fault struct {
	// Position is the place in the chain, 0 when the fault has none.
	Position int64
	// Sequence and EventID name the event, as far as it is known.
	Sequence int64
	EventID  uuid.UUID
	// What says what is wrong, as a sentence.
	What string
}

const (
	// maxFaults bounds what is listed; the first is what matters.
	maxFaults = 20
	// datedBack is how much older than its neighbours in the chain an event may
	// say it is. Transactions last seconds.
	datedBack = time.Hour
)

// Checker holds seals and events against each other. Give it every seal, in the
// chain's order, then ask for Faults.
type Checker struct {
	last   Seal
	newest time.Time
	faults []Fault
	// heads are those still ahead, by position.
	heads []Head
	// fits is the last head that the chain agrees with.
	fits Head
	anew bool
}

// NewChecker begins a check. Heads were signed earlier and kept elsewhere; they
// must be in the order of their positions. Without them a chain that was made
// anew as a whole, or cut short, cannot be told from the true one.
func NewChecker(heads []Head) *Checker { return &Checker{heads: heads} }

// Last is the seal that was given last.
func (c *Checker) Last() Seal { return c.last }

// Check takes the next seal and the event that stands under its number now; nil
// when there is none.
func (c *Checker) Check(s Seal, r *Row) {
	whole := s.Position == c.last.Position+1
	if !whole {
		c.add(Fault{Position: c.last.Position + 1, What: fmt.Sprintf(
			"the seals %d to %d are gone, with whatever they sealed (between event %d and event %d)", c.last.Position+1, s.Position-1, c.last.Sequence, s.Sequence)})
	}
	switch {
	case r == nil:
		c.fault(s, "was deleted")
	case r.ID != s.EventID || r.WorkspaceID != s.WorkspaceID:
		c.fault(s, "has another event (%s) in its place", r.ID)
	case whole && c.last.Next(*r, s.SealedAt).Digest != s.Digest:
		c.fault(s, "is not as it was sealed: it, its place or its seal was changed")
	case r.At.Before(c.newest.Add(-datedBack)):
		c.fault(s, "says it is of %s, but was written after events of %s", r.At.UTC().Format(time.RFC3339), c.newest.UTC().Format(time.RFC3339))
	}
	if r != nil && r.At.After(c.newest) {
		c.newest = r.At
	}
	c.last = s
	c.checkHeads(s)
}

// checkHeads holds the heads of this position against it. After one that
// differs all later ones do.
func (c *Checker) checkHeads(s Seal) {
	for len(c.heads) > 0 && c.heads[0].Position <= s.Position {
		h := c.heads[0]
		c.heads = c.heads[1:]
		if c.anew || h.Position < s.Position {
			continue // Of a seal that is gone: that is a fault already.
		}
		if h.Digest == s.Digest && h.Sequence == s.Sequence {
			c.fits = h
			continue
		}
		c.anew = true
		c.add(Fault{Position: h.Position, Sequence: s.Sequence, EventID: s.EventID, What: fmt.Sprintf(
			"the chain was made anew: position %d is not what was signed on %s. What was changed stands behind position %d and not behind this one",
			h.Position, h.At.Format(time.RFC3339), c.fits.Position)})
	}
}

// PassedOver notes an event that has no seal although the sealer went past it.
func (c *Checker) PassedOver(sequence int64, id uuid.UUID, at time.Time) {
	c.add(Fault{Sequence: sequence, EventID: id, What: fmt.Sprintf(
		"event %d (%s, of %s) has no seal: it was put among events that were sealed already", sequence, id, at.UTC().Format(time.RFC3339))})
}

// SoFar returns what is wrong with what was given yet.
func (c *Checker) SoFar() []Fault { return c.faults }

// Faults ends the check and returns what is wrong, in the chain's order; none
// is a log that is whole. At most 20 are listed.
func (c *Checker) Faults() []Fault {
	if n := len(c.heads); n > 0 {
		h := c.heads[n-1]
		c.add(Fault{Position: c.last.Position + 1, What: fmt.Sprintf(
			"the end is gone: the chain ends at position %d (event %d), but on %s position %d (event %d) was signed",
			c.last.Position, c.last.Sequence, h.At.Format(time.RFC3339), h.Position, h.Sequence)})
		c.heads = nil
	}
	return c.faults
}

func (c *Checker) fault(s Seal, format string, args ...any) {
	c.add(Fault{Position: s.Position, Sequence: s.Sequence, EventID: s.EventID, What: fmt.Sprintf(
		"event %d (%s, sealed %s at position %d) ", s.Sequence, s.EventID, s.SealedAt.UTC().Format(time.RFC3339), s.Position) + fmt.Sprintf(format, args...)})
}

func (c *Checker) add(f Fault) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, f)
	}
}
