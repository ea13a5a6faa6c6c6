package imagefile

import (
	"bytes"
	"encoding/binary"
)

// Flags of a VP8X chunk (RFC 9649, section 2.7).
const (
	webpAnimation = 0x02
	webpXMP       = 0x04
	webpEXIF      = 0x08
)

// cleanWebP keeps the chunks that make the picture and takes the announcement
// of the others out of the header.
func (m *Image) cleanWebP(raw []byte) error {
	c := &cursor{raw: raw, at: 12}
	end := 8 + int64(binary.LittleEndian.Uint32(raw[4:]))
	if end > int64(len(raw)) {
		return broken("it ends in the middle")
	}
	c.raw = raw[:end]
	w := webpWalk{image: m}
	for !c.done() {
		head := c.take(8)
		if c.short {
			return broken("it ends in the middle")
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		if size+size%2 > int64(len(c.raw)-c.at) {
			return broken("it ends in the middle")
		}
		payload := bytes.Clone(c.take(int(size)))
		c.take(int(size % 2))
		if err := w.visit(head, payload); err != nil {
			return err
		}
	}
	if !w.pixels {
		return broken("it holds no picture")
	}
	out := append([]byte("RIFF"), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(out[4:], uint32(w.body.Len()+4))
	out = append(out, "WEBP"...)
	m.Data = append(out, w.body.Bytes()...)
	return nil
}

// webpWalk gathers what is kept.
type webpWalk struct {
	image  *Image
	body   bytes.Buffer
	pixels bool
}

func (w *webpWalk) visit(head, payload []byte) error {
	m := w.image
	switch kind := string(head[:4]); kind {
	case "VP8X":
		if len(payload) < 10 || m.Width != 0 {
			return broken("its header cannot be read")
		}
		payload[0] &^= webpXMP | webpEXIF
		m.Animated = payload[0]&webpAnimation != 0
		m.Width, m.Height = 1+uint24(payload[4:]), 1+uint24(payload[7:])
	case "VP8 ", "VP8L":
		w.pixels = true
		if m.Width == 0 {
			m.Width, m.Height = webpSize(kind, payload)
		}
	case "ANMF":
		w.pixels = true
	case "ICCP", "ANIM", "ALPH":
	default:
		return nil
	}
	w.body.Write(head)
	w.body.Write(payload)
	if len(payload)%2 == 1 {
		w.body.WriteByte(0)
	}
	return nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// webpSize reads the size out of a bitstream (RFC 6386 section 9.1, RFC 9649
// section 3.4); zeros when it has none.
func webpSize(kind string, payload []byte) (width, height int) {
	switch {
	case kind == "VP8 " && len(payload) >= 10 && bytes.Equal(payload[3:6], []byte{0x9d, 0x01, 0x2a}):
		return int(binary.LittleEndian.Uint16(payload[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(payload[8:]) & 0x3fff)
	case kind == "VP8L" && len(payload) >= 5 && payload[0] == 0x2f:
		bits := binary.LittleEndian.Uint32(payload[1:])
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1
	default:
		return 0, 0
	}
}
