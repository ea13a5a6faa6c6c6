package post

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
)

// MaxParts is how many parts a thread may have. It is ours, not X's: beyond
// it nobody reads on.
const MaxParts = 25

const maxPartBytes = 100_000

// Content is what the audience will see: one part, or the parts of a thread in
// their order.
type Content struct {
	Parts []Part
}

// Part is one post on the network.
type Part struct {
	Text string
}

// Text makes a content of the given parts.
func Text(parts ...string) Content {
	c := Content{Parts: make([]Part, len(parts))}
	for i, p := range parts {
		c.Parts[i] = Part{Text: p}
	}
	return c
}

// Texts returns the text of each part.
func (c Content) Texts() []string {
	out := make([]string, len(c.Parts))
	for i, p := range c.Parts {
		out[i] = p.Text
	}
	return out
}

// Canonical returns the content as it is stored, hashed and sent: valid NFC,
// line ends "\n", no white space around a part. Errors of kind Invalid: no part,
// an empty part, too many parts, invalid UTF-8, a control character.
func (c Content) Canonical() (Content, error) {
	if len(c.Parts) == 0 {
		return Content{}, apperr.New(apperr.Invalid, "empty_post", "the post has no text").WithField("parts")
	}
	if len(c.Parts) > MaxParts {
		return Content{}, apperr.New(apperr.Invalid, "too_many_parts", "the thread has %d parts; the most is %d", len(c.Parts), MaxParts).
			WithField("parts")
	}
	out := Content{Parts: make([]Part, len(c.Parts))}
	for i, p := range c.Parts {
		text, err := canonicalText(p.Text)
		if err != nil {
			return Content{}, err.WithField("parts")
		}
		if text == "" {
			return Content{}, apperr.New(apperr.Invalid, "empty_part", "part %d has no text", i+1).WithField("parts").
				WithHint("Write something or remove the part.")
		}
		out.Parts[i] = Part{Text: text}
	}
	return out, nil
}

func canonicalText(s string) (string, *apperr.Error) {
	if len(s) > maxPartBytes {
		return "", apperr.New(apperr.Invalid, "part_too_long", "a part is longer than %d bytes", maxPartBytes)
	}
	if !utf8.ValidString(s) {
		return "", apperr.New(apperr.Invalid, "bad_text", "the text is not valid UTF-8")
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	for _, r := range s {
		if (r < 0x20 && r != '\n' && r != '\t') || r == 0x7f {
			return "", apperr.New(apperr.Invalid, "bad_text", "the text holds a control character")
		}
	}
	return strings.TrimSpace(norm.NFC.String(s)), nil
}

// hashVersion is bumped when the canonical form changes, so that an old
// approval can never be read as one of a new form.
const hashVersion = "rostrum-approval-v1"

// Hash is the approval hash: a SHA-256 over the canonical content and the
// account it goes out from, in hexadecimal behind "v1:". Two contents hash
// alike only if the audience would see the same.
func (c Content) Hash(id account.ID) string {
	h := sha256.New()
	writeField(h, hashVersion)
	writeField(h, id.String())
	for _, p := range c.Parts {
		writeField(h, "part")
		writeField(h, p.Text)
	}
	return "v1:" + hex.EncodeToString(h.Sum(nil))
}

// Fingerprint identifies what one attempt sends: the part's text, what it
// replies to, and the account.
func Fingerprint(id account.ID, text, replyTo string) string {
	h := sha256.New()
	for _, field := range []string{"rostrum-part-v1", id.String(), replyTo, text} {
		writeField(h, field)
	}
	return "v1:" + hex.EncodeToString(h.Sum(nil))
}

// writeField writes the length before the bytes, so that no two lists of
// fields run together into the same stream.
func writeField(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	_, _ = h.Write(n[:])
	_, _ = h.Write([]byte(s))
}
