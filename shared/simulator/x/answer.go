package x

import (
	"bytes"
	"encoding/json"
	"net/http"

	"rostrum/shared/simulator/fault"
)

// problem is X's problem shape (response-codes-and-errors page, read 2026-11).
type problem struct {
	Title  string        `json:"title"`
	Detail string        `json:"detail"`
	Type   string        `json:"type"`
	Status int           `json:"status,omitempty"`
	Errors []fieldErrors `json:"errors,omitempty"`
	status int
}

// fieldErrors names parameters at fault, inside an invalid-request problem.
type fieldErrors struct {
	Parameters map[string][]string `json:"parameters,omitempty"`
	Message    string              `json:"message"`
}

// partial is an entry of errors[] beside data, in an answer of 200.
type partial struct {
	ResourceID   string `json:"resource_id,omitempty"`
	ResourceType string `json:"resource_type,omitempty"`
	Parameter    string `json:"parameter,omitempty"`
	Field        string `json:"field,omitempty"`
	Section      string `json:"section,omitempty"`
	Value        string `json:"value,omitempty"`
	Title        string `json:"title"`
	Detail       string `json:"detail"`
	Type         string `json:"type"`
}

const problemTypes = "https://api.x.com/2/problems/"

func unauthorized() problem {
	return problem{Title: "Unauthorized", Detail: "Unauthorized", Type: "about:blank", Status: 401, status: 401}
}

func tooMany() problem {
	return problem{Title: "Too Many Requests", Detail: "Too Many Requests", Type: "about:blank", Status: 429, status: 429}
}

func forbidden(detail string) problem {
	return problem{Title: "Forbidden", Detail: detail, Type: "about:blank", Status: 403, status: 403}
}

func unavailable() problem {
	return problem{Title: "Service Unavailable", Detail: "Service Unavailable", Type: "about:blank", Status: 503, status: 503}
}

// invalid is the 400 that names a parameter.
func invalid(parameter, value, message string) problem {
	return problem{
		Title: "Invalid Request", Detail: "One or more parameters to your request was invalid.",
		Type: problemTypes + "invalid-request", status: 400,
		Errors: []fieldErrors{{Parameters: map[string][]string{parameter: {value}}, Message: message}},
	}
}

// duplicateDetail as X answered it in 2026-02 (akrherz/iembot#163).
const duplicateDetail = "You are not allowed to create a Tweet with duplicate content."

func notFound(parameter, id string) partial {
	return partial{
		ResourceID: id, ResourceType: "tweet", Parameter: parameter, Value: id, Title: "Not Found Error",
		Detail: "Could not find tweet with " + parameter + ": [" + id + "].", Type: problemTypes + "resource-not-found",
	}
}

func fieldRefused(id, field string) partial {
	return partial{
		ResourceID: id, ResourceType: "tweet", Parameter: field, Field: field, Section: "data", Value: id,
		Title:  "Field Authorization Error",
		Detail: "Sorry, you are not authorized to access '" + field + "' on this Tweet.",
		Type:   problemTypes + "not-authorized-for-field",
	}
}

// refuse answers a problem.
func (s *Server) refuse(w http.ResponseWriter, p problem) {
	if s.currentSettings().ProblemJSON {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	writeJSON(w, p.status, p)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// presets are the actions that a fault rule may name.
func presets() map[string]fault.Action {
	const html = "text/html; charset=utf-8"
	body := func(p problem) string {
		encoded, err := json.Marshal(p)
		if err != nil {
			return ""
		}
		return string(encoded)
	}
	rate := func(remaining, reset string) map[string]string {
		return map[string]string{"x-rate-limit-limit": "100", "x-rate-limit-remaining": remaining, "x-rate-limit-reset": reset}
	}
	day := rate("73", "{now+840}")
	day["x-user-limit-24hour-limit"] = "100"
	day["x-user-limit-24hour-remaining"] = "0"
	day["x-user-limit-24hour-reset"] = "{now+43200}"
	// All users of the developer app together: the user's own windows are not full.
	app := rate("73", "{now+840}")
	app["x-app-limit-24hour-limit"] = "10000"
	app["x-app-limit-24hour-remaining"] = "0"
	app["x-app-limit-24hour-reset"] = "{now+43200}"
	capped := problem{
		Title: "UsageCapExceeded", Detail: "Usage cap exceeded: Monthly product cap", Type: problemTypes + "usage-capped", Status: 429,
	}
	credits := problem{
		Title: "CreditsDepleted", Detail: "Your enrolled account does not have any credits to fulfill this request.",
		Type: problemTypes + "credits", Status: 402,
	}
	serverError := problem{Title: "Internal Server Error", Detail: "Internal Server Error", Type: "about:blank", Status: 500}
	const badGateway = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
	const overCapacity = "<html><head><title>503</title></head><body><h1>Over capacity</h1></body></html>"
	return map[string]fault.Action{
		"rate_limited":          {Kind: fault.Answer, Status: 429, Headers: rate("0", "{now+60}"), Body: body(tooMany())},
		"rate_limited_day":      {Kind: fault.Answer, Status: 429, Headers: day, Body: body(tooMany())},
		"rate_limited_app":      {Kind: fault.Answer, Status: 429, Headers: app, Body: body(tooMany())},
		"rate_limited_silent":   {Kind: fault.Answer, Status: 429, Body: body(tooMany())},
		"rate_limited_past":     {Kind: fault.Answer, Status: 429, Headers: rate("0", "{now-86400}"), Body: body(tooMany())},
		"rate_limited_absurd":   {Kind: fault.Answer, Status: 429, Headers: rate("0", "99999999999999"), Body: body(tooMany())},
		"usage_capped":          {Kind: fault.Answer, Status: 429, Body: body(capped)},
		"credits_depleted":      {Kind: fault.Answer, Status: 402, Body: body(credits)},
		"unauthorized":          {Kind: fault.Answer, Status: 401, Body: body(unauthorized())},
		"duplicate":             {Kind: fault.Answer, Status: 403, Body: body(forbidden(duplicateDetail))},
		"not_permitted":         {Kind: fault.Answer, Status: 403, Body: body(forbidden("You are not permitted to perform this action."))},
		"server_error":          {Kind: fault.Answer, Status: 500, Body: body(serverError)},
		"server_error_empty":    {Kind: fault.Answer, Status: 500, ContentType: "application/json; charset=utf-8"},
		"bad_gateway":           {Kind: fault.Answer, Status: 502, ContentType: html, Body: badGateway},
		"unavailable":           {Kind: fault.Answer, Status: 503, ContentType: html, Body: overCapacity},
		"accepted_server_error": {Kind: fault.AcceptThenAnswer, Status: 500, Body: body(serverError)},
		"accepted_bad_gateway":  {Kind: fault.AcceptThenAnswer, Status: 502, ContentType: html, Body: badGateway},
		"accepted_no_id":        {Kind: fault.AcceptThenAnswer, Status: 201, Body: `{"data":{}}`},
		"accepted_not_json":     {Kind: fault.AcceptThenAnswer, Status: 201, ContentType: html, Body: "<html><body>ok</body></html>"},
		"accepted_reset":        {Kind: fault.AcceptThenReset},
		"accepted_truncated":    {Kind: fault.AcceptThenTruncate},
		"accepted_hang":         {Kind: fault.AcceptThenHang},
		"reset":                 {Kind: fault.Reset},
		"hang":                  {Kind: fault.Hang},
	}
}
