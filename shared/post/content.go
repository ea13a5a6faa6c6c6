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
	// Media are the images under the text, in their order.
	Media []Media
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
// line ends "\n", no white space around a part or an alt text. A part with
// images has a text too, since reading an account back finds a post by its
// words. Errors of kind Invalid: no part, an empty part, too many parts, invalid
// UTF-8, a control character, an image that is named twice in a part.
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
		media, err := canonicalMedia(p.Media)
		if err != nil {
			return Content{}, err.WithField("parts")
		}
		out.Parts[i] = Part{Text: text, Media: media}
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

// The forms of the approval hash. One is added when the canonical form grows, so
// that an old approval can never be read as one of a new form: the form is the
// first field of what is hashed. Without images a content keeps the first form,
// so that the approvals that were given before there were images stand.
const (
	hashOfText  = "rostrum-approval-v1"
	hashOfMedia = "rostrum-approval-v2"
)

// Hash is the approval hash: a SHA-256 over the canonical content and the
// account it goes out from, in hexadecimal behind the form, "v1:" or with images
// "v2:". Of an image it takes what it shows, by digest, and its alt text. Two
// contents hash alike only if the audience would see the same.
func (c Content) Hash(id account.ID) string {
	h := sha256.New()
	if !c.HasMedia() {
		writeField(h, hashOfText)
		writeField(h, id.String())
		for _, p := range c.Parts {
			writeField(h, "part")
			writeField(h, p.Text)
		}
		return "v1:" + hex.EncodeToString(h.Sum(nil))
	}
	writeField(h, hashOfMedia)
	writeField(h, id.String())
	for _, p := range c.Parts {
		writeField(h, "part")
		writeField(h, p.Text)
		writeMedia(h, p.Media)
	}
	return "v2:" + hex.EncodeToString(h.Sum(nil))
}

// Fingerprint identifies what one attempt sends: the part's text and images,
// what it replies to, and the account.
func Fingerprint(id account.ID, part Part, replyTo string) string {
	h := sha256.New()
	form, name := "rostrum-part-v1", "v1:"
	if len(part.Media) > 0 {
		form, name = "rostrum-part-v2", "v2:"
	}
	for _, field := range []string{form, id.String(), replyTo, part.Text} {
		writeField(h, field)
	}
	if len(part.Media) > 0 {
		writeMedia(h, part.Media)
	}
	return name + hex.EncodeToString(h.Sum(nil))
}

// writeField writes the length before the bytes, so that no two lists of
// fields run together into the same stream.
func writeField(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	_, _ = h.Write(n[:])
	_, _ = h.Write([]byte(s))
}
