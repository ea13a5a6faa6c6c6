package stack

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"

	"rostrum/shared/config"
	"rostrum/shared/simulator/instagram"
	"rostrum/shared/simulator/news"
	"rostrum/shared/simulator/openai"
	"rostrum/shared/simulator/sqs"
	"rostrum/shared/simulator/x"
)

// The one developer app of the simulated networks.
const (
	simulatedClientID     = "rostrum-local"
	simulatedClientSecret = "simulated-app-secret"
)

// listenAll opens the ports of all embedded parts before anything is started,
// so that a busy one is said at once. Those of external parts stay nil.
func (s *Stack) listenAll(ctx context.Context) ([]net.Listener, error) {
	wanted := map[int]bool{
		portAPI: true, portQueues: s.settings.SQSEndpoint == "", portX: s.settings.simulatesX(),
		portModel: s.settings.simulatesModel(), portNews: true, portInstagram: s.settings.simulatesInstagram(),
	}
	listeners := make([]net.Listener, embeddedPorts+1)
	for offset := range listeners {
		if !wanted[offset] {
			continue
		}
		l, err := s.settings.listen(ctx, offset)
		if err != nil {
			return nil, err
		}
		// Closing twice does no harm.
		s.onStop(func(context.Context) { _ = l.Close() })
		listeners[offset] = l
	}
	s.URL = "http://localhost:" + strconv.Itoa(portOf(listeners[portAPI]))
	return listeners, nil
}

// environment is what every function is given, beside the queues' addresses.
func (s *Stack) environment(keyset config.Secret) map[string]string {
	e := maps.Clone(s.options.Environ)
	if e == nil {
		e = map[string]string{}
	}
	e["LOG_LEVEL"] = s.settings.LogLevel
	e["VAULT_KEYSET"] = keyset.Reveal()
	e["PUBLIC_URL"] = s.URL
	e["READING_AGES"] = s.settings.ReadingAges
	// One process holds all five pools.
	e["DATABASE_MAX_CONNS"] = "10"
	e["DEMO"] = "true"
	return e
}

// files keeps images in the data folder, unless another place is set. Functions
// in containers have no such folder, and do without.
func (s *Stack) files(environment map[string]string) {
	if s.settings.BlobURL == "" && s.options.Elsewhere == nil {
		dir := filepath.Join(s.DataDir, "files")
		environment["BLOB_URL"] = "file://" + dir
		s.Parts = append(s.Parts, Part{Name: "Images", Embedded: true, Where: dir})
	}
}

// simulators serves the embedded parts and puts their addresses into the
// environment. It returns the simulated networks.
func (s *Stack) simulators(listeners []net.Listener, environment map[string]string) (simulated, error) {
	s.queues(listeners[portQueues], environment)
	var networks simulated
	err := s.redis(environment)
	if err != nil {
		return simulated{}, err
	}
	if networks.x, err = s.network(listeners[portX], environment); err != nil {
		return simulated{}, err
	}
	if networks.instagram, err = s.instagram(listeners[portInstagram], environment); err != nil {
		return simulated{}, err
	}
	if err := s.model(listeners[portModel], environment); err != nil {
		return simulated{}, err
	}
	return networks, s.news(listeners[portNews], environment)
}

func (s *Stack) queues(l net.Listener, environment map[string]string) {
	if l == nil {
		s.Parts = append(s.Parts, Part{Name: "Queues", Where: s.settings.SQSEndpoint})
		return
	}
	queues := sqs.New(time.Now)
	stop := serve(l, queues)
	s.onStop(func(ctx context.Context) {
		// Closing ends long polls, for which serve would wait.
		queues.Close()
		stop(ctx)
	})
	environment["AWS_ENDPOINT_URL_SQS"] = s.machineURL(l)
	s.Parts = append(s.Parts, Part{Name: "Queues", Embedded: true, Where: s.machineURL(l)})
}

