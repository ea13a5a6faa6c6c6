// Package prompt holds the words our agents are made of, one versioned file
// each. A file is never edited in place: what runs were recorded with must stay
// readable, so a change is a new file with the next number, and a test holds
// the old ones to their hashes.
package prompt

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"rostrum/shared/ai"
)

//go:embed *.tmpl
var files embed.FS

// The prompts, each in the version that is asked with today.
const (
	Researcher = "researcher"
	Writer     = "writer"
	// Caption is the writer of networks that have no threads and show images.
	Caption  = "caption"
	Reviewer = "reviewer"
)

func current() map[string]string {
	return map[string]string{Researcher: "1", Writer: "1", Caption: "1", Reviewer: "1"}
}

// Values is what a prompt may say about its task. Nothing in it comes from
// outside: that goes into the user message, as data.
type Values struct {
	// Network is the network's name as people write it.
	Network string
	// Wanted is how many ideas are asked for.
	Wanted int
	// MaxLength is the network's limit of one part; MaxParts that of a thread.
	MaxLength, MaxParts int
}

// Render returns the prompt's name and version, and its text. Errors: Internal,
// when there is no such prompt or it asks for a value that Values does not have.
//
// A prompt names a value as {{.Network}}, as a Go template would; it is filled
// in by replacement, because the linker keeps every method of a program that
// holds the template package: some 4 MB in each function that asks a model.
func Render(name string, v Values) (ai.Prompt, string, error) {
	version, ok := current()[name]
	if !ok {
		return ai.Prompt{}, "", fmt.Errorf("render prompt %s: there is none", name)
	}
	file := name + ".v" + version + ".tmpl"
	raw, err := files.ReadFile(file)
	if err != nil {
		return ai.Prompt{}, "", fmt.Errorf("read prompt %s: %w", file, err)
	}
	text := strings.NewReplacer(
		"{{.Network}}", v.Network, "{{.Wanted}}", strconv.Itoa(v.Wanted),
		"{{.MaxLength}}", strconv.Itoa(v.MaxLength), "{{.MaxParts}}", strconv.Itoa(v.MaxParts),
	).Replace(string(raw))
	if at := strings.Index(text, "{{"); at >= 0 {
		return ai.Prompt{}, "", fmt.Errorf("render prompt %s: it asks for what is not there at %q", file, text[at:min(at+40, len(text))])
	}
	return ai.Prompt{Name: name, Version: version}, strings.TrimSpace(text), nil
}
