// Package networks makes the clients of all networks from their settings. It is
// what the functions wire in; nothing of what a client does is here.
//
// To add a network is to add a line in each of Settings, Open and missing.
package networks

import (
	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/platform"
	"rostrum/shared/platform/instagram"
	"rostrum/shared/platform/x"
)

// Settings are those of every network. All are read from the environment.
type Settings struct {
	X         x.Settings
	Instagram instagram.Settings
}

// Clients are the clients of every network. Posts of an account that is
// connected go out, and its token is renewed, whether or not another could be
// connected: see Missing.
type Clients struct {
	Publishers map[account.Network]platform.Publisher
	Connectors map[account.Network]platform.Connector
	// Missing names the settings without which no account of a network can be
	// connected; nothing of a network that has them all.
	Missing map[account.Network][]string
	// WebURLs are where the networks show accounts, by their handles.
	WebURLs map[account.Network]string

	idle []interface{ CloseIdleConnections() }
}

// client is what each network's package has.
type client interface {
	platform.Publisher
	platform.Connector
	CloseIdleConnections()
}

// Open makes the clients. Errors: Invalid when an address is none.
func Open(s Settings, clk clock.Clock) (*Clients, error) {
	c := &Clients{
		Publishers: map[account.Network]platform.Publisher{}, Connectors: map[account.Network]platform.Connector{},
		Missing: missing(s), WebURLs: map[account.Network]string{account.X: s.X.WebURL, account.Instagram: s.Instagram.WebURL},
	}
	onX, err := x.New(s.X, clk)
	if err != nil {
		return nil, err
	}
	c.add(account.X, onX)
	onInstagram, err := instagram.New(s.Instagram, clk)
	if err != nil {
		return nil, err
	}
	c.add(account.Instagram, onInstagram)
	return c, nil
}

func (c *Clients) add(n account.Network, of client) {
	c.Publishers[n], c.Connectors[n] = of, of
	c.idle = append(c.idle, of)
}

// CloseIdleConnections closes kept-alive connections. Calls in flight go on.
func (c *Clients) CloseIdleConnections() {
	for _, of := range c.idle {
		of.CloseIdleConnections()
	}
}

// missing looks for the settings that have no default and cannot do without.
func missing(s Settings) map[account.Network][]string {
	out := map[account.Network][]string{}
	need := func(n account.Network, setting string, has bool) {
		if !has {
			out[n] = append(out[n], setting)
		}
	}
	// X takes public clients, which have no secret.
	need(account.X, "X_CLIENT_ID", s.X.ClientID != "")
	need(account.Instagram, "INSTAGRAM_CLIENT_ID", s.Instagram.ClientID != "")
	need(account.Instagram, "INSTAGRAM_CLIENT_SECRET", s.Instagram.ClientSecret != "")
	return out
}
