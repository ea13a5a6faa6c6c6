package platform_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/platform"
)

func TestAPostIsKnownByItsAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]map[account.Network]string{
		"https://x.com/harbour/status/1445880548472328192":       {account.X: "1445880548472328192"},
		"https://x.com/harbour/status/12/photo/1?s=20":           {account.X: "12"},
		"http://localhost:8085/p/DR0aOXt-h_9/":                   {account.Instagram: "p/DR0aOXt-h_9"},
		"https://www.instagram.com/harbour/p/DR0aOXtahI9/?img=2": {account.Instagram: "p/DR0aOXtahI9"},
		"https://www.instagram.com/reel/DR0aOXtahI9":             {account.Instagram: "p/DR0aOXtahI9"},
		"https://www.instagram.com/harbour/":                     {},
		"https://www.instagram.com/p/":                           {},
		"https://www.instagram.com/p/a%2Fb/":                     {},
		"https://mobile.twitter.com/harbour/status/12":           {account.X: "12"},
		"HTTPS://WWW.X.COM/harbour/status/12":                    {account.X: "12"},
		"https://evil.example/harbour/status/12":                 {},
		"https://x.com@evil.example/harbour/status/12":           {},
		"https://x.com:x@x.com/harbour/status/12":                {},
		"https://notx.com/harbour/status/12":                     {},
		"https://x.com.evil.example/harbour/status/12":           {},
		"https://evil.example/p/DR0aOXtahI9/":                    {},
		"https://x.com/harbour":                                  {},
		"https://x.com/harbour/status/":                          {},
		"https://x.com/h/status/12a4":                            {},
		"https://x.com/h/status/123456789012345678901":           {},
		"javascript:alert(1)//status/12":                         {},
		"/harbour/status/12":                                     {},
		"1234":                                                   {},
		"":                                                       {},
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			for _, network := range account.Networks() {
				got, ok := platform.PostAt(network, "http://localhost:8085", address)
				require.Equal(t, want[network] != "", ok, network)
				if ok {
					require.Equal(t, want[network], got)
				}
			}
		})
	}
}
