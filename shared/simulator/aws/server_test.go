package aws_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"rostrum/shared/simulator/aws"
)

func call(t *testing.T, s *aws.Server, action, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "Service."+action)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(raw, &out))
	return w.Code, out
}

func TestWhatAKeyClosedOpensInItsContextOnly(t *testing.T) {
	t.Parallel()
	s := aws.New()
	_, made := call(t, s, "CreateKey", `{}`)
	meta, _ := made["KeyMetadata"].(map[string]any)
	id, _ := meta["Arn"].(string)
	plain := base64.StdEncoding.EncodeToString([]byte("hello"))
	status, sealed := call(t, s, "Encrypt", `{"KeyId":"`+id+`","Plaintext":"`+plain+`","EncryptionContext":{"for":"apps"}}`)
	require.Equal(t, http.StatusOK, status)
	blob, _ := sealed["CiphertextBlob"].(string)
	status, opened := call(t, s, "Decrypt", `{"KeyId":"`+id+`","CiphertextBlob":"`+blob+`","EncryptionContext":{"for":"apps"}}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, plain, opened["Plaintext"])
	status, refused := call(t, s, "Decrypt", `{"KeyId":"`+id+`","CiphertextBlob":"`+blob+`","EncryptionContext":{"for":"tokens"}}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "InvalidCiphertextException", refused["__type"])
	status, _ = call(t, s, "Encrypt", `{"KeyId":"`+id+`","Plaintext":"`+base64.StdEncoding.EncodeToString(make([]byte, 4097))+`"}`)
	require.Equal(t, http.StatusBadRequest, status)
}

func TestWhatItDoesNotKnowItRefuses(t *testing.T) {
	t.Parallel()
	s := aws.New()
	for action, code := range map[string]string{
		"GetSecretValue": "ResourceNotFoundException", "GetParameter": "ParameterNotFound", "Decrypt": "NotFoundException", "Dance": "UnknownOperationException",
	} {
		status, out := call(t, s, action, `{}`)
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, code, out["__type"])
	}
	status, _ := call(t, s, "GetSecretValue", `{`)
	require.Equal(t, http.StatusBadRequest, status)
}
