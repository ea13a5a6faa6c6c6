package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/caarlos0/env/v11"

	"rostrum/shared/apperr"
)

// The stores that a setting's value may point to.
const (
	// StoreSecret is Secrets Manager: secret://name or secret://name#json_key.
	StoreSecret = "secret"
	// StoreParam is the Parameter Store: param://name, whose name may begin with
	// a slash (param:///rostrum/x).
	StoreParam = "param"
)

// ErrNoValue is what a Lookup answers for a place that is there and still empty.
var ErrNoValue = errors.New("it holds no value yet")

// Place is where a value is kept.
type Place struct {
	// Store is StoreSecret or StoreParam.
	Store string
	Name  string
}

// String names the place, for people.
func (p Place) String() string {
	if p.Store == StoreParam {
		return "parameter " + p.Name
	}
	return p.Store + " " + p.Name
}

// Lookup reads the value at a place. Its errors say what is wrong with the
// place and quote no content; ErrNoValue where there is none yet.
type Lookup func(ctx context.Context, at Place) (string, error)

// reference is a setting's value that says where the value is kept.
type reference struct {
	at Place
	// key is the field of the JSON object that is kept there; empty takes all.
	key string
}

func referenceOf(value string) (reference, bool) {
	for _, store := range []string{StoreSecret, StoreParam} {
		if name, ok := strings.CutPrefix(value, store+"://"); ok {
			name, key, _ := strings.Cut(name, "#")
			return reference{at: Place{Store: store, Name: name}, key: key}, true
		}
	}
	return reference{}, false
}

// LoadResolved is LoadFrom for an environment whose values may be references:
// those of into's own settings are looked up first, all at once and each place
// once. A setting that is not required may point to a place that is still
// empty, and counts as not set. Errors: as LoadFrom; Unavailable when a place
// could not be asked, else Invalid, naming each setting and its place but no
// content.
func LoadResolved(ctx context.Context, into any, environment map[string]string, lookup Lookup) error {
	fields, err := env.GetFieldParams(into)
	if err != nil {
		return fmt.Errorf("read the settings' tags: %w", err)
	}
	wanted := map[string]reference{}
	required := map[string]bool{}
	places := map[Place]*answer{}
	for _, f := range fields {
		if ref, ok := referenceOf(environment[f.Key]); ok {
			wanted[f.Key], places[ref.at] = ref, &answer{}
			required[f.Key] = f.Required || f.NotEmpty
		}
	}
	var wg sync.WaitGroup
	for at, a := range places {
		wg.Go(func() {
			if at.Name == "" {
				a.err = errors.New("it has no name")
				return
			}
			a.value, a.err = lookup(ctx, at)
		})
	}
	wg.Wait()

	resolved := maps.Clone(environment)
	var faults []string
	kind := apperr.Invalid
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		ref := wanted[name]
		value, err := places[ref.at].field(ref.key)
		switch {
		case err == nil:
			resolved[name] = value
		case errors.Is(err, ErrNoValue) && !required[name]:
			delete(resolved, name)
		default:
			faults = append(faults, fmt.Sprintf("%s: %s: %s", name, ref.at, err.Error()))
			if apperr.KindOf(err) == apperr.Unavailable {
				kind = apperr.Unavailable
			}
		}
	}
	if len(faults) > 0 {
		return apperr.New(kind, "settings_not_resolved", "settings: %s", strings.Join(faults, "; ")).
			WithHint("Put a value there, or give the function the right to read it.")
	}
	return LoadFrom(into, resolved)
}

// answer is what a place held.
type answer struct {
	value string
	err   error
}

// field returns the whole value, or one field of the JSON object that it is.
func (a *answer) field(key string) (string, error) {
	if a.err != nil || key == "" {
		return a.value, a.err
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(a.value), &fields) != nil {
		return "", fmt.Errorf("it is not a JSON object, so it has no field %q", key)
	}
	raw, ok := fields[key]
	if !ok {
		return "", fmt.Errorf("it has no field %q", key)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	return string(raw), nil
}
