package openai

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// writer answers one request.
type writer struct {
	material
	seed uint64
}

func newWriter(system, user string, seed uint64) *writer {
	return &writer{material: readMaterial(system, user), seed: seed}
}

// content is the assistant's message: JSON by the schema, JSON of one text, or
// the text alone.
func (w *writer) content(format *responseFormat, s *schema) (string, error) {
	if s == nil {
		text := strings.Join(w.parts(), "\n\n")
		if format == nil || format.Type != "json_object" {
			return text, nil
		}
		encoded, err := encode(map[string]string{"text": text})
		return string(encoded), err
	}
	walk := &walker{root: s, seed: w.seed}
	encoded, err := encode(walk.value(s, "", w.scene(), 0))
	return string(encoded), err
}

// scene is everything the writer can say to the request, by the names under
// which schemas ask for it.
func (w *writer) scene() scene {
	out := scene{}
	set := func(value any, names ...string) {
		for _, n := range names {
			out[n] = value
		}
	}
	set(w.account.handle, "handle", "account")
	set(w.source.url, "url", "source_url", "link")
	if len(w.items) > 0 {
		set(w.ideas(), "ideas", "suggestions", "topics", "items")
	}
	if len(w.draft) > 0 && w.idea == (ideaFacts{}) {
		r := w.review()
		set(r.findings, "findings", "issues", "problems", "comments")
		set(r.verdict, "verdict", "decision", "result", "outcome")
		set(r.summary, "summary", "note", "message", "explanation")
		set(r.verdict == "pass", "passed", "ok", "approved")
		return out
	}
	parts := w.parts()
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	set(list, "parts", "posts", "thread", "tweets", "texts")
	set(strings.Join(parts, "\n\n"), "text", "post", "content", "body", "draft")
	set(w.note(), "note", "why", "rationale", "reason", "explanation")
	set(cmp.Or(w.idea.title, w.source.title), "title", "headline")
	set(w.summary(), "summary")
	return out
}

// pick chooses by the request's own dice.
func (w *writer) pick(what string, n int) int {
	return int(hash(what, strconv.FormatUint(w.seed, 10)) % uint64(max(n, 1)))
}

// ideas proposes what to post about: every item's best sentence first, then the
// second best ones, until as many as wanted are found.
func (w *writer) ideas() []any {
	wanted := cmp.Or(w.wanted, min(len(w.items), 3))
	items := w.rankedItems()
	var out []any
	for round := 0; len(out) < wanted && round < 4; round++ {
		for _, it := range items {
			facts := slices.DeleteFunc(w.facts(it.title, it.text), w.saidBefore)
			if len(out) == wanted || round >= len(facts) {
				continue
			}
			out = append(out, w.ideaOf(it, facts[round], round, len(out)))
		}
	}
	return out
}

// rankedItems puts what fits the account and was not said lately first.
func (w *writer) rankedItems() []item {
	subjects := keywords(slices.Concat(w.account.interests, w.account.goals, w.account.projects)...)
	said := keywords(w.recent...)
	score := func(it item) int {
		own := keywords(it.title)
		score := 4*overlap(keywords(it.title, it.text), subjects) - 8*overlap(own, said)
		if slices.ContainsFunc(w.recent, func(r string) bool { return it.url != "" && strings.Contains(r, it.url) }) {
			score -= 40
		}
		return score
	}
	out := slices.Clone(w.items)
	slices.SortStableFunc(out, func(a, b item) int { return score(b) - score(a) })
	return out
}

func (w *writer) ideaOf(it item, fact string, round, n int) scene {
	title := cutWords(strings.TrimRight(it.title, "."), 12)
	if round > 0 || title == "" {
		title = cutWords(strings.TrimRight(clause(fact), "."), 10)
	}
	goal := w.goalFor(it.title + " " + fact)
	quote := cutWords(fact, 36)
	return scene{
		"title": title, "angle": w.angle(fact, n), "goal": goal, "why": w.why(it, fact, n), "reason": w.why(it, fact, n),
		"item_index": it.index, "source_index": it.index, "index": it.index, "item": it.index,
		"source_url": it.url, "url": it.url, "source_title": it.title, "quote": quote, "source_quote": quote,
		"summary": fact, "text": fact, "score": 0.9 - float64(n)*0.07,
	}
}

// goalFor is the account's goal that has most in common with a text.
func (w *writer) goalFor(text string) string {
	if len(w.account.goals) == 0 {
		return ""
	}
	own := keywords(text)
	best, most := w.pick("goal"+text, len(w.account.goals)), 0
	for i, g := range w.account.goals {
		if n := overlap(keywords(g), own); n > most {
			best, most = i, n
		}
	}
	return w.account.goals[best]
}

