package imagefile

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// keepsPNG lists the chunks that make the picture (PNG, third edition). An
// animated PNG keeps its first frame, which is what X shows of it.
func keepsPNG(kind string) bool {
	switch kind {
	case "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "cICP", "mDCV", "cLLI", "bKGD", "pHYs":
		return true
	default:
		return false
	}
}

func (m *Image) cleanPNG(raw []byte) error {
	c := &cursor{raw: raw, at: len(pngSignature)}
	var out bytes.Buffer
	out.WriteString(pngSignature)
	pixels := false
	for kind := ""; kind != "IEND"; {
		start := c.at
		head := c.take(8)
		if c.short {
			return broken("it ends in the middle")
		}
		size := binary.BigEndian.Uint32(head)
		if size > uint32(len(raw)) {
			return broken("it ends in the middle")
		}
		kind = string(head[4:])
		payload := c.take(int(size))
		sum := c.take(4)
		if c.short {
			return broken("it ends in the middle")
		}
		if !keepsPNG(kind) {
			continue
		}
		if crc32.ChecksumIEEE(raw[start+4:c.at-4]) != binary.BigEndian.Uint32(sum) {
			return broken("a checksum in it is wrong")
		}
		if (kind == "IHDR") != (m.Width == 0) {
			return broken("its parts are out of order")
		}
		if kind == "IHDR" {
			if len(payload) != 13 {
				return broken("its header cannot be read")
			}
			m.Width, m.Height = side(payload), side(payload[4:])
			if m.Width == 0 {
				return broken("it has no size")
			}
		}
		pixels = pixels || kind == "IDAT"
		out.Write(raw[start:c.at])
	}
	if !pixels {
		return broken("it holds no picture")
	}
	m.Data = out.Bytes()
	return nil
}

// side reads a length in pixels; what no image has is cut to one above MaxSide.
func side(b []byte) int { return int(min(binary.BigEndian.Uint32(b), MaxSide+1)) }
