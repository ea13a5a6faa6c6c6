package api

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"rostrum/shared/apperr"
)

// codeIllegible is of a request that holds what no text can.
const codeIllegible = "bad_characters"

// legible refuses a request whose address or body holds NUL, which Postgres
// cannot store, or what is no Unicode: decoding would put U+FFFD in its place,
// and the text would not be the one that was sent.
func (s *Server) legible(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody+1)
		body, err := readBody(r)
		if err == nil && (!legibleAddress(r) || !legibleJSON(body)) {
			err = apperr.New(apperr.Invalid, codeIllegible, "the request holds NUL or what is not valid Unicode").
				WithHint(`Send UTF-8 without NUL, and each \u escape of a surrogate in a pair.`)
		}
		if err != nil {
			s.writeProblem(w, r, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func legibleAddress(r *http.Request) bool {
	ok := legibleText(r.URL.Path)
	for name, values := range r.URL.Query() {
		ok = ok && legibleText(name)
		for _, v := range values {
			ok = ok && legibleText(v)
		}
	}
	return ok
}

func legibleText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// legibleJSON judges the bytes and the escapes; whether they are JSON is
// another's to say.
func legibleJSON(body []byte) bool {
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return false
	}
	for {
		i := bytes.IndexByte(body, '\\')
		if i < 0 || i+1 == len(body) {
			return true
		}
		if body[i+1] != 'u' {
			body = body[i+2:]
			continue
		}
		r, ok := escaped(body[i:])
		body = body[i+2:]
		if !ok {
			continue
		}
		if utf16.IsSurrogate(r) {
			low, _ := escaped(body[4:])
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return false
			}
			body = body[10:]
		}
		if r == 0 {
			return false
		}
	}
}

// escaped is the code unit of the \u escape that b begins with.
func escaped(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}
