// Package prompt holds the words our agents are made of, one versioned file
// each. A file is never edited in place: what runs were recorded with must stay
// readable, so a change is a new file with the next number, and a test holds
// the old ones to their hashes.
package prompt

import (
	"embed"
	"fmt"
	"strings"
	"text/template"

	"rostrum/shared/ai"
)

//go:embed *.tmpl
var files embed.FS

// The prompts, each in the version that is asked with today.
const (
	Researcher = "researcher"
	Writer     = "writer"
	Reviewer   = "reviewer"
)

func current() map[string]string {
	return map[string]string{Researcher: "1", Writer: "1", Reviewer: "1"}
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
// when there is no such prompt.
func Render(name string, v Values) (ai.Prompt, string, error) {
	version, ok := current()[name]
	if !ok {
		return ai.Prompt{}, "", fmt.Errorf("render prompt %s: there is none", name)
	}
	file := name + ".v" + version + ".tmpl"
	t, err := template.New(file).Option("missingkey=error").ParseFS(files, file)
	if err != nil {
		return ai.Prompt{}, "", fmt.Errorf("parse prompt %s: %w", file, err)
	}
	var b strings.Builder
	if err := t.Execute(&b, v); err != nil {
		return ai.Prompt{}, "", fmt.Errorf("render prompt %s: %w", file, err)
	}
	return ai.Prompt{Name: name, Version: version}, strings.TrimSpace(b.String()), nil
}
