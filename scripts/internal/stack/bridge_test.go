package stack

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestForwarderPassesBothWaysAndEndsWithItsConnections(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	target, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = target.Close() })
	go func() {
		for {
			conn, err := target.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }() // an echo that never hangs up.
		}
	}()
	front, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	stop := forward(context.WithoutCancel(t.Context()), front, target.Addr().String())

	var dialer net.Dialer
	client, err := dialer.DialContext(t.Context(), "tcp", front.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	require.NoError(t, client.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = client.Write([]byte("hello"))
	require.NoError(t, err)
	back := make([]byte, 5)
	_, err = io.ReadFull(client, back)
	require.NoError(t, err)
	require.Equal(t, "hello", string(back))

	stop()
	_, err = client.Read(back)
	require.Error(t, err)
	_, err = dialer.DialContext(t.Context(), "tcp", front.Addr().String())
	require.Error(t, err)
}

func TestOnlyTheEmbeddedDatabaseIsBridged(t *testing.T) {
	t.Parallel()
	s := &Stack{settings: Settings{HostAddress: "127.0.0.2"}}
	t.Cleanup(func() { s.Stop(context.WithoutCancel(t.Context())) })
	own := "postgres://rostrum@db.example:5432/rostrum"
	got, err := s.bridged(t.Context(), own)
	require.NoError(t, err)
	require.Equal(t, own, got)
	got, err = s.bridged(t.Context(), "postgres://u:p@127.0.0.1:5432/rostrum?sslmode=disable")
	require.NoError(t, err)
	require.Regexp(t, `^postgres://u:p@127\.0\.0\.2:\d+/rostrum\?sslmode=disable$`, got)

	s.settings.HostAddress = loopbackAddress
	got, err = s.bridged(t.Context(), "postgres://u:p@127.0.0.1:5432/rostrum")
	require.NoError(t, err)
	require.Equal(t, "postgres://u:p@127.0.0.1:5432/rostrum", got)
}

func TestHostAddressMustBeAnAddress(t *testing.T) {
	t.Parallel()
	_, err := ReadSettings(map[string]string{"HOST_ADDRESS": "my laptop"})
	require.ErrorContains(t, err, "HOST_ADDRESS")
}
