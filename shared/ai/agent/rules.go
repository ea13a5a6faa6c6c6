package agent

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"rostrum/shared/account"
	"rostrum/shared/platform"
	"rostrum/shared/post"
)

// The rules that need no model, by the name their findings carry. What the
// network would refuse carries the code of platform.CheckParts.
const (
	RuleBannedWord    = "banned_word"
	RuleNearDuplicate = "near_duplicate"
	RuleForeignLink   = "foreign_link"
	RuleHashtags      = "hashtags"
	RuleMention       = "mention"
	RuleCapitals      = "capitals"
	RulePlaceholder   = "placeholder"
	RuleHidden        = "hidden_characters"
	// RuleFactsUnchecked is the finding of a review whose model was away.
	RuleFactsUnchecked = "facts_unchecked"
)

const (
	// maxHashtags and maxCapitals are matters of taste, so they only warn.
	maxHashtags = 2
	maxCapitals = 3
	// likeness is from where two texts read as one: a rewording of a 200
	// character post keeps about half of its shingles, another post on the same
	// matter under a fifth.
	likeness = 0.6
	same     = 0.97
)

// Subject is a draft to be reviewed.
type Subject struct {
	Account account.Account
	Parts   []string
	Source  Source
	// Recent is what the account said lately or is about to say, a text a post.
	Recent []string
	// Siblings is what the other posts of its recurrence say. They are meant to
	// be alike, so an equal text only warns.
	Siblings []string
	// ByAgent says that no person wrote or edited this version: then links and
	// mentions must have come from the source.
	ByAgent bool
}

// CheckRules finds what can be found without asking anybody, in the order of
// the parts. It always gives the same answer for the same subject.
func CheckRules(s Subject) []post.Finding {
	var out []post.Finding
	for _, v := range platform.CheckParts(s.Account.Network, s.Parts) {
		out = append(out, post.Finding{Rule: v.Code, Severity: post.Block, Part: max(v.Part, 0), Message: v.Message})
	}
	allowed := allowedLinks(s.Account, s.Source)
	for part, text := range s.Parts {
		add := func(rule string, severity post.Severity, at span, message string) {
			out = append(out, post.Finding{
				Rule: rule, Severity: severity, Part: part, Start: at.start, End: at.end,
				Quote: text[at.start:at.end], Message: message,
			})
		}
		findBanned(text, s.Account.Profile.BannedWords, add)
		findTags(text, add)
		findLooks(text, add)
		if s.ByAgent {
			findStrangers(text, s, allowed, add)
		}
	}
	return append(out, findRepetition(s)...)
}

// adder takes one finding about a stretch of the part at hand.
type adder func(rule string, severity post.Severity, at span, message string)

func findBanned(text string, banned []string, add adder) {
	plain := folded(text)
	for _, word := range banned {
		for _, at := range occurrences(plain, word) {
			add(RuleBannedWord, post.Block, at, fmt.Sprintf("%q is on the account's list of banned words.", word))
		}
	}
}

func findTags(text string, add adder) {
	hashtags := matches(text, `(?:^|[^\p{L}\p{N}_&/])([#＃][\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*)`)
	if len(hashtags) > maxHashtags {
		add(RuleHashtags, post.Warn, hashtags[maxHashtags], fmt.Sprintf("There are %d hashtags; more than %d read as spam.", len(hashtags), maxHashtags))
	}
}

func findLooks(text string, add adder) {
	if at, n := loudest(text); n > maxCapitals {
		add(RuleCapitals, post.Warn, at, fmt.Sprintf("%d words in a row are in capitals.", n))
	}
	for _, at := range matches(text, `(?i)(\[(?:insert|link|url|your|name|company|product|todo|placeholder)[^\]\n]{0,40}\]|\{\{[^}\n]{0,60}\}\}|\blorem ipsum\b|\btodo:)`) {
		add(RulePlaceholder, post.Block, at, "This looks like a gap that was never filled.")
	}
	for i, r := range text {
		if isHidden(r) {
			severity, message := post.Warn, "There is a character here that nobody can see."
			if isBidi(r) {
				severity, message = post.Block, "A hidden character here changes the order in which the text is shown."
			}
			add(RuleHidden, severity, span{i, i + len(string(r))}, message)
			return // one is enough to look at the text again
		}
	}
}

