package platform

import "strings"

// The classes of characters below are those of twitter-text 3.1.0.

func isASCIILetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isSpace(r rune) bool {
	switch {
	case r >= 0x09 && r <= 0x0d, r >= 0x2000 && r <= 0x200a:
		return true
	default:
		return strings.ContainsRune(" \u0085\u00a0\u1680\u180e\u2028\u2029\u202f\u205f\u3000", r)
	}
}

func isPunctuation(r rune) bool { return strings.ContainsRune("!'#%&()*+,\\-./:;<=>?@[]^_{|}~$", r) }

func isInvalid(r rune) bool { return r == 0xfffe || r == 0xfeff || r == 0xffff }

func isDirectional(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x2066 && r <= 0x2069
}

// mayPrecede tells what can stand right before an address.
func mayPrecede(r rune) bool {
	return !isASCIILetter(r) && !isDigit(r) && !isInvalid(r) && !strings.ContainsRune("@＠$#＃", r)
}

// isHostRune tells what a label of a host can begin and end with.
func isHostRune(r rune) bool {
	return !isPunctuation(r) && !isSpace(r) && !isInvalid(r) && !isDirectional(r)
}

func isLatinHost(r rune) bool {
	return r == '-' || isASCIILetter(r) || isDigit(r) || isLatinAccent(r)
}

func isLatinAccent(r rune) bool {
	switch {
	case r >= 0xc0 && r <= 0x24f:
		return r != 0xd7 && r != 0xf7
	case r >= 0x300 && r <= 0x36f, r >= 0x1e00 && r <= 0x1eff:
		return true
	default:
		return strings.ContainsRune("ɓɔɖɗəɛɣɨɯɲʉʋʻ", r)
	}
}

func isCyrillic(r rune) bool { return r >= 0x400 && r <= 0x4ff }

func isPathRune(r rune) bool {
	return isASCIILetter(r) || isDigit(r) || isCyrillic(r) || isLatinAccent(r) ||
		strings.ContainsRune("!*';:=+,.$/%#[]-\u2013_~@|&", r)
}

func endsPath(r rune) bool {
	return isASCIILetter(r) || isDigit(r) || isCyrillic(r) || isLatinAccent(r) || strings.ContainsRune("+-=_#/", r)
}

func isQueryRune(r rune) bool {
	return isASCIILetter(r) || isDigit(r) || strings.ContainsRune("!?*'@();:&=+$/%#[]-_.,~|", r)
}

func endsQuery(r rune) bool {
	return isASCIILetter(r) || isDigit(r) || strings.ContainsRune("-_&=#/", r)
}
