package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/telemetry"
	"rostrum/shared/workflow/sealing"
)

// newSealer makes the sealer without its store. Errors: Invalid when the key is
// not one.
func newSealer(cfg Config, logger *slog.Logger) (*sealing.Service, error) {
	s := &sealing.Service{Keep: inLog(os.Stderr), Clock: clock.System{}, Logger: logger}
	if cfg.AuditHeadsFile != "" {
		s.Keep = inFile(cfg.AuditHeadsFile)
	}
	if cfg.AuditKey != "" {
		key, err := audit.ParseKey(cfg.AuditKey.Reveal())
		if err != nil {
			return nil, err
		}
		s.Key = &key
	}
	return s, nil
}

// inLog keeps heads as lines of the log. A function may add to its log group and
// take nothing back, and the database's owner has no say there. LOG_LEVEL is for
// what people read and does not silence it.
func inLog(w io.Writer) sealing.Keep {
	logger := telemetry.NewLogger(w, "info")
	return func(ctx context.Context, head string) error {
		logger.LogAttrs(ctx, slog.LevelInfo, "audit head", slog.String("audit_head", head))
		return nil
	}
}

// inFile adds heads to a file, durably.
func inFile(path string) sealing.Keep {
	return func(_ context.Context, head string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // the operator names it.
		if err != nil {
			return fmt.Errorf("keep the audit log's head: %w", err)
		}
		_, err = f.WriteString(head + "\n")
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("keep the audit log's head: %w", err)
		}
		return nil
	}
}
