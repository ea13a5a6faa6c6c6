package platform

import (
	"net/url"
	"slices"
	"strings"

	"rostrum/shared/account"
)

// PostAt takes the name of a post out of the address that a person copied: on X
// its id, the digits behind /status/ (x.com/<handle>/status/<id>, seen 2026-11).
// An address of Instagram (instagram.com/p/<code>/, with or without the handle
// before it, also /reel/) holds no id, so the name is "p/<code>", which is none.
// web is where the network shows accounts; empty is its own site. It reports
// false for what is not the address of a post there.
func PostAt(network account.Network, web, address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || !showsAt(network, web, u.Host) {
		return "", false
	}
	segments := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	for i, s := range segments[:len(segments)-1] {
		next := segments[i+1]
		switch {
		case network == account.X && s == "status":
			return next, only(next, "0123456789", 20)
		case network == account.Instagram && (s == "p" || s == "reel"):
			return "p/" + next, only(next, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 64)
		}
	}
	return "", false
}

// PosterAt is the handle that an address of X names before /status/, without an
// @; empty where it names none (x.com/i/status/<id>) and for other networks.
func PosterAt(network account.Network, address string) string {
	u, err := url.Parse(address)
	if err != nil || network != account.X {
		return ""
	}
	segments := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	if at := slices.Index(segments, "status"); at == 1 && segments[0] != "i" {
		return segments[0]
	}
	return ""
}

// showsAt reports whether a network shows posts at a host: its own, any below
// it, such as mobile.x.com, and the one that X had before.
func showsAt(network account.Network, web, host string) bool {
	own := []string{"x.com", "twitter.com"}
	if network == account.Instagram {
		own = []string{"instagram.com"}
	}
	if u, err := url.Parse(web); err == nil && u.Host != "" {
		own = append(own, strings.TrimPrefix(strings.ToLower(u.Host), "www."))
	}
	host = strings.ToLower(host)
	return slices.ContainsFunc(own, func(o string) bool { return host == o || strings.HasSuffix(host, "."+o) })
}

func only(s, letters string, longest int) bool {
	return s != "" && len(s) <= longest && strings.Trim(s, letters) == ""
}
