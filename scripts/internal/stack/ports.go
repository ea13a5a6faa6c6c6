package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// embeddedPorts is how many ports follow the dashboard's.
const embeddedPorts = 4

// The ports, counted from Settings.Port.
const (
	portAPI = iota
	portQueues
	portX
	portModel
	portNews
)

func partAt(offset int) string {
	return [...]string{"the dashboard", "the queue service", "the simulated X", "the simulated model", "the simulated news"}[offset]
}

// listen opens one of the stack's ports on loopback only.
func (s *Settings) listen(ctx context.Context, offset int) (net.Listener, error) {
	port := s.Port + offset
	if s.Ports == "free" {
		port = 0
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("port %d, for %s, is taken: stop what listens there, or set PORT to another (ROSTRUM_PORTS=free takes any)", port, partAt(offset))
	}
	return l, nil
}

func portOf(l net.Listener) int {
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

func loopback(l net.Listener) string { return "http://127.0.0.1:" + strconv.Itoa(portOf(l)) }

// serve runs an HTTP server until stop is called, which waits for its requests.
func serve(l net.Listener, handler http.Handler) (stop func(context.Context)) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("serve %s: %v", l.Addr(), err)) // a listener of our own broke.
		}
	})
	return func(ctx context.Context) {
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
		wg.Wait()
	}
}
