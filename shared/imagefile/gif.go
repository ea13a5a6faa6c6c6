package imagefile

import (
	"bytes"
	"encoding/binary"
)

const (
	gifExtension = 0x21
	gifFrame     = 0x2c
	gifTrailer   = 0x3b
	gifControl   = 0xf9
	gifApp       = 0xff
)

// cleanGIF keeps frames, what controls them and how often they loop; comments,
// plain text and other applications' blocks go.
func (m *Image) cleanGIF(raw []byte) error {
	c := &cursor{raw: raw, at: 6}
	screen := c.take(7)
	if c.short {
		return broken("it ends in the middle")
	}
	m.Width, m.Height = int(binary.LittleEndian.Uint16(screen)), int(binary.LittleEndian.Uint16(screen[2:]))
	c.take(colourTable(screen[4]))
	var out bytes.Buffer
	out.Write(raw[:c.at])
	frames := 0
	for {
		start := c.at
		switch block := c.byte(); {
		case c.short:
			return broken("it ends in the middle")
		case block == gifTrailer:
			if frames == 0 {
				return broken("it holds no picture")
			}
			out.WriteByte(gifTrailer)
			m.Data, m.Animated = out.Bytes(), frames > 1
			return nil
		case block == gifFrame:
			frames++
			if descriptor := c.take(9); len(descriptor) == 9 {
				c.take(colourTable(descriptor[8]))
			}
			c.take(1)
			subBlocks(c)
			out.Write(raw[start:c.at])
		case block == gifExtension:
			label := c.byte()
			data := subBlocks(c)
			if label == gifControl || label == gifApp && bytes.HasPrefix(data, []byte("NETSCAPE2.0")) {
				out.Write(raw[start:c.at])
			}
		default:
			return broken("its parts cannot be read")
		}
	}
}

// colourTable is the size of the table that the flags announce, in bytes.
func colourTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// subBlocks passes over a chain of blocks and returns the first one's data.
func subBlocks(c *cursor) []byte {
	first := c.take(int(c.byte()))
	if len(first) == 0 {
		return nil
	}
	for n := c.byte(); n != 0; n = c.byte() {
		c.take(int(n))
	}
	return first
}
