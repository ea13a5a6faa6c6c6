package stack

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rostrum/shared/audit"
)

// auditChain names the key that signs the audit log's heads, made at the first
// start, and the file that keeps them. Both are in the data folder, beside the
// database and not in it.
func (s *Stack) auditChain(environment map[string]string) error {
	environment["AUDIT_HEADS_FILE"] = s.settings.AuditHeads
	if s.settings.AuditHeads == "" {
		environment["AUDIT_HEADS_FILE"] = filepath.Join(s.DataDir, "audit-heads.jsonl")
	}
	environment["AUDIT_KEY"] = s.settings.AuditKey.Reveal()
	if s.settings.AuditKey != "" {
		return nil
	}
	path := filepath.Join(s.DataDir, "audit-key")
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		key, err := audit.NewKey(rand.Reader)
		if err != nil {
			return err
		}
		environment["AUDIT_KEY"] = key.Marshal()
		if err := writeDurably(path, []byte(key.Marshal()+"\n")); err != nil {
			return fmt.Errorf("the data folder %s cannot be written: %w", s.settings.DataDir, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("the key file %s cannot be read: %w", path, err)
	}
	if _, err := audit.ParseKey(string(raw)); err != nil {
		return fmt.Errorf("the key file %s cannot be used: restore it, or delete it to sign with another from now on: %w", path, err)
	}
	environment["AUDIT_KEY"] = string(raw)
	return nil
}
