package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
)

// fileVersion is the form that Marshal writes. The one before it, without a
// number, sealed tokens with a key that could open them too.
const fileVersion = 2

// Keysets holds the keysets of one installation, or the part that the api is
// given: without the private half of tokens.
type Keysets struct {
	apps, tokensPublic *keyset.Handle
	// tokens is nil in the api's part.
	tokens *keyset.Handle
}

// file is the form in which they are kept. Each keyset is Tink's own JSON.
type file struct {
	Version      int             `json:"version"`
	Apps         *secretPart     `json:"apps"`
	Tokens       *secretPart     `json:"tokens,omitempty"`
	TokensPublic json.RawMessage `json:"tokens_public"`
}

// secretPart is a keyset with secrets: in the clear, or closed by a key that a
// key service holds.
type secretPart struct {
	Clear json.RawMessage `json:"clear,omitempty"`
	// Closed is the same under a data key, which stands before it, closed.
	Closed []byte `json:"closed,omitempty"`
	// KeyID is the service's name of the key that closed it.
	KeyID string `json:"key_id,omitempty"`
}

// KeyService closes and opens small secrets with the key of a name, held to the
// use that both sides name: "apps" or "tokens". The key never leaves it.
type KeyService func(ctx context.Context, keyID, use string) (tink.AEADWithContext, error)

const (
	useApps   = "apps"
	useTokens = "tokens"
)

func appsTemplate() *tinkpb.KeyTemplate { return aead.AES256GCMKeyTemplate() }

func tokensTemplate() *tinkpb.KeyTemplate {
	return hybrid.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM_Key_Template()
}

// Generate makes new keysets.
func Generate() (*Keysets, error) {
	apps, err := keyset.NewHandle(appsTemplate())
	if err != nil {
		return nil, fmt.Errorf("make apps keyset: %w", err)
	}
	tokens, err := keyset.NewHandle(tokensTemplate())
	if err != nil {
		return nil, fmt.Errorf("make tokens keyset: %w", err)
	}
	return whole(apps, tokens)
}

// whole derives the public half.
func whole(apps, tokens *keyset.Handle) (*Keysets, error) {
	public, err := tokens.Public()
	if err != nil {
		return nil, fmt.Errorf("derive the public half of tokens: %w", err)
	}
	return &Keysets{apps: apps, tokens: tokens, tokensPublic: public}, nil
}

// Rotate adds a new primary key to each keyset. What is sealed under an older
// key still opens. Give the result to every reader before any writer uses it.
// Errors: Invalid for the api's part.
func (k *Keysets) Rotate() (*Keysets, error) {
	if _, err := k.Tokens(); err != nil {
		return nil, err
	}
	apps, err := rotated(k.apps, appsTemplate())
	if err != nil {
		return nil, fmt.Errorf("rotate apps keyset: %w", err)
	}
	tokens, err := rotated(k.tokens, tokensTemplate())
	if err != nil {
		return nil, fmt.Errorf("rotate tokens keyset: %w", err)
	}
	return whole(apps, tokens)
}

func rotated(h *keyset.Handle, template *tinkpb.KeyTemplate) (*keyset.Handle, error) {
	m := keyset.NewManagerFromHandle(h)
	id, err := m.Add(template)
	if err != nil {
		return nil, err
	}
	if err := m.SetPrimary(id); err != nil {
		return nil, err
	}
	return m.Handle()
}

// ForAPI is the part that the api is given: it opens and seals apps' secrets,
// seals tokens, and opens none.
func (k *Keysets) ForAPI() *Keysets { return &Keysets{apps: k.apps, tokensPublic: k.tokensPublic} }

// Parse reads keysets that are in the clear. Errors: Invalid (code bad_keyset),
// which never quotes the input.
func Parse(s config.Secret) (*Keysets, error) {
	return decode(s, func(part *secretPart, _ string) (*keyset.Handle, error) {
		if part.Closed != nil {
			return nil, apperr.New(apperr.Invalid, "bad_keyset", "the keysets are closed by a key service").
				WithHint("Open them where that service can be reached: `go run ./scripts/keyset open < closed`.")
		}
		return inClear(part.Clear)
	})
}

