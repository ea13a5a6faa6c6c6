package store

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"rostrum/shared/post"
)

// storedContent is the JSON form of a content.
type storedContent struct {
	Parts []storedPart `json:"parts"`
}

type storedPart struct {
	Text  string        `json:"text"`
	Media []storedMedia `json:"media,omitempty"`
}

type storedMedia struct {
	ID     uuid.UUID `json:"id"`
	Digest string    `json:"digest"`
	Alt    string    `json:"alt"`
	Type   string    `json:"type"`
	Bytes  int64     `json:"bytes"`
	Width  int       `json:"width"`
	Height int       `json:"height"`
}

func encodeContent(c post.Content) ([]byte, error) {
	s := storedContent{Parts: make([]storedPart, len(c.Parts))}
	for i, p := range c.Parts {
		s.Parts[i].Text = p.Text
		for _, m := range p.Media {
			s.Parts[i].Media = append(s.Parts[i].Media, storedMedia(m))
		}
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode content: %w", err)
	}
	return b, nil
}

func decodeContent(b []byte) (post.Content, error) {
	var s storedContent
	if err := json.Unmarshal(b, &s); err != nil {
		return post.Content{}, fmt.Errorf("decode content: %w", err)
	}
	c := post.Content{Parts: make([]post.Part, len(s.Parts))}
	for i, p := range s.Parts {
		c.Parts[i].Text = p.Text
		for _, m := range p.Media {
			c.Parts[i].Media = append(c.Parts[i].Media, post.Media(m))
		}
	}
	return c, nil
}
