package parity

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// A setting that nobody reads, or a secret that nobody is given, shows only when
// the containers are up.
func TestComposeGivesWhatTheFunctionsRead(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "/docker-compose.yml")
	require.NoError(t, err)
	//nolint:tagliatelle // the names are Compose's.
	var compose struct {
		Services map[string]struct {
			Image       string            `yaml:"image"`
			Environment map[string]string `yaml:"environment"`
			ReadOnly    bool              `yaml:"read_only"`
			Ports       []string          `yaml:"ports"`
		} `yaml:"services"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &compose))
	require.Contains(t, compose.Services, "rostrum")
	given := compose.Services["rostrum"].Environment

	c, err := readCode(root, configs())
	require.NoError(t, err)
	read := slices.Concat(slices.Collect(maps.Values(c.settings))...)
	serve, err := os.ReadFile(root + "/scripts/serve/main.go")
	require.NoError(t, err)
	for _, tag := range regexp.MustCompile("`env:\"([A-Z_]+)").FindAllStringSubmatch(string(serve), -1) {
		read = append(read, tag[1])
	}
	tpl, err := readTemplate()
	require.NoError(t, err)
	for parameter := range tpl.Parameters {
		// A function's own, where others have another: API_DATABASE_URL.
		read = append(read, capitals(parameter))
	}
	// The SDK's own.
	read = append(read, "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
	for name := range given {
		require.Contains(t, read, strings.TrimSuffix(name, "_FILE"), "docker-compose.yml gives %s, which nobody reads", name)
	}
	for _, name := range []string{"DATABASE_URL", "API_DATABASE_URL", "REDIS_URL", "VAULT_KEYSET", "X_CLIENT_SECRET", "OPENAI_API_KEY"} {
		require.True(t, given[name] != "" || given[name+"_FILE"] != "", "docker-compose.yml does not give %s", name)
	}
	require.NotEqual(t, given["DATABASE_URL"], given["API_DATABASE_URL"], "the api has a login of its own")
	for name, s := range compose.Services {
		require.Regexp(t, `^(rostrum(-simulators)?|.+:v?\d+\.\d+[\w.-]*)$`, s.Image, "%s must name an exact version", name)
		require.Equal(t, strings.HasPrefix(s.Image, "rostrum"), s.ReadOnly, "%s: ours need no writable root", name)
		for _, port := range s.Ports {
			require.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s opens %s to the network", name, port)
		}
	}
}

// capitals spells ApiDatabaseUrl as API_DATABASE_URL.
func capitals(parameter string) string {
	return strings.ToUpper(regexp.MustCompile(`(.)([A-Z])`).ReplaceAllString(parameter, "${1}_$2"))
}