// Open reads keysets in either form, and asks the service to open those that it
// closed. Errors: as Parse; those of the service, without what it was asked to
// open.
func Open(ctx context.Context, s config.Secret, service KeyService) (*Keysets, error) {
	return decode(s, func(part *secretPart, use string) (*keyset.Handle, error) {
		if part.Closed == nil {
			return inClear(part.Clear)
		}
		key, err := service(ctx, part.KeyID, use)
		if err != nil {
			return nil, fmt.Errorf("reach the key of the %s keyset: %w", use, err)
		}
		envelope, err := aead.NewKMSEnvelopeAEADWithContext(appsTemplate(), key)
		if err != nil {
			return nil, unfit(err)
		}
		plain, err := envelope.DecryptWithContext(ctx, part.Closed, []byte(use))
		if err != nil {
			return nil, fmt.Errorf("open the %s keyset: %w", use, err)
		}
		return inClear(plain)
	})
}

func decode(s config.Secret, read func(part *secretPart, use string) (*keyset.Handle, error)) (*Keysets, error) {
	var f file
	if err := json.Unmarshal([]byte(s.Reveal()), &f); err != nil {
		return nil, badKeyset()
	}
	if f.Version != fileVersion {
		return nil, apperr.New(apperr.Invalid, "bad_keyset", "the keysets are of version %d, but this program knows version %d only", f.Version, fileVersion).
			WithHint("Make new ones with `go run ./scripts/keyset new` and connect the accounts again.")
	}
	public, err := keyset.ReadWithNoSecrets(keyset.NewJSONReader(bytes.NewReader(f.TokensPublic)))
	if err != nil || f.Apps == nil {
		return nil, badKeyset()
	}
	k := &Keysets{tokensPublic: public}
	if k.apps, err = read(f.Apps, useApps); err != nil {
		return nil, err
	}
	if f.Tokens == nil {
		return k, nil
	}
	tokens, err := read(f.Tokens, useTokens)
	if err != nil {
		return nil, err
	}
	// The public half of the file could be another's.
	return whole(k.apps, tokens)
}

func badKeyset() error {
	return apperr.New(apperr.Invalid, "bad_keyset", "VAULT_KEYSET does not hold the two keysets").
		WithHint("Use the content of the file that the first local start wrote, or make one with `go run ./scripts/keyset new`.")
}

func inClear(b json.RawMessage) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil {
		return nil, badKeyset()
	}
	return handle, nil
}

// Marshal writes the keysets in the clear, for a file or a secret store that
// only the vault's functions can read.
func (k *Keysets) Marshal() (config.Secret, error) {
	return k.encode(func(plain []byte, _ string) (*secretPart, error) { return &secretPart{Clear: plain}, nil })
}

// Close writes the keysets closed by the service, each by the key named for its
// use, so that whoever reads the text still needs the right to ask the service.
// Errors: those of the service.
func (k *Keysets) Close(ctx context.Context, service KeyService, appsKey, tokensKey string) (config.Secret, error) {
	keys := map[string]string{useApps: appsKey, useTokens: tokensKey}
	return k.encode(func(plain []byte, use string) (*secretPart, error) {
		key, err := service(ctx, keys[use], use)
		if err != nil {
			return nil, err
		}
		envelope, err := aead.NewKMSEnvelopeAEADWithContext(appsTemplate(), key)
		if err != nil {
			return nil, err
		}
		closed, err := envelope.EncryptWithContext(ctx, plain, []byte(use))
		if err != nil {
			return nil, err
		}
		return &secretPart{Closed: closed, KeyID: keys[use]}, nil
	})
}

func (k *Keysets) encode(write func(plain []byte, use string) (*secretPart, error)) (config.Secret, error) {
	part := func(h *keyset.Handle, use string) (*secretPart, error) {
		var plain bytes.Buffer
		if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&plain)); err != nil {
			return nil, fmt.Errorf("write %s keyset: %w", use, err)
		}
		p, err := write(plain.Bytes(), use)
		if err != nil {
			return nil, fmt.Errorf("close %s keyset: %w", use, err)
		}
		return p, nil
	}
	f := file{Version: fileVersion}
	var err error
	if f.Apps, err = part(k.apps, useApps); err != nil {
		return "", err
	}
	if k.tokens != nil {
		if f.Tokens, err = part(k.tokens, useTokens); err != nil {
			return "", err
		}
	}
	var public bytes.Buffer
	if err := k.tokensPublic.WriteWithNoSecrets(keyset.NewJSONWriter(&public)); err != nil {
		return "", fmt.Errorf("write the public half of tokens: %w", err)
	}
	f.TokensPublic = public.Bytes()
	b, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode keysets: %w", err)
	}
	return config.Secret(b), nil
}
