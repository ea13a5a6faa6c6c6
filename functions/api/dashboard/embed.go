// Package dashboard serves the web pages that are built beside it into dist.
// The pages are ordinary clients of the API; nothing here knows them.
package dashboard

import (
	"embed"
	"io/fs"
	"net/http"
)

// built holds the built pages; in a tree where they were not built yet only
// dist/.gitkeep, so that Go compiles without Node.
//
//go:embed all:dist
var built embed.FS //nolint:gochecknoglobals // go:embed needs one; nothing writes it.

// Handler serves the built pages.
func Handler() http.Handler {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		// Only a name that is no path fails, and this one is constant.
		return http.NotFoundHandler()
	}
	return serve(dist)
}
