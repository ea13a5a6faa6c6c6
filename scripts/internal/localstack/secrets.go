package localstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"gopkg.in/yaml.v3"

	"rostrum/shared/config"
	"rostrum/shared/host"
	"rostrum/shared/vault"
	"rostrum/shared/vault/awskms"
)

// The template's parameters that hold keysets.
const (
	wholeKeyset = "VaultKeyset"
	apiKeyset   = "ApiVaultKeyset"
)

// Secrets puts each setting that the template says is a secret into Secrets
// Manager, the keysets closed by KMS, and returns the settings of each function
// with references in their place. Where AWS is stands in AWS_ENDPOINT_URL.
// Errors: those of LocalStack; a keyset that cannot be used.
func (a *Account) Secrets(ctx context.Context, template []byte, t *host.Template, settings map[string]map[string]string) (map[string]map[string]string, error) {
	parameters, err := secretParameters(template)
	if err != nil {
		return nil, err
	}
	store := secretsmanager.NewFromConfig(a.cfg)
	put := map[string]string{}
	out := map[string]map[string]string{}
	for _, f := range t.Functions {
		own := maps.Clone(settings[f.Name])
		for variable, parameter := range parameters[f.LogicalID] {
			value := own[variable]
			if value == "" {
				continue
			}
			if put[parameter] == "" {
				name := a.name + "/" + kebab(parameter)
				if value, err = a.closed(ctx, parameter, value); err != nil {
					return nil, err
				}
				if err := a.secret(ctx, store, name, value); err != nil {
					return nil, fmt.Errorf("keep %s in LocalStack's Secrets Manager: %w", name, err)
				}
				put[parameter] = "secret://" + name
			}
			own[variable] = put[parameter]
		}
		own["AWS_ENDPOINT_URL"], own["AWS_REGION"] = a.Endpoint, Region
		out[f.Name] = own
	}
	return out, nil
}

// secretParameters are the parameters marked NoEcho that a function's variables
// refer to, by the function's logical id and the variable.
func secretParameters(template []byte) (map[string]map[string]string, error) {
	//nolint:tagliatelle // as below
	type variables struct {
		Environment struct {
			Variables map[string]yaml.Node `yaml:"Variables"`
		} `yaml:"Environment"`
	}
	//nolint:tagliatelle // the names are CloudFormation's.
	var document struct {
		Parameters map[string]struct {
			NoEcho bool `yaml:"NoEcho"`
		} `yaml:"Parameters"`
		Globals struct {
			Function variables `yaml:"Function"`
		} `yaml:"Globals"`
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(template, &document); err != nil {
		return nil, fmt.Errorf("read the template's parameters: %w", err)
	}
	out := map[string]map[string]string{}
	for id, resource := range document.Resources {
		if resource.Type != "AWS::Serverless::Function" {
			continue
		}
		var own variables
		if err := resource.Properties.Decode(&own); err != nil {
			return nil, fmt.Errorf("read the variables of %s: %w", id, err)
		}
		out[id] = map[string]string{}
		for _, from := range []variables{document.Globals.Function, own} {
			for name, node := range from.Environment.Variables {
				//nolint:tagliatelle // as above
				var to struct {
					Ref string `yaml:"Ref"`
				}
				if node.Kind == yaml.MappingNode && node.Decode(&to) == nil && document.Parameters[to.Ref].NoEcho {
					out[id][name] = to.Ref
				}
			}
		}
	}
	return out, nil
}

// kebab is a parameter's name as Terraform writes it.
func kebab(parameter string) string {
	var b strings.Builder
	for i, r := range parameter {
		if upper := r >= 'A' && r <= 'Z'; upper && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// closed is a secret's value as it is kept: keysets closed by KMS, the api's
// without what opens tokens.
func (a *Account) closed(ctx context.Context, parameter, value string) (string, error) {
	if parameter != wholeKeyset && parameter != apiKeyset {
		return value, nil
	}
	keys, err := vault.Parse(config.Secret(value))
	if err != nil {
		return "", fmt.Errorf("use the stored tokens' keys: %w", err)
	}
	if parameter == apiKeyset {
		keys = keys.ForAPI()
	}
	service := kms.NewFromConfig(a.cfg)
	var ids [2]string
	for i, use := range []string{"apps", "tokens"} {
		if ids[i], err = key(ctx, service, "alias/rostrum-local-"+use); err != nil {
			return "", fmt.Errorf("make the key for %s in LocalStack's KMS: %w", use, err)
		}
	}
	text, err := keys.Close(ctx, awskms.Service(func(context.Context) (aws.Config, error) { return a.cfg, nil }), ids[0], ids[1])
	if err != nil {
		return "", fmt.Errorf("close the stored tokens' keys with LocalStack's KMS: %w", err)
	}
	return text.Reveal(), nil
}

// key returns the ARN of the key with that alias, and makes both if need be.
func key(ctx context.Context, service *kms.Client, alias string) (string, error) {
	found, err := service.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(alias)})
	if err == nil {
		return aws.ToString(found.KeyMetadata.Arn), nil
	}
	if _, missing := errors.AsType[*kmstypes.NotFoundException](err); !missing {
		return "", err
	}
	made, err := service.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String(alias)})
	if err != nil {
		return "", err
	}
	if _, err := service.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String(alias), TargetKeyId: made.KeyMetadata.KeyId}); err != nil {
		return "", err
	}
	return aws.ToString(made.KeyMetadata.Arn), nil
}

func (a *Account) secret(ctx context.Context, store *secretsmanager.Client, name, value string) error {
	_, err := store.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String(value)})
	if _, exists := errors.AsType[*smtypes.ResourceExistsException](err); exists {
		_, err = store.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(name), SecretString: aws.String(value)})
	}
	if err != nil {
		return err
	}
	a.onRemove(func(ctx context.Context) error {
		_, err := store.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String(name), ForceDeleteWithoutRecovery: aws.Bool(true)})
		return err
	})
	return nil
}
