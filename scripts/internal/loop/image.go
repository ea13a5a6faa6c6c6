package loop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"rostrum/scripts/internal/driver"
)

// alt is what the image says to those who do not see it.
const alt = "Bands of dark to light blue, like a tide coming in"

// illustrate puts an image under the draft's first part, as a person in the
// composer does, and has the draft reviewed again, since it says something else now.
func (d *Demo) illustrate(ctx context.Context) error {
	file, err := tide()
	if err != nil {
		return err
	}
	if d.image, err = d.client.AddImage(ctx, "tide.png", "image/png", file); err != nil {
		return err
	}
	if d.image.State != "ready" || d.image.Digest == "" {
		return fmt.Errorf("the image is %q after its upload, not ready", d.image.State)
	}
	d.Say("%d bytes uploaded beside the API, kept as %s", len(file), d.image.Digest)
	parts := make([]map[string]any, len(d.post.Parts))
	for i, p := range d.post.Parts {
		parts[i] = map[string]any{"text": p.Text}
	}
	parts[0]["media"] = []map[string]any{{"id": d.image.ID, "alt": alt}}
	was := d.post.ContentHash
	if err := d.client.Patch(ctx, "/v1/posts/"+d.postID, d.post.ETag, map[string]any{"parts": parts, "note": "With an image."}, &d.post); err != nil {
		return err
	}
	if d.post.ContentHash == was {
		return errors.New("an image changed nothing of what an approval is bound to")
	}
	if err := d.client.Post(ctx, "/v1/posts/"+d.postID+"/submit", nil, &d.post); err != nil {
		return err
	}
	err = d.await(ctx, reviewWithin, "the review did not end", func() bool { return d.post.State == "awaiting_approval" })
	if err != nil {
		return err
	}
	d.Say("under the text, reviewed again: %s", d.post.Review.Verdict)
	return nil
}

// illustrated checks that the audience saw the image under the first part, and none
// under the others.
func (d *Demo) illustrated(part int, s driver.Shown) error {
	if part > 0 {
		if len(s.Media) > 0 {
			return fmt.Errorf("the audience saw an image under part %d, which has none", part+1)
		}
		return nil
	}
	if len(s.Media) != 1 {
		return fmt.Errorf("the audience saw %d images, not 1", len(s.Media))
	}
	if m := s.Media[0]; m.Digest != d.image.Digest || m.Alt != alt {
		return fmt.Errorf("the audience saw image %s (%q), but approved was %s (%q)", m.Digest, m.Alt, d.image.Digest, alt)
	}
	d.Say("with the image %s, read out as %q", s.Media[0].Digest, s.Media[0].Alt)
	return nil
}

// tide draws the image.
func tide() ([]byte, error) {
	const width, height, bands = 640, 360, 9
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		shade := uint8(40 + 20*(y*bands/height))
		for x := range width {
			canvas.SetRGBA(x, y, color.RGBA{R: shade / 3, G: shade * 2 / 3, B: shade, A: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, canvas); err != nil {
		return nil, fmt.Errorf("draw the image: %w", err)
	}
	return b.Bytes(), nil
}
