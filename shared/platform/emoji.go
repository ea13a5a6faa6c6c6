package platform

import "unicode/utf8"

// The tables hold pairs of first and last code point.
const (
	// styled are the code points that variation selector 16 turns into emoji
	// (Unicode emoji-variation-sequences), keycap bases apart.
	styled = "\u00a9\u00a9\u00ae\u00ae\u203c\u203c\u2049\u2049\u2122\u2122\u2139\u2139\u2194\u2199\u21a9\u21aa\u231a\u231b\u2328\u2328" +
		"\u23cf\u23cf\u23ed\u23ef\u23f1\u23f2\u23f8\u23fa\u24c2\u24c2\u25aa\u25ab\u25b6\u25b6\u25c0\u25c0\u25fb\u25fe\u2600\u2604\u260e\u260e" +
		"\u2611\u2611\u2614\u2615\u2618\u2618\u261d\u261d\u2620\u2620\u2622\u2623\u2626\u2626\u262a\u262a\u262e\u262f\u2638\u263a\u2640\u2640" +
		"\u2642\u2642\u2648\u2653\u265f\u2660\u2663\u2663\u2665\u2666\u2668\u2668\u267b\u267b\u267f\u267f\u2692\u2697\u2699\u2699\u269b\u269c" +
		"\u26a0\u26a1\u26a7\u26a7\u26aa\u26ab\u26b0\u26b1\u26bd\u26be\u26c4\u26c5\u26c8\u26c8\u26cf\u26cf\u26d1\u26d1\u26d3\u26d4\u26e9\u26ea" +
		"\u26f0\u26f5\u26f7\u26fa\u26fd\u26fd\u2702\u2702\u2708\u2709\u270c\u270d\u270f\u270f\u2712\u2712\u2714\u2714\u2716\u2716\u271d\u271d" +
		"\u2721\u2721\u2733\u2734\u2744\u2744\u2747\u2747\u2757\u2757\u2763\u2764\u27a1\u27a1\u2934\u2935\u2b05\u2b07\u2b1b\u2b1c\u2b50\u2b50" +
		"\u2b55\u2b55\u3030\u3030\u303d\u303d\u3297\u3297\u3299\u3299\U0001f004\U0001f004\U0001f170\U0001f171\U0001f17e\U0001f17f" +
		"\U0001f202\U0001f202\U0001f21a\U0001f21a\U0001f22f\U0001f22f\U0001f237\U0001f237\U0001f321\U0001f321\U0001f324\U0001f32c" +
		"\U0001f336\U0001f336\U0001f37d\U0001f37d\U0001f396\U0001f397\U0001f399\U0001f39b\U0001f39e\U0001f39f\U0001f3cb\U0001f3ce" +
		"\U0001f3d4\U0001f3df\U0001f3f3\U0001f3f3\U0001f3f5\U0001f3f5\U0001f3f7\U0001f3f7\U0001f43f\U0001f43f\U0001f441\U0001f441" +
		"\U0001f4fd\U0001f4fd\U0001f549\U0001f54a\U0001f56f\U0001f570\U0001f573\U0001f579\U0001f587\U0001f587\U0001f58a\U0001f58d" +
		"\U0001f590\U0001f590\U0001f5a5\U0001f5a5\U0001f5a8\U0001f5a8\U0001f5b1\U0001f5b2\U0001f5bc\U0001f5bc\U0001f5c2\U0001f5c4" +
		"\U0001f5d1\U0001f5d3\U0001f5dc\U0001f5de\U0001f5e1\U0001f5e1\U0001f5e3\U0001f5e3\U0001f5e8\U0001f5e8\U0001f5ef\U0001f5ef" +
		"\U0001f5f3\U0001f5f3\U0001f5fa\U0001f5fa\U0001f6cb\U0001f6cb\U0001f6cd\U0001f6cf\U0001f6e0\U0001f6e5\U0001f6e9\U0001f6e9" +
		"\U0001f6f0\U0001f6f0\U0001f6f3\U0001f6f3"

	// skinned are the code points that take a skin tone (Emoji_Modifier_Base, Unicode 16).
	skinned = "\u261d\u261d\u26f7\u26f7\u26f9\u26f9\u270a\u270d\U0001f385\U0001f385\U0001f3c2\U0001f3c4\U0001f3c7\U0001f3c7\U0001f3ca\U0001f3cc" +
		"\U0001f442\U0001f443\U0001f446\U0001f450\U0001f466\U0001f478\U0001f47c\U0001f47c\U0001f481\U0001f483\U0001f485\U0001f487" +
		"\U0001f48f\U0001f48f\U0001f491\U0001f491\U0001f4aa\U0001f4aa\U0001f574\U0001f575\U0001f57a\U0001f57a\U0001f590\U0001f590" +
		"\U0001f595\U0001f596\U0001f645\U0001f647\U0001f64b\U0001f64f\U0001f6a3\U0001f6a3\U0001f6b4\U0001f6b6\U0001f6c0\U0001f6c0" +
		"\U0001f6cc\U0001f6cc\U0001f90c\U0001f90c\U0001f90f\U0001f90f\U0001f918\U0001f91f\U0001f926\U0001f926\U0001f930\U0001f939" +
		"\U0001f93c\U0001f93e\U0001f977\U0001f977\U0001f9b5\U0001f9b6\U0001f9b8\U0001f9b9\U0001f9bb\U0001f9bb\U0001f9cd\U0001f9cf" +
		"\U0001f9d1\U0001f9dd\U0001fac3\U0001fac5\U0001faf0\U0001faf8"

	// flags are the second letters of each flag by its first, A to Z.
	flags = "CDEFGILMOQRSTUWXZ ABDEFGHIJLMNOQRSTVWYZ ACDFGHIKLMNOPQRUVWXYZ EGJKMOZ ACEGHRSTU IJKMOR ABDEFGHILMNPQRSTUWY KMNRTU " +
		"CDELMNOQRST EMOP EGHIMNPRWYZ ABCIKRSTUVY ACDEFGHKLMNOPQRSTUVWXYZ ACEFGILOPRUZ M AEFGHKLMNRSTWY A EOSUW " +
		"ABCDEGHIJKLMNORSTVXYZ ACDFGHJKLMNORTVWZ AGMNSYZ ACEGINU FS K ET AMW"
)

