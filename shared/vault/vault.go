// Package vault seals secrets for rest. Each ciphertext is bound to the
// workspace, account, field and version it was sealed for, so a row copied to
// another account does not open.
//
// There are two keysets. Apps (developer apps' secrets and short-lived connect
// state) is one of AES-256-GCM: who can seal can open. Tokens (accounts' OAuth
// tokens) is a pair: the public half seals, the private half opens. The api is
// given apps and the public half only, so that whoever takes it over can read
// no token; publish and metrics are given everything, because they send and
// refresh. The file in which they are kept is in keysets.go.
package vault

import (
	"context"
	"encoding/binary"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/hybrid"

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

// sealing and opening are what Tink's AEAD and hybrid encryption share.
type sealing interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
}

type opening interface {
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// Sealer closes and cannot open.
type Sealer struct{ seals sealing }

// Vault closes and opens.
type Vault struct {
	Sealer

	opens opening
}

// Seal encrypts a secret for its place. Errors: Internal.
func (s *Sealer) Seal(_ context.Context, f Field, secret config.Secret) ([]byte, error) {
	sealed, err := s.seals.Encrypt([]byte(secret.Reveal()), f.associatedData())
	if err != nil {
		return nil, apperr.New(apperr.Internal, "vault_seal", "a secret could not be sealed").WithCause(err)
	}
	return sealed, nil
}

// Unseal opens what was sealed for exactly this place. Errors: Internal (code
// vault_mismatch) when it was sealed for another place or under a key that
// this keyset lacks.
func (v *Vault) Unseal(_ context.Context, f Field, sealed []byte) (config.Secret, error) {
	plain, err := v.opens.Decrypt(sealed, f.associatedData())
	if err != nil {
		return "", apperr.New(apperr.Internal, "vault_mismatch", "a stored secret does not open: it was moved, or its key is missing").WithCause(err)
	}
	return config.Secret(plain), nil
}

// Apps opens and closes developer apps' secrets.
func (k *Keysets) Apps() (*Vault, error) {
	primitive, err := aead.New(k.apps)
	if err != nil {
		return nil, unfit(err)
	}
	return &Vault{Sealer: Sealer{seals: primitive}, opens: primitive}, nil
}

// TokenSealer closes OAuth tokens and cannot open one.
func (k *Keysets) TokenSealer() (*Sealer, error) {
	seals, err := hybrid.NewHybridEncrypt(k.tokensPublic)
	if err != nil {
		return nil, unfit(err)
	}
	return &Sealer{seals: seals}, nil
}

// Tokens opens and closes OAuth tokens. Errors: Invalid when these keysets are
// those of the api, which can only seal them.
func (k *Keysets) Tokens() (*Vault, error) {
	if k.tokens == nil {
		return nil, apperr.New(apperr.Invalid, "bad_keyset", "these keysets can seal tokens but not open them").
			WithHint("Give this function the whole of the keysets, not those made for the api.")
	}
	sealer, err := k.TokenSealer()
	if err != nil {
		return nil, err
	}
	opens, err := hybrid.NewHybridDecrypt(k.tokens)
	if err != nil {
		return nil, unfit(err)
	}
	return &Vault{Sealer: *sealer, opens: opens}, nil
}

func unfit(cause error) error {
	return apperr.New(apperr.Invalid, "bad_keyset", "the keyset cannot seal").WithCause(cause)
}