// interestFor is the account's interest that a text touches, empty for none.
func (w *writer) interestFor(text string) string {
	own := keywords(text)
	var touched []string
	for _, interest := range w.account.interests {
		if overlap(keywords(interest), own) > 0 {
			touched = append(touched, interest)
		}
	}
	if len(touched) == 0 {
		return ""
	}
	return touched[w.pick("interest", len(touched))]
}

func (w *writer) angle(fact string, n int) string {
	point := lowerFirst(strings.TrimRight(clause(fact), ".!?"))
	audience := shortAudience(w.account.audience)
	forms := []string{
		fmt.Sprintf("Open with the plain fact that %s, and ask %s how they handle the same.", point, audience),
		fmt.Sprintf("Take the one decision in it (%s) and say what it costs as well as what it brings.", point),
		fmt.Sprintf("Let the source speak: %s. Then one sentence on why %s should care.", point, audience),
		fmt.Sprintf("Hold it against the usual advice: %s. No verdict, a question at the end.", point),
	}
	return cutWords(forms[(w.pick("angle", len(forms))+n)%len(forms)], 40)
}

func (w *writer) why(it item, fact string, n int) string {
	audience := shortAudience(w.account.audience)
	forms := []string{
		"It is concrete, it can be checked, and nothing recent covers it.",
		fmt.Sprintf("It came out lately and speaks to %s.", audience),
	}
	if interest := w.interestFor(it.title + " " + it.text); interest != "" {
		forms = append(forms, fmt.Sprintf("It touches %s, which %s follow, and gives them something to hold on to.", interest, audience))
	}
	if strings.ContainsAny(fact, "0123456789") {
		forms = append(forms, fmt.Sprintf("It has a figure in it, and %s stop for figures.", audience))
	}
	return cutWords(forms[(w.pick("why", len(forms))+n)%len(forms)], 25)
}

// note says to the person who approves what the post is for.
func (w *writer) note() string {
	goal, source := w.idea.goal, cmp.Or(w.source.title, host(w.source.url))
	switch {
	case goal != "" && source != "":
		return fmt.Sprintf("Serves the goal %s and rests on %s.", quoted(strings.TrimRight(goal, ".")), quoted(source))
	case source != "":
		return fmt.Sprintf("Rests on %s.", quoted(source))
	case goal != "":
		return fmt.Sprintf("Serves the goal %s; it has no source, so check the facts.", quoted(strings.TrimRight(goal, ".")))
	}
	return "It has no source, so check the facts before you approve it."
}

func (w *writer) summary() string {
	if facts := w.facts(w.source.title, w.source.text); len(facts) > 0 {
		return facts[0]
	}
	return cmp.Or(w.source.title, w.idea.title, "There is little to say.")
}

// parts is the post: one text, or now and then a short thread.
func (w *writer) parts() []string {
	limit := cmp.Or(w.limit, 280)
	room := limit - min(20, limit/4)
	facts := w.postFacts()
	link := w.source.url
	if w.linkless {
		link = ""
	}
	if !w.single && len(facts) >= 3 && len(w.problems) == 0 && w.pick("thread", 5) == 0 {
		if thread := w.thread(facts, link, room); thread != nil {
			return thread
		}
	}
	forms := w.forms(facts, link)
	at := w.pick("form", len(forms))
	for i := range forms {
		text := tidyText(forms[(at+i)%len(forms)])
		if weight(text) <= room && !w.said(text) {
			return []string{text}
		}
	}
	short := tidyText(w.shortest(facts) + "\n\n" + link)
	if weight(short) > room {
		short = cutText(w.shortest(facts), room)
	}
	return []string{short}
}

// postFacts are the sentences to build on: the idea's quote first.
func (w *writer) postFacts() []string {
	facts := w.facts(w.source.title, w.source.text)
	if fresh := slices.DeleteFunc(slices.Clone(facts), w.saidBefore); len(fresh) > 0 {
		facts = fresh
	}
	quote := strings.TrimSpace(w.idea.quote)
	if quote != "" && !orders.MatchString(quote) {
		facts = slices.DeleteFunc(facts, func(f string) bool { return strings.Contains(f, quote) || strings.Contains(quote, f) })
		facts = append([]string{quote}, facts...)
	}
	// What the last review complained about is not said again.
	facts = slices.DeleteFunc(facts, func(f string) bool {
		return slices.ContainsFunc(w.problems, func(p string) bool { return len(p) > 12 && strings.Contains(f, p) })
	})
	if len(facts) == 0 {
		facts = []string{cmp.Or(w.idea.title, w.source.title, firstSentence(w.source.text), "A note on what we are working on.")}
	}
	return facts
}

