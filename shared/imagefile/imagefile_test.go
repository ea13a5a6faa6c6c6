package imagefile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/imagefile"
)

// secret stands for what must not leave: a place, a name, a thumbnail.
const secret = "52.5200 N 13.4050 E"

func drawing(width, height int) *image.Paletted {
	palette := color.Palette{color.Black, color.White, color.RGBA{R: 200, A: 255}, color.RGBA{B: 90, G: 30, A: 255}}
	m := image.NewPaletted(image.Rect(0, 0, width, height), palette)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.IntN(len(palette)))
	}
	return m
}

func segment(marker byte, payload string) []byte {
	out := []byte{0xff, marker, 0, 0}
	binary.BigEndian.PutUint16(out[2:], uint16(len(payload)+2))
	return append(out, payload...)
}

// exif is a segment with an orientation and a place.
func exif(order binary.AppendByteOrder, mark string, orientation uint16) []byte {
	b := append([]byte("Exif\x00\x00"), mark...)
	b = order.AppendUint16(b, 42)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	for _, entry := range [][3]uint16{{0x0112, 3, orientation}, {0x8825, 3, 1}} {
		b = order.AppendUint16(b, entry[0])
		b = order.AppendUint16(b, entry[1])
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, entry[2])
		b = order.AppendUint16(b, 0)
	}
	return segment(0xe1, string(b)+secret)
}

func jpegOf(t *testing.T, inserted ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, drawing(33, 17), nil))
	return bytes.Join([][]byte{b.Bytes()[:2], bytes.Join(inserted, nil), b.Bytes()[2:], []byte(secret)}, nil)
}

func chunk(kind, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	b = append(append(b, kind...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func pngOf(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, drawing(33, 17)))
	const afterHeader = 8 + 25
	raw := b.Bytes()
	return bytes.Join([][]byte{
		raw[:afterHeader], chunk("tEXt", "Author\x00"+secret), chunk("eXIf", secret), chunk("gAMA", "\x00\x00\xb1\x8f"), raw[afterHeader:], []byte(secret),
	}, nil)
}

func gifOf(t *testing.T, frames int) []byte {
	t.Helper()
	g := &gif.GIF{}
	for range frames {
		g.Image, g.Delay = append(g.Image, drawing(33, 17)), append(g.Delay, 5)
	}
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, g))
	raw := b.Bytes()
	end := len(raw) - 1
	return bytes.Join([][]byte{
		raw[:end], {0x21, 0xfe, byte(len(secret))}, []byte(secret), {0}, {0x21, 0xff, 11}, []byte("XMP DataXMP"), {byte(len(secret))}, []byte(secret), {0}, raw[end:], []byte(secret),
	}, nil)
}

// webpOf is the smallest lossless image, in the extended form and with EXIF.
func webpOf(t *testing.T) []byte {
	t.Helper()
	plain, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	require.NoError(t, err)
	part := func(kind, payload string) []byte {
		b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(payload)))
		b = append(b, payload...)
		if len(payload)%2 == 1 {
			b = append(b, 0)
		}
		return b
	}
	body := bytes.Join([][]byte{[]byte("WEBP"), part("VP8X", "\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00"), plain[12:], part("EXIF", secret), part("XMP ", secret)}, nil)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func TestNothingButThePictureIsKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		raw           []byte
		kind          imagefile.Type
		width, height int
		animated      bool
	}{
		"JPEG": {
			raw: jpegOf(t, exif(binary.LittleEndian, "II", 1), segment(0xed, "Photoshop 3.0\x00"+secret), segment(0xfe, secret),
				segment(0xe0, "JFXX\x00"+secret), segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+secret), segment(0xe2, "MPF\x00"+secret)),
			kind: imagefile.JPEG, width: 33, height: 17,
		},
		"PNG":         {raw: pngOf(t), kind: imagefile.PNG, width: 33, height: 17},
		"GIF":         {raw: gifOf(t, 1), kind: imagefile.GIF, width: 33, height: 17},
		"AnimatedGIF": {raw: gifOf(t, 3), kind: imagefile.GIF, width: 33, height: 17, animated: true},
		"WebP":        {raw: webpOf(t), kind: imagefile.WebP, width: 1, height: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(tc.raw), secret)
			got, err := imagefile.Clean(tc.raw)
			require.NoError(t, err)
			require.Equal(t, [3]any{tc.kind, tc.width, tc.height}, [3]any{got.Type, got.Width, got.Height})
			require.Equal(t, tc.animated, got.Animated)
			require.NotContains(t, string(got.Data), secret)
			if tc.kind != imagefile.WebP {
				before, _, err := image.Decode(bytes.NewReader(tc.raw))
				require.NoError(t, err)
				after, _, err := image.Decode(bytes.NewReader(got.Data))
				require.NoError(t, err)
				require.Equal(t, before, after, "the picture is the same to the pixel")
			} else {
				require.NotContains(t, string(got.Data), "EXIF")
				require.Equal(t, byte(0), got.Data[20]&0x0c, "the header announces no EXIF and no XMP")
			}
			again, err := imagefile.Clean(got.Data)
			require.NoError(t, err)
			require.Equal(t, got, again)
		})
	}
}

