package instagram

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rostrum/shared/simulator/fault"
)

// problem is the Graph API's error (handling-errors page, read 2026-11).
type problem struct {
	Message   string `json:"message"`
	Type      string `json:"type"`
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode,omitempty"`
	Transient bool   `json:"is_transient"`
	Title     string `json:"error_user_title,omitempty"`
	Text      string `json:"error_user_msg,omitempty"`
	TraceID   string `json:"fbtrace_id"`
	status    int
}

// graph makes the usual refusal: status 400, whatever it is about.
func graph(code, subcode int, message string) problem {
	return problem{Message: message, Type: "OAuthException", Code: code, Subcode: subcode, TraceID: "SIMULATED", status: http.StatusBadRequest}
}

func (p problem) titled(title, text string) problem {
	p.Title, p.Text = title, text
	return p
}

func parameter(format string, args ...any) problem {
	return graph(100, 0, "(#100) "+fmt.Sprintf(format, args...))
}

func unknownPath() problem { return graph(2500, 0, "Unknown path components") }

// unknownObject is what is not there, and what the caller may not see.
func unknownObject(id string) problem {
	return graph(100, 33, "Unsupported request. Object with ID '"+id+"' does not exist, cannot be loaded due to missing "+
		"permissions, or does not support this operation")
}

func badToken() problem {
	return graph(190, 0, "Invalid OAuth access token - Cannot parse access token")
}

func expiredToken() problem {
	return graph(190, 463, "Error validating access token: Session has expired")
}

func revokedToken() problem {
	return graph(190, 458, "Error validating access token: The user has not authorized application")
}

func fault10() problem {
	return graph(10, 0, "(#10) Application does not have permission for this action")
}

func serverError() problem {
	p := graph(2, 0, "An unexpected error has occurred. Please retry your request later.")
	p.Transient, p.status = true, http.StatusInternalServerError
	return p
}

// The refusals of content publishing, by subcode (error codes page, read 2026-11).

func notFetched(address string) problem {
	return graph(9004, 2207052, "Only photo or video can be accepted as media type.").titled(
		"Media download has failed. The media URI doesn't meet our requirements.",
		"The media could not be fetched from this URI: "+address+". Please check the limits of the media.")
}

func fetchTimedOut() problem { return graph(-2, 2207003, "The media took too long to download.") }

func tooLarge() problem {
	return graph(36000, 2207004, "The image size is too large.").titled(
		"Image size too large", "The image is too large to download. It should be less than 8 MiB.")
}

func badFormat() problem {
	return graph(36001, 2207005, "The image format is not supported.").titled(
		"Image format not supported", "Supported formats are: JPEG.")
}

func badAspect() problem {
	return graph(36003, 2207009, "The submitted image with aspect ratio cannot be published.").titled(
		"Aspect ratio not supported", "The aspect ratio has to be between 4:5 and 1.91:1.")
}

func longCaption() problem {
	return graph(36004, 2207010, "The caption was too long.").titled(
		"Caption too long", "The maximum length of a caption is 2,200 characters.")
}

func notReady() problem {
	return graph(9007, 2207027, "Media ID is not available").titled(
		"The media is not ready for publishing", "The media is not ready to be published. Please wait a moment.")
}

func noContainer() problem { return graph(24, 2207008, "The media builder does not exist.") }

func noMedia() problem { return graph(24, 2207006, "The media could not be found.") }

func containerExpired() problem { return graph(-2, 2207020, "The media builder has expired.") }

func dayFull() problem {
	return graph(9, 2207042, "Application request limit reached").titled(
		"Publishing limit reached", "You reached the maximum number of posts that can be published by the API.")
}

func carouselInvalid() problem { return graph(100, 2207028, "The carousel could not be published.") }

// refuse answers a problem.
func refuse(w http.ResponseWriter, p problem) { writeJSON(w, p.status, map[string]problem{"error": p}) }