func firstSentence(text string) string {
	for _, s := range sentences(text) {
		if !orders.MatchString(s) {
			return cutWords(s, 30)
		}
	}
	return ""
}

// saidBefore reports whether a recent post holds a sentence, or its beginning.
func (w *writer) saidBefore(sentence string) bool {
	head := foldSpace(strings.Trim(cutWords(sentence, 6), "“”\""))
	return slices.ContainsFunc(w.recent, func(r string) bool { return strings.Contains(foldSpace(r), head) })
}

// said reports whether a text begins as one of the recent ones does.
func (w *writer) said(text string) bool {
	head := text[:min(len(text), 40)]
	return slices.ContainsFunc(w.recent, func(r string) bool { return strings.HasPrefix(r, head) })
}

// flaw is the mistake that a first draft makes, as those of real models do: now
// and then a figure is wrong, or a line promises too much. A draft that was sent
// back makes none.
func (w *writer) flaw() string {
	if len(w.problems) > 0 || w.source.text == "" {
		return ""
	}
	switch n := w.pick("flaw", 16); {
	case n < 2:
		return "figure"
	case n < 5:
		return "boast"
	}
	return ""
}

// slip gets the first larger figure of a sentence wrong, when that is the flaw.
func (w *writer) slip(text string) string {
	at := largeFigure.FindStringIndex(text)
	if w.flaw() != "figure" || at == nil {
		return text
	}
	digit := text[at[0]]
	wrong := byte('1')
	if digit < '9' {
		wrong = digit + 1
	}
	return text[:at[0]] + string(wrong) + text[at[0]+1:]
}

var largeFigure = regexp.MustCompile(`\d{2,} [a-z]{4,}`)

// boast is a line that promises too much, when that is the flaw.
func (w *writer) boast() string {
	if w.flaw() != "boast" {
		return ""
	}
	lines := []string{
		"Everyone who runs a system like this should read it.", "This is the best account of it that we have seen.",
		"Do this and you never have to think about it again.",
	}
	return lines[w.pick("boast", len(lines))]
}

// forms are the shapes a single post may take, all from the same material.
func (w *writer) forms(facts []string, link string) []string {
	lead, title := w.slip(spoken(facts[0])), strings.TrimRight(cmp.Or(w.source.title, w.idea.title), ".")
	if !strings.Contains(w.source.text, facts[0]) {
		lead = finish(facts[0])
	}
	after := cmp.Or(w.boast(), w.closing(facts[0]))
	forms := []string{
		lead + "\n\n" + after + "\n\n" + link,
	}
	if title != "" && !strings.EqualFold(title, strings.TrimRight(facts[0], ".")) {
		from := "From “" + title + "”:"
		if h := host(link); strings.Contains(h, ".") && !strings.HasPrefix(h, "127.") {
			from = "From “" + title + "” (" + strings.TrimPrefix(h, "www.") + "):"
		}
		forms = append(forms,
			"“"+title+"” is worth ten minutes.\n\n"+lead+"\n\n"+link,
			from+"\n\n"+lead+"\n\n"+after+"\n\n"+link,
			title+".\n\n"+lead+" "+after+"\n\n"+link,
		)
	}
	if len(facts) > 1 {
		forms = append(forms,
			lead+" "+spoken(facts[1])+"\n\n"+after+"\n\n"+link,
			"Two things from this one:\n\n– "+spoken(facts[0])+"\n– "+spoken(facts[1])+"\n\n"+link,
		)
	}
	if interest := w.interestFor(w.source.title + " " + w.source.text); interest != "" {
		who := "we"
		if w.firstPersonVoice() {
			who = "I"
		}
		forms = append(forms, "On "+interest+", a note "+who+" would pass on:\n\n"+lead+"\n\n"+link)
	}
	return forms
}

func (w *writer) firstPersonVoice() bool {
	return strings.Contains(strings.ToLower(w.account.voice), "first person")
}

