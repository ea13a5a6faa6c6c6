package config_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

type kept struct {
	Database config.Secret `env:"DATABASE_URL,required,notEmpty"`
	Client   config.Secret `env:"CLIENT_SECRET"`
	Model    string        `env:"MODEL" envDefault:"small"`
	Conns    int           `env:"CONNS" envDefault:"2"`
}

// keeper is a store of values that notes what it was asked.
type keeper struct {
	mu    sync.Mutex
	asked []config.Place
	holds map[config.Place]string
	fault error
}

func (k *keeper) lookup(_ context.Context, at config.Place) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, at)
	value, ok := k.holds[at]
	if !ok {
		return "", k.fault
	}
	return value, nil
}

func secret(name string) config.Place { return config.Place{Store: config.StoreSecret, Name: name} }

func TestValuesThatPointElsewhereAreFetchedOnceEach(t *testing.T) {
	t.Parallel()
	k := &keeper{holds: map[config.Place]string{
		secret("rostrum-dev/all"):                          `{"database":"postgres://u:p@h/d","client":"s3cret","conns":7}`,
		{Store: config.StoreParam, Name: "/rostrum/model"}: "large",
	}}
	var s kept
	require.NoError(t, config.LoadResolved(t.Context(), &s, map[string]string{
		"DATABASE_URL": "secret://rostrum-dev/all#database", "CLIENT_SECRET": "secret://rostrum-dev/all#client",
		"CONNS": "secret://rostrum-dev/all#conns", "MODEL": "param:///rostrum/model", "OF_ANOTHER_FUNCTION": "secret://not-ours",
	}, k.lookup))
	require.Equal(t, kept{Database: "postgres://u:p@h/d", Client: "s3cret", Model: "large", Conns: 7}, s)
	require.Len(t, k.asked, 2)
	require.False(t, slices.Contains(k.asked, secret("not-ours")))
}

func TestPlainValuesAskNobody(t *testing.T) {
	t.Parallel()
	k := &keeper{}
	var s kept
	require.NoError(t, config.LoadResolved(t.Context(), &s, map[string]string{"DATABASE_URL": "postgres://secret://x"}, k.lookup))
	require.Empty(t, k.asked)
}

func TestAnEmptyPlaceIsNoValueUnlessOneIsNeeded(t *testing.T) {
	t.Parallel()
	k := &keeper{holds: map[config.Place]string{secret("db"): "postgres://h/d"}, fault: config.ErrNoValue}
	var s kept
	require.NoError(t, config.LoadResolved(t.Context(), &s, map[string]string{
		"DATABASE_URL": "secret://db", "CLIENT_SECRET": "secret://later", "MODEL": "secret://later",
	}, k.lookup))
	require.Equal(t, kept{Database: "postgres://h/d", Model: "small", Conns: 2}, s)

	err := config.LoadResolved(t.Context(), &s, map[string]string{"DATABASE_URL": "secret://later"}, k.lookup)
	require.EqualError(t, err, "settings: DATABASE_URL: secret later: it holds no value yet")
}

func TestEveryPlaceAtFaultIsNamedAndNoContent(t *testing.T) {
	t.Parallel()
	k := &keeper{holds: map[config.Place]string{
		secret("text"): "canary-80", secret("object"): `{"a":"canary-81"}`, secret("number"): "canary-82",
	}, fault: errors.New("it does not exist")}
	var s kept
	for name, c := range map[string]struct {
		environment map[string]string
		want        string
	}{
		"Missing": {
			map[string]string{"DATABASE_URL": "secret://gone", "CLIENT_SECRET": "param://gone"},
			"settings: CLIENT_SECRET: parameter gone: it does not exist; DATABASE_URL: secret gone: it does not exist",
		},
		"NoObject": {map[string]string{"DATABASE_URL": "secret://text#a"}, `settings: DATABASE_URL: secret text: it is not a JSON object, so it has no field "a"`},
		"NoField":  {map[string]string{"DATABASE_URL": "secret://object#b"}, `settings: DATABASE_URL: secret object: it has no field "b"`},
		"NoName":   {map[string]string{"DATABASE_URL": "secret://"}, "settings: DATABASE_URL: secret : it has no name"},
		"BadValue": {map[string]string{"DATABASE_URL": "x", "CONNS": "secret://number"}, "settings: CONNS is not a valid int"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var own kept
			err := config.LoadResolved(t.Context(), &own, c.environment, k.lookup)
			require.EqualError(t, err, c.want)
			require.Equal(t, apperr.Invalid, apperr.KindOf(err))
			require.NotContains(t, err.Error()+apperr.As(err).Hint, "canary")
		})
	}

	away := &keeper{fault: apperr.New(apperr.Unavailable, "x", "it could not be read")}
	err := config.LoadResolved(t.Context(), &s, map[string]string{"DATABASE_URL": "secret://gone"}, away.lookup)
	require.Equal(t, apperr.Unavailable, apperr.KindOf(err))
}
