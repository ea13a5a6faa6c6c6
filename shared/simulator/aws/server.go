// Package aws is a simulated corner of AWS: the secrets, parameters and keys
// that a program reads when it starts. It speaks the JSON 1.1 protocol of
// Secrets Manager, Systems Manager and KMS, as far as those calls go, and keeps
// everything in memory. It checks no signature and no right; [Server.Refuse]
// makes it refuse.
package aws

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const maxRequest = 1 << 20

// Server is the simulated corner, an http.Handler.
type Server struct {
	mu      sync.Mutex
	secrets map[string]*string
	params  map[string]string
	keys    map[string][]byte
	refused map[string]fault
	calls   []string
}

// fault is an answer of AWS that is an error.
type fault struct {
	code, message string
	status        int
}

// New returns an empty one.
func New() *Server {
	return &Server{secrets: map[string]*string{}, params: map[string]string{}, keys: map[string][]byte{}, refused: map[string]fault{}}
}

// Refuse makes every later call of the action ("GetSecretValue") end with the
// error code and status.
func (s *Server) Refuse(action, code string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[action] = fault{code: code, message: "refused by the simulation", status: status}
}

// Calls lists the actions that were called, in order.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// request holds the fields of every action; each reads its own.
//
//nolint:tagliatelle // AWS spells them so.
type request struct {
	Name              string
	SecretID          string `json:"SecretId"`
	SecretString      *string
	Value             string
	KeyID             string `json:"KeyId"`
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in request
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil || json.Unmarshal(raw, &in) != nil {
		answer(w, http.StatusBadRequest, map[string]any{"__type": "SerializationException"})
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, action)
	out, f := s.act(action, in)
	s.mu.Unlock()
	if f != nil {
		answer(w, f.status, map[string]any{"__type": f.code, "message": f.message})
		return
	}
	answer(w, http.StatusOK, out)
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	raw, err := json.Marshal(body)
	if err != nil {
		return
	}
	_, _ = w.Write(raw)
}

func (s *Server) act(action string, in request) (map[string]any, *fault) {
	if f, ok := s.refused[action]; ok {
		return nil, &f
	}
	switch action {
	case "CreateSecret":
		s.secrets[in.Name] = in.SecretString
		return map[string]any{"Name": in.Name}, nil
	case "GetSecretValue":
		return s.secret(in.SecretID)
	case "PutParameter":
		s.params[in.Name] = in.Value
		return map[string]any{"Version": 1}, nil
	case "GetParameter":
		value, ok := s.params[in.Name]
		if !ok {
			return nil, &fault{code: "ParameterNotFound", status: http.StatusBadRequest}
		}
		return map[string]any{"Parameter": map[string]any{"Name": in.Name, "Value": value, "Version": 1}}, nil
	case "CreateKey":
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		id := strings.ToLower(rand.Text())
		s.keys[id] = key
		return map[string]any{"KeyMetadata": map[string]any{"KeyId": id, "Arn": arn(id)}}, nil
	case "Encrypt":
		return s.encrypt(in)
	case "Decrypt":
		return s.decrypt(in)
	}
	return nil, &fault{code: "UnknownOperationException", status: http.StatusBadRequest}
}

func (s *Server) secret(name string) (map[string]any, *fault) {
	value, ok := s.secrets[name]
	switch {
	case !ok:
		return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret.", http.StatusBadRequest}
	case value == nil:
		return nil, &fault{"ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT", http.StatusBadRequest}
	}
	return map[string]any{"Name": name, "SecretString": *value}, nil
}

const arnPrefix = "arn:aws:kms:eu-central-1:000000000000:key/"

func arn(id string) string { return arnPrefix + id }

// seal is the cipher of a key, and the additional data of a context.
func (s *Server) seal(in request) (cipher.AEAD, []byte, *fault) {
	key, ok := s.keys[strings.TrimPrefix(in.KeyID, arnPrefix)]
	if !ok {
		return nil, nil, &fault{code: "NotFoundException", status: http.StatusBadRequest}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, &fault{code: "KMSInternalException", status: http.StatusInternalServerError}
	}
	sealed, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, nil, &fault{code: "KMSInternalException", status: http.StatusInternalServerError}
	}
	var extra []byte
	for _, name := range slices.Sorted(maps.Keys(in.EncryptionContext)) {
		extra = append(extra, name+"\x00"+in.EncryptionContext[name]+"\x00"...)
	}
	return sealed, extra, nil
}

// encrypt takes 4,096 bytes at most, as KMS does (docs.aws.amazon.com, KMS
// Encrypt, read 2026-11).
func (s *Server) encrypt(in request) (map[string]any, *fault) {
	if len(in.Plaintext) == 0 || len(in.Plaintext) > 4096 {
		return nil, &fault{code: "ValidationException", message: "plaintext", status: http.StatusBadRequest}
	}
	sealed, extra, f := s.seal(in)
	if f != nil {
		return nil, f
	}
	blob := sealed.Seal(nil, nil, in.Plaintext, extra) //nolint:gosec // it makes its nonce itself.
	return map[string]any{"CiphertextBlob": base64.StdEncoding.EncodeToString(blob), "KeyId": in.KeyID}, nil
}

func (s *Server) decrypt(in request) (map[string]any, *fault) {
	sealed, extra, f := s.seal(in)
	if f != nil {
		return nil, f
	}
	plain, err := sealed.Open(nil, nil, in.CiphertextBlob, extra)
	if err != nil {
		return nil, &fault{code: "InvalidCiphertextException", status: http.StatusBadRequest}
	}
	return map[string]any{"Plaintext": base64.StdEncoding.EncodeToString(plain), "KeyId": in.KeyID}, nil
}
