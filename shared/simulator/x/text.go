package x

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The weighted length of twitter-text's configuration v3 (config/v3.json, read
// 2026-11), written anew and on purpose apart from any client's: 280 units, a
// link is 23, an emoji sequence is 2, the code points of lightRune are 1 and all
// others are 2.
const (
	maxWeighted = 280
	maxLong     = 25000
	linkWeight  = 23
)

// weightedLength counts a text as X does. A combining mark is taken to melt
// into a Latin letter before it, which is what NFC does to all but rare pairs.
func weightedLength(text string) int {
	total, links := 0, findLinks(text)
	var previous rune
	for i := 0; i < len(text); {
		if len(links) > 0 && links[0].start == i {
			total += linkWeight
			i, previous = links[0].end, 0
			links = links[1:]
			continue
		}
		if n := emojiLength(text[i:]); n > 0 {
			total += 2
			i, previous = i+n, 0
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		switch {
		case r >= 0x300 && r <= 0x36f && unicode.Is(unicode.Latin, previous):
		case lightRune(r):
			total++
		default:
			total += 2
		}
		previous = r
	}
	return total
}

func lightRune(r rune) bool {
	return r <= 4351 || (r >= 8192 && r <= 8205) || (r >= 8208 && r <= 8223) || (r >= 8242 && r <= 8247)
}

// emojiLength returns the bytes of the emoji sequence that text begins with, 0
// for none: flags, keycaps, and joined, toned or tagged pictures.
func emojiLength(text string) int {
	first, n := utf8.DecodeRuneInString(text)
	second, m := utf8.DecodeRuneInString(text[n:])
	switch {
	case isRegional(first) && isRegional(second):
		return n + m
	case strings.ContainsRune("#*0123456789", first):
		return keycapLength(text, n)
	case !pictured(first, second):
		return 0
	}
	length := n + modifierLength(text[n:])
	for {
		rest, joined := strings.CutPrefix(text[length:], "\u200d")
		next, k := utf8.DecodeRuneInString(rest)
		if !joined || !joinable(next) {
			return length
		}
		length += len("\u200d") + k
		length += modifierLength(text[length:])
	}
}

func keycapLength(text string, n int) int {
	rest := strings.TrimPrefix(text[n:], "\ufe0f")
	if !strings.HasPrefix(rest, "\u20e3") {
		return 0
	}
	return len(text) - len(rest) + len("\u20e3")
}

// modifierLength returns the bytes of what may follow a picture: the emoji
// style, a skin tone, tags.
func modifierLength(text string) int {
	length := 0
	for {
		r, n := utf8.DecodeRuneInString(text[length:])
		if r != 0xfe0f && (r < 0x1f3fb || r > 0x1f3ff) && (r < 0xe0020 || r > 0xe007f) {
			return length
		}
		length += n
	}
}

func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// pictured reports whether first is an emoji of its own or becomes one by the
// style mark after it.
func pictured(first, second rune) bool {
	if first >= 0x1f000 && first <= 0x1faff && !isRegional(first) && (first < 0x1f3fb || first > 0x1f3ff) {
		return true
	}
	return joinable(first) && second == 0xfe0f || strings.ContainsRune(
		"⌚⌛⏩⏪⏫⏬⏰⏳◽◾☔☕♈♉♊♋♌♍♎♏♐♑♒♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽✅✊✋✨❌❎❓❔❕❗➕➖➗➰➿⬛⬜⭐⭕", first)
}

func joinable(r rune) bool {
	return r == 0xa9 || r == 0xae || (r >= 0x203c && r <= 0x3299 && unicode.Is(unicode.So, r)) ||
		strings.ContainsRune("‼⁉ℹ↔↕↖↗↘↙↩↪⤴⤵〰◼▪▫▶◀♀♂⚕♟", r) || (r >= 0x1f000 && r <= 0x1faff)
}

// span is a web address within a text, in bytes.
type span struct {
	start, end int
	address    string
}

var (
	linkPattern = regexp.MustCompile(`(?i)(https?://)?((?:[a-z0-9\x{c0}-\x{24f}](?:[a-z0-9_\x{c0}-\x{24f}-]*[a-z0-9\x{c0}-\x{24f}])?\.)+([a-z]{2,24}))(:\d{1,5})?(/[a-z0-9\x{c0}-\x{24f}\x{400}-\x{4ff}!*';:=+,.$/%#\[\]\-_~@&|()]*)?(\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@]*)?`)
	cashtag     = regexp.MustCompile(`(?:^|\s)\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?\b`)
)

// genericTLDs are the endings that make a bare name a link; country codes are
// dealt with apart. The list is a sample of the registry's, wide enough for
// what teams post.
const genericTLDs = ` academy agency ai app art asia audio band bank bar best bid bio biz blog blue book build business cafe camp
capital car care careers cash cat center chat church city click cloud club code coffee com community company computer
consulting cool coop credit deals delivery design dev digital direct directory dog domains earth edu education email
energy engineer engineering enterprises estate events exchange expert express family farm fashion film finance fit
foundation fun fund gallery game games garden gift global gmbh gold gov green group guide guru health help homes host
hosting house how info ink institute int international investments jobs kitchen land law legal life limited link live
llc love ltd management market marketing mba media memorial menu mil mobi money movie museum name net network new news
ngo ninja online org page parts party pet photo photography photos pictures pizza plus post press pro productions
properties pub recipes rent report restaurant review reviews rocks run sale school science security services shop
shopping show site social software solar solutions space store stream studio style supply support systems tax team tech
technology tel theater tips today tools top tours town toys trade training travel tube university vacations ventures
video vip vision wiki win wine work works world wtf xyz yoga zone `

const countryTLDs = ` ac ad ae af ag al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by
bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga
gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh
ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my
mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg
sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve
vg vi vn vu wf ws ye yt za zm zw `

// findLinks returns the web addresses in a text, with and without a scheme.
func findLinks(text string) []span {
	var found []span
	for _, m := range linkPattern.FindAllStringSubmatchIndex(text, -1) {
		start, scheme := m[0], m[2] >= 0
		host, tld := text[m[4]:m[5]], strings.ToLower(text[m[6]:m[7]])
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		if start > 0 && clings(before) || strings.HasPrefix(text[m[5]:], "@") || strings.HasPrefix(text[m[5]:], "_") {
			continue
		}
		short := !scheme && m[10] < 0 && strings.Count(host, ".") == 1
		if !registered(tld, short) || longLabel(host) {
			continue
		}
		end := trimLink(text, m[1], m[5])
		found = append(found, span{start: start, end: end, address: text[start:end]})
	}
	return found
}

// registered reports whether an ending makes a name a link. A short name, bare
// and without a path, as main.rs or notes.md, is none under a country code; co
// and tv are the exceptions.
func registered(tld string, short bool) bool {
	listed := func(list string) bool {
		return strings.Contains(list, " "+tld+" ") || strings.Contains(list, "\n"+tld+" ") || strings.Contains(list, " "+tld+"\n")
	}
	if listed(genericTLDs) {
		return true
	}
	return listed(countryTLDs) && (!short || tld == "co" || tld == "tv")
}

// clings reports whether a character before a name keeps it from being a link:
// it is then part of a word, a mention, a tag or an email address.
func clings(r rune) bool {
	return unicode.IsLetter(r) && r < 0x2e80 || unicode.IsDigit(r) || strings.ContainsRune("@＠$#＃_./-", r)
}

func longLabel(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > 63 {
			return true
		}
	}
	return false
}

// trimLink takes punctuation that ends a sentence off a link, but not a bracket
// that was opened inside it.
func trimLink(text string, end, least int) int {
	for end > least {
		last := text[end-1]
		if last == ')' && strings.Count(text[least:end], "(") >= strings.Count(text[least:end], ")") {
			return end
		}
		if !strings.ContainsRune(".,;:!?'()[]*$%~|&@", rune(last)) {
			return end
		}
		end--
	}
	return end
}
