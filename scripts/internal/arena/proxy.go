package arena

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Cut says where a connection breaks at a COMMIT.
type Cut int32

// The cuts.
const (
	NoCut Cut = iota
	// BeforeCommit breaks it before the server hears of the COMMIT.
	BeforeCommit
	// AfterCommit breaks it after the server has carried it out.
	AfterCommit
)

// Proxy stands between a client and a server: it breaks connections to Postgres
// at COMMIT, holds answers back, and leads to another server, or to several, from
// one moment on.
type Proxy struct {
	listener net.Listener
	wg       sync.WaitGroup
	// delay holds each answer back, in nanoseconds; below 0 until it is not.
	delay atomic.Int64

	mu      sync.Mutex
	targets []string
	taken   int
	open    map[net.Conn]bool
	// every breaks each n-th COMMIT, 0 none.
	every atomic.Int64
	seen  atomic.Int64
	// Cuts counts the broken ones.
	Cuts atomic.Int64
	how  atomic.Int32
}

// NewProxy listens before the database at the address and returns the address
// through it.
func NewProxy(ctx context.Context, address string) (*Proxy, string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", err
	}
	l, err := Listen(ctx)
	if err != nil {
		return nil, "", err
	}
	p := &Proxy{listener: l, targets: []string{u.Host}, open: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	p.wg.Go(func() { p.accept(context.WithoutCancel(ctx)) })
	return p, u.String(), nil
}

// Break sets how each n-th COMMIT is cut; NoCut ends it.
func (p *Proxy) Break(how Cut, n int64) {
	p.how.Store(int32(how))
	p.every.Store(n)
}

// Delay holds each answer of the server back by d; below 0 for good, 0 not at all.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// Lead breaks every connection, with what is held back in it, and leads new
// ones to the servers at the addresses, in turn.
func (p *Proxy) Lead(addresses ...string) error {
	var targets []string
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		targets = append(targets, u.Host)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
	for c := range p.open {
		_ = c.Close()
	}
	return nil
}

// Close stops listening; connections end with their clients.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.wg.Wait()
}

func (p *Proxy) accept(ctx context.Context) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target := p.targets[p.taken%len(p.targets)]
		p.taken++
		p.mu.Unlock()
		var d net.Dialer
		server, err := d.DialContext(ctx, "tcp", target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.keep(true, client, server)
		go p.answers(client, server)
		go p.requests(client, server)
	}
}

func (p *Proxy) keep(open bool, connections ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range connections {
		if open {
			p.open[c] = true
		} else {
			delete(p.open, c)
			_ = c.Close()
		}
	}
}

func (p *Proxy) answers(client, server net.Conn) {
	defer p.keep(false, client, server)
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil || !p.held(client) {
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// held waits as long as answers are held back and reports whether the
// connection is still there.
func (p *Proxy) held(client net.Conn) bool {
	began := time.Now()
	for {
		d := time.Duration(p.delay.Load())
		if d >= 0 && time.Since(began) >= d {
			return true
		}
		p.mu.Lock()
		there := p.open[client]
		p.mu.Unlock()
		if !there {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// requests passes on what the client says. pgx sends COMMIT as a query of its
// own, so it is a write of its own.
func (p *Proxy) requests(client, server net.Conn) {
	defer p.keep(false, client, server)
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		said := buffer[:n]
		if bytes.Contains(said, []byte("commit\x00")) && p.strike() {
			if Cut(p.how.Load()) == AfterCommit {
				// The client hears nothing from here on, and the server carries out
				// what it has read before it notices the end.
				_ = client.Close()
				_, _ = server.Write(said)
			}
			p.Cuts.Add(1)
			return
		}
		if _, err := server.Write(said); err != nil {
			return
		}
	}
}

func (p *Proxy) strike() bool {
	every := p.every.Load()
	return Cut(p.how.Load()) != NoCut && every > 0 && p.seen.Add(1)%every == 0
}
