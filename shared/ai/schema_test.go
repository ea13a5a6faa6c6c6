package ai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/ai"
	"rostrum/shared/apperr"
)

func draftRequest() ai.Request {
	return ai.Request{SchemaName: "draft", Schema: json.RawMessage(`{
		"type":"object","additionalProperties":false,"required":["parts","mood","n"],
		"properties":{
			"parts":{"type":"array","items":{"type":"string"}},
			"mood":{"type":"string","enum":["glad","sad"]},
			"n":{"type":"integer"}}}`)}
}

func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	require.NoError(t, ai.CheckAnswer(draftRequest(), json.RawMessage(` {"parts":["a"],"mood":"glad","n":3} `)))

	for name, raw := range map[string]string{
		"Empty":           ``,
		"Null":            `null`,
		"Half":            `{"parts":["a"`,
		"Prose":           `Here it is: {"parts":[],"mood":"glad","n":1}`,
		"TwoObjects":      `{"parts":[],"mood":"glad","n":1} {"parts":[],"mood":"glad","n":1}`,
		"Array":           `[]`,
		"MissingField":    `{"parts":[],"mood":"glad"}`,
		"ExtraField":      `{"parts":[],"mood":"glad","n":1,"approve":true}`,
		"WrongCaseField":  `{"Parts":[],"mood":"glad","n":1}`,
		"WrongItemType":   `{"parts":[1],"mood":"glad","n":1}`,
		"NullList":        `{"parts":null,"mood":"glad","n":1}`,
		"WordOutsideEnum": `{"parts":[],"mood":"angry","n":1}`,
		"Fraction":        `{"parts":[],"mood":"glad","n":1.5}`,
		"Exponent":        `{"parts":[],"mood":"glad","n":1e3}`,
		"HugeNumber":      `{"parts":[],"mood":"glad","n":1e300}`,
		"DeepNesting":     strings.Repeat("[", 20_000),
	} {
		t.Run("Refuses"+name, func(t *testing.T) {
			t.Parallel()
			err := ai.CheckAnswer(draftRequest(), json.RawMessage(raw))
			require.True(t, ai.IsBadAnswer(err), "got %v", err)
		})
	}
}

func TestCheckAnswerAsksTheRequestsOwnCheck(t *testing.T) {
	t.Parallel()
	r := draftRequest()
	r.Check = func(json.RawMessage) error { return ai.BadAnswerError("I do not like it") }
	err := ai.CheckAnswer(r, json.RawMessage(`{"parts":["a"],"mood":"glad","n":3}`))
	require.True(t, ai.IsBadAnswer(err))
	require.ErrorContains(t, err, "I do not like it")
}

func TestCheckAnswerNamesABrokenSchemaAsOurFault(t *testing.T) {
	t.Parallel()
	err := ai.CheckAnswer(ai.Request{SchemaName: "x", Schema: json.RawMessage(`{"anyOf":[]}`)}, json.RawMessage(`{}`))
	require.Equal(t, apperr.Internal, apperr.KindOf(err))
}

func FuzzCheckAnswer(f *testing.F) {
	for _, seed := range []string{`{"parts":["a"],"mood":"glad","n":3}`, `{"parts":`, `null`, `{"n":1e999}`, "\xff{}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if ai.CheckAnswer(draftRequest(), json.RawMessage(raw)) != nil {
			return
		}
		var into struct {
			Parts []string `json:"parts"`
			Mood  string   `json:"mood"`
			N     int64    `json:"n"`
		}
		require.NoError(t, json.Unmarshal([]byte(raw), &into), "an answer that passed must decode")
		require.NotNil(t, into.Parts)
		require.Contains(t, []string{"glad", "sad"}, into.Mood)
	})
}