func TestAPhotographStaysTheRightWayUp(t *testing.T) {
	t.Parallel()
	for mark, order := range map[string]binary.AppendByteOrder{"II": binary.LittleEndian, "MM": binary.BigEndian} {
		got, err := imagefile.Clean(jpegOf(t, exif(order, mark, 6)))
		require.NoError(t, err)
		require.Contains(t, string(got.Data), "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06")
		require.NotContains(t, string(got.Data), secret)
		again, err := imagefile.Clean(got.Data)
		require.NoError(t, err)
		require.Equal(t, got, again)
		upright, err := imagefile.Clean(jpegOf(t, exif(order, mark, 3)))
		require.NoError(t, err)
		require.NotEqual(t, upright.Width, upright.Height)
		require.Equal(t, [2]int{upright.Height, upright.Width}, [2]int{got.Width, got.Height}, "its size is that of what is seen")
	}
}

func TestWhatIsNoWholeImageIsRefused(t *testing.T) {
	t.Parallel()
	wide := image.NewGray(image.Rect(0, 0, imagefile.MaxSide+1, 1))
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, wide))
	flipped := bytes.Clone(pngOf(t))
	flipped[20] ^= 1
	for name, tc := range map[string]struct {
		raw  []byte
		code string
	}{
		"Empty":         {nil, "not_an_image"},
		"SVG":           {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "not_an_image"},
		"Page":          {[]byte("<html>"), "not_an_image"},
		"OnlyItsStart":  {[]byte("\xff\xd8\xff"), "broken_image"},
		"WrongChecksum": {flipped, "broken_image"},
		"TooWide":       {b.Bytes(), "image_too_wide"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := imagefile.Clean(tc.raw)
			require.Equal(t, apperr.Invalid, apperr.KindOf(err))
			require.Equal(t, tc.code, apperr.As(err).Code)
		})
	}
	for kind, raw := range map[string][]byte{"JPEG": jpegOf(t), "PNG": pngOf(t), "GIF": gifOf(t, 2), "WebP": webpOf(t)} {
		whole, err := imagefile.Clean(raw)
		require.NoError(t, err)
		for cut := 12; cut < len(whole.Data); cut++ {
			_, err := imagefile.Clean(whole.Data[:cut])
			require.Equal(t, apperr.Invalid, apperr.KindOf(err), "%s cut at %d of %d", kind, cut, len(whole.Data))
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range [][]byte{[]byte("\xff\xd8\xff\xd9"), []byte("GIF89a"), []byte("RIFF\x04\x00\x00\x00WEBP"), []byte("\x89PNG\r\n\x1a\n")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, err := imagefile.Clean(raw)
		if err != nil {
			return
		}
		twice, err := imagefile.Clean(once.Data)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}