func writeJSON(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
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

// params are a call's parameters, from wherever they came.
type params map[string]string

// maxBody is far above any call and keeps a broken client from filling memory.
const maxBody = 1 << 20

// readParams gathers query, form and JSON body: the Graph API takes each.
func readParams(r *http.Request) (params, *problem) {
	in := params{}
	for name, values := range r.URL.Query() {
		in[name] = values[0]
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		p := parameter("The body could not be read.")
		return nil, &p
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		fields := map[string]any{}
		if err := json.Unmarshal(body, &fields); err != nil {
			p := parameter("The body is not valid JSON.")
			return nil, &p
		}
		for name, value := range fields {
			if in[name] = asText(value); value == nil {
				delete(in, name)
			}
		}
		return in, nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := r.ParseForm(); err != nil {
		p := parameter("The body could not be read.")
		return nil, &p
	}
	for name, values := range r.PostForm {
		in[name] = values[0]
	}
	return in, nil
}

// asText writes a JSON value as a form would carry it.
func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case []any:
		parts := make([]string, len(v))
		for i, part := range v {
			parts[i] = asText(part)
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}

// only refuses parameters that the call does not take.
func (in params) only(known []string) *problem {
	for name := range in {
		if name != "access_token" && !slices.Contains(known, name) {
			p := parameter("Unexpected parameter: %s", name)
			return &p
		}
	}
	return nil
}

// fields returns the fields asked for, or a refusal when one does not exist.
func (in params) fields(known ...string) ([]string, *problem) {
	var out []string
	for name := range strings.SplitSeq(in["fields"], ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
		case !slices.Contains(known, name):
			p := parameter("Tried accessing nonexisting field (%s)", name)
			return nil, &p
		default:
			out = append(out, name)
		}
	}
	return out, nil
}

// presets are the actions that a fault rule may name.
func presets() map[string]fault.Action {
	const html = "text/html; charset=utf-8"
	body := func(p problem) string {
		encoded, err := json.Marshal(map[string]problem{"error": p})
		if err != nil {
			return ""
		}
		return string(encoded)
	}
	said := func(p problem) fault.Action { return fault.Action{Kind: fault.Answer, Status: p.status, Body: body(p)} }
	limited := func(minutes string) fault.Action {
		a := said(graph(80002, 0, "(#80002) There have been too many calls to this Instagram account."))
		if minutes != "" {
			a.Headers = map[string]string{"X-Business-Use-Case-Usage": `{"17841400000000000":[{"type":"instagram","call_count":100,` +
				`"total_cputime":20,"total_time":30,"estimated_time_to_regain_access":` + minutes + `}]}`}
		}
		return a
	}
	const badGateway = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
	return map[string]fault.Action{
		"rate_limited":          limited("1"),
		"rate_limited_absurd":   limited("9999999999999"),
		"rate_limited_past":     limited("-1440"),
		"rate_limited_silent":   limited(""),
		"app_limited":           said(graph(4, 0, "(#4) Application request limit reached")),
		"daily_limit":           said(dayFull()),
		"unauthorized":          said(expiredToken()),
		"not_permitted":         said(fault10()),
		"restricted":            said(graph(25, 2207050, "The Instagram account is restricted.")),
		"blocked":               said(graph(4, 2207051, "Application request limit reached").titled("Action is blocked", "We restrict certain activity to protect our community.")),
		"not_ready":             said(notReady()),
		"container_unknown":     said(noContainer()),
		"object_unknown":        said(unknownObject("0")),
		"media_unreachable":     said(notFetched("https://media.invalid/image.jpg")),
		"server_error":          {Kind: fault.Answer, Status: 500, Body: body(serverError())},
		"server_error_empty":    {Kind: fault.Answer, Status: 500, ContentType: "application/json; charset=UTF-8"},
		"transient_error":       said(graph(1, 0, "An unknown error occurred")),
		"bad_gateway":           {Kind: fault.Answer, Status: 502, ContentType: html, Body: badGateway},
		"accepted_server_error": {Kind: fault.AcceptThenAnswer, Status: 500, Body: body(serverError())},
		"accepted_transient":    {Kind: fault.AcceptThenAnswer, Status: 400, Body: body(graph(-1, 2207001, "An unknown server error has occurred."))},
		"accepted_blocked":      {Kind: fault.AcceptThenAnswer, Status: 403, Body: body(graph(4, 2207051, "Application request limit reached"))},
		"accepted_bad_gateway":  {Kind: fault.AcceptThenAnswer, Status: 502, ContentType: html, Body: badGateway},
		"accepted_no_id":        {Kind: fault.AcceptThenAnswer, Status: 200, Body: `{}`},
		"accepted_not_json":     {Kind: fault.AcceptThenAnswer, Status: 200, ContentType: html, Body: "<html><body>ok</body></html>"},
		"accepted_reset":        {Kind: fault.AcceptThenReset},
		"accepted_truncated":    {Kind: fault.AcceptThenTruncate},
		"accepted_hang":         {Kind: fault.AcceptThenHang},
		"reset":                 {Kind: fault.Reset},
		"hang":                  {Kind: fault.Hang},
	}
}
