// Package archtest holds the tree to its import rules R1 to R8 and to a few
// habits that no linter checks. The checker works on a graph given as data, so
// that each rule is itself tested against a planted violation.
package archtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "rostrum/"

// unit is one package with what it imports. Paths of our own packages are
// given without the module's name.
type unit struct {
	path string
	// files maps a file's name to its direct imports.
	files map[string][]string
	// deps is everything it imports, directly or not.
	deps []string
}

// rule forbids imports. Patterns are paths; "/..." at the end takes in what is
// below, "*" stands for one element.
type rule struct {
	name string
	// from are the packages held to the rule, except those in but.
	from, but []string
	// never may not be imported, unless in unless.
	never, unless []string
	// direct judges direct imports only. Needed for the standard library, where
	// fmt itself imports os.
	direct bool
	// exceptFiles are file names that may.
	exceptFiles []string
	why         string
}

type violation struct{ rule, from, imports, why string }

func (v violation) String() string {
	return fmt.Sprintf("%s: %s imports %s: %s", v.rule, v.from, v.imports, v.why)
}

// check returns what breaks the rules, in order.
func check(units []unit, rules []rule) []violation {
	var out []violation
	for _, r := range rules {
		for _, u := range units {
			if !matchAny(r.from, u.path) || matchAny(r.but, u.path) {
				continue
			}
			for _, dep := range r.imports(u) {
				if dep != u.path && matchAny(r.never, dep) && !matchAny(r.unless, dep) {
					out = append(out, violation{r.name, u.path, dep, r.why})
				}
			}
		}
	}
	return out
}

func (r rule) imports(u unit) []string {
	if !r.direct {
		return u.deps
	}
	var out []string
	for name, imports := range u.files {
		if !slices.Contains(r.exceptFiles, name) {
			out = append(out, imports...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func matchAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return match(pattern, p) })
}

func match(pattern, p string) bool {
	if pattern == "std" {
		first, _, _ := strings.Cut(p, "/")
		return !strings.Contains(first, ".") && !ours(p)
	}
	if prefix, below := strings.CutSuffix(pattern, "/..."); below {
		depth := strings.Count(prefix, "/") + 1
		parts := strings.Split(p, "/")
		if len(parts) < depth {
			return false
		}
		p, pattern = strings.Join(parts[:depth], "/"), prefix
	}
	ok, err := path.Match(pattern, p)
	return ok && err == nil
}

func ours(p string) bool {
	return strings.HasPrefix(p, "shared/") || strings.HasPrefix(p, "functions/") || strings.HasPrefix(p, "scripts/")
}

// load reads the module's packages, without their tests.
func load(ctx context.Context, root string) ([]unit, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-e", "-deps", "-test=false", "-json=ImportPath,Dir,GoFiles,Deps,Standard", "./...")
	cmd.Dir = root
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w: %s", err, problems.String())
	}
	var units []unit
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			ImportPath, Dir string
			GoFiles, Deps   []string
		}
		if err := dec.Decode(&listed); errors.Is(err, io.EOF) {
			return units, nil
		} else if err != nil {
			return nil, fmt.Errorf("decode package list: %w", err)
		}
		if !strings.HasPrefix(listed.ImportPath, module) {
			continue
		}
		u := unit{path: short(listed.ImportPath), files: map[string][]string{}}
		for _, dep := range listed.Deps {
			u.deps = append(u.deps, short(dep))
		}
		for _, name := range listed.GoFiles {
			if u.files[name], err = fileImports(filepath.Join(listed.Dir, name)); err != nil {
				return nil, err
			}
		}
		units = append(units, u)
	}
}

func short(importPath string) string { return strings.TrimPrefix(importPath, module) }

func fileImports(file string) ([]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("read imports: %w", err)
	}
	var out []string
	for _, spec := range parsed.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("read imports of %s: %w", file, err)
		}
		out = append(out, short(p))
	}
	return out, nil
}

// buckets are names that say nothing about what is inside (R8).
func isBucket(name string) bool {
	stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".go"), "_test"), ".ts")
	return slices.Contains([]string{
		"util", "utils", "common", "helper", "helpers", "misc", "base", "types", "models", "manager",
	}, stem)
}

// sources returns the tracked kind of files below root, by extension.
func sources(root string, extensions ...string) ([]string, error) {
	skipped := []string{"node_modules", "dist", "dbsqlc", ".git", ".bin", ".build", ".local", ".aws-sam"}
	var out []string
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skipped, d.Name()):
			return filepath.SkipDir
		case !d.IsDir() && slices.Contains(extensions, filepath.Ext(p)) && !strings.Contains(d.Name(), ".gen."):
			out = append(out, p)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("walk sources: %w", err)
	}
	return out, nil
}
