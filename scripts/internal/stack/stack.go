// Package stack runs all of Rostrum in one process on one folder: Postgres, the
// queue service, the simulated networks, model and news, and the five functions
// on shared/host, from template.yaml. Whatever a setting names is used instead
// of the embedded part.
//
// The folder belongs to one stack at a time. All that must survive is in it and
// durable, so that a stack that was killed is started again as if it had been
// stopped; the queues are in memory, and losing them loses nothing.
//
// Start reading at [Start].
package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rostrum/scripts/internal/filelock"
	"rostrum/shared/config"
	"rostrum/shared/vault"
)

// stopWithin bounds a clean stop.
const stopWithin = 20 * time.Second

// Options are what a program, not a person, decides.
type Options struct {
	// Environ is where settings were read from; functions see it too.
	Environ map[string]string
	// Template is the path of template.yaml.
	Template string
	// Progress is told each step that may take a moment.
	Progress func(step string)
	// Throwaway gives up durability; for folders that are deleted afterwards.
	Throwaway bool
	// Elsewhere runs the functions, when it is not this process that does.
	Elsewhere Elsewhere
	// QueuePrefix names this stack's queues apart from those of others on the
	// same server, and has them deleted at the end; rostrum where it is empty.
	QueuePrefix string
	// Fixed are settings of a throwaway stack that the program decides.
	Fixed map[string]string
	// Schema is the version of the schema; 0 is the newest.
	Schema int64
	// MetricsSpeed makes simulated posts earn their figures faster; 0 is 1.
	MetricsSpeed float64
}

// Part is one outside part, for the screen.
type Part struct {
	Name     string
	Where    string
	Embedded bool
}

// Stack is a running stack.
type Stack struct {
	// URL is the dashboard's address.
	URL string
	// NetworkURL is the simulated network's address; empty when X is the real one.
	NetworkURL string
	// InstagramURL is that of the simulated Instagram.
	InstagramURL string
	// DataDir is the folder, absolute.
	DataDir string
	Parts   []Part
	// Fresh says that this start made the demo workspace.
	Fresh bool

	settings Settings
	options  Options
	newsURL  string
	// closers end what was started, to be called from the last to the first.
	closers []func(context.Context)

	failed chan error
	once   sync.Once
}

// ReadSettings reads the settings from an environment.
func ReadSettings(environ map[string]string) (Settings, error) {
	var s Settings
	err := config.LoadFrom(&s, environ)
	return s, err
}

// Start runs a stack and returns when it answers. Errors are sentences that say
// what to do. ctx bounds the start only; Stop ends the stack.
func Start(ctx context.Context, settings Settings, o Options) (*Stack, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	dir, err := filepath.Abs(settings.DataDir)
	if err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", settings.DataDir, err)
	}
	s := &Stack{DataDir: dir, settings: settings, options: o, failed: make(chan error, 8)}
	if err := s.start(ctx); err != nil {
		s.Stop(context.WithoutCancel(ctx))
		return nil, err
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	if err := s.claimFolder(); err != nil {
		return err
	}
	listeners, err := s.listenAll(ctx)
	if err != nil {
		return err
	}
	keys, keyset, err := s.keyset()
	if err != nil {
		return err
	}
	environment := s.environment(keyset)
	if err := s.auditChain(environment); err != nil {
		return err
	}
	s.files(environment)
	owner, err := s.database(ctx, environment)
	if err != nil {
		return err
	}
	network, err := s.simulators(listeners, environment)
	if err != nil {
		return err
	}
	s.options.Progress("starting the functions")
	if s.Fresh, err = s.seedDemo(ctx, owner, keys, network); err != nil {
		return err
	}
	if err := s.functions(ctx, listeners, environment); err != nil {
		return err
	}
	if s.options.Elsewhere != nil {
		return nil
	}
	return s.AwaitReady(ctx, 20*time.Second)
}

// Failed tells when a part ended by itself; the stack should be stopped then.
func (s *Stack) Failed() <-chan error { return s.failed }

// Fail tells that a part ended by itself.
func (s *Stack) Fail(err error) { s.failed <- err }

// Stop ends everything in order: first what takes requests, so that work under
// way can finish, Postgres last.
func (s *Stack) Stop(ctx context.Context) {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, stopWithin)
		defer cancel()
		for _, closer := range slices.Backward(s.closers) {
			closer(ctx)
		}
	})
}

func (s *Stack) onStop(f func(context.Context)) { s.closers = append(s.closers, f) }

func (s *Stack) claimFolder() error {
	path := filepath.Join(s.DataDir, "lock")
	lock, err := filelock.Try(path)
	if errors.Is(err, filelock.ErrHeld) {
		by := ""
		if raw, err := os.ReadFile(path); err == nil && len(raw) > 0 {
			by = " (process " + strings.TrimSpace(string(raw)) + ")"
		}
		return fmt.Errorf("another copy of Rostrum%s already uses the data folder %s: stop it, or set DATA_DIR to another folder", by, s.settings.DataDir)
	}
	if err != nil {
		return fmt.Errorf("the data folder %s cannot be used: set DATA_DIR to one that can be written: %w", s.settings.DataDir, err)
	}
	s.onStop(func(context.Context) { lock.Release() })
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return fmt.Errorf("the data folder %s cannot be written: %w", s.settings.DataDir, err)
	}
	return nil
}

// keyset returns the keys that seal stored tokens: those set, else those of the
// folder, made at the first start.
func (s *Stack) keyset() (*vault.Keysets, config.Secret, error) {
	if secret := s.settings.VaultKeyset; secret != "" {
		keys, err := vault.Parse(secret)
		if err != nil {
			return nil, "", sentence("the stored tokens' keys cannot be used", err)
		}
		return keys, secret, nil
	}
	path := filepath.Join(s.DataDir, "keyset.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s.makeKeyset(path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("the key file %s cannot be read: %w", path, err)
	}
	keys, err := vault.Parse(config.Secret(raw))
	if err != nil {
		return nil, "", fmt.Errorf("the key file %s cannot be used, and without it stored tokens do not open: restore it, or choose another data folder: %w", path, err)
	}
	return keys, config.Secret(raw), nil
}

func (s *Stack) makeKeyset(path string) (*vault.Keysets, config.Secret, error) {
	keys, err := vault.Generate()
	if err != nil {
		return nil, "", fmt.Errorf("make keys for stored tokens: %w", err)
	}
	secret, err := keys.Marshal()
	if err != nil {
		return nil, "", fmt.Errorf("make keys for stored tokens: %w", err)
	}
	if err := writeDurably(path, []byte(secret.Reveal())); err != nil {
		return nil, "", fmt.Errorf("the data folder %s cannot be written: %w", s.settings.DataDir, err)
	}
	return keys, secret, nil
}

// writeDurably leaves either the old content or all of the new, whenever the
// machine stops.
func writeDurably(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
