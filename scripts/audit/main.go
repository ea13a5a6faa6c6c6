// Command audit checks that nobody has changed the audit log, and makes the key
// that signs its heads.
//
//	audit verify [HEADS...]   walk the chain of DATABASE_URL, or of the local stack
//	                          that runs on DATA_DIR; heads are files of signed
//	                          heads, or of log lines that hold them
//	audit key                 print a new AUDIT_KEY: a secret
//	audit public              print the public half of AUDIT_KEY
//
// verify takes the key from AUDIT_PUBLIC_KEYS (public halves, with commas; keep
// those of keys that were replaced) or from AUDIT_KEY. It ends with 1 when
// something is wrong, and names the first thing that is.
package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rostrum/scripts/internal/postgres"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/config"
	"rostrum/shared/secrets"
	"rostrum/shared/store"
	"rostrum/shared/workflow/sealing"
)

type settings struct {
	DatabaseURL config.Secret `env:"DATABASE_URL"`
	Key         config.Secret `env:"AUDIT_KEY"`
	PublicKeys  []string      `env:"AUDIT_PUBLIC_KEYS"`
	DataDir     string        `env:"DATA_DIR" envDefault:".local"`
}

// local fills in what the local stack keeps in its folder: it is asked for
// nothing that it knows. Errors: a sentence when it does not run.
func (s *settings) local(files []string) ([]string, error) {
	url, err := postgres.Running(filepath.Join(s.DataDir, "postgres"))
	if err != nil {
		return nil, fmt.Errorf("%w: start make run, or set DATABASE_URL to the database whose audit log is to be checked", err)
	}
	s.DatabaseURL = config.Secret(url)
	if raw, err := os.ReadFile(filepath.Join(s.DataDir, "audit-key")); err == nil && s.Key == "" {
		s.Key = config.Secret(raw)
	}
	heads := filepath.Join(s.DataDir, "audit-heads.jsonl")
	if _, err := os.Stat(heads); err == nil && len(files) == 0 {
		files = []string{heads}
	}
	return files, nil
}

// overdue is how long an event may wait for its seal before that is worth a word.
const overdue = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, config.Environ(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "audit: "+err.Error())
		if e := apperr.As(err); e != nil && e.Hint != "" {
			fmt.Fprintln(os.Stderr, e.Hint)
		}
		os.Exit(1) //nolint:gocritic // nothing is left to release.
	}
}

func run(ctx context.Context, environment map[string]string, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: audit verify [HEADS...] | key | public")
	}
	var s settings
	if err := secrets.LoadFrom(ctx, &s, environment, secrets.Connect); err != nil {
		return err
	}
	switch args[0] {
	case "verify":
		return verify(ctx, s, args[1:], out)
	case "key":
		key, err := audit.NewKey(rand.Reader)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, key.Marshal())
		return err
	case "public":
		key, err := audit.ParseKey(s.Key.Reveal())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, key.Public())
		return err
	}
	return fmt.Errorf("unknown command %q: use verify, key or public", args[0])
}

// errBroken says that the log is not as it was written; what is wrong was told.
var errBroken = errors.New("the audit log was changed; infra/runbooks/audit-chain.md says what to do")

func verify(ctx context.Context, s settings, files []string, out io.Writer) error {
	if s.DatabaseURL == "" {
		var err error
		if files, err = s.local(files); err != nil {
			return err
		}
	}
	keys, err := publicKeys(s)
	if err != nil {
		return err
	}
	heads, forged, err := readHeads(files, keys)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: s.DatabaseURL, Role: store.RoleWorker, MaxConns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	service := &sealing.Service{Store: db, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler)}
	report, err := service.Check(ctx, heads)
	if err != nil {
		return err
	}
	return tell(out, report, heads, forged)
}

func publicKeys(s settings) ([]audit.PublicKey, error) {
	var keys []audit.PublicKey
	for _, text := range s.PublicKeys {
		key, err := audit.ParsePublicKey(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if s.Key != "" {
		key, err := audit.ParseKey(s.Key.Reveal())
		if err != nil {
			return nil, err
		}
		keys = append(keys, key.Public())
	}
	return keys, nil
}

// readHeads returns the heads that were signed, in their order, and what is
// wrong with the others.
func readHeads(files []string, keys []audit.PublicKey) (heads []audit.Head, forged []string, err error) {
	if len(files) > 0 && len(keys) == 0 {
		return nil, nil, errors.New("heads cannot be checked without a key: set AUDIT_PUBLIC_KEYS or AUDIT_KEY")
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("read heads: %w", err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			head, err := audit.ReadHead(lines.Text(), keys)
			switch {
			case errors.Is(err, audit.ErrNoHead):
			case err != nil:
				forged = append(forged, fmt.Sprintf("%s line %d: %s", name, n, err))
			default:
				heads = append(heads, head)
			}
		}
		if err := errors.Join(lines.Err(), f.Close()); err != nil {
			return nil, nil, fmt.Errorf("read heads: %w", err)
		}
	}
	slices.SortFunc(heads, func(a, b audit.Head) int { return cmp.Compare(a.Position, b.Position) })
	return heads, forged, nil
}

func tell(out io.Writer, r sealing.Report, heads []audit.Head, forged []string) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, f := range r.Faults {
		line("CHANGED  %s", f.What)
	}
	for _, f := range forged {
		line("FORGED   %s", f)
	}
	if r.Waiting.Events > 0 && time.Since(r.Waiting.Oldest) > overdue {
		line("waiting  %d events have no seal yet, the oldest is of %s: does the function metrics run?", r.Waiting.Events, r.Waiting.Oldest.Format(time.RFC3339))
	}
	switch {
	case !r.Intact() || len(forged) > 0:
		line("audit: %d events checked against %d signed heads: NOT as they were written", r.Events, len(heads))
	case len(heads) == 0:
		line("audit: %d events checked, %d wait for their seal: nothing was changed, unless the whole chain was made anew (no signed heads were given)", r.Events, r.Waiting.Events)
	default:
		line("audit: %d events checked against %d signed heads up to %s, %d wait for their seal: nothing was changed",
			r.Events, len(heads), heads[len(heads)-1].At.Format(time.RFC3339), r.Waiting.Events)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if !r.Intact() || len(forged) > 0 {
		return errBroken
	}
	return nil
}
