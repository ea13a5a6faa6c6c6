package api

import (
	"context"

	"rostrum/shared/account"
	"rostrum/shared/platform"
	"rostrum/shared/workflow/connecting"
)

// Network is a network that accounts can be on, and what it takes.
type Network struct {
	Network      string        `json:"network" enum:"x,instagram"`
	Name         string        `json:"name"`
	WebURL       string        `json:"web_url" doc:"Where it shows accounts, by their handles."`
	Connectable  bool          `json:"connectable"`
	WhyNot       string        `json:"why_not" doc:"Why no account of it can be connected here, in a sentence; else empty."`
	SimulatedURL *string       `json:"simulated_url" doc:"What the audience of the simulated network sees; null when the network is real."`
	Limits       NetworkLimits `json:"limits"`
}

// NetworkLimits is what a network takes in one post.
type NetworkLimits struct {
	MaxLength     int      `json:"max_length" doc:"Of one part, in the network's own unit."`
	MaxParts      int      `json:"max_parts" doc:"1 where there are no threads."`
	MaxHashtags   int      `json:"max_hashtags" doc:"Of one part; 0 is no limit, here and with the next."`
	MaxMentions   int      `json:"max_mentions"`
	MinImages     int      `json:"min_images" doc:"Of one part, and only from its approval on."`
	MaxImages     int      `json:"max_images"`
	ImageTypes    []string `json:"image_types" nullable:"false"`
	MaxImageBytes int64    `json:"max_image_bytes"`
	MinAspect     float64  `json:"min_aspect" doc:"Width over height; 0 is no limit, here and with the next."`
	MaxAspect     float64  `json:"max_aspect"`
}

func (s *Server) listNetworks(ctx context.Context, _ *NoInput) (*List[Network], error) {
	offers, err := s.Connecting.Offers(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	return list(mapped(offers, s.toNetwork)), nil
}

func (s *Server) toNetwork(o connecting.Offer) Network {
	out := Network{
		Network: string(o.Network), Name: o.Network.Name(), WebURL: s.Settings.NetworkURLs[o.Network],
		Connectable: o.WhyNot == "", WhyNot: o.WhyNot, Limits: toNetworkLimits(platform.LimitsOf(o.Network)),
	}
	if address := s.Settings.SimulatedURLs[o.Network]; address != "" {
		out.SimulatedURL = &address
	}
	return out
}

func toNetworkLimits(l platform.Limits) NetworkLimits {
	return NetworkLimits{
		MaxLength: l.MaxLength, MaxParts: l.MaxParts, MaxHashtags: l.MaxHashtags, MaxMentions: l.MaxMentions,
		MinImages: l.MinImages, MaxImages: l.MaxImages, ImageTypes: notNil(l.ImageTypes), MaxImageBytes: l.MaxImageBytes,
		MinAspect: l.MinAspect.Ratio(), MaxAspect: l.MaxAspect.Ratio(),
	}
}

// simulated are the networks that are, in the order of account.Networks.
func (s *Server) simulated() []SimulatedNetwork {
	out := []SimulatedNetwork{}
	for _, n := range account.Networks() {
		if address := s.Settings.SimulatedURLs[n]; address != "" {
			out = append(out, SimulatedNetwork{Name: n.Name(), URL: address})
		}
	}
	return out
}
