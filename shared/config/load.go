// Package config is the only reader of the environment. Each program declares
// one struct with env tags that lists the settings it needs and nothing more;
// Load fills it and reports every fault at once.
package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"

	"rostrum/shared/apperr"
)

// Validator is a settings struct that can check itself after it was filled.
type Validator interface {
	Validate() error
}

// Load fills into, a pointer to a struct with env tags, from the process
// environment, then calls Validate where the struct has it. The error is of
// kind Invalid and names every setting at fault, never its value.
func Load(into any) error { return LoadFrom(into, Environ()) }

// LoadFrom is Load with the environment given, for tests and local runners.
func LoadFrom(into any, environment map[string]string) error {
	err := env.ParseWithOptions(into, env.Options{Environment: environment})
	if err != nil {
		return apperr.New(apperr.Invalid, "bad_settings", "settings: %s", describe(into, err)).
			WithHint("Set the named environment variables; .env.example lists them all.")
	}
	if v, ok := into.(Validator); ok {
		if err := v.Validate(); err != nil {
			return apperr.New(apperr.Invalid, "bad_settings", "settings: %s", err.Error()).
				WithHint("Set the named environment variables; .env.example lists them all.")
		}
	}
	return nil
}

// Environ returns the process environment as a map.
func Environ() map[string]string {
	m := map[string]string{}
	for _, pair := range os.Environ() {
		if key, value, ok := strings.Cut(pair, "="); ok {
			m[key] = value
		}
	}
	return m
}

// describe lists what is wrong without quoting values, since a value put into
// the wrong variable may be a secret.
func describe(into any, err error) string {
	agg, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return "the environment could not be read"
	}
	var parts []string
	for _, e := range agg.Errors {
		if parse, ok := errors.AsType[env.ParseError](e); ok {
			parts = append(parts, fmt.Sprintf("%s is not a valid %s", variableOf(into, parse.Name), parse.Type))
		} else if unset, ok := errors.AsType[env.VarIsNotSetError](e); ok {
			parts = append(parts, unset.Key+" is not set")
		} else if empty, ok := errors.AsType[env.EmptyVarError](e); ok {
			parts = append(parts, empty.Key+" is empty")
		} else {
			parts = append(parts, "a setting could not be read")
		}
	}
	return strings.Join(parts, "; ")
}

// variableOf is the environment name of a field; the parser tells only the
// field's own.
func variableOf(into any, field string) string {
	if f, ok := reflect.TypeOf(into).Elem().FieldByName(field); ok {
		if name, _, _ := strings.Cut(f.Tag.Get("env"), ","); name != "" {
			return name
		}
	}
	return field
}
