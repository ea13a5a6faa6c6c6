package imagefile

import (
	"bytes"
	"encoding/binary"
)

// JPEG's markers (ITU-T T.81, table B.1).
const (
	markTEM  = 0x01
	markSOF0 = 0xc0
	markDHT  = 0xc4
	markJPG  = 0xc8
	markDAC  = 0xcc
	markSOF3 = 0xcf
	markRST0 = 0xd0
	markRST7 = 0xd7
	markSOI  = 0xd8
	markEOI  = 0xd9
	markSOS  = 0xda
	markDQT  = 0xdb
	markDNL  = 0xdc
	markDRI  = 0xdd
	markAPP0 = 0xe0
	markEXIF = 0xe1
	markICC  = 0xe2
	markAdob = 0xee
)

// cleanJPEG keeps the tables, frames and scans, and of the application's
// segments those that change how the picture looks: JFIF's density, the colour
// profile, Adobe's colour transform, and which way is up.
func (m *Image) cleanJPEG(raw []byte) error {
	c := &cursor{raw: raw, at: 2}
	w := jpegWalk{image: m}
	for {
		marker, ok := nextMarker(c)
		if !ok {
			return broken("it ends in the middle")
		}
		if marker == markEOI {
			break
		}
		if marker == markSOI || marker == markTEM || marker >= markRST0 && marker <= markRST7 {
			return broken("its parts are out of order")
		}
		payload, ok := segment(c)
		if !ok {
			return broken("it ends in the middle")
		}
		if err := w.visit(marker, payload); err != nil {
			return err
		}
		if marker == markSOS {
			w.scans++
			w.body.Write(entropy(c))
		}
	}
	if w.scans == 0 {
		return broken("it holds no picture")
	}
	m.Data = w.whole()
	return nil
}

// turned is the first orientation that lays the picture on its side (EXIF 2.3).
const turned = 5

// jpegWalk gathers what is kept.
type jpegWalk struct {
	image       *Image
	body        bytes.Buffer
	orientation byte
	scans       int
}

func (w *jpegWalk) visit(marker byte, payload []byte) error {
	switch {
	case isFrame(marker):
		if len(payload) < 5 || w.image.Width != 0 {
			return broken("its frame cannot be read")
		}
		w.image.Height, w.image.Width = int(binary.BigEndian.Uint16(payload[1:])), int(binary.BigEndian.Uint16(payload[3:]))
	case marker == markEXIF:
		if o := exifOrientation(payload); o != 0 {
			w.orientation = o
		}
	}
	if keepsSegment(marker, payload) {
		writeSegment(&w.body, marker, payload)
	}
	return nil
}

func (w *jpegWalk) whole() []byte {
	var out bytes.Buffer
	out.Write([]byte{0xff, markSOI})
	if w.orientation >= turned {
		w.image.Width, w.image.Height = w.image.Height, w.image.Width
	}
	if w.orientation > 1 {
		writeSegment(&out, markEXIF, orientationOnly(w.orientation))
	}
	out.Write(w.body.Bytes())
	out.Write([]byte{0xff, markEOI})
	return out.Bytes()
}

func isFrame(marker byte) bool {
	return marker >= markSOF0 && marker <= markSOF3 && marker != markDHT && marker != markJPG && marker != markDAC
}

func keepsSegment(marker byte, payload []byte) bool {
	switch marker {
	case markDHT, markDAC, markSOS, markDQT, markDNL, markDRI:
		return true
	case markAPP0:
		// 14 bytes are the header alone; what follows is a thumbnail.
		return len(payload) == 14 && bytes.HasPrefix(payload, []byte("JFIF\x00")) && payload[12] == 0 && payload[13] == 0
	case markICC:
		return bytes.HasPrefix(payload, []byte("ICC_PROFILE\x00"))
	case markAdob:
		return bytes.HasPrefix(payload, []byte("Adobe")) && len(payload) == 12
	default:
		return isFrame(marker)
	}
}

// nextMarker skips fill bytes and returns the marker.
func nextMarker(c *cursor) (byte, bool) {
	if c.byte() != 0xff {
		return 0, false
	}
	marker := byte(0xff)
	for marker == 0xff && !c.done() {
		marker = c.byte()
	}
	return marker, marker != 0xff && marker != 0 && !c.short
}

// segment reads a length and what it covers.
func segment(c *cursor) ([]byte, bool) {
	size := c.take(2)
	if len(size) < 2 {
		return nil, false
	}
	payload := c.take(int(binary.BigEndian.Uint16(size)) - 2)
	return payload, !c.short
}

func writeSegment(out *bytes.Buffer, marker byte, payload []byte) {
	size := len(payload) + 2
	out.Write([]byte{0xff, marker, byte(size >> 8), byte(size)})
	out.Write(payload)
}

// entropy reads a scan's data up to the next marker. A 0xff in the data is
// followed by a 0; restarts belong to it.
func entropy(c *cursor) []byte {
	start := c.at
	for {
		i := bytes.IndexByte(c.raw[c.at:], 0xff)
		if i < 0 || c.at+i+1 >= len(c.raw) {
			c.at = len(c.raw)
			break
		}
		next := c.raw[c.at+i+1]
		if next != 0 && (next < markRST0 || next > markRST7) {
			c.at += i
			break
		}
		c.at += i + 2
	}
	return c.raw[start:c.at]
}

const exifHead = "Exif\x00\x00"

// exifOrientation finds which way is up (TIFF tag 0x0112, 1 to 8); 0 when it
// is not said.
func exifOrientation(payload []byte) byte {
	tiff, ok := bytes.CutPrefix(payload, []byte(exifHead))
	if !ok || len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(tiff[:2]) == "MM" {
		order = binary.BigEndian
	}
	at := int(order.Uint32(tiff[4:]))
	if at < 8 || at+2 > len(tiff) {
		return 0
	}
	for i := range int(order.Uint16(tiff[at:])) {
		entry := at + 2 + 12*i
		if entry+12 > len(tiff) {
			return 0
		}
		if order.Uint16(tiff[entry:]) == 0x0112 {
			if o := order.Uint16(tiff[entry+8:]); o >= 1 && o <= 8 {
				return byte(o)
			}
			return 0
		}
	}
	return 0
}

// orientationOnly is an EXIF segment that says which way is up and nothing else.
func orientationOnly(o byte) []byte {
	return append([]byte(exifHead+"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), o, 0, 0, 0, 0, 0, 0)
}
