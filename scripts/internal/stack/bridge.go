package stack

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"strconv"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"

	"rostrum/shared/host"
)

// loopbackAddress is where all parts listen that nobody else has to reach.
const loopbackAddress = "127.0.0.1"

// Elsewhere runs the functions in another place than this process, such as
// containers. settings are those of each function by its name. It returns how
// they are woken, and what ends all of them; the one that answers HTTP it serves
// at the stack's URL by itself.
type Elsewhere func(ctx context.Context, s *Stack, template *host.Template, settings map[string]map[string]string) (
	waking Waking, end func(context.Context), err error)

// Waking is how functions elsewhere are woken.
type Waking struct {
	// Handlers invoke the functions that queues and schedules wake, by name.
	Handlers map[string]lambda.Handler
	// ScheduleURLs are the queues that rules elsewhere fill: host.Options has them.
	ScheduleURLs map[string]string
}

// machineURL is where machines reach an embedded part; functions in containers
// are among them. People's browsers are not.
func (s *Stack) machineURL(l net.Listener) string {
	return "http://" + net.JoinHostPort(s.settings.HostAddress, strconv.Itoa(portOf(l)))
}

// bridged makes the embedded database reachable at the host address, and returns
// its address there. The server itself stays on loopback.
func (s *Stack) bridged(ctx context.Context, database string) (string, error) {
	u, err := url.Parse(database)
	if err != nil || s.settings.HostAddress == loopbackAddress || u.Hostname() != loopbackAddress {
		return database, nil //nolint:nilerr // an address of another form is its owner's.
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(s.settings.HostAddress, "0"))
	if err != nil {
		return "", fmt.Errorf("HOST_ADDRESS %s is no address of this machine: %w", s.settings.HostAddress, err)
	}
	stop := forward(context.WithoutCancel(ctx), l, u.Host)
	s.onStop(func(context.Context) { stop() })
	u.Host = net.JoinHostPort(s.settings.HostAddress, strconv.Itoa(portOf(l)))
	return u.String(), nil
}

// forward passes every connection on to target until stop is called.
func forward(ctx context.Context, l net.Listener, target string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { pass(ctx, client, target) })
		}
	})
	return func() {
		cancel()
		_ = l.Close()
		wg.Wait()
	}
}

func pass(ctx context.Context, client net.Conn, target string) {
	defer func() { _ = client.Close() }()
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", target)
	if err != nil {
		return // the client sees its connection end.
	}
	// Whichever side ends first ends both.
	end := func() {
		_ = client.Close()
		_ = server.Close()
	}
	defer context.AfterFunc(ctx, end)()
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		wg.Go(func() {
			defer end()
			_, _ = io.Copy(way[0], way[1])
		})
	}
	wg.Wait()
}

// localOnly are the settings that template.yaml does not give the functions,
// since in the cloud nothing is simulated.
func localOnly() []string {
	return []string{"DEMO", "MODEL_SIMULATED", "SOURCE_ALLOWED_HOSTS", "SIMULATED_NETWORK_URL", "SIMULATED_INSTAGRAM_URL"}
}

// elsewhere hands the functions' settings out, and takes what invokes them.
func (s *Stack) elsewhere(ctx context.Context, template *host.Template, queues, environment map[string]string) (Waking, error) {
	settings := map[string]map[string]string{}
	for _, f := range template.Functions {
		own, all := template.Environment(f, queues), template.Settings(f, queues, environment)
		for name := range own {
			own[name] = all[name]
		}
		// The path of a file here is none of theirs. Heads then go to the log, as in
		// the cloud.
		if _, ok := own["AUDIT_HEADS_FILE"]; ok {
			own["AUDIT_HEADS_FILE"] = ""
		}
		for _, name := range localOnly() {
			if value, ok := environment[name]; ok {
				own[name] = value
			}
		}
		settings[f.Name] = maps.Clone(own)
	}
	waking, end, err := s.options.Elsewhere(ctx, s, template, settings)
	if end != nil {
		s.onStop(end)
	}
	return waking, err
}
