package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
)

// WithFile adds the settings of a file of NAME=value lines, when there is one.
// What the environment sets wins.
func WithFile(environ map[string]string, path string) (map[string]string, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return environ, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the settings file %s cannot be read: %w", path, err)
	}
	merged := map[string]string{}
	for i, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "export "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(name, " \t\"'") {
			// The line is not quoted: it may hold a secret.
			return nil, fmt.Errorf("line %d of %s is not of the form NAME=value: correct it", i+1, path)
		}
		merged[name] = unquote(value)
	}
	maps.Copy(merged, environ)
	return merged, nil
}

// unquote takes a comment off a plain value and the marks off a quoted one.
func unquote(value string) string {
	value = strings.TrimSpace(value)
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		if inner, _, closed := strings.Cut(value[1:], value[:1]); closed {
			return inner
		}
	}
	if strings.HasPrefix(value, "#") {
		return ""
	}
	value, _, _ = strings.Cut(value, " #")
	return strings.TrimSpace(value)
}