const (
	joiner      = '\u200d'
	emojiStyle  = '\ufe0f'
	keycap      = '\u20e3'
	blackFlag   = '\U0001f3f4'
	tagEnd      = '\U000e007f'
	tagOffset   = '\U000e0000'
	firstLetter = '\U0001f1e6'
	lastLetter  = '\U0001f1ff'
)

// emojiAt returns how many runes of the emoji sequence begin at i; 0 when none
// does. A stray variation selector is a sequence of its own, as in twitter-text.
func emojiAt(runes []rune, i int) int {
	if n := keycapAt(runes, i); n > 0 {
		return n
	}
	if n := flagAt(runes, i); n > 0 {
		return n
	}
	if runes[i] == emojiStyle {
		return 1
	}
	end := elementEnd(runes, i)
	if end == i {
		return 0
	}
	joined := end
	for joined < len(runes) && runes[joined] == joiner {
		next := elementEnd(runes, joined+1)
		if next == joined+1 {
			break
		}
		joined = next
	}
	if joined == i+1 && weightOf(runes[i]) == lightWeight {
		return 0 // a bare © or ® is a letter, not an emoji
	}
	return joined - i
}

// elementEnd returns where the single emoji at i ends, with its style and skin
// tone; i when there is none.
func elementEnd(runes []rune, i int) int {
	if i >= len(runes) || !isPictograph(runes[i]) {
		return i
	}
	end := i + 1
	skin := end
	if skin < len(runes) && runes[skin] == emojiStyle && inPairs(styled, runes[i]) {
		end, skin = end+1, skin+1
	}
	if skin < len(runes) && isSkinTone(runes[skin]) && inPairs(skinned, runes[i]) {
		end = skin + 1
	}
	return end
}

func keycapAt(runes []rune, i int) int {
	if r := runes[i]; (r < '0' || r > '9') && r != '#' && r != '*' {
		return 0
	}
	end := i + 1
	if end < len(runes) && runes[end] == emojiStyle {
		end++
	}
	if end < len(runes) && runes[end] == keycap {
		return end + 1 - i
	}
	return 0
}

// flagAt finds the flags of countries (two regional letters) and of England,
// Scotland and Wales (a black flag with tags).
func flagAt(runes []rune, i int) int {
	if isRegional(runes[i]) {
		if i+1 < len(runes) && isRegional(runes[i+1]) && isFlag(runes[i]-firstLetter, runes[i+1]-firstLetter) {
			return 2
		}
		return 1
	}
	if runes[i] != blackFlag {
		return 0
	}
	for _, region := range []string{"gbeng", "gbsct", "gbwls"} {
		if tagged(runes[i+1:], region) {
			return len(region) + 2
		}
	}
	return 0
}

func tagged(rest []rune, region string) bool {
	if len(rest) <= len(region) || rest[len(region)] != tagEnd {
		return false
	}
	for i, r := range region {
		if rest[i] != tagOffset+r {
			return false
		}
	}
	return true
}

func isFlag(first, second rune) bool {
	for _, r := range flags {
		switch {
		case r == ' ':
			first--
		case first == 0 && r == 'A'+second:
			return true
		}
	}
	return false
}

func isRegional(r rune) bool { return r >= firstLetter && r <= lastLetter }

func isSkinTone(r rune) bool { return r >= 0x1f3fb && r <= 0x1f3ff }

// isPictograph tells what can stand alone or be joined in an emoji. The blocks
// from U+1F000 are taken whole, so that next year's emoji are known already.
func isPictograph(r rune) bool {
	switch {
	case r < 0xa9:
		return false
	case isRegional(r), isSkinTone(r):
		return false
	case r >= 0x1f000 && r <= 0x1faff:
		return true
	case r >= 0x2600 && r <= 0x27bf, r >= 0x23e9 && r <= 0x23f3:
		return true
	default:
		return inPairs(styled, r)
	}
}

func inPairs(pairs string, r rune) bool {
	for len(pairs) > 0 {
		first, n := utf8.DecodeRuneInString(pairs)
		last, m := utf8.DecodeRuneInString(pairs[n:])
		if r < first {
			return false
		}
		if r <= last {
			return true
		}
		pairs = pairs[n+m:]
	}
	return false
}
