package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/audit"
	"rostrum/shared/auth"
)

// update is set by make generate.
var update = flag.Bool("update", false, "write openapi.json from the routes")

func TestOpenAPIIsThatOfTheRoutes(t *testing.T) {
	t.Parallel()
	s := &Server{}
	document, err := json.Marshal(s.register(http.NewServeMux()))
	require.NoError(t, err)
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, document, "", "  "))
	pretty.WriteByte('\n')
	if *update {
		require.NoError(t, os.WriteFile("openapi.json", pretty.Bytes(), 0o644))
		return
	}
	require.Equal(t, string(openAPI), pretty.String(), "the routes have changed: run make generate and commit what it changes")
}

func TestOpenAPIHoldsNoErrorsButOurOwn(t *testing.T) {
	t.Parallel()
	require.NotContains(t, string(openAPI), "ErrorModel")
	require.Contains(t, string(openAPI), `"openapi": "3.1.0"`)
}

func TestEveryRouteNamesARightThatSomebodyHas(t *testing.T) {
	t.Parallel()
	known := auth.Permissions(audit.Owner)
	seen := map[string]bool{}
	open := []string{"live", "ready", "sign-in", "oauth-callback"}
	for _, rt := range (&Server{}).routes() {
		require.False(t, seen[rt.id], "the id %s is there twice", rt.id)
		require.False(t, seen[rt.method+" "+rt.path], "%s %s is there twice", rt.method, rt.path)
		seen[rt.id], seen[rt.method+" "+rt.path] = true, true
		if rt.permission == public {
			require.Contains(t, open, rt.id, "public routes are few and named here")
			continue
		}
		require.Contains(t, known, rt.permission, rt.id)
		require.True(t, strings.HasPrefix(rt.path, "/v1/"), rt.path)
	}
}
