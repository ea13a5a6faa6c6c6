package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// identity is the user the server runs as; nil is the caller. Postgres refuses
// to run as root.
type identity struct {
	name     string
	uid, gid uint32
}

// serverUser is nil unless the caller is root: then "postgres" or else
// "nobody". A number without an entry in the user database does not do: initdb
// looks its name up.
func serverUser() (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nil is the caller itself.
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if errors.Join(err1, err2) == nil && uid != 0 {
			return &identity{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("Postgres refuses to run as root, and this machine has neither a user postgres nor nobody: run as an ordinary user") //nolint:staticcheck // a sentence for the terminal.
}

func (id *identity) credential() *syscall.Credential {
	if id == nil {
		return nil
	}
	return &syscall.Credential{Uid: id.uid, Gid: id.gid}
}

func (id *identity) own(path string) error {
	if id == nil {
		return nil
	}
	if err := os.Chown(path, int(id.uid), int(id.gid)); err != nil {
		return fmt.Errorf("%s cannot be given to the user %s: %w", path, id.name, err)
	}
	return nil
}

// canReach reports whether the user may enter dir and every folder above it.
func (id *identity) canReach(dir string) bool {
	if id == nil {
		return true
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil || !id.mayEnter(info) {
			return false
		}
		if at == filepath.Dir(at) {
			return true
		}
	}
}

func (id *identity) mayEnter(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	mode := info.Mode().Perm()
	switch {
	case stat.Uid == id.uid:
		return mode&0o100 != 0
	case stat.Gid == id.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// canRun reports whether the user may run every one of the programs.
func (id *identity) canRun(programs ...string) bool {
	return id == nil || !slices.ContainsFunc(programs, func(path string) bool {
		resolved, err := filepath.EvalSymlinks(path)
		if err != nil {
			return true
		}
		info, err := os.Stat(resolved)
		return err != nil || !id.mayEnter(info) || !id.canReach(filepath.Dir(resolved))
	})
}
