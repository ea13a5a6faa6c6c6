// Command keyset makes and rotates the vault's two keysets. What it prints is a
// secret: give it straight to where secrets are kept.
//
//	keyset new                      print new keysets
//	keyset ensure FILE              the same into a file for its owner alone, unless it is there
//	keyset rotate < old > new       add a new primary key to each; old ciphertexts still open
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/vault"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "keyset: "+err.Error())
		if e := apperr.As(err); e != nil && e.Hint != "" {
			fmt.Fprintln(os.Stderr, e.Hint)
		}
		os.Exit(1)
	}
}

// maxKeyset bounds what is read; a keyset that was rotated daily for years is smaller.
const maxKeyset = 1 << 20

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 2 && args[0] == "ensure" {
		return ensure(args[1], out)
	}
	if len(args) != 1 {
		return errors.New("usage: keyset new | keyset ensure FILE | keyset rotate")
	}
	var (
		keys *vault.Keysets
		err  error
	)
	switch args[0] {
	case "new":
		keys, err = vault.Generate()
	case "rotate":
		var raw []byte
		if raw, err = io.ReadAll(io.LimitReader(in, maxKeyset)); err != nil {
			return fmt.Errorf("read the keysets: %w", err)
		}
		if keys, err = vault.Parse(config.Secret(strings.TrimSpace(string(raw)))); err != nil {
			return err
		}
		keys, err = keys.Rotate()
	default:
		return fmt.Errorf("unknown command %q: use new, ensure or rotate", args[0])
	}
	if err != nil {
		return err
	}
	secret, err := keys.Marshal()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, secret.Reveal()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// ensure never writes over a keyset: what was sealed under it would be lost.
func ensure(path string, out io.Writer) error {
	if raw, err := os.ReadFile(path); err == nil {
		if _, err := vault.Parse(config.Secret(raw)); err != nil {
			return fmt.Errorf("%s is there and cannot be used: %w", path, err)
		}
		_, err = fmt.Fprintln(out, path+" is there already")
		return err
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the keysets: %w", err)
	}
	keys, err := vault.Generate()
	if err != nil {
		return err
	}
	secret, err := keys.Marshal()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the keysets: %w", err)
	}
	_, err = file.WriteString(secret.Reveal())
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the keysets: %w", err)
	}
	_, err = fmt.Fprintln(out, path+" is made")
	return err
}
