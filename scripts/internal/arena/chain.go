package arena

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"

	"rostrum/shared/audit"
	"rostrum/shared/clock"
	"rostrum/shared/workflow/sealing"
)

// judgeChain seals the audit log and holds it against its seals.
func (a *Arena) judgeChain(ctx context.Context, v *Verdict) error {
	key, err := audit.NewKey(rand.Reader)
	if err != nil {
		return err
	}
	var heads []audit.Head
	sealer := &sealing.Service{
		Store: a.owner, Key: &key, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
		Keep: func(_ context.Context, line string) error {
			head, err := audit.ReadHead(line, []audit.PublicKey{key.Public()})
			heads = append(heads, head)
			return err
		},
	}
	if err := sealer.Seal(ctx); err != nil {
		return fmt.Errorf("seal the audit log: %w", err)
	}
	report, err := sealer.Check(ctx, heads)
	if err != nil {
		return fmt.Errorf("check the audit log: %w", err)
	}
	for _, f := range report.Faults {
		v.say(&v.Unaudited, "the audit chain does not verify: %s", f.What)
	}
	if report.Waiting.Events > 0 {
		v.say(&v.Unaudited, "%d events of the audit log were not sealed", report.Waiting.Events)
	}
	return nil
}