func findStrangers(text string, s Subject, allowed []string, add adder) {
	for _, l := range foreignLinks(text, allowed) {
		add(RuleForeignLink, post.Block, span{l.start, l.end}, "This link comes neither from the post's source nor from the account's profile.")
	}
	known := strings.ToLower(s.Source.Title + " " + s.Source.Text)
	for _, at := range matches(text, `(?:^|[^\p{L}\p{N}_@/.])(@[A-Za-z0-9_]{1,15})`) {
		handle := strings.ToLower(text[at.start:at.end])
		if handle == "@"+strings.ToLower(s.Account.Handle) || strings.Contains(known, handle) {
			continue
		}
		add(RuleMention, post.Warn, at, "This mentions an account that the source does not name.")
	}
}

func findRepetition(s Subject) []post.Finding {
	mine := shingles(strings.Join(s.Parts, "\n"))
	closest, at := nearest(mine, s.Recent)
	if closest < likeness {
		return repeatsSibling(s, mine)
	}
	f := post.Finding{
		Rule: RuleNearDuplicate, Severity: post.Warn, SourceQuote: tidy(s.Recent[at], maxRecentText),
		Message: "The account says nearly the same in another recent or planned post.",
	}
	if closest >= same {
		f.Severity, f.Message = post.Block, "The account says exactly this in another recent or planned post."
	}
	return []post.Finding{f}
}

// repeatsSibling warns of a text that another post of the recurrence has: the
// network may refuse what it takes for the same post.
func repeatsSibling(s Subject, mine map[string]struct{}) []post.Finding {
	closest, at := nearest(mine, s.Siblings)
	if closest < same {
		return nil
	}
	return []post.Finding{{
		Rule: RuleNearDuplicate, Severity: post.Warn, SourceQuote: tidy(s.Siblings[at], maxRecentText),
		Message:    "Another post of this recurrence says exactly this, and the network may refuse a text that equals a recent one.",
		Suggestion: "Change a few words of this one.",
	}}
}

// nearest returns how like the closest of the texts is, and where it stands.
func nearest(mine map[string]struct{}, texts []string) (closest float64, at int) {
	at = -1
	for i, text := range texts {
		if like := similarity(mine, shingles(text)); like > closest {
			closest, at = like, i
		}
	}
	return closest, at
}

// matches returns where the pattern's first group stands. Groups that share a
// border character ("#a #b") are all found, since the border is given back.
func matches(text, pattern string) []span {
	re := regexp.MustCompile(pattern)
	var out []span
	for from := 0; from <= len(text); {
		m := re.FindStringSubmatchIndex(text[from:])
		if m == nil {
			break
		}
		out = append(out, span{from + m[2], from + m[3]})
		from += max(m[3], m[2]+1)
	}
	return out
}

// loudest returns the longest run of words in capitals and how many they are.
// A word without a lower-case form, or of one letter, is no shout and no end of one.
func loudest(text string) (span, int) {
	var best, run span
	most, n := 0, 0
	start := -1
	finish := func(end int) {
		if start < 0 {
			return
		}
		word := text[start:end]
		switch {
		case strings.IndexFunc(word, unicode.IsLower) >= 0:
			n = 0
		case strings.ToLower(word) != word && len([]rune(word)) > 1:
			if n == 0 {
				run.start = start
			}
			n++
			run.end = end
			if n > most {
				most, best = n, run
			}
		}
		start = -1
	}
	for i, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		finish(i)
	}
	finish(len(text))
	return best, most
}

// isHidden reports whether r shows nothing and is needed by no script or emoji
// sequence: joiners and direction marks pass.
func isHidden(r rune) bool {
	switch r {
	case '\u200b', '\u2060', '\ufeff', '\u180e', '\u00ad':
		return true
	}
	return isBidi(r)
}

// isBidi reports whether r embeds, overrides or isolates a direction.
func isBidi(r rune) bool {
	return (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
}
