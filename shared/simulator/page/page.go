// Package page is what the pages of the simulated networks share: their frame,
// their style, the script that keeps a feed current and works the fault dial,
// and the words for figures and times. Each network brings templates of its own.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

//go:embed files
var files embed.FS

// Mount serves the style and the script below /_sim/page/.
func Mount(mux *http.ServeMux) {
	own, err := fs.Sub(files, "files")
	if err != nil {
		return // The folder is compiled in; this cannot happen.
	}
	mux.Handle("GET /_sim/page/", http.StripPrefix("/_sim/page/", http.FileServerFS(own)))
}

// Render executes one template of a network's folder within the frame, as a
// whole before it sends anything.
func Render(w http.ResponseWriter, status int, templates fs.FS, name string, data any) {
	parsed, err := template.New("").Funcs(template.FuncMap{"figure": figure}).ParseFS(files, "files/*.html")
	if err == nil {
		parsed, err = parsed.ParseFS(templates, "page/*.html")
	}
	var out bytes.Buffer
	if err == nil {
		err = parsed.ExecuteTemplate(&out, name, data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src 'self' data:")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// Withheld says in words what became of an answer that the client did not get;
// empty for one that it got.
func Withheld(clientSaw string) string {
	switch fault.Kind(clientSaw) {
	case "answered", "":
		return ""
	case fault.AcceptThenReset:
		return "the connection was cut before the answer."
	case fault.AcceptThenHang:
		return "the answer never came."
	case fault.AcceptThenAnswer:
		return "the client was told something else."
	case fault.AcceptThenTruncate:
		return "the answer was cut in half."
	case fault.LateEffect:
		return "only after the client had given up."
	default:
		return "the answer came slowly."
	}
}

// count is one figure with its name.
type count struct{ Name, Count string }

func figure(n int, one, many string) count {
	if n == 1 {
		return count{one, "1"}
	}
	return count{many, compact(n)}
}

// compact writes a count as timelines do.
func compact(n int) string {
	switch {
	case n >= 10_000:
		return strconv.Itoa(n/1000) + "K"
	case n >= 1000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1000), ".0") + "K"
	}
	return strconv.Itoa(n)
}

// Ago writes how long ago something was, as timelines do.
func Ago(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "now"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + "d"
}

// Initials are the first letters of a name's first two words.
func Initials(name string) string {
	var out []rune
	for word := range strings.FieldsSeq(name) {
		if r := []rune(word)[0]; unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, unicode.ToUpper(r))
		}
		if len(out) == 2 {
			break
		}
	}
	return string(out)
}

// Hue is the colour of an account's picture, in degrees.
func Hue(handle string) int { return int(ledger.Spread("hue", handle) % 360) }
