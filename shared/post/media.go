package post

import (
	"hash"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"

	"rostrum/shared/apperr"
)

// MaxAlt is the longest alt text in characters, which is X's (docs.x.com
// media metadata, 2026-11).
const MaxAlt = 1000

// Media is an image under a part's text. Digest and Alt are what an approval
// covers; the rest follows from the digest or says where the file is.
type Media struct {
	ID uuid.UUID
	// Digest is the SHA-256 of the file, hexadecimal behind "sha256:".
	Digest string
	// Alt says what the image shows to those who do not see it; may be empty.
	Alt string
	// Type is the media type, such as image/jpeg.
	Type          string
	Bytes         int64
	Width, Height int // in pixels
}

// HasMedia reports whether any part shows an image.
func (c Content) HasMedia() bool {
	return slices.ContainsFunc(c.Parts, func(p Part) bool { return len(p.Media) > 0 })
}

// Media returns the images of all parts in their order.
func (c Content) Media() []Media {
	var out []Media
	for _, p := range c.Parts {
		out = append(out, p.Media...)
	}
	return out
}

// Equal reports whether the audience would see the same of both.
func (c Content) Equal(other Content) bool {
	return slices.EqualFunc(c.Parts, other.Parts, Part.Equal)
}

// Equal reports whether the audience would see the same of both.
func (p Part) Equal(other Part) bool {
	return p.Text == other.Text && slices.EqualFunc(p.Media, other.Media, func(a, b Media) bool { return a.Digest == b.Digest && a.Alt == b.Alt })
}

func canonicalMedia(media []Media) ([]Media, *apperr.Error) {
	if len(media) == 0 {
		return nil, nil
	}
	out := make([]Media, len(media))
	for i, m := range media {
		alt, err := canonicalText(m.Alt)
		if err != nil {
			return nil, err
		}
		if n := utf8.RuneCountInString(alt); n > MaxAlt {
			return nil, apperr.New(apperr.Invalid, "alt_too_long", "an alt text is %d characters long; the most is %d", n, MaxAlt)
		}
		m.Alt = alt
		out[i] = m
		if slices.ContainsFunc(out[:i], func(other Media) bool { return other.ID == m.ID }) {
			return nil, apperr.New(apperr.Invalid, "media_twice", "an image is in one part twice").WithHint("Remove one of them.")
		}
	}
	return out, nil
}

// writeMedia writes how many images there are before them, so that the next
// part cannot be read as one.
func writeMedia(h hash.Hash, media []Media) {
	writeField(h, strconv.Itoa(len(media)))
	for _, m := range media {
		writeField(h, m.Digest)
		writeField(h, m.Alt)
	}
}
