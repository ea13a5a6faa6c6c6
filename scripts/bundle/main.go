// Command bundle packs the built functions for Lambda: one zip for each function
// and processor, and a SHA256SUMS beside them. The same binaries give the same
// zips, byte for byte, on every machine.
//
//	bundle .build .build/release
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bundle BUILD_FOLDER OUTPUT_FOLDER")
		os.Exit(2)
	}
	names, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bundle: "+err.Error())
		os.Exit(1)
	}
	for _, name := range names {
		fmt.Println(name)
	}
}

// run packs every <processor>/<function>/bootstrap below build and returns the
// names of what it wrote.
func run(build, out string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(build, "*", "*", "bootstrap"))
	if err != nil {
		return nil, fmt.Errorf("look for built functions: %w", err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no built function below %s: run make build", build)
	}
	slices.Sort(found)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fmt.Errorf("make %s: %w", out, err)
	}
	var names []string
	var sums strings.Builder
	for _, binary := range found {
		function := filepath.Dir(binary)
		name := filepath.Base(function) + "-" + filepath.Base(filepath.Dir(function)) + ".zip"
		packed, err := pack(binary)
		if err != nil {
			return nil, err
		}
		if err := write(filepath.Join(out, name), packed); err != nil {
			return nil, err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(packed), name)
		names = append(names, name)
	}
	return append(names, "SHA256SUMS"), write(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()))
}

// pack returns a zip that holds the binary as an executable called bootstrap.
// Its time is the earliest a zip can hold, so that it does not tell builds apart.
func pack(binary string) ([]byte, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("read built function: %w", err)
	}
	if !bytes.HasPrefix(content, []byte("\x7fELF")) {
		return nil, fmt.Errorf("%s is not a Linux program", binary)
	}
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	var packed bytes.Buffer
	w := zip.NewWriter(&packed)
	entry, err := w.CreateHeader(header)
	if err == nil {
		_, err = entry.Write(content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("pack %s: %w", binary, err)
	}
	return packed.Bytes(), nil
}

func write(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
