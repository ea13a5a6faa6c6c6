package arena

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
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

// Proxy stands between senders and Postgres and breaks connections at COMMIT.
type Proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup
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
	p := &Proxy{listener: l, target: u.Host}
	u.Host = l.Addr().String()
	p.wg.Go(func() { p.accept(context.WithoutCancel(ctx)) })
	return p, u.String(), nil
}

// Break sets how each n-th COMMIT is cut; NoCut ends it.
func (p *Proxy) Break(how Cut, n int64) {
	p.how.Store(int32(how))
	p.every.Store(n)
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
		var d net.Dialer
		server, err := d.DialContext(ctx, "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		go p.answers(client, server)
		go p.requests(client, server)
	}
}

func (p *Proxy) answers(client, server net.Conn) {
	_, _ = io.Copy(client, server)
	_ = client.Close()
	_ = server.Close()
}

// requests passes on what the client says. pgx sends COMMIT as a query of its
// own, so it is a write of its own.
func (p *Proxy) requests(client, server net.Conn) {
	defer func() {
		_ = client.Close()
		_ = server.Close()
	}()
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
