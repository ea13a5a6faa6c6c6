package openai

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// report is a review in the writer's own words.
type report struct {
	verdict, summary string
	findings         []any
}

// finding is one thing that is wrong with a part. quote stands in it exactly.
type finding struct {
	rule, severity, quote, message, suggestion, sourceQuote string
	part                                                    int
}

func (f finding) scene(url string) scene {
	return scene{
		"rule": f.rule, "kind": f.rule, "category": f.rule, "severity": f.severity, "level": f.severity, "part": f.part,
		"part_index": f.part, "quote": f.quote, "text": f.quote, "message": f.message, "problem": f.message,
		"explanation": f.message, "suggestion": f.suggestion, "replacement": f.suggestion,
		"source_quote": f.sourceQuote, "evidence": f.sourceQuote, "source_url": url,
	}
}

// review reads the draft against its source as an editor would.
func (w *writer) review() report {
	var found []finding
	for i, part := range w.draft {
		for _, check := range []func(string) []finding{w.checkOrders, w.checkNumbers, w.checkQuotes, w.checkPromises} {
			for _, f := range check(part) {
				f.part = i
				found = append(found, f)
			}
		}
	}
	if len(found) == 0 {
		found = w.styleNote()
	}
	r := report{verdict: "pass", findings: []any{}}
	blocking := 0
	for _, f := range found {
		if f.severity == "block" {
			blocking++
			r.verdict = "changes"
		}
		r.findings = append(r.findings, f.scene(w.source.url))
	}
	switch {
	case blocking > 0:
		r.summary = fmt.Sprintf("%s has to change before this can go out: %s", count(blocking, "passage"), lowerFirst(found[0].message))
	case len(found) > 0 && found[0].severity == "warn":
		r.summary = "Nothing blocks it, but look at what is marked before you approve."
	case len(found) > 0:
		r.summary = "It holds up against its source; one small matter of style."
	case w.source.text == "":
		r.summary = "It reads well; there was no source to check it against."
	default:
		r.summary = "Every figure and quote stands in the source, and it reads well."
	}
	return r
}

