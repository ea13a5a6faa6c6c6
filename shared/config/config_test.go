package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

type settings struct {
	URL   config.Secret `env:"DATABASE_URL,required,notEmpty"`
	Wait  time.Duration `env:"WAIT" envDefault:"5s"`
	Conns int           `env:"CONNS" envDefault:"2"`
}

func (s *settings) Validate() error {
	if s.Conns < 1 {
		return errors.New("CONNS must be at least 1")
	}
	return nil
}

func TestSettingsAreReadWithTheirDefaults(t *testing.T) {
	t.Parallel()
	var s settings
	require.NoError(t, config.LoadFrom(&s, map[string]string{"DATABASE_URL": "postgres://u:p@h/d"}))
	require.Equal(t, settings{URL: "postgres://u:p@h/d", Wait: 5 * time.Second, Conns: 2}, s)
}

func TestEveryFaultIsNamedAndNoValueIsQuoted(t *testing.T) {
	t.Parallel()
	var s settings
	err := config.LoadFrom(&s, map[string]string{"WAIT": "canary-77", "CONNS": "canary-78"})
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))
	for _, name := range []string{"DATABASE_URL", "WAIT", "CONNS"} {
		require.ErrorContains(t, err, name)
	}
	require.NotContains(t, err.Error(), "canary")
}

func TestAStructsOwnCheckIsAsked(t *testing.T) {
	t.Parallel()
	var s settings
	err := config.LoadFrom(&s, map[string]string{"DATABASE_URL": "x", "CONNS": "0"})
	require.ErrorContains(t, err, "CONNS must be at least 1")
}

func TestASecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	s := config.Secret("canary-79")
	b, err := json.Marshal(map[string]any{"s": s, "list": []config.Secret{s}})
	require.NoError(t, err)
	out := fmt.Sprintf("%s %v %+v %#v %q %x %d", s, s, struct{ S config.Secret }{s}, s, s, s, s) + string(b) + fmt.Sprint(errors.New(s.String()), s.LogValue())
	require.NotContains(t, out, "canary")
	require.NotContains(t, out, fmt.Sprintf("%x", "canary"))
	require.Equal(t, "canary-79", s.Reveal())
}
