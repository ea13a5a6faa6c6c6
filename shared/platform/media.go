package platform

import (
	"fmt"
	"slices"

	"rostrum/shared/account"
)

// X's limits for images in posts (xdevplatform/docs x-api/media/quickstart and
// best-practices, 2026-11): four still images of at most 5 MB each, as JPEG,
// PNG, GIF or WebP. It does not say whether MB are powers of ten, so the smaller
// reading holds.
const (
	MaxImageBytes = 5_000_000
	maxImages     = 4
)

// TakesImage reports whether files of a media type can be posted as images.
func TakesImage(mediaType string) bool {
	return slices.Contains([]string{"image/jpeg", "image/png", "image/gif", "image/webp"}, mediaType)
}

// MaxImages is how many images one part may have on the network.
func MaxImages(network account.Network) int {
	if network == account.X {
		return maxImages
	}
	return 0
}

// CheckMedia lists the parts that have more images than the network takes;
// images holds the number of each part's.
func CheckMedia(network account.Network, images []int) []Violation {
	var found []Violation
	limit := MaxImages(network)
	for i, n := range images {
		if n > limit {
			found = append(found, Violation{
				Part: i, Code: "too_many_images", Length: n, Limit: limit, Message: fmt.Sprintf("Part %d has %d images of %d.", i+1, n, limit),
			})
		}
	}
	return found
}
