package platform

import (
	"fmt"
	"slices"
	"strings"

	"rostrum/shared/account"
	"rostrum/shared/post"
)

const jpeg = "image/jpeg"

// MaxImageBytes is the largest image that any network takes.
const MaxImageBytes = 8 << 20

// Aspect is a width over a height.
type Aspect struct{ Width, Height int }

// TakesImage reports whether any network takes files of a media type as images.
func TakesImage(mediaType string) bool {
	return slices.ContainsFunc(account.Networks(), func(n account.Network) bool {
		return slices.Contains(LimitsOf(n).ImageTypes, mediaType)
	})
}

// CheckImages lists everything for which the network would refuse the images
// that the parts have. What they lack is not part of it: see CheckReady.
func CheckImages(network account.Network, parts []post.Part) []Violation {
	var found []Violation
	limit := LimitsOf(network).MaxImages
	for i, p := range parts {
		if n := len(p.Media); n > limit {
			found = append(found, Violation{
				Part: i, Code: "too_many_images", Length: n, Limit: limit, Message: fmt.Sprintf("Part %d has %d images of %d.", i+1, n, limit),
			})
		}
		for at, m := range p.Media {
			found = append(found, checkImage(network, i, at, m)...)
		}
	}
	return found
}

func checkImage(network account.Network, part, at int, m post.Media) []Violation {
	l, name := LimitsOf(network), network.Name()
	var found []Violation
	add := func(code, format string, args ...any) {
		found = append(found, Violation{Part: part, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if !slices.Contains(l.ImageTypes, m.Type) {
		add("image_type", "Image %d is no %s, and %s takes nothing else. Save it as JPEG and add it again.", at+1, typeNames(l.ImageTypes), name)
	}
	if m.Bytes > l.MaxImageBytes {
		add("image_too_large", "Image %d has %.1f MB; %s takes %.1f MB. Make it smaller and add it again.", at+1, megabytes(m.Bytes), name, megabytes(l.MaxImageBytes))
	}
	if narrower(m, l.MinAspect) {
		add("image_aspect", "Image %d is too tall: %s takes images up to %s. Crop it and add it again.", at+1, name, l.MinAspect)
	}
	if l.MaxAspect.Width > 0 && m.Width*l.MaxAspect.Height > m.Height*l.MaxAspect.Width {
		add("image_aspect", "Image %d is too wide: %s takes images up to %s. Crop it and add it again.", at+1, name, l.MaxAspect)
	}
	return found
}

func narrower(m post.Media, a Aspect) bool { return m.Width*a.Height < m.Height*a.Width }

// Ratio is the aspect as a number; 0 when it has no height.
func (a Aspect) Ratio() float64 {
	if a.Height == 0 {
		return 0
	}
	return float64(a.Width) / float64(a.Height)
}

// String is the aspect as people write it, such as 4:5 or 1.91:1.
func (a Aspect) String() string {
	if a.Height == 100 {
		return fmt.Sprintf("%.2f:1", float64(a.Width)/100)
	}
	return fmt.Sprintf("%d:%d", a.Width, a.Height)
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

func typeNames(types []string) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = strings.ToUpper(strings.TrimPrefix(t, "image/"))
	}
	return strings.Join(names, ", ")
}

// CheckReady lists what a post still lacks before the network takes it. A draft
// may lack it; nothing that lacks it is approved.
func CheckReady(network account.Network, parts []post.Part) []Violation {
	var found []Violation
	least := LimitsOf(network).MinImages
	for i, p := range parts {
		if n := len(p.Media); n < least {
			found = append(found, Violation{
				Part: i, Code: "image_required", Length: n, Limit: least, Message: network.Name() + " takes no post without an image. Add one first.",
			})
		}
	}
	return found
}
