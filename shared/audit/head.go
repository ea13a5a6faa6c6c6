package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"rostrum/shared/apperr"
)

// Head says how far the chain reached at a time. Signed, and kept where the
// database's owner cannot reach, it is what a chain that was made anew differs from.
type Head struct {
	Position int64
	Sequence int64
	Digest   Digest
	At       time.Time
}

// Key signs heads; its public half checks them. It is Ed25519.
type Key struct{ private ed25519.PrivateKey }

// The two forms of a key as text.
const (
	privatePrefix = "rostrum-audit-key:"
	publicPrefix  = "rostrum-audit-public:"
)

// NewKey makes a key from 32 random bytes.
func NewKey(random io.Reader) (Key, error) {
	_, private, err := ed25519.GenerateKey(random)
	if err != nil {
		return Key{}, fmt.Errorf("make audit key: %w", err)
	}
	return Key{private: private}, nil
}

// Marshal writes the key as one line of text. It is a secret.
func (k Key) Marshal() string {
	return privatePrefix + base64.RawURLEncoding.EncodeToString(k.private.Seed())
}

// Public is the half that only checks.
func (k Key) Public() PublicKey {
	public, _ := k.private.Public().(ed25519.PublicKey)
	return PublicKey{public: public}
}

// ParseKey reads what Marshal wrote. Errors: Invalid (code bad_audit_key),
// which does not quote it.
func ParseKey(s string) (Key, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(s), privatePrefix)
	seed, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(seed) != ed25519.SeedSize {
		return Key{}, apperr.New(apperr.Invalid, "bad_audit_key", "this is not a key that signs the audit log's heads").
			WithHint("Make one with `go run ./scripts/audit key`.")
	}
	return Key{private: ed25519.NewKeyFromSeed(seed)}, nil
}

// PublicKey checks heads.
type PublicKey struct{ public ed25519.PublicKey }

// String writes the key as one line of text.
func (p PublicKey) String() string {
	return publicPrefix + base64.RawURLEncoding.EncodeToString(p.public)
}

// ParsePublicKey reads what String wrote. Errors: Invalid (code bad_audit_key).
func ParsePublicKey(s string) (PublicKey, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(s), publicPrefix)
	public, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(public) != ed25519.PublicKeySize {
		return PublicKey{}, apperr.New(apperr.Invalid, "bad_audit_key", "this is not a public key of the audit log").
			WithHint("`go run ./scripts/audit public` prints the one that belongs to AUDIT_KEY.")
	}
	return PublicKey{public: public}, nil
}

// wireHead is a head as it stands in a file or a log, one line of JSON.
type wireHead struct {
	Position  int64     `json:"audit_position"`
	Sequence  int64     `json:"sequence"`
	Digest    string    `json:"digest"`
	At        time.Time `json:"at"`
	Signature []byte    `json:"signature"`
}

// statement is what is signed.
func (h Head) statement() []byte {
	return fmt.Appendf(nil, "rostrum audit head 1\n%d\n%d\n%x\n%d\n", h.Position, h.Sequence, h.Digest[:], h.At.UnixMicro())
}

// Sign writes the head with its signature as one line of JSON, without the newline.
func (k Key) Sign(h Head) (string, error) {
	h.At = h.At.UTC().Truncate(time.Microsecond)
	line, err := json.Marshal(wireHead{
		Position: h.Position, Sequence: h.Sequence, Digest: hex.EncodeToString(h.Digest[:]), At: h.At,
		Signature: ed25519.Sign(k.private, h.statement()),
	})
	if err != nil {
		return "", fmt.Errorf("write audit head: %w", err)
	}
	return string(line), nil
}

// ErrNoHead says that a line holds no head at all.
var ErrNoHead = errors.New("the line holds no head")

// ReadHead reads a line that Sign wrote, by itself or as the field audit_head of
// a log line. Errors: ErrNoHead when it holds none; Invalid (code bad_head) when
// none of the keys signed what it says.
func ReadHead(line string, keys []PublicKey) (Head, error) {
	var w wireHead
	var logged struct {
		Head string `json:"audit_head"`
	}
	if err := json.Unmarshal([]byte(line), &logged); err == nil && logged.Head != "" {
		line = logged.Head
	}
	if err := json.Unmarshal([]byte(line), &w); err != nil || w.Position == 0 {
		return Head{}, ErrNoHead
	}
	h := Head{Position: w.Position, Sequence: w.Sequence, At: w.At.UTC()}
	digest, err := hex.DecodeString(w.Digest)
	if err != nil || copy(h.Digest[:], digest) != len(h.Digest) {
		return h, badHead(h)
	}
	for _, k := range keys {
		if ed25519.Verify(k.public, h.statement(), w.Signature) {
			return h, nil
		}
	}
	return h, badHead(h)
}

func badHead(h Head) error {
	return apperr.New(apperr.Invalid, "bad_head", "the head of position %d, said to be of %s, is not signed by any of the keys given", h.Position, h.At.Format(time.RFC3339))
}
