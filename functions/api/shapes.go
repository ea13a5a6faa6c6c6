package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/audit"
	domain "rostrum/shared/post"
	"rostrum/shared/workflow/deciding"
	"rostrum/shared/workflow/signing"
)

// Nullable is a part of an answer that may be missing, written as null.
type Nullable[T any] struct{ Value *T }

// MarshalJSON writes the value or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	return json.Marshal(n.Value) //nolint:wrapcheck // encoding/json wraps it itself.
}

// UnmarshalJSON reads the value or null.
func (n *Nullable[T]) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &n.Value) //nolint:wrapcheck // encoding/json wraps it itself.
}

// Schema is the value's, or null.
func (Nullable[T]) Schema(r huma.Registry) *huma.Schema {
	inner := r.Schema(reflect.TypeFor[T](), true, "")
	return &huma.Schema{OneOf: []*huma.Schema{inner, {Type: "null"}}}
}

func problemResponse(r huma.Registry) *huma.Response {
	return &huma.Response{
		Description: "A problem",
		Content:     map[string]*huma.MediaType{problemType: {Schema: r.Schema(reflect.TypeFor[Problem](), true, "Problem")}},
	}
}

// List is a whole list in one answer.
type List[T any] struct {
	Body struct {
		Items []T `json:"items" nullable:"false"`
	}
}

// Page is one page of a list.
type Page[T any] struct {
	Body struct {
		Items      []T     `json:"items" nullable:"false"`
		NextCursor *string `json:"next_cursor" doc:"Where the next page begins; null on the last."`
	}
}

func list[T any](items []T) *List[T] {
	out := &List[T]{}
	out.Body.Items = notNil(items)
	return out
}

func page[T any](items []T, next *string) *Page[T] {
	out := &Page[T]{}
	out.Body.Items, out.Body.NextCursor = notNil(items), next
	return out
}

func notNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// Empty is an answer without a body.
type Empty struct{}

// NoInput is a request without parameters.
type NoInput struct{}

// Paging is what every paged list takes.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"500" doc:"next_cursor of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

// ByID names one thing.
type ByID struct {
	ID string `path:"id" doc:"A UUID."`
}

// Precondition is the ETag that was seen.
type Precondition struct {
	IfMatch string `header:"If-Match" doc:"The etag that was seen, in quotes."`
}

// Tagged carries an ETag.
type Tagged struct {
	ETag string `header:"ETag"` //nolint:tagliatelle // RFC 9110 spells it so.
}

const codePrecondition = "precondition_required"

// etag reads If-Match; nil when there is none. Errors: PreconditionFailed for
// one that no version ever had.
func (p Precondition) etag() (*int64, error) {
	if p.IfMatch == "" {
		return nil, nil //nolint:nilnil // no precondition is no error
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(p.IfMatch, "W/"), `"`), 10, 64)
	if err != nil {
		return nil, apperr.New(apperr.PreconditionFailed, "stale", "this etag is none of ours").WithHint("Reload and repeat your change.")
	}
	return &n, nil
}

// required is etag for routes that insist on it.
func (p Precondition) required() (int64, error) {
	n, err := p.etag()
	if err != nil {
		return 0, err
	}
	if n == nil {
		return 0, apperr.New(apperr.Invalid, codePrecondition, "If-Match is missing").
			WithHint("Send the etag you saw in If-Match, so that nobody's change is lost.")
	}
	return *n, nil
}

func etagOf(n int64) string { return strconv.FormatInt(n, 10) }

func quoted(n int64) string { return `"` + etagOf(n) + `"` }

// parseID reads an id; one that is none names nothing that exists.
func parseID(s, kind string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, apperr.New(apperr.NotFound, "not_found", "there is no such %s here", kind)
	}
	return id, nil
}

func postID(s string) (domain.ID, error) {
	id, err := parseID(s, "post")
	return domain.ID(id), err
}

func accountID(s string) (account.ID, error) {
	id, err := parseID(s, "account")
	return account.ID(id), err
}

// optionalAccount reads an account id that may be empty.
func optionalAccount(s string) (*account.ID, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // every account
	}
	id, err := accountID(s)
	return &id, err
}

func target(id string, p Precondition) (deciding.Target, error) {
	pid, err := postID(id)
	if err != nil {
		return deciding.Target{}, err
	}
	etag, err := p.etag()
	return deciding.Target{PostID: pid, ETag: etag}, err
}

// actor is the signed-in person of the request. The guard has put them there;
// without one the zero actor has no right at all.
func actor(ctx context.Context) audit.Actor {
	if session := stateOf(ctx).session; session != nil {
		return signing.Actor(*session)
	}
	return audit.Actor{}
}

const (
	cookieName = "rostrum_session"
	// securePrefix ties the cookie to this host and to https.
	securePrefix = "__Host-"
)

func (s *Server) cookieName() string {
	if s.secure {
		return securePrefix + cookieName
	}
	return cookieName
}

func (s *Server) cookie(value string, maxAge int) http.Cookie {
	return http.Cookie{ //nolint:gosec // Secure follows the scheme of PUBLIC_URL: a laptop has no https.
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}