func count(n int, what string) string {
	if n == 1 {
		return "One " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// checkOrders finds words in the draft that try to steer whoever reads it.
func (w *writer) checkOrders(part string) []finding {
	m := orders.FindString(part)
	if m == "" || strings.Contains(strings.ToLower(strings.Join(w.account.goals, " ")), strings.ToLower(m)) {
		return nil
	}
	return []finding{{
		rule: "harm", severity: "block", quote: m,
		message: "This sounds like an instruction that was hidden in a source, not like something the account would say.",
	}}
}

var figure = regexp.MustCompile(`[$€£]?\d[\d.,]*\d%?|[$€£]?\d%?`)

// checkNumbers finds figures that the source does not hold. A figure that the
// source gives differently for the same thing blocks.
func (w *writer) checkNumbers(part string) []finding {
	if w.source.text == "" {
		return nil
	}
	source := w.source.title + "\n" + w.source.text
	plain := blankLinks(part)
	var out []finding
	for _, at := range figure.FindAllStringIndex(plain, -1) {
		number := strings.TrimRight(part[at[0]:at[1]], ".,")
		if holdsFigure(source, number) || listMark(plain, at[0], at[1]) {
			continue
		}
		f := finding{
			rule: "fact", severity: "warn", quote: number,
			message: "The source does not give the figure " + number + ".",
		}
		if word := nextWord(part[at[0]+len(number):]); word != "" {
			if sentence, theirs := figureFor(source, word); theirs != "" {
				f.severity, f.sourceQuote, f.suggestion = "block", sentence, theirs
				f.message = fmt.Sprintf("The source says %s %s, not %s.", theirs, word, number)
			}
		}
		out = append(out, f)
	}
	return out
}

// blankLinks replaces addresses by blanks, so that places in the text stay.
func blankLinks(s string) string {
	return linkInText.ReplaceAllStringFunc(s, func(l string) string { return strings.Repeat(" ", len(l)) })
}

func holdsFigure(source, number string) bool {
	bare := strings.Trim(number, "$€£%")
	for _, theirs := range figure.FindAllString(source, -1) {
		if strings.Trim(strings.TrimRight(theirs, ".,"), "$€£%") == bare {
			return true
		}
	}
	return false
}

// listMark reports whether a figure only counts parts or lines, as 1/3 or 2.
func listMark(s string, start, end int) bool {
	lineStart := strings.TrimSpace(s[strings.LastIndexByte(s[:start], '\n')+1:start]) == ""
	return end < len(s) && (s[end] == '/' || lineStart && strings.ContainsRune(".)", rune(s[end]))) || start > 0 && s[start-1] == '/'
}

func nextWord(s string) string {
	m := regexp.MustCompile(`^[ -]([a-zA-Z]{4,})`).FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	return m[1]
}

// figureFor returns the sentence in which the source counts something, and the
// figure that it gives; nothing when it gives several.
func figureFor(source, word string) (sentence, number string) {
	pattern := regexp.MustCompile(`(?i)([$€£]?\d[\d.,]*%?)[ -]` + regexp.QuoteMeta(word) + `\b`)
	found := pattern.FindAllStringSubmatch(source, -1)
	if len(found) != 1 {
		return "", ""
	}
	for _, s := range sentences(source) {
		if pattern.MatchString(s) {
			return s, found[0][1]
		}
	}
	return "", ""
}

var quotation = regexp.MustCompile(`“([^”]{8,})”|"([^"]{8,})"`)

// checkQuotes finds words in quotation marks that nobody said in the source.
func (w *writer) checkQuotes(part string) []finding {
	if w.source.text == "" {
		return nil
	}
	source := foldSpace(w.source.title + "\n" + w.source.text)
	var out []finding
	for _, m := range quotation.FindAllStringSubmatch(part, -1) {
		words := strings.TrimRight(m[1]+m[2], ".,!?… ")
		if strings.Contains(source, foldSpace(words)) {
			continue
		}
		out = append(out, finding{
			rule: "fact", severity: "block", quote: m[0],
			message: "These words are in quotation marks but do not stand in the source.",
		})
	}
	return out
}

func foldSpace(s string) string {
	return strings.NewReplacer("’", "'", "‘", "'").Replace(strings.ToLower(strings.Join(strings.Fields(s), " ")))
}

// softer are words that promise or praise, and what to say instead.
func softer() map[string]string {
	return map[string]string{
		"best": "good", "fastest": "fast", "guarantee": "expect", "guaranteed": "expected", "guarantees": "expects",
		"revolutionary": "new", "world-class": "careful", "game-changer": "change", "game-changing": "useful",
		"unbeatable": "strong", "perfect": "good", "flawless": "careful", "cutting-edge": "new", "always": "usually",
		"never": "rarely", "instantly": "quickly", "effortless": "easy", "everyone": "many", "nobody": "few",
	}
}

var word = regexp.MustCompile(`[A-Za-z][A-Za-z'-]*`)

// checkPromises finds superlatives and promises that the source does not make.
func (w *writer) checkPromises(part string) []finding {
	soft := softer()
	source := strings.ToLower(w.source.text + " " + w.source.title)
	var out []finding
	for _, found := range word.FindAllString(blankLinks(part), -1) {
		lower := strings.ToLower(found)
		replacement, ok := soft[lower]
		if !ok || strings.Contains(source, lower) {
			continue
		}
		out = append(out, finding{
			rule: "brand", severity: "warn", quote: found, suggestion: replacement,
			message: "“" + found + "” promises more than the account can show.",
		})
	}
	return out
}

// styleNote is at most one remark on how the draft reads.
func (w *writer) styleNote() []finding {
	for i, part := range w.draft {
		for _, remark := range []func(string) *finding{w.longSentence, w.namelessQuote, w.noOwnWords, w.genericLine, w.filler} {
			if f := remark(part); f != nil {
				f.part, f.rule, f.severity = i, "clarity", "note"
				return []finding{*f}
			}
		}
	}
	return nil
}

func (w *writer) longSentence(part string) *finding {
	for _, s := range sentences(blankLinks(part)) {
		n := len(words(s))
		if opening := strings.Join(words(s)[:min(5, n)], " "); n > 22 && strings.Contains(part, opening) {
			return &finding{
				quote:   opening,
				message: fmt.Sprintf("This sentence runs to %d words; two shorter ones would read faster on a phone.", n),
			}
		}
	}
	return nil
}

// namelessQuote finds words of somebody whom the post does not name.
func (w *writer) namelessQuote(part string) *finding {
	m := quotation.FindString(part)
	if m == "" || len(words(m)) < 5 || w.source.title == "" || strings.Contains(strings.Join(w.draft, " "), w.source.title) {
		return nil
	}
	return &finding{quote: m, message: "A reader cannot tell whose words these are. Name the source beside them."}
}

// noOwnWords finds a post that only repeats its source.
func (w *writer) noOwnWords(part string) *finding {
	if len(w.draft) > 1 || w.source.text == "" {
		return nil
	}
	plain := strings.TrimSpace(blankLinks(part))
	if plain == "" || !strings.Contains(foldSpace(w.source.text), foldSpace(strings.Trim(plain, "“”"))) {
		return nil
	}
	return &finding{
		quote:   strings.Join(words(plain)[:min(6, len(words(plain)))], " "),
		message: "The post only repeats its source. One sentence of your own would say why it matters to your readers.",
	}
}

// genericLine finds a sentence that has nothing to do with the source.
func (w *writer) genericLine(part string) *finding {
	if w.source.text == "" {
		return nil
	}
	subjects := keywords(append([]string{w.source.title, w.source.text}, w.account.interests...)...)
	for _, s := range sentences(blankLinks(part)) {
		own := keywords(s)
		if len(words(s)) < 4 || strings.HasSuffix(s, "?") || len(own) == 0 || overlap(own, subjects) > 0 || !strings.Contains(part, s) {
			continue
		}
		return &finding{quote: s, message: "This line would fit under any story. Say what it means for your readers, or leave it out."}
	}
	return nil
}

func (w *writer) filler(part string) *finding {
	for _, found := range word.FindAllString(blankLinks(part), -1) {
		if slices.Contains([]string{"very", "really", "just", "quite", "actually", "basically"}, strings.ToLower(found)) {
			return &finding{quote: found, message: "“" + found + "” adds nothing; the sentence is stronger without it."}
		}
	}
	return nil
}
