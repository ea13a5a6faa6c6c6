package sam

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"rostrum/shared/host"
)

const built = `
Globals: {Function: {Environment: {Variables: {QUEUE_URL_PUBLISH: {Ref: PublishQueue}}}}}
Resources:
  PublishFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: PublishFunction
      Timeout: 30
      Architectures: [arm64]
      Environment: {Variables: {X_BASE_URL: {Ref: XBaseUrl}}}
  PublishQueue: {Type: AWS::SQS::Queue}
`

func publish() *host.Template {
	return &host.Template{Functions: []host.Function{{LogicalID: "PublishFunction", Name: "publish"}}}
}

func TestBuiltTemplateIsFilledWithEverySetting(t *testing.T) {
	t.Parallel()
	settings := map[string]map[string]string{"publish": {"X_BASE_URL": "http://172.17.0.1:1", "DEMO": "true", "VAULT_KEYSET": `{"a": "b: #c"}`}}
	out, err := fill([]byte(built), "/repo/.build", "x86_64", publish(), settings)
	require.NoError(t, err)
	//nolint:tagliatelle // the names are CloudFormation's.
	var got struct {
		Resources map[string]struct {
			Properties struct {
				CodeURI       string   `yaml:"CodeUri"`
				Timeout       int      `yaml:"Timeout"`
				Architectures []string `yaml:"Architectures"`
				Environment   struct {
					Variables map[string]string `yaml:"Variables"`
				} `yaml:"Environment"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	require.NoError(t, yaml.Unmarshal(out, &got))
	p := got.Resources["PublishFunction"].Properties
	require.Equal(t, filepath.Join("/repo/.build", "PublishFunction"), p.CodeURI)
	require.Equal(t, 30, p.Timeout)
	require.Equal(t, []string{"x86_64"}, p.Architectures)
	require.Equal(t, settings["publish"], p.Environment.Variables)
}

func TestBuiltTemplateThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"no YAML": "a: [", "no resources": "Globals: {}", "older": "Resources: {Other: {}}", "no properties": "Resources: {PublishFunction: {Type: x}}",
	} {
		_, err := fill([]byte(raw), "/repo", "x86_64", publish(), nil)
		require.Error(t, err, name)
	}
}

func TestErrorsAreToldFromAnswers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		`{"errorMessage":"m","errorType":"t"}`: true, `null`: false, `{"batchItemFailures": []}`: false, `{"statusCode": 200, "body": "errorMessage"}`: false, ``: false,
	} {
		require.Equal(t, want, failed([]byte(answer)), answer)
	}
}

func TestHostAddressIsTheOneThatIsSet(t *testing.T) {
	t.Parallel()
	address, err := HostAddress("192.0.2.1")
	require.NoError(t, err)
	require.Equal(t, "192.0.2.1", address)
}

func TestAMistypedFunctionOrPayloadIsToldWhatThereIs(t *testing.T) {
	t.Chdir("../../..")
	require.NoError(t, CheckPayload("publish", "publish/one-due.json"))
	require.ErrorContains(t, CheckPayload("publsh", "publish/one-due.json"), `no function "publsh": FN is one of api, generate, metrics, publish, review`)
	require.ErrorContains(t, CheckPayload("publish", "publish"), "EVENT is one of publish/one-due.json, publish/one-malformed-of-three.json,")
}

func TestOnlyTheServersOfThisFolderAreThoseAnEarlierRunLeft(t *testing.T) {
	t.Parallel()
	list := `    1 /sbin/init
  217 /usr/bin/python3 /usr/bin/sam local start-lambda -t /repo/.build/sam/local-1.yaml --port 44905
 2185 /usr/bin/python3 /usr/bin/sam local start-api -t /repo/.build/sam/local-1.yaml --port 18080
  218 /usr/bin/python3 /usr/bin/sam local start-api -t /other/.build/sam/local-1.yaml --port 18081
  219 vim /repo/.build/sam/local-1.yaml
`
	require.Equal(t, []int{217, 2185}, serversIn(list, "/repo/.build/sam"))
}
