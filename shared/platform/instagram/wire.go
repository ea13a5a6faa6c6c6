package instagram

import (
	"encoding/json"
	"strings"
	"time"
)

// Instagram's JSON as its documentation and clients have it (2026-11). Answers
// about the user come bare or as the one entry of a list named data: both are
// in its own pages, so both are read.

// wireID is an id, which some answers give as a number.
type wireID string

// UnmarshalJSON reads an id in either form. What is neither is no id, so the
// answer is not refused for it.
func (id *wireID) UnmarshalJSON(raw []byte) error {
	*id = wireID(strings.Trim(string(raw), `"`))
	return nil
}

type wireCreated struct {
	ID wireID `json:"id"`
}

type wireContainer struct {
	ID         wireID `json:"id"`
	StatusCode string `json:"status_code"`
	Status     string `json:"status"`
}

type wireMedia struct {
	ID        wireID   `json:"id"`
	Caption   string   `json:"caption"`
	Permalink string   `json:"permalink"`
	Timestamp wireTime `json:"timestamp"`
}

// wireTime is an instant as 2026-11-24T20:00:00+0000, which RFC 3339 is not.
type wireTime struct{ time.Time }

// UnmarshalJSON reads either form; another one is an error.
func (t *wireTime) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	at, err := time.Parse("2006-01-02T15:04:05-0700", text)
	if err != nil {
		at, err = time.Parse(time.RFC3339, text)
	}
	t.Time = at.UTC()
	return err
}

type wirePage struct {
	// Data is in every page, empty ones included; without it an answer proves
	// nothing.
	Data   *[]wireMedia `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		// Next is set when there is more. It holds the token and is not followed.
		Next string `json:"next"`
	} `json:"paging"`
}

type wireInsights struct {
	Data *[]struct {
		Name   string `json:"name"`
		Values []struct {
			Value json.Number `json:"value"`
		} `json:"values"`
		TotalValue struct {
			Value json.Number `json:"value"`
		} `json:"total_value"`
	} `json:"data"`
}

type wireLimit struct {
	Data []struct {
		Usage  *int `json:"quota_usage"`
		Config struct {
			Total int `json:"quota_total"`
			// Duration is in seconds.
			Duration int64 `json:"quota_duration"`
		} `json:"config"`
	} `json:"data"`
}

type wireUser struct {
	UserID   wireID `json:"user_id"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

type wireTokens struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"`
	// Permissions is a list, or one text with commas.
	Permissions json.RawMessage `json:"permissions"`
}

// scopes reads the permissions in either form.
func (t wireTokens) scopes() []string {
	var list []string
	if json.Unmarshal(t.Permissions, &list) == nil {
		return list
	}
	var text string
	if json.Unmarshal(t.Permissions, &text) != nil {
		return nil
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// wireFault is the body of a refusal, and the token endpoint's in one.
type wireFault struct {
	Error struct {
		Message   string `json:"message"`
		Code      *int   `json:"code"`
		Subcode   int    `json:"error_subcode"`
		UserTitle string `json:"error_user_title"`
		UserText  string `json:"error_user_msg"`
		TraceID   string `json:"fbtrace_id"`
	} `json:"error"`
	ErrorType    string `json:"error_type"`
	ErrorMessage string `json:"error_message"`
}

// one decodes an answer that is bare or the one entry of data.
func one[T any](body []byte) (T, error) {
	var list struct {
		Data []T `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err == nil && len(list.Data) == 1 {
		return list.Data[0], nil
	}
	var bare T
	err := json.Unmarshal(body, &bare)
	return bare, err
}

// isID reports whether s is an id of Instagram: digits, never more than 20.
func isID(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}
