package agent_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/ai/agent"
	"rostrum/shared/post"
)

type found struct {
	rule, quote string
	severity    post.Severity
}

func rulesOf(s agent.Subject) []found {
	var out []found
	for _, f := range agent.CheckRules(s) {
		out = append(out, found{f.Rule, f.Quote, f.Severity})
	}
	return out
}

func TestRulesByText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []found
	}{
		"NothingToSay":              {"Go 1.26 makes pauses 40% shorter. https://go.example/1.26", nil},
		"OverTheLimit":              {strings.Repeat("a", 281), []found{{"text_too_long", "", post.Block}}},
		"BannedWord":                {"Pure synergy.", []found{{agent.RuleBannedWord, "synergy", post.Block}}},
		"BannedWordInCapitals":      {"SYNERGY!", []found{{agent.RuleBannedWord, "SYNERGY", post.Block}}},
		"BannedWordWithAccents":     {"A sýnergÿ thing", []found{{agent.RuleBannedWord, "sýnergÿ", post.Block}}},
		"BannedWordFullWidth":       {"Ｓynergy", []found{{agent.RuleBannedWord, "Ｓynergy", post.Block}}},
		"BannedWordSplitInvisibly":  {"syn\u200dergy", []found{{agent.RuleBannedWord, "syn\u200dergy", post.Block}}},
		"BannedWordListedAccented":  {"our guru says", []found{{agent.RuleBannedWord, "guru", post.Block}}},
		"BannedPhraseOverLines":     {"a game\n  changer", []found{{agent.RuleBannedWord, "game\n  changer", post.Block}}},
		"BannedWordInsideAnother":   {"synergyx and xsynergy", nil},
		"BannedWordInAHashtag":      {"#synergy", []found{{agent.RuleBannedWord, "synergy", post.Block}}},
		"ForeignLink":               {"See https://evil.example/x.", []found{{agent.RuleForeignLink, "https://evil.example/x", post.Block}}},
		"ForeignBareLink":           {"See evil.com, please", []found{{agent.RuleForeignLink, "evil.com", post.Block}}},
		"ForeignLinkByPort":         {"https://go.example:8443/1.26", []found{{agent.RuleForeignLink, "https://go.example:8443/1.26", post.Block}}},
		"ForeignLinkByUserInfo":     {"https://go.example@evil.com/1.26", []found{{agent.RuleForeignLink, "https://go.example@evil.com/1.26", post.Block}}},
		"ForeignPageOfTheSource":    {"https://go.example/other", []found{{agent.RuleForeignLink, "https://go.example/other", post.Block}}},
		"SourceLinkInAnotherForm":   {"HTTP://www.Go.example/1.26/?utm_source=x#top", nil},
		"LinkFromTheProfile":        {"Docs: loom.example/docs", nil},
		"FileNamesAreNoLinks":       {"Node.js and main.go and v1.26.0 and e.g. this", nil},
		"MailIsNoLink":              {"Write to me@mail.com", nil},
		"TwoCashtags":               {"$AAA and $BBB", []found{{"too_many_cashtags", "", post.Block}}},
		"PricesAreNoCashtags":       {"It costs $5 or $10.", nil},
		"ThreeHashtags":             {"#go #rust #zig", []found{{agent.RuleHashtags, "#zig", post.Warn}}},
		"TwoHashtags":               {"#go #rust", nil},
		"NumbersAreNoHashtags":      {"#1 #2 #3", nil},
		"Shouting":                  {"THIS IS SO VERY GOOD", []found{{agent.RuleCapitals, "THIS IS SO VERY GOOD", post.Warn}}},
		"Acronyms":                  {"The AWS SQS API is fine", nil},
		"Placeholder":               {"Read [insert link here]", []found{{agent.RulePlaceholder, "[insert link here]", post.Block}}},
		"Template":                  {"Hello {{name}}", []found{{agent.RulePlaceholder, "{{name}}", post.Block}}},
		"UnknownMention":            {"Thanks @stranger!", []found{{agent.RuleMention, "@stranger", post.Warn}}},
		"OwnMention":                {"@Ada_Builds here", nil},
		"HiddenSpace":               {"a\u200bb", []found{{agent.RuleHidden, "\u200b", post.Warn}}},
		"TurnedText":                {"a\u202eb", []found{{agent.RuleHidden, "\u202e", post.Block}}},
		"EmojiJoinersAreNotHidden":  {"👨‍👩‍👧 built it", nil},
		"ChineseHasNoWordBorders":   {"没有什么", nil},
		"GermanSharpS":              {"GROSS und groß", nil},
		"PossessivesAreWordBorders": {"synergy's end", []found{{agent.RuleBannedWord, "synergy", post.Block}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, rulesOf(subject(tc.text)))
		})
	}
}

