package bootstrap

import (
	"bytes"
	"context"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	wanted "rostrum/scripts/internal/payload"
	"rostrum/shared/host"
	"rostrum/shared/queue/sqsqueue"
	"rostrum/shared/simulator/openai"
	"rostrum/shared/simulator/sqs"
	"rostrum/shared/simulator/x"
	"rostrum/shared/store/storetest"
	"rostrum/shared/vault"
)

const root = "../.."

// world is what the functions of one test reach.
type world struct {
	template *host.Template
	queues   map[string]string
	settings map[string]string
}

func setup(t *testing.T) *world {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	require.NoError(t, err)
	template, err := host.Load(raw, nil)
	require.NoError(t, err)

	queues := sqs.New(time.Now)
	queueServer := httptest.NewServer(queues)
	t.Cleanup(queueServer.Close)
	t.Cleanup(queues.Close)
	network, err := x.New(x.Config{Now: time.Now})
	require.NoError(t, err)
	networkServer := httptest.NewServer(network)
	t.Cleanup(networkServer.Close)
	model, err := openai.New(openai.Config{Now: time.Now})
	require.NoError(t, err)
	modelServer := httptest.NewServer(model)
	t.Cleanup(modelServer.Close)

	client, err := sqsqueue.Connect(t.Context(), queueServer.URL)
	require.NoError(t, err)
	urls, err := host.EnsureQueues(t.Context(), client, template)
	require.NoError(t, err)
	keys, err := vault.Generate()
	require.NoError(t, err)
	keyset, err := keys.Marshal()
	require.NoError(t, err)
	return &world{template: template, queues: urls, settings: map[string]string{
		"DATABASE_URL": storetest.Database(t), "AWS_ENDPOINT_URL_SQS": queueServer.URL, "VAULT_KEYSET": keyset.Reveal(),
		"X_BASE_URL": networkServer.URL, "OPENAI_BASE_URL": modelServer.URL + "/v1", "OPENAI_API_KEY": "simulated",
	}}
}

// build compiles the program that ships, for this machine.
func build(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-tags", "lambda.norpc,grpcnotrace", "-trimpath", "-ldflags", "-s -w",
		"-o", program, "./functions/"+name+"/lambda")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// start runs the program beside a Runtime API and returns the API and what
// tells the program's end.
func (w *world) start(t *testing.T, f host.Function, program string) (*runtimeAPI, <-chan struct{}, *bytes.Buffer) {
	t.Helper()
	api := newRuntimeAPI(f.Timeout)
	server := httptest.NewServer(api.handler())
	t.Cleanup(server.Close)
	environment := w.template.Environment(f, w.queues)
	maps.Copy(environment, w.settings)
	maps.Copy(environment, map[string]string{
		"AWS_LAMBDA_RUNTIME_API": strings.TrimPrefix(server.URL, "http://"), "_HANDLER": "bootstrap",
		"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_REGION": "eu-central-1",
	})
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program)
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	begun := time.Now()
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		// Lambda asks, and kills half a second later.
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(500 * time.Millisecond):
			_ = cmd.Process.Kill()
			<-ended
		}
		server.CloseClientConnections()
	})
	select {
	case <-api.asked:
		t.Logf("%s asked for its first payload after %s", f.Name, time.Since(begun).Round(time.Millisecond))
	case <-ended:
		t.Fatalf("%s ended before its first payload: %s", f.Name, said)
	}
	return api, ended, said
}

func TestEachProgramThatShipsTakesEveryPayload(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, f := range w.template.Functions {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			payloads, err := filepath.Glob(filepath.Join(root, "events", f.Name, "*.json"))
			require.NoError(t, err)
			require.NotEmpty(t, payloads)
			program := build(t, f.Name)
			info, err := os.Stat(program)
			require.NoError(t, err)
			t.Logf("%s is %.1f MB", f.Name, float64(info.Size())/1e6)
			api, ended, said := w.start(t, f, program)
			for _, path := range payloads {
				payload, err := os.ReadFile(path)
				require.NoError(t, err)
				got, err := api.invoke(t.Context(), ended, payload)
				require.NoError(t, err, "%s: %s", path, said)
				_, err = wanted.Judge(f.HTTP, payload, wanted.Answer{Failed: got.failed, Body: got.body})
				require.NoError(t, err, path)
			}
		})
	}
}
