package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// embeddedPorts is how many ports follow the dashboard's.
const embeddedPorts = 5

// The ports, counted from Settings.Port.
const (
	portAPI = iota
	portQueues
	portX
	portModel
	portNews
	portInstagram
)

func partAt(offset int) string {
	return [...]string{"the dashboard", "the queue service", "the simulated X", "the simulated model", "the simulated news", "the simulated Instagram"}[offset]
}

// listen opens one of the stack's ports: the dashboard's on loopback only, the
// others where the functions reach them.
func (s *Settings) listen(ctx context.Context, offset int) (net.Listener, error) {
	port := s.Port + offset
	if s.Ports == "free" {
		port = 0
	}
	address := s.HostAddress
	if offset == portAPI {
		address = loopbackAddress
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil, fmt.Errorf("HOST_ADDRESS %s is no address of this machine", address)
	}
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