func TestRulesNameThePartAndPlace(t *testing.T) {
	t.Parallel()
	findings := agent.CheckRules(subject("Fine.", "é synergy"))
	require.Len(t, findings, 1)
	require.Equal(t, 1, findings[0].Part)
	require.Equal(t, 3, findings[0].Start)
	require.Equal(t, 10, findings[0].End)
}

func TestPeopleMayLinkAndMentionWhatTheyLike(t *testing.T) {
	t.Parallel()
	s := subject("See https://mine.example, thanks @friend")
	s.ByAgent = false
	require.Empty(t, rulesOf(s))
}

func TestBannedWordInAScriptWithoutSpaces(t *testing.T) {
	t.Parallel()
	s := subject("我们赌博吧")
	s.Account.Profile.BannedWords = []string{"赌博"}
	require.Equal(t, []found{{agent.RuleBannedWord, "赌博", post.Block}}, rulesOf(s))
}

func TestRepetition(t *testing.T) {
	t.Parallel()
	old := "Go 1.26 makes garbage collector pauses 40% shorter on machines with many cores, and nobody has to change a line for it."
	for name, tc := range map[string]struct {
		text string
		want []found
	}{
		"TheSame":            {old, []found{{agent.RuleNearDuplicate, "", post.Block}}},
		"TheSameInCapitals":  {strings.ToUpper(old[:1]) + old[1:] + " https://go.example/1.26", []found{{agent.RuleNearDuplicate, "", post.Block}}},
		"AFewWordsChanged":   {strings.Replace(old, "nobody has to change a line for it", "no line has to change for it", 1), []found{{agent.RuleNearDuplicate, "", post.Warn}}},
		"AnotherPoint":       {"Shorter pauses in Go 1.26: upgrade the toolchain, run your benchmark, tell us what you saw.", nil},
		"SomethingElse":      {"We are looking for two people who like compilers.", nil},
		"NothingButTheLinks": {"https://go.example/1.26", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := subject(tc.text)
			s.Recent = []string{"Unrelated words.", old, ""}
			require.Equal(t, tc.want, rulesOf(s))
		})
	}
}

func TestPostsOfOneRecurrenceMayBeAlike(t *testing.T) {
	t.Parallel()
	s := subject("Office hours are open: bring your questions, we bring the coffee.")
	s.Siblings = []string{"Other words.", s.Parts[0]}
	require.Equal(t, []found{{agent.RuleNearDuplicate, "", post.Warn}}, rulesOf(s))
	s.Recent = s.Parts
	require.Equal(t, []found{{agent.RuleNearDuplicate, "", post.Block}}, rulesOf(s), "what the account says elsewhere still blocks")
	s.Recent, s.Siblings = nil, []string{"Other words."}
	require.Empty(t, rulesOf(s))
}

func TestRulesAlwaysAgreeWithThemselves(t *testing.T) {
	t.Parallel()
	s := subject("SYNERGY #a #b #c https://evil.example @x [link] THIS IS SO LOUD", "game changer")
	s.Recent = s.Parts
	first := agent.CheckRules(s)
	require.NotEmpty(t, first)
	require.Equal(t, first, agent.CheckRules(s))
}

func FuzzCheckRules(f *testing.F) {
	for _, seed := range []string{"synergy", "https://", "a.b.c", "#", "@", "$", "\xff\xfe", "İ", "ﷺ", "http://[::1]/", "x.com?"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, text, banned string) {
		s := subject(text)
		s.Account.Profile.BannedWords = []string{banned}
		s.Recent = []string{banned}
		for _, f := range agent.CheckRules(s) {
			require.GreaterOrEqual(t, f.Start, 0)
			require.LessOrEqual(t, f.End, len(text))
			require.Equal(t, text[f.Start:f.End], f.Quote)
		}
	})
}
