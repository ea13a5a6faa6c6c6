package api

import (
	"encoding/base64"
	"encoding/json"

	"rostrum/shared/apperr"
)

const (
	defaultLimit = 50
	maxCursor    = 500
)

// encodeCursor writes a place in a list so that nobody reads meaning into it.
func encodeCursor(place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads a place back into into. Errors: Invalid (code bad_cursor).
func decodeCursor(cursor string, into any) error {
	bad := apperr.New(apperr.Invalid, "bad_cursor", "this is no cursor of this list").WithField("cursor").
		WithHint("Take the cursor from next_cursor, or leave it out to start at the top.")
	if len(cursor) > maxCursor {
		return bad
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return bad
	}
	if err := json.Unmarshal(b, into); err != nil {
		return bad
	}
	return nil
}

// cut keeps the first limit of a list that was read one longer, and makes the
// cursor of the rest.
func cut[T any](rows []T, limit int, place func(T) any) ([]T, *string) {
	if len(rows) <= limit {
		return rows, nil
	}
	rows = rows[:limit]
	return rows, new(encodeCursor(place(rows[limit-1])))
}
