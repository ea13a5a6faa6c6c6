package killpoint

// Point is one of the named instants with the crash point it stands for.
type Point struct {
	Name string
	// Crash is the crash point of the sending protocol, C1 to C15, or "refresh".
	Crash string
}

// Points lists every name that is passed to Here, in the order of a post's way.
// A test holds the list to the sources.
func Points() []Point {
	return []Point{
		{"dispatch.before_commit", "C1"},
		{"dispatch.committed", "C14"},
		{"outbox.before_send", "C14"},
		{"outbox.half_sent", "C14"},
		{"outbox.before_mark", "C14"},
		{"send.loaded", "C2"},
		{"media.uploaded", "C3"},
		{"stage.created", "C3"},
		{"stage.saved", "C11"},
		{"send.prepared", "C3"},
		{"intent.before_commit", "C3"},
		{"intent.committed", "C4"},
		{"call.before", "C4"},
		{"call.bytes_written", "C5"},
		{"call.answer_begins", "C6"},
		{"call.answered", "C7"},
		{"result.before_commit", "C7"},
		{"result.committed", "C8"},
		{"thread.between_parts", "C9"},
		{"recover.before_commit", "C10"},
		{"recover.committed", "C10"},
		{"reconcile.claimed", "C13"},
		{"reconcile.read", "C13"},
		{"reconcile.before_commit", "C13"},
		{"reconcile.committed", "C13"},
		{"refresh.leased", "refresh"},
		{"refresh.answered", "refresh"},
		{"refresh.saved", "refresh"},
	}
}
