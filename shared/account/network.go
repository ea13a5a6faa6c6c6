package account

// Network is a social network an account can be on.
type Network string

// X is the network at x.com.
const X Network = "x"

// Networks lists every network that can be connected today.
func Networks() []Network { return []Network{X} }

// Valid reports whether n is a network that can be connected today.
func (n Network) Valid() bool { return n == X }
