package api

import (
	"context"
)

// HealthOutput says how it is.
type HealthOutput struct {
	Body struct {
		Status string `json:"status" example:"ok"`
	}
}

func healthy() *HealthOutput {
	out := &HealthOutput{}
	out.Body.Status = "ok"
	return out
}

// live answers as long as the process does.
func (s *Server) live(context.Context, *NoInput) (*HealthOutput, error) { return healthy(), nil }

// ready answers when the database does.
func (s *Server) ready(ctx context.Context, _ *NoInput) (*HealthOutput, error) {
	if err := s.Store.Ping(ctx); err != nil {
		return nil, err
	}
	return healthy(), nil
}
