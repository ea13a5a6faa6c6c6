// Command keyset makes and rotates the vault's two keysets. What it prints is a
// secret: give it straight to where secrets are kept.
//
//	keyset new                      print new keysets
//	keyset ensure FILE              the same into a file for its owner alone, unless it is there
//	keyset rotate < old > new       add a new primary key to each; old ciphertexts still open
//	keyset api < whole              print the part for the api, which opens no token
//	keyset close APPS TOKENS < clear    close them by two keys of AWS KMS, by id, ARN or alias
//	keyset open < closed                the other way round
//
// The last two take AWS's region and credentials from the environment.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/vault"
	"rostrum/shared/vault/awskms"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "keyset: "+err.Error())
		if e := apperr.As(err); e != nil && e.Hint != "" {
			fmt.Fprintln(os.Stderr, e.Hint)
		}
		os.Exit(1)
	}
}

// maxKeyset bounds what is read; a keyset that was rotated daily for years is smaller.
const maxKeyset = 1 << 20

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 2 && args[0] == "ensure" {
		return ensure(args[1], out)
	}
	secret, err := produce(ctx, args, in)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, secret.Reveal()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// produce makes the text of the keysets that the command asks for.
func produce(ctx context.Context, args []string, in io.Reader) (config.Secret, error) {
	switch strings.Join(args[:min(len(args), 1)], "") + " " + strconv.Itoa(len(args)) {
	case "new 1":
		return marshal(vault.Generate())
	case "open 1":
		text, err := readText(in)
		if err != nil {
			return "", err
		}
		return marshal(awskms.Open(ctx, text))
	case "rotate 1", "api 1", "close 3":
		keys, err := read(in)
		if err != nil {
			return "", err
		}
		switch args[0] {
		case "rotate":
			return marshal(keys.Rotate())
		case "api":
			return keys.ForAPI().Marshal()
		}
		return keys.Close(ctx, awskms.Service(awskms.Connect), args[1], args[2])
	case " 0":
		return "", errors.New("usage: keyset " + usage)
	}
	return "", fmt.Errorf("unknown command %q: use %s", strings.Join(args, " "), usage)
}

const usage = "new | ensure FILE | rotate | api | close APPS TOKENS | open"

func marshal(keys *vault.Keysets, err error) (config.Secret, error) {
	if err != nil {
		return "", err
	}
	return keys.Marshal()
}

func read(in io.Reader) (*vault.Keysets, error) {
	text, err := readText(in)
	if err != nil {
		return nil, err
	}
	return vault.Parse(text)
}

func readText(in io.Reader) (config.Secret, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxKeyset))
	if err != nil {
		return "", fmt.Errorf("read the keysets: %w", err)
	}
	return config.Secret(strings.TrimSpace(string(raw))), nil
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
