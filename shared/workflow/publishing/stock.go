package publishing

import (
	"context"

	"rostrum/shared/store"
	"rostrum/shared/telemetry"
)

// takeStock measures what somebody may have to look after.
func (s *Service) takeStock(ctx context.Context) error {
	var stock store.Stock
	err := s.Relay.Store.Across(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		stock, err = tx.TakeStock(ctx)
		return err
	})
	if err != nil {
		return err
	}
	telemetry.Measure(ctx, telemetry.PostsHeld, "", float64(stock.Held))
	telemetry.Measure(ctx, telemetry.PostsUnknown, "", float64(stock.Unknown))
	telemetry.Measure(ctx, telemetry.UnknownAge, "", stock.UnknownAge.Seconds())
	telemetry.Measure(ctx, telemetry.PostsNeedPerson, "", float64(stock.NeedPerson))
	telemetry.Measure(ctx, telemetry.NeedPersonAge, "", stock.NeedPersonAge.Seconds())
	telemetry.Measure(ctx, telemetry.BreakersOpen, "", float64(stock.BreakersOpen))
	return nil
}