// redis counts requests in this process, on any free port, unless another Redis
// is set.
func (s *Stack) redis(environment map[string]string) error {
	if s.settings.RedisURL != "" {
		s.Parts = append(s.Parts, Part{Name: "Redis", Where: "the one that REDIS_URL names"})
		return nil
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(net.JoinHostPort(s.settings.HostAddress, "0")); err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	s.onStop(func(context.Context) { server.Close() })
	environment["REDIS_URL"] = "redis://" + server.Addr()
	s.Parts = append(s.Parts, Part{Name: "Redis", Embedded: true, Where: server.Addr()})
	return nil
}

func (s *Stack) network(l net.Listener, environment map[string]string) (*x.Server, error) {
	if l == nil {
		s.Parts = append(s.Parts, Part{Name: "X", Where: cmp.Or(environment["X_BASE_URL"], "api.x.com")})
		return nil, nil //nolint:nilnil // nil says that there is no simulator.
	}
	s.NetworkURL = s.browserURL(l)
	dir, err := s.folder("network")
	if err != nil {
		return nil, err
	}
	network, err := x.New(x.Config{
		Dir: dir, Now: time.Now, ClientID: simulatedClientID, ClientSecret: simulatedClientSecret,
		RedirectURIs: []string{s.URL + "/v1/oauth/x/callback"}, PublicURL: s.NetworkURL, MetricsSpeed: s.options.MetricsSpeed,
	})
	if err != nil {
		return nil, fmt.Errorf("the simulated network's folder %s cannot be used: %w", dir, err)
	}
	stop := serve(l, network)
	s.onStop(func(ctx context.Context) {
		stop(ctx)
		_ = network.Close()
	})
	environment["X_BASE_URL"] = s.machineURL(l)
	environment["X_AUTHORIZE_URL"] = s.NetworkURL + "/i/oauth2/authorize"
	environment["X_WEB_URL"] = s.NetworkURL
	environment["X_CLIENT_ID"] = simulatedClientID
	environment["X_CLIENT_SECRET"] = simulatedClientSecret
	environment["SIMULATED_NETWORK_URL"] = s.NetworkURL + "/_sim/ledger"
	s.Parts = append(s.Parts, Part{Name: "X", Embedded: true, Where: "simulated, " + s.NetworkURL})
	return network, nil
}

// simulated are the simulated networks; nil is the real one.
type simulated struct {
	x         *x.Server
	instagram *instagram.Server
}

// processing is how long a container of the simulated Instagram takes, so that
// one sees it happen.
const processing = 2 * time.Second

func (s *Stack) instagram(l net.Listener, environment map[string]string) (*instagram.Server, error) {
	if l == nil {
		s.Parts = append(s.Parts, Part{Name: "Instagram", Where: cmp.Or(environment["INSTAGRAM_API_URL"], "graph.instagram.com")})
		return nil, nil //nolint:nilnil // nil says that there is no simulator.
	}
	s.InstagramURL = s.browserURL(l)
	dir, err := s.folder("instagram")
	if err != nil {
		return nil, err
	}
	network, err := instagram.New(instagram.Config{
		Dir: dir, Now: time.Now, ClientID: simulatedClientID, ClientSecret: simulatedClientSecret, Processing: processing,
		RedirectURIs: []string{s.URL + "/v1/oauth/instagram/callback"}, PublicURL: s.InstagramURL, MetricsSpeed: s.options.MetricsSpeed,
	})
	if err != nil {
		return nil, fmt.Errorf("the simulated Instagram's folder %s cannot be used: %w", dir, err)
	}
	stop := serve(l, network)
	s.onStop(func(ctx context.Context) {
		stop(ctx)
		_ = network.Close()
	})
	environment["INSTAGRAM_API_URL"] = s.machineURL(l)
	environment["INSTAGRAM_TOKEN_URL"] = s.machineURL(l) + "/oauth/access_token"
	environment["INSTAGRAM_AUTHORIZE_URL"] = s.InstagramURL + "/oauth/authorize"
	environment["INSTAGRAM_WEB_URL"] = s.InstagramURL
	environment["INSTAGRAM_CLIENT_ID"] = simulatedClientID
	environment["INSTAGRAM_CLIENT_SECRET"] = simulatedClientSecret
	environment["SIMULATED_INSTAGRAM_URL"] = s.InstagramURL + "/_sim/ledger"
	s.Parts = append(s.Parts, Part{Name: "Instagram", Embedded: true, Where: "simulated, " + s.InstagramURL})
	return network, nil
}

// browserURL is where a person's browser reaches an embedded part.
func (s *Stack) browserURL(l net.Listener) string {
	if s.settings.HostAddress != loopbackAddress {
		return s.machineURL(l) // it listens nowhere else.
	}
	return "http://localhost:" + strconv.Itoa(portOf(l))
}

// folder makes a folder of the data folder.
func (s *Stack) folder(name string) (string, error) {
	dir := filepath.Join(s.DataDir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("the data folder %s cannot be written: %w", s.settings.DataDir, err)
	}
	return dir, nil
}

func (s *Stack) model(l net.Listener, environment map[string]string) error {
	if l == nil {
		s.Parts = append(s.Parts, Part{Name: "Model", Where: cmp.Or(s.settings.OpenAIBaseURL, "api.openai.com")})
		return nil
	}
	model, err := openai.New(openai.Config{Now: time.Now})
	if err != nil {
		return fmt.Errorf("start the simulated model: %w", err)
	}
	stop := serve(l, model)
	s.onStop(func(ctx context.Context) {
		model.Close()
		stop(ctx)
	})
	environment["OPENAI_BASE_URL"] = s.machineURL(l) + "/v1"
	environment["OPENAI_API_KEY"] = "simulated"
	environment["OPENAI_MODEL"] = "simulated-writer"
	environment["MODEL_SIMULATED"] = "true"
	s.Parts = append(s.Parts, Part{Name: "Model", Embedded: true, Where: "simulated, " + s.machineURL(l)})
	return nil
}

func (s *Stack) news(l net.Listener, environment map[string]string) error {
	papers, err := news.New(news.Config{Now: time.Now})
	if err != nil {
		return fmt.Errorf("start the simulated news: %w", err)
	}
	stop := serve(l, papers)
	s.onStop(func(ctx context.Context) {
		papers.Close()
		stop(ctx)
	})
	s.newsURL = s.machineURL(l)
	environment["SOURCE_ALLOWED_HOSTS"] = strings.TrimPrefix(s.newsURL, "http://")
	s.Parts = append(s.Parts, Part{Name: "News", Embedded: true, Where: s.newsURL})
	return nil
}
