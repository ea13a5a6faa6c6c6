package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portLine is where postmaster.pid names the port (PostgreSQL's pidfile.h).
const portLine = 3

// Running returns the address of the server that another process runs on dir,
// without starting or changing anything.
func Running(dir string) (string, error) {
	data := filepath.Join(dir, "data")
	if raw, err := os.ReadFile(filepath.Join(dir, "location")); err == nil {
		data = strings.TrimSpace(string(raw))
	}
	raw, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return "", fmt.Errorf("no database runs in %s", dir)
	}
	lines := strings.Split(string(raw), "\n")
	if len(lines) <= portLine {
		return "", fmt.Errorf("the database in %s is only starting", dir)
	}
	port, err := strconv.Atoi(strings.TrimSpace(lines[portLine]))
	if err != nil {
		return "", fmt.Errorf("the database in %s is only starting", dir)
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	if err != nil {
		return "", fmt.Errorf("the password of the database in %s cannot be read: %w", dir, err)
	}
	s := &Server{port: port, password: strings.TrimSpace(string(password))}
	return s.URL(), nil
}
