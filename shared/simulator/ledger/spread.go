package ledger

import "hash/fnv"

// Spread turns names into a number, the same in every run and far from that of
// names that are nearly alike. It is how a network rolls its dice and makes up
// what has to look random.
func Spread(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0})
	}
	// FNV leaves near inputs near each other; this spreads them.
	v := h.Sum64()
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	return v
}
