package account

import "slices"

// Network is a social network an account can be on.
type Network string

// The networks.
const (
	// X is the network at x.com.
	X Network = "x"
	// Instagram is the network at instagram.com, for professional accounts.
	Instagram Network = "instagram"
)

// Networks lists every network that accounts can be on.
func Networks() []Network { return []Network{X, Instagram} }

// Valid reports whether n is a network that accounts can be on.
func (n Network) Valid() bool { return slices.Contains(Networks(), n) }

// Name is the network's name as people write it.
func (n Network) Name() string {
	switch n {
	case X:
		return "X"
	case Instagram:
		return "Instagram"
	}
	return string(n)
}
