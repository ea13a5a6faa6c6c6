package vault_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/account"
	"rostrum/shared/apperr"
	"rostrum/shared/config"
	"rostrum/shared/vault"
)

const canary = config.Secret("canary-token-3f1c")

func keysets(t *testing.T) *vault.Keysets {
	t.Helper()
	k, err := vault.Generate()
	require.NoError(t, err)
	return k
}

func tokens(t *testing.T, k *vault.Keysets) *vault.Vault {
	t.Helper()
	v, err := k.Tokens()
	require.NoError(t, err)
	return v
}

func aField() vault.Field {
	return vault.Field{WorkspaceID: uuid.New(), AccountID: account.ID(uuid.New()), Name: "access", Version: 3}
}

func TestOpensOnlyAtThePlaceItWasSealedFor(t *testing.T) {
	t.Parallel()
	v, f := tokens(t, keysets(t)), aField()
	sealed, err := v.Seal(t.Context(), f, canary)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), canary.Reveal())

	got, err := v.Unseal(t.Context(), f, sealed)
	require.NoError(t, err)
	require.Equal(t, canary, got)

	elsewhere := map[string]func(*vault.Field){
		"OtherWorkspace": func(f *vault.Field) { f.WorkspaceID = uuid.New() },
		"OtherAccount":   func(f *vault.Field) { f.AccountID = account.ID(uuid.New()) },
		"OtherField":     func(f *vault.Field) { f.Name = "refresh" },
		"OtherVersion":   func(f *vault.Field) { f.Version++ },
	}
	for name, move := range elsewhere {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := f
			move(&g)
			_, err := v.Unseal(t.Context(), g, sealed)
			require.Equal(t, "vault_mismatch", apperr.As(err).Code)
			require.NotContains(t, err.Error(), canary.Reveal())
		})
	}
}

func TestTheTwoKeysetsDoNotOpenEachOther(t *testing.T) {
	t.Parallel()
	k, f := keysets(t), aField()
	apps, err := k.Apps()
	require.NoError(t, err)
	sealed, err := apps.Seal(t.Context(), f, canary)
	require.NoError(t, err)
	_, err = tokens(t, k).Unseal(t.Context(), f, sealed)
	require.Error(t, err)
}

func TestASealerSealsWhatTheVaultOpens(t *testing.T) {
	t.Parallel()
	k, f := keysets(t), aField()
	sealer, err := k.TokenSealer()
	require.NoError(t, err)
	sealed, err := sealer.Seal(t.Context(), f, canary)
	require.NoError(t, err)
	got, err := tokens(t, k).Unseal(t.Context(), f, sealed)
	require.NoError(t, err)
	require.Equal(t, canary, got)
}

func TestRotationKeepsOldCiphertextsReadable(t *testing.T) {
	t.Parallel()
	old, f := keysets(t), aField()
	sealed, err := tokens(t, old).Seal(t.Context(), f, canary)
	require.NoError(t, err)
	rotated, err := old.Rotate()
	require.NoError(t, err)
	got, err := tokens(t, rotated).Unseal(t.Context(), f, sealed)
	require.NoError(t, err)
	require.Equal(t, canary, got)

	anew, err := tokens(t, rotated).Seal(t.Context(), f, canary)
	require.NoError(t, err)
	_, err = tokens(t, old).Unseal(t.Context(), f, anew)
	require.Error(t, err, "the old keyset must not open what the new primary sealed")
}

func TestKeysetsSurviveBeingWrittenAndDoNotPrint(t *testing.T) {
	t.Parallel()
	k, f := keysets(t), aField()
	sealed, err := tokens(t, k).Seal(t.Context(), f, canary)
	require.NoError(t, err)
	text, err := k.Marshal()
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprintf("%v %+v %s", text, text, text), "primaryKeyId")
	again, err := vault.Parse(text)
	require.NoError(t, err)
	got, err := tokens(t, again).Unseal(t.Context(), f, sealed)
	require.NoError(t, err)
	require.Equal(t, canary, got)
}

func TestTheAPIsPartSealsTokensAndOpensNone(t *testing.T) {
	t.Parallel()
	k, f := keysets(t), aField()
	text, err := k.ForAPI().Marshal()
	require.NoError(t, err)
	all, err := k.Marshal()
	require.NoError(t, err)
	require.Contains(t, all.Reveal(), "HpkePrivateKey")
	require.NotContains(t, text.Reveal(), "HpkePrivateKey")

	part, err := vault.Parse(text)
	require.NoError(t, err)
	_, err = part.Tokens()
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))
	_, err = part.Rotate()
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))

	sealer, err := part.TokenSealer()
	require.NoError(t, err)
	sealed, err := sealer.Seal(t.Context(), f, canary)
	require.NoError(t, err)
	got, err := tokens(t, k).Unseal(t.Context(), f, sealed)
	require.NoError(t, err)
	require.Equal(t, canary, got)

	apps, err := part.Apps()
	require.NoError(t, err)
	sealed, err = apps.Seal(t.Context(), f, canary)
	require.NoError(t, err)
	whole, err := k.Apps()
	require.NoError(t, err)
	got, err = whole.Unseal(t.Context(), f, sealed)
	require.NoError(t, err)
	require.Equal(t, canary, got)
}

func TestAKeysetThatIsNoneIsRefusedWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	good, err := keysets(t).Marshal()
	require.NoError(t, err)
	for name, bad := range map[string]config.Secret{
		"empty": "", "half": "{", "nothing": "{}", "an earlier version": `{"apps":{"a":1},"tokens":"canary-token-3f1c"}`,
		"a later version": config.Secret(strings.Replace(good.Reveal(), `"version":2`, `"version":3`, 1)),
		"no apps":         config.Secret(strings.Replace(good.Reveal(), `"apps"`, `"canary-token-3f1c"`, 1)),
		"no public half":  config.Secret(strings.Replace(good.Reveal(), `"tokens_public"`, `"x"`, 1)),
		"closed":          config.Secret(strings.Replace(good.Reveal(), `"apps":{`, `"apps":{"closed":"YQ==",`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := vault.Parse(bad)
			require.Equal(t, apperr.Invalid, apperr.KindOf(err))
			require.Equal(t, "bad_keyset", apperr.As(err).Code)
			require.NotContains(t, err.Error(), canary.Reveal())
		})
	}
}
