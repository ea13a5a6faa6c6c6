// Package imagefile looks at image files that strangers send: what they really
// are, how large, and whether they are whole. It takes out of them everything
// but the picture.
//
// A photograph from a phone carries the place where it was taken; published, it
// tells where somebody lives. So nothing that does not make the picture is
// kept: not the place, the camera, the author, the thumbnail of before it was
// cropped, the comments, nor what was appended behind the end. The parts that
// make the picture are copied byte for byte from the file: encoding it anew
// would lose quality, would need tens of megabytes of memory for one
// photograph, and Go cannot encode WebP. What is kept is a list of what is
// known to be needed, so that a kind of metadata that nobody thought of is
// dropped too.
//
// Start reading at Clean.
package imagefile

import (
	"bytes"

	"rostrum/shared/apperr"
)

// Type is the media type of an image.
type Type string

// The types.
const (
	JPEG Type = "image/jpeg"
	PNG  Type = "image/png"
	GIF  Type = "image/gif"
	WebP Type = "image/webp"
)

// MaxSide is the longest side of an image in pixels, of any type. It keeps
// whoever shows it from being made to hold gigabytes.
const MaxSide = 8192

// Image is a cleaned image file.
type Image struct {
	Type          Type
	Width, Height int // in pixels, as shown: turned by its orientation
	// Animated says that it has more than one frame.
	Animated bool
	// Data is the file without anything but the picture.
	Data []byte
}

// Types lists what is understood.
func Types() []Type { return []Type{JPEG, PNG, GIF, WebP} }

// Sniff tells a file's type by its first bytes, whatever its name says; empty
// when it is none that is understood.
func Sniff(raw []byte) Type {
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xd8\xff")):
		return JPEG
	case bytes.HasPrefix(raw, []byte(pngSignature)):
		return PNG
	case bytes.HasPrefix(raw, []byte("GIF87a")), bytes.HasPrefix(raw, []byte("GIF89a")):
		return GIF
	case len(raw) >= 12 && string(raw[:4]) == "RIFF" && string(raw[8:12]) == "WEBP":
		return WebP
	default:
		return ""
	}
}

// Clean checks that raw is one whole image and returns it without metadata.
// Errors: Invalid with code not_an_image, broken_image or image_too_wide.
func Clean(raw []byte) (Image, error) {
	out := Image{Type: Sniff(raw)}
	var err error
	switch out.Type {
	case JPEG:
		err = out.cleanJPEG(raw)
	case PNG:
		err = out.cleanPNG(raw)
	case GIF:
		err = out.cleanGIF(raw)
	case WebP:
		err = out.cleanWebP(raw)
	default:
		return Image{}, apperr.New(apperr.Invalid, "not_an_image", "that file is not a JPEG, PNG, GIF or WebP image").
			WithHint("Save it as JPEG or PNG and add it again.")
	}
	if err != nil {
		return Image{}, err
	}
	if out.Width < 1 || out.Height < 1 {
		return Image{}, broken("it has no size")
	}
	if out.Width > MaxSide || out.Height > MaxSide {
		return Image{}, apperr.New(apperr.Invalid, "image_too_wide", "the image is %d by %d pixels; the longest side may be %d", out.Width, out.Height, MaxSide).
			WithHint("Make it smaller and add it again.")
	}
	return out, nil
}

func broken(why string) error {
	return apperr.New(apperr.Invalid, "broken_image", "the image is damaged: %s", why).
		WithHint("Open it on your computer, save it anew and add that.")
}

// cursor walks over a file. Reading beyond its end returns what is there and
// leaves short set.
type cursor struct {
	raw   []byte
	at    int
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.raw)-c.at {
		c.short = true
		n = len(c.raw) - c.at
	}
	b := c.raw[c.at : c.at+n]
	c.at += n
	return b
}

// byte returns the next byte; 0 at the end.
func (c *cursor) byte() byte {
	if b := c.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (c *cursor) done() bool { return c.at >= len(c.raw) }
