package ai

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"rostrum/shared/apperr"
)

//go:embed prices.json
var defaultPrices []byte

// Price is what a model's tokens cost, in micro-USD per million tokens.
type Price struct {
	Input, CachedInput, Output int64
	// Assumed says that the model is not listed and the default was taken.
	Assumed bool
}

// Prices is the price list. The zero value knows no model.
type Prices struct {
	// ReadOn is the day the list was read, "2006-01-02".
	ReadOn   string
	models   map[string]Price
	fallback Price
}

// priceList is the settings file.
type priceList struct {
	ReadOn  string                `json:"read_on"`
	Source  string                `json:"source"`
	Models  map[string]priceEntry `json:"models"`
	Default *priceEntry           `json:"default"`
}

type priceEntry struct {
	Input       int64 `json:"input"`
	CachedInput int64 `json:"cached_input"`
	Output      int64 `json:"output"`
}

// maxPrice keeps the arithmetic of Cost far from overflow: 10,000 USD a million.
const maxPrice = 10_000_000_000

// LoadPrices returns the list that ships with the program, with the entries of
// override (the same JSON form, empty for none) put over it. Errors: Invalid
// when override cannot be read.
func LoadPrices(override string) (Prices, error) {
	p := Prices{models: map[string]Price{}}
	if err := add(&p, defaultPrices); err != nil {
		return Prices{}, fmt.Errorf("read shipped price list: %w", err)
	}
	if strings.TrimSpace(override) == "" {
		return p, nil
	}
	if err := add(&p, []byte(override)); err != nil {
		return Prices{}, apperr.New(apperr.Invalid, "bad_model_prices", "MODEL_PRICES is not a price list").WithCause(err).
			WithHint(`Use {"models":{"my-model":{"input":250000,"cached_input":25000,"output":2000000}}}, micro-USD per million tokens.`)
	}
	return p, nil
}

func add(p *Prices, raw []byte) error {
	var list priceList
	if err := decodeStrict(raw, &list); err != nil {
		return err
	}
	if list.ReadOn != "" {
		p.ReadOn = list.ReadOn
	}
	for name, entry := range list.Models {
		if err := entry.check(name); err != nil {
			return err
		}
		p.models[name] = Price{Input: entry.Input, CachedInput: entry.CachedInput, Output: entry.Output}
	}
	if list.Default != nil {
		if err := list.Default.check("default"); err != nil {
			return err
		}
		p.fallback = Price{Input: list.Default.Input, CachedInput: list.Default.CachedInput, Output: list.Default.Output, Assumed: true}
	}
	return nil
}

func (e priceEntry) check(name string) error {
	for _, n := range []int64{e.Input, e.CachedInput, e.Output} {
		if n < 0 || n > maxPrice {
			return fmt.Errorf("price of %s is out of range", name)
		}
	}
	return nil
}

// simulatedPrefix begins the names of models that are not real; they share one
// price, so that budgets can be tried offline.
const simulatedPrefix = "simulated-"

// Of returns the price of a model: its own, that of the longest listed name it
// is a dated form of ("gpt-5-mini-2025-08-07"), or the default, Assumed.
func (p Prices) Of(model string) Price {
	if price, ok := p.models[model]; ok {
		return price
	}
	if price, ok := p.models[simulatedPrefix+"*"]; ok && strings.HasPrefix(model, simulatedPrefix) {
		return price
	}
	best, found := "", p.fallback
	for name, price := range p.models {
		if len(name) > len(best) && isDatedForm(model, name) {
			best, found = name, price
		}
	}
	return found
}

// isDatedForm reports whether model is name and a date: "gpt-5-mini" must not
// be priced as a form of "gpt-5".
func isDatedForm(model, name string) bool {
	rest, ok := strings.CutPrefix(model, name+"-")
	return ok && rest != "" && strings.Trim(rest, "0123456789-") == ""
}

// maxTokens bounds what a server may claim to have counted.
const maxTokens = 100_000_000

// Cost is the price of a whole run in micro-USD, rounded up once.
func (p Price) Cost(u Usage) int64 {
	input, output := clampTokens(u.InputTokens), clampTokens(u.OutputTokens)
	cached := min(clampTokens(u.CachedTokens), input)
	const million = 1_000_000
	exact := (input-cached)*p.Input + cached*p.CachedInput + output*p.Output
	return (exact + million - 1) / million
}

// Ceiling is the most that a request can cost, in micro-USD: every byte of it
// counted as a token, every token it may be answered with.
func (p Price) Ceiling(r Request) int64 {
	return p.Cost(Usage{
		InputTokens:  int64(len(r.System) + len(r.User) + len(r.Schema) + requestOverhead),
		OutputTokens: int64(r.MaxOutputTokens),
	})
}

// requestOverhead covers the roles and separators that a server adds.
const requestOverhead = 64

func clampTokens(n int64) int64 { return min(max(n, 0), maxTokens) }

func decodeStrict(raw []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if d.More() {
		return errors.New("decode: more than one value")
	}
	return nil
}
