// Package vault seals secrets for rest. Each ciphertext is bound to the
// workspace, account, field and version it was sealed for, so a row copied to
// another account does not open.
//
// There are two keysets: apps (developer apps' secrets and short-lived connect
// state) and tokens (accounts' OAuth tokens). A function gets a Vault where it
// may open, a Sealer where it may only close: api seals tokens and cannot read
// one back.
package vault

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

// Field names the place a secret is sealed for.
type Field struct {
	WorkspaceID uuid.UUID
	AccountID   account.ID // zero where there is none
	Name        string     // for example "access"
	Version     int64
}

// associatedData is an unambiguous encoding: fixed sizes, then the name.
func (f Field) associatedData() []byte {
	b := make([]byte, 0, 16+16+8+len("rostrum-vault-v1")+len(f.Name))
	b = append(b, "rostrum-vault-v1"...)
	b = append(b, f.WorkspaceID[:]...)
	id := uuid.UUID(f.AccountID)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Version))
	return append(b, f.Name...)
}

// Sealer closes and cannot open.
type Sealer struct{ primitive tink.AEAD }

// Vault closes and opens.
type Vault struct{ Sealer }

// Seal encrypts a secret for its place. Errors: Internal.
func (s *Sealer) Seal(_ context.Context, f Field, secret config.Secret) ([]byte, error) {
	sealed, err := s.primitive.Encrypt([]byte(secret.Reveal()), f.associatedData())
	if err != nil {
		return nil, apperr.New(apperr.Internal, "vault_seal", "a secret could not be sealed").WithCause(err)
	}
	return sealed, nil
}

// Unseal opens what was sealed for exactly this place. Errors: Internal (code
// vault_mismatch) when it was sealed for another place or under a key that
// this keyset lacks.
func (v *Vault) Unseal(_ context.Context, f Field, sealed []byte) (config.Secret, error) {
	plain, err := v.primitive.Decrypt(sealed, f.associatedData())
	if err != nil {
		return "", apperr.New(apperr.Internal, "vault_mismatch", "a stored secret does not open: it was moved, or its key is missing").WithCause(err)
	}
	return config.Secret(plain), nil
}

// Keysets holds both keysets.
type Keysets struct {
	apps, tokens *keyset.Handle
}

// file is the form in which both keysets are kept: Tink's own JSON of each.
type file struct {
	Apps   json.RawMessage `json:"apps"`
	Tokens json.RawMessage `json:"tokens"`
}

// Generate makes two new keysets (AES-256-GCM).
func Generate() (*Keysets, error) {
	apps, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make apps keyset: %w", err)
	}
	tokens, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make tokens keyset: %w", err)
	}
	return &Keysets{apps: apps, tokens: tokens}, nil
}

// Parse reads keysets from what Marshal wrote. Errors: Invalid (code
// bad_keyset), which never quotes the input.
func Parse(s config.Secret) (*Keysets, error) {
	var f file
	if err := json.Unmarshal([]byte(s.Reveal()), &f); err != nil {
		return nil, badKeyset()
	}
	apps, err := readHandle(f.Apps)
	if err != nil {
		return nil, badKeyset()
	}
	tokens, err := readHandle(f.Tokens)
	if err != nil {
		return nil, badKeyset()
	}
	return &Keysets{apps: apps, tokens: tokens}, nil
}

func badKeyset() error {
	return apperr.New(apperr.Invalid, "bad_keyset", "VAULT_KEYSET does not hold the two keysets").
		WithHint("Use the content of the file that the first local start wrote, or make one with `go run ./scripts/keyset`.")
}

func readHandle(b []byte) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
}

// Marshal writes both keysets in the clear, for a file or a secret store that
// only the vault's functions can read.
func (k *Keysets) Marshal() (config.Secret, error) {
	var apps, tokens bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.apps, keyset.NewJSONWriter(&apps)); err != nil {
		return "", fmt.Errorf("write apps keyset: %w", err)
	}
	if err := insecurecleartextkeyset.Write(k.tokens, keyset.NewJSONWriter(&tokens)); err != nil {
		return "", fmt.Errorf("write tokens keyset: %w", err)
	}
	b, err := json.Marshal(file{Apps: apps.Bytes(), Tokens: tokens.Bytes()})
	if err != nil {
		return "", fmt.Errorf("encode keysets: %w", err)
	}
	return config.Secret(b), nil
}

// Rotate adds a new primary key to each keyset. What is sealed under an older
// key still opens. Give the result to every reader before any writer uses it.
func (k *Keysets) Rotate() (*Keysets, error) {
	apps, err := rotated(k.apps)
	if err != nil {
		return nil, fmt.Errorf("rotate apps keyset: %w", err)
	}
	tokens, err := rotated(k.tokens)
	if err != nil {
		return nil, fmt.Errorf("rotate tokens keyset: %w", err)
	}
	return &Keysets{apps: apps, tokens: tokens}, nil
}

func rotated(h *keyset.Handle) (*keyset.Handle, error) {
	m := keyset.NewManagerFromHandle(h)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	if err := m.SetPrimary(id); err != nil {
		return nil, err
	}
	return m.Handle()
}

// Apps opens and closes developer apps' secrets.
func (k *Keysets) Apps() (*Vault, error) { return open(k.apps) }

// Tokens opens and closes OAuth tokens.
func (k *Keysets) Tokens() (*Vault, error) { return open(k.tokens) }

// TokenSealer closes OAuth tokens and cannot open one.
func (k *Keysets) TokenSealer() (*Sealer, error) {
	v, err := open(k.tokens)
	if err != nil {
		return nil, err
	}
	return &v.Sealer, nil
}

func open(h *keyset.Handle) (*Vault, error) {
	primitive, err := aead.New(h)
	if err != nil {
		return nil, apperr.New(apperr.Invalid, "bad_keyset", "the keyset cannot seal").WithCause(err)
	}
	return &Vault{Sealer{primitive: primitive}}, nil
}