// closing is a last line that claims nothing: an opinion or a question.
func (w *writer) closing(fact string) string {
	lines := []string{
		"How does your team handle this?", "Plain, specific, and easy to check.", "What would you have done?",
		"If you have tried the same, tell us how it went.", "The kind of detail we wish more teams wrote down.",
		"Worth a second read before the next planning day.", "Small decisions, written down. More of that, please.",
	}
	if interest := w.interestFor(w.source.title + " " + w.source.text); interest != "" {
		lines = append(lines, "One to keep if you care about "+interest+".")
	}
	if strings.ContainsAny(fact, "0123456789") {
		lines = append(lines, "We like a claim that comes with its figure.", "A figure, and how they got it. That is the part to copy.")
	}
	if w.firstPersonVoice() {
		lines = append(lines, "I am keeping this one for our next planning day.", "I would like to hear from anyone who did the opposite.",
			"It is the sort of note I want us to write more often.")
	}
	at := w.pick("closing"+fact, len(lines))
	for i := range lines {
		line := lines[(at+i)%len(lines)]
		if !slices.ContainsFunc(w.recent, func(r string) bool { return strings.Contains(r, line) }) {
			return line
		}
	}
	return lines[at]
}

// thread spreads three sentences over parts; it is nil when one does not fit.
func (w *writer) thread(facts []string, link string, room int) []string {
	title := strings.TrimRight(cmp.Or(w.source.title, w.idea.title), ".")
	if title == "" {
		return nil
	}
	facts = slices.Clone(facts[:3])
	slices.SortStableFunc(facts, func(a, b string) int { return strings.Index(w.source.text, a) - strings.Index(w.source.text, b) })
	parts := []string{
		tidyText(spoken(facts[0]) + "\n\nThree notes from “" + title + "”."),
		tidyText(spoken(facts[1])),
		tidyText(spoken(facts[2]) + "\n\n" + w.closing(facts[2]) + "\n\n" + link),
	}
	if slices.ContainsFunc(parts, func(p string) bool { return weight(p) > room }) {
		return nil
	}
	return parts
}

func (w *writer) shortest(facts []string) string {
	best := spoken(facts[0])
	for _, f := range facts {
		if s := spoken(f); utf8.RuneCountInString(s) < utf8.RuneCountInString(best) {
			best = s
		}
	}
	return best
}

// spoken puts somebody else's words in quotation marks, so that “we” stays
// theirs.
func spoken(fact string) string {
	fact = finish(fact)
	if firstPerson.MatchString(fact) && !strings.ContainsAny(fact, "“”\"") {
		return "“" + fact + "”"
	}
	return fact
}

// finish ends a sentence.
func finish(s string) string {
	s = strings.TrimRight(s, " ,;:–-")
	if s != "" && !strings.ContainsAny(s[len(s)-1:], `.!?"')`) && !strings.HasSuffix(s, "”") && !strings.HasSuffix(s, "…") {
		return s + "."
	}
	return s
}

func quoted(s string) string { return "“" + s + "”" }

// clause is the first half of a sentence that stands by itself.
func clause(s string) string {
	for _, mark := range []string{"; ", ", ", ": "} {
		if before, _, found := strings.Cut(s, mark); found && len(words(before)) >= 6 {
			return before
		}
	}
	if before, _, found := strings.Cut(s, " and "); found && len(words(before)) >= 8 && !strings.Contains(before, ", ") {
		return before
	}
	return cutWords(s, 18)
}

func lowerFirst(s string) string {
	w := words(s)
	// A name or an abbreviation keeps its capital.
	if len(w) == 0 || !slices.Contains(strings.Fields("The A An We Our In On At When If It This That Most Every Each One Two After Before For With By Last Small Half Nobody Whoever What Instead Most Questions Support Three Five"), w[0]) {
		return s
	}
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[n:]
}

func shortAudience(audience string) string {
	for _, mark := range []string{",", ";", " in ", " of ", " who ", " at ", " from ", " with "} {
		audience, _, _ = strings.Cut(audience, mark)
	}
	audience = strings.TrimRight(cutWords(audience, 6), ".")
	if audience == "" {
		return "readers"
	}
	return strings.ToLower(audience[:1]) + audience[1:]
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

var blankLines = regexp.MustCompile(`\n{3,}`)

func tidyText(s string) string { return strings.TrimSpace(blankLines.ReplaceAllString(s, "\n\n")) }

var linkInText = regexp.MustCompile(`https?://\S+`)

// weight counts a text as X does, or a little more: a link is 23 but never less
// than its length when it leads to a name without a public ending.
func weight(s string) int {
	total := 0
	rest := linkInText.ReplaceAllStringFunc(s, func(l string) string {
		n := 23
		if !strings.Contains(host(l), ".") || strings.Contains(l, "://127.") {
			n = max(n, utf8.RuneCountInString(l))
		}
		total += n
		return ""
	})
	for _, r := range rest {
		if r <= 0x10ff || (r >= 0x2010 && r <= 0x201f) {
			total++
		} else {
			total += 2
		}
	}
	return total
}
