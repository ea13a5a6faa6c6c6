// Package api is the function that people and programs talk to: the REST API
// under /v1, its OpenAPI document and docs page, the OAuth callback, and the
// embedded dashboard.
//
// Start reading at routes.go, the one table of routes with the permission that
// each takes; New in wire.go puts the parts together. A handler decodes, calls
// one workflow and encodes; errors become answers in problem.go alone.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rostrum/functions/api/dashboard"
	"rostrum/shared/account"
	"rostrum/shared/clock"
	"rostrum/shared/queue"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/ratelimit"
	"rostrum/shared/store"
	"rostrum/shared/telemetry"
	"rostrum/shared/workflow/attaching"
	"rostrum/shared/workflow/browsing"
	"rostrum/shared/workflow/connecting"
	"rostrum/shared/workflow/deciding"
	"rostrum/shared/workflow/drafting"
	"rostrum/shared/workflow/operating"
	"rostrum/shared/workflow/recurring"
	"rostrum/shared/workflow/signing"
)

// Server holds what the handlers need.
type Server struct {
	Store      *store.Store
	Signing    *signing.Service
	Connecting *connecting.Service
	Deciding   *deciding.Service
	Browsing   *browsing.Service
	Drafting   *drafting.Service
	Operating  *operating.Service
	Recurring  *recurring.Service
	Attaching  *attaching.Service
	// Depths says how much waits in each queue.
	Depths func(context.Context) (map[queue.Name]sqsqueue.Depth, error)
	// Limiter refuses what goes beyond Limits.
	Limiter *ratelimit.Limiter
	Limits  Limits
	// Tracer begins a span for each request.
	Tracer *telemetry.Tracer
	Clock  clock.Clock
	Logger *slog.Logger
	// Settings are what pages must know of this installation.
	Settings Settings

	secure bool
	csp    string
}

// Settings are what pages must know of an installation.
type Settings struct {
	// PublicURL is the address browsers use, without a slash at its end.
	PublicURL string
	// Demo says that this is the demo workspace on somebody's laptop.
	Demo bool
	// NetworkURLs are where the networks show accounts, by their handles.
	NetworkURLs map[account.Network]string
	// SimulatedURLs are what the audiences of simulated networks see.
	SimulatedURLs  map[account.Network]string
	Model          string
	ModelSimulated bool
	// MediaOrigin is where browsers reach images when that is not PublicURL.
	MediaOrigin string
}

// Handler returns the whole of it.
func (s *Server) Handler() http.Handler {
	s.secure = strings.HasPrefix(s.Settings.PublicURL, "https://")
	s.csp = cspWith(s.Settings.MediaOrigin)
	mux := http.NewServeMux()
	s.register(mux)
	mux.HandleFunc("GET /openapi.json", serveOpenAPI)
	mux.HandleFunc("GET /docs", serveDocs)
	mux.HandleFunc("/v1/", s.noSuchRoute(mux))
	mux.HandleFunc("/health/", s.noSuchRoute(mux))
	mux.Handle("/", dashboard.Handler())
	return s.wrap(mux)
}

// register adds the table of routes to the mux and returns its OpenAPI document.
func (s *Server) register(mux *http.ServeMux) *huma.OpenAPI {
	routes := s.routes()
	byPattern := make(map[string]route, len(routes))
	for _, rt := range routes {
		byPattern[rt.method+" "+rt.path] = rt
	}
	api := humago.New(&guardedMux{ServeMux: mux, server: s, routes: byPattern}, s.humaConfig())
	for _, rt := range routes {
		rt.register(s, api)
	}
	document := api.OpenAPI()
	// huma's own form of errors, which no answer has.
	delete(document.Components.Schemas.Map(), "ErrorModel")
	delete(document.Components.Schemas.Map(), "ErrorDetail")
	return document
}

func (s *Server) humaConfig() huma.Config {
	config := huma.DefaultConfig("Rostrum", "1")
	config.Info.Description = "Plan, review, approve and publish posts. Every error is a problem (RFC 9457) with a stable code and a hint."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	config.CreateHooks = nil
	config.Transformers = []huma.Transformer{reshape}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName, Description: "The cookie that POST /v1/session sets."},
	}
	return config
}

// guardedMux puts each route's guard between the mux and huma.
type guardedMux struct {
	*http.ServeMux
	server *Server
	routes map[string]route
}

// HandleFunc registers a route of the table behind its guard.
func (m *guardedMux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.ServeMux.HandleFunc(pattern, m.server.guard(m.routes[pattern], h))
}

// noSuchRoute answers what no route of the table takes. Where one takes the path
// by another method, the answer names those.
func (s *Server) noSuchRoute(mux *http.ServeMux) http.HandlerFunc {
	methods := map[string]bool{}
	for _, rt := range s.routes() {
		methods[rt.method] = true
	}
	return func(w http.ResponseWriter, r *http.Request) {
		st := stateOf(r.Context())
		st.route = "none"
		var allowed []string
		for method := range methods {
			try := r.Clone(r.Context())
			try.Method = method
			if _, pattern := mux.Handler(try); strings.HasPrefix(pattern, method+" ") {
				allowed = append(allowed, method)
			}
		}
		p := newProblem(http.StatusNotFound, "no_such_route", "There is nothing at "+r.Method+" "+r.URL.Path+".", "Look at /docs for what there is.")
		if len(allowed) > 0 {
			slices.Sort(allowed)
			list := strings.Join(allowed, ", ")
			w.Header().Set("Allow", list)
			p = newProblem(http.StatusMethodNotAllowed, "method_not_allowed", r.URL.Path+" does not take "+r.Method+".", "It takes "+list+"; /docs says what each does.")
		}
		p.RequestID = st.id
		write(w, p)
	}
}
