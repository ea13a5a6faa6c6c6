package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strings"
	"unicode"
)

const (
	smallDimensions = 1536
	largeDimensions = 3072
	maxInputs       = 2048
)

// embeddings is POST /v1/embeddings. A vector adds up hashed words and pieces of
// words, so that texts with words in common lie near each other.
func (s *Server) embeddings(w http.ResponseWriter, c call) {
	var r struct {
		Model          string          `json:"model"`
		Input          json.RawMessage `json:"input"`
		Dimensions     int             `json:"dimensions"`
		EncodingFormat string          `json:"encoding_format"`
	}
	if err := json.Unmarshal(c.body, &r); err != nil {
		writeError(w, badRequest("", "We could not parse the JSON body of your request."))
		return
	}
	inputs, ok := stringsOf(r.Input)
	size := smallDimensions
	if strings.Contains(r.Model, "large") {
		size = largeDimensions
	}
	switch {
	case r.Model == "":
		writeError(w, badRequest("model", "you must provide a model parameter"))
		return
	case !ok || len(inputs) == 0 || len(inputs) > maxInputs:
		writeError(w, badRequest("input", "'input' has to be a string or a list of 1 to %d strings.", maxInputs))
		return
	case r.Dimensions < 0 || r.Dimensions > size:
		writeError(w, badRequest("dimensions", "'dimensions' has to be at most %d for this model.", size))
		return
	case r.Dimensions > 0:
		size = r.Dimensions
	}
	used, data := 0, []map[string]any{}
	for i, text := range inputs {
		if text == "" {
			writeError(w, badRequest("input", "'input' cannot be an empty string."))
			return
		}
		used += tokens(text)
		var vector any = embed(text, size)
		if r.EncodingFormat == "base64" {
			vector = packed(embed(text, size))
		}
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vector})
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"object": "list", "data": data, "model": "simulated-" + strings.TrimPrefix(r.Model, "simulated-"),
		"usage": map[string]int{"prompt_tokens": used, "total_tokens": used},
	})
}

// stringsOf reads a string or a list of them.
func stringsOf(raw json.RawMessage) ([]string, bool) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, true
	}
	var many []string
	return many, json.Unmarshal(raw, &many) == nil
}

// embed returns a vector of length 1.
func embed(text string, size int) []float32 {
	sums := make([]float64, size)
	add := func(feature string, weight float64) {
		h := hash("embed", feature)
		sign := 1.0
		if h&1 == 0 {
			sign = -1
		}
		sums[(h>>1)%uint64(size)] += sign * weight
	}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		add(w, 1)
		runes := []rune("^" + w + "$")
		for i := 0; i+3 <= len(runes); i++ {
			add(string(runes[i:i+3]), 0.4)
		}
	}
	add("", 0.01) // A text without words has a direction too.
	length := 0.0
	for _, v := range sums {
		length += v * v
	}
	length = math.Sqrt(length)
	out := make([]float32, size)
	for i, v := range sums {
		out[i] = float32(v / length)
	}
	return out
}

func packed(vector []float32) string {
	raw := make([]byte, 0, 4*len(vector))
	for _, v := range vector {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

var (
	threats    = regexp.MustCompile(`(?i)\b(?:kill|murder|shoot|stab|bomb)\b`)
	insults    = regexp.MustCompile(`(?i)\b(?:idiots?|morons?|scum|subhuman|vermin)\b`)
	selfHarm   = regexp.MustCompile(`(?i)\b(?:suicide|kill myself|self-harm)\b`)
	forbidden  = regexp.MustCompile(`(?i)\b(?:cocaine|credit card dump|pipe bomb)\b`)
	indecently = regexp.MustCompile(`(?i)\b(?:porn|nude pics)\b`)
)

// moderations is POST /v1/moderations: a few plain words decide.
func (s *Server) moderations(w http.ResponseWriter, c call) {
	var r struct {
		Model string          `json:"model"`
		Input json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(c.body, &r); err != nil {
		writeError(w, badRequest("", "We could not parse the JSON body of your request."))
		return
	}
	inputs, ok := stringsOf(r.Input)
	if !ok || len(inputs) == 0 {
		writeError(w, badRequest("input", "'input' has to be a string or a list of strings."))
		return
	}
	results := []map[string]any{}
	for _, text := range inputs {
		results = append(results, moderate(text))
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": "modr-" + c.id, "model": "simulated-moderation", "results": results})
}

func moderate(text string) map[string]any {
	hits := map[string]bool{
		"violence": threats.MatchString(text), "harassment": insults.MatchString(text), "self-harm": selfHarm.MatchString(text),
		"illicit": forbidden.MatchString(text), "sexual": indecently.MatchString(text),
	}
	categories, scores, types := map[string]bool{}, map[string]float64{}, map[string][]string{}
	flagged := false
	for _, name := range []string{
		"hate", "hate/threatening", "harassment", "harassment/threatening", "illicit", "illicit/violent", "self-harm",
		"self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
	} {
		categories[name], scores[name], types[name] = hits[name], 0.0004, []string{"text"}
		if hits[name] {
			scores[name], flagged = 0.93, true
		}
	}
	return map[string]any{
		"flagged": flagged, "categories": categories, "category_scores": scores, "category_applied_input_types": types,
	}
}
