package openai

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// material is what the prompt holds to write from.
type material struct {
	account  accountFacts
	wanted   int
	items    []item
	source   item
	idea     ideaFacts
	draft    []string
	problems []string
	recent   []string
	// limit is the most a part may count, 0 when the prompt names none.
	limit int
	// single says that the prompt wants one part, and linkless none with a link.
	single, linkless bool
}

type accountFacts struct {
	handle, audience, voice string
	goals, interests        []string
	projects                []string
}

type ideaFacts struct{ title, angle, goal, quote string }

// item is a text from outside.
type item struct {
	index            int
	title, url, text string
}

// object is decoded JSON, read leniently: a key that is missing or of another
// type reads as nothing.
type object map[string]any

func (o object) text(keys ...string) string {
	for _, k := range keys {
		if s, ok := o[k].(string); ok && strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

func (o object) inner(keys ...string) object {
	for _, k := range keys {
		if m, ok := o[k].(map[string]any); ok {
			return m
		}
	}
	return nil
}

func (o object) number(keys ...string) (int, bool) {
	for _, k := range keys {
		if n, ok := o[k].(float64); ok {
			return int(n), true
		}
	}
	return 0, false
}

// texts reads a list of strings, or of objects that hold one under keys; a lone
// string is a list of one.
func (o object) texts(key string, keys ...string) []string {
	var out []string
	add := func(v any) {
		switch v := v.(type) {
		case string:
			out = append(out, strings.TrimSpace(v))
		case map[string]any:
			out = append(out, object(v).text(keys...))
		}
	}
	if list, ok := o[key].([]any); ok {
		for _, v := range list {
			add(v)
		}
	} else {
		add(o[key])
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// readMaterial takes the prompt apart: the first JSON object of the user's
// message when there is one, else its lines.
func readMaterial(system, user string) material {
	data, ok := firstObject(user)
	if !ok {
		data = objectOfLines(user)
	}
	account := data.inner("account", "profile")
	if account == nil {
		account = data
	}
	m := material{
		account: accountFacts{
			handle: account.text("handle", "username"), audience: account.text("audience"), voice: account.text("voice", "tone"),
			goals: account.texts("goals", "text", "name"), interests: account.texts("interests", "name"),
			projects: account.texts("projects", "name", "title"),
		},
		source:   itemOf(data.inner("source", "article"), 0),
		recent:   data.texts("recent", "text"),
		problems: append(data.texts("problems", "message"), data.texts("findings", "message", "quote")...),
		limit:    limitOf(system + "\n" + user),
		single:   strings.Contains(system, "no threads"),
		linkless: strings.Contains(system, "cannot be followed"),
	}
	for _, key := range []string{"items", "sources"} {
		list, _ := data[key].([]any)
		for i, v := range list {
			if inner, isObject := v.(map[string]any); isObject {
				m.items = append(m.items, itemOf(inner, i))
			}
		}
	}
	if !ok && m.source.text == "" {
		m.source = itemOf(data, 0)
	}
	m.wanted, _ = data.number("wanted", "count")
	if idea := data.inner("idea"); idea != nil {
		m.idea = ideaFacts{idea.text("title"), idea.text("angle"), idea.text("goal"), idea.text("quote")}
	}
	draft := data.inner("draft", "post")
	m.draft = draft.texts("parts", "text")
	if len(m.draft) == 0 {
		m.draft = append(draft.texts("text"), data.texts("draft", "text")...)
	}
	return m
}

func itemOf(o object, index int) item {
	if n, ok := o.number("index", "id"); ok {
		index = n
	}
	return item{index: index, title: o.text("title", "name"), url: o.text("url", "link"), text: o.text("text", "summary", "content", "body")}
}

// firstObject returns the first JSON object in a text, fenced or not.
func firstObject(text string) (object, bool) {
	for range 64 {
		at := strings.IndexByte(text, '{')
		if at < 0 {
			return nil, false
		}
		text = text[at:]
		var found map[string]any
		if json.NewDecoder(strings.NewReader(text)).Decode(&found) == nil && len(found) > 0 {
			return found, true
		}
		text = text[1:]
	}
	return nil, false
}

var labelled = regexp.MustCompile(`(?i)^\s*[-*#]*\s*(title|url|link|summary|text|handle|voice|audience|draft|goals?|interests?)\s*:\s*(.+)$`)

// objectOfLines reads "Name: value" lines; the rest is the text.
func objectOfLines(text string) object {
	out := object{}
	var rest []string
	for line := range strings.Lines(text) {
		m := labelled.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			rest = append(rest, strings.TrimSpace(line))
			continue
		}
		key := strings.ToLower(m[1])
		switch key {
		case "goal", "goals", "interest", "interests":
			list, _ := out[strings.TrimSuffix(key, "s")+"s"].([]any)
			out[strings.TrimSuffix(key, "s")+"s"] = append(list, strings.TrimSpace(m[2]))
		default:
			out[key] = strings.TrimSpace(m[2])
		}
	}
	if out.text("text", "summary") == "" {
		out["text"] = strings.TrimSpace(strings.Join(rest, "\n"))
	}
	return out
}

func limitOf(prompt string) int {
	m := atMost.FindStringSubmatch(prompt)
	if m == nil || strings.EqualFold(m[2], "words") {
		return 0
	}
	n := 0
	for _, digit := range m[1] {
		n = n*10 + int(digit-'0')
	}
	return n
}

// orders are words by which a text tries to steer its reader. A careful reader
// leaves such sentences out, and so does this one.
var orders = regexp.MustCompile(`(?i)ignore (?:all|any|the|your|previous)|disregard|previous instructions|system prompt|you are (?:now |an? )?(?:ai|assistant|agent|model)|` +
	`(?:publish|post|tweet|send) (?:this|it|now|at once|immediately)|api[ _-]?key|environment variable|[A-Z]{3,}_(?:KEY|TOKEN|SECRET)|reveal|do not (?:review|tell)|without (?:review|approval)|as an? (?:ai|assistant)`)

// sentences cuts a text into its sentences, each exactly as it stands there.
func sentences(text string) []string {
	var out []string
	start := 0
	cut := func(end int) {
		if s := strings.TrimSpace(text[start:end]); s != "" {
			out = append(out, s)
		}
		start = end
	}
	for i, r := range text {
		next := i + utf8.RuneLen(r)
		switch {
		case r == '\n':
			cut(next)
		case strings.ContainsRune(".!?", r) && endsSentence(text, i, next):
			cut(closing(text, next))
		}
	}
	cut(len(text))
	return out
}

// endsSentence tells a full stop from the point in 1.26, e.g. or U.S.
func endsSentence(text string, at, next int) bool {
	rest := strings.TrimLeft(text[next:], `"”’')`)
	if rest == "" {
		return true
	}
	if r, _ := utf8.DecodeRuneInString(rest); !unicode.IsSpace(r) {
		return false
	}
	after, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, " \t\n\"“‘'("))
	if unicode.IsLower(after) {
		return false
	}
	word := text[:at]
	if i := strings.LastIndexFunc(word, unicode.IsSpace); i >= 0 {
		word = word[i+1:]
	}
	return len(word) > 1 && !slices.Contains([]string{"e.g", "i.e", "Mr", "Ms", "Dr", "vs", "No", "approx"}, word) || unicode.IsDigit(rune(text[max(at-1, 0)]))
}

// closing takes the quotation marks and brackets after a full stop in.
func closing(text string, end int) int {
	for strings.ContainsAny(firstRune(text[end:]), `"”’')`) && end < len(text) {
		end += len(firstRune(text[end:]))
	}
	return end
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

func words(s string) []string { return strings.Fields(s) }

// keywords are the words of a text that carry its subject.
func keywords(texts ...string) map[string]bool {
	out := map[string]bool{}
	for _, text := range texts {
		for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if len(w) > 3 || w == "go" || w == "sql" || w == "api" {
				out[strings.TrimSuffix(w, "s")] = true
			}
		}
	}
	for _, common := range words("that this with from have they their them then than when what which will would your about into more most over some such only also been were does just like make made many much very ever even each other another because after before where while there those these team people work thing") {
		delete(out, common)
	}
	return out
}

func overlap(a, b map[string]bool) int {
	n := 0
	for w := range a {
		if b[w] {
			n++
		}
	}
	return n
}

// facts returns the sentences of a text that a post can rest on, best first:
// of readable length, with a figure or the account's subjects in them, without
// orders to the reader.
func (m material) facts(title, text string) []string {
	type ranked struct {
		text  string
		score int
	}
	subjects := keywords(slices.Concat(m.account.interests, m.account.goals, m.account.projects)...)
	headline := keywords(title)
	var list []ranked
	for i, s := range sentences(text) {
		n := len(words(s))
		if n < 6 || n > 36 || orders.MatchString(s) || strings.Contains(s, "http") {
			continue
		}
		own := keywords(s)
		score := 2*min(overlap(own, subjects), 3) + 2*min(overlap(own, headline), 2) - i/2
		switch {
		case startsLoose(s):
			score -= 5
		case i == 0:
			score += 3 // The first sentence needs no other to be understood.
		case strings.HasPrefix(s, "The "):
			score -= 2
		}
		if strings.ContainsAny(s, "0123456789") {
			score += 4
		}
		if n > 24 {
			score -= 3
		}
		list = append(list, ranked{s, score})
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return b.score - a.score })
	out := make([]string, 0, len(list))
	for _, r := range list {
		out = append(out, r.text)
	}
	return out
}

// startsLoose reports whether a sentence leans on the one before it.
func startsLoose(s string) bool {
	first := strings.ToLower(strings.Trim(words(s)[0], `,;:"“”`))
	return slices.Contains(words("it this that these those they he she but and so then however or which here there both neither none each among instead before since half"), first)
}

var firstPerson = regexp.MustCompile(`(?i)\b(?:we|our|ours|us|i|i'm|i’m|we're|we’re|we've|we’ve|my|mine|me)\b`)

func cutWords(s string, n int) string {
	if w := words(s); len(w) > n {
		return strings.TrimRight(strings.Join(w[:n], " "), ",;:–-")
	}
	return s
}

// cutText shortens a text to n characters at the end of a word.
func cutText(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	head := string(runes[:max(n-1, 0)])
	if at := strings.LastIndexFunc(head, unicode.IsSpace); at > len(head)/2 {
		head = head[:at]
	}
	if n == 0 {
		return ""
	}
	return strings.TrimRight(head, " ,;:–-\n") + "…"
}
