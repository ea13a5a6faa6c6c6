//go:build !fault

// Package killpoint names the instants at which a process may die. Each of them
// is passed in the code as Here("name"). In what ships Here is empty and is
// compiled away; built with the tag fault, a process that is told a name ends
// itself there with SIGKILL, or freezes itself with SIGSTOP, so that the fault
// suite (scripts/faulttest) can kill the sender between any two steps of it.
package killpoint

import "context"

// Here does nothing: only a build with the tag fault can be told to die.
func Here(string) {}

// Calling returns ctx: only a build with the tag fault watches a call's bytes.
func Calling(ctx context.Context) context.Context { return ctx }
