package stack

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestABrokenSettingIsNamedWithWhatItMayBe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		environ map[string]string
		want    string
	}{
		"PortIsNoNumber":    {map[string]string{"PORT": "eighty"}, "PORT is not a valid int"},
		"PortTooHigh":       {map[string]string{"PORT": "65535"}, "PORT is 65535, but must be 1 to 65530"},
		"PortsUnknown":      {map[string]string{"ROSTRUM_PORTS": "any"}, `can only be "free"`},
		"DatabaseIsNone":    {map[string]string{"DATABASE_URL": "mysql://root:hunter2@db"}, "DATABASE_URL does not begin with postgres://"},
		"QueueAddress":      {map[string]string{"AWS_ENDPOINT_URL_SQS": "localhost:9324"}, "AWS_ENDPOINT_URL_SQS is not an http"},
		"ModelAddress":      {map[string]string{"OPENAI_BASE_URL": "openai"}, "OPENAI_BASE_URL is not an http"},
		"DataFolderIsEmpty": {map[string]string{"DATA_DIR": ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadSettings(tc.environ)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestTheSettingsFileIsReadAndTheEnvironmentWins(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(file, []byte("# a comment\n\nexport PORT=9000   # the dashboard\nDATA_DIR=\"my # data\" # kept\nLOG_LEVEL=info\nX_CLIENT_ID=  # none\n"), 0o600))
	got, err := WithFile(map[string]string{"LOG_LEVEL": "error"}, file)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"PORT": "9000", "DATA_DIR": "my # data", "LOG_LEVEL": "error", "X_CLIENT_ID": ""}, got)

	require.NoError(t, os.WriteFile(file, []byte("PORT=1\nhunter2\n"), 0o600))
	_, err = WithFile(nil, file)
	require.ErrorContains(t, err, "line 2")
	require.NotContains(t, err.Error(), "hunter2")

	same, err := WithFile(map[string]string{"A": "b"}, filepath.Join(t.TempDir(), "absent"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "b"}, same)
}

func TestASecondCopyIsToldWhoHoldsTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := &Stack{DataDir: dir, settings: Settings{DataDir: ".local"}}
	require.NoError(t, first.claimFolder())
	second := &Stack{DataDir: dir, settings: Settings{DataDir: ".local"}}
	err := second.claimFolder()
	require.ErrorContains(t, err, "(process "+strconv.Itoa(os.Getpid())+") already uses the data folder .local")
	first.Stop(t.Context())
	require.NoError(t, second.claimFolder())
	second.Stop(t.Context())
}

func TestABusyPortIsNamedWithWhatWantedIt(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	s := Settings{Port: portOf(l) - portX}
	_, err = s.listen(t.Context(), portX)
	require.ErrorContains(t, err, "port "+strconv.Itoa(portOf(l))+", for the simulated X, is taken")
}

func TestTheKeysOfAFolderStayTheSame(t *testing.T) {
	t.Parallel()
	s := &Stack{DataDir: t.TempDir()}
	_, first, err := s.keyset()
	require.NoError(t, err)
	_, second, err := s.keyset()
	require.NoError(t, err)
	require.Equal(t, first.Reveal(), second.Reveal())

	info, err := os.Stat(filepath.Join(s.DataDir, "keyset.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.WriteFile(filepath.Join(s.DataDir, "keyset.json"), []byte("{}"), 0o600))
	_, _, err = s.keyset()
	require.ErrorContains(t, err, "cannot be used")
}

func TestTheDemoProfilesAreValid(t *testing.T) {
	t.Parallel()
	for handle, profile := range demoProfiles() {
		require.NoError(t, profile.Validate(), handle)
	}
}

func TestAnOutsideNetworkIsShownWhereItIs(t *testing.T) {
	t.Parallel()
	s := &Stack{}
	for _, environment := range []map[string]string{{}, {"X_BASE_URL": "http://10.0.0.5:91", "INSTAGRAM_API_URL": "http://10.0.0.5:92"}} {
		_, err := s.network(nil, environment)
		require.NoError(t, err)
		_, err = s.instagram(nil, environment)
		require.NoError(t, err)
	}
	require.Equal(t, []Part{
		{Name: "X", Where: "api.x.com"},
		{Name: "Instagram", Where: "graph.instagram.com"},
		{Name: "X", Where: "http://10.0.0.5:91"},
		{Name: "Instagram", Where: "http://10.0.0.5:92"},
	}, s.Parts)
}
